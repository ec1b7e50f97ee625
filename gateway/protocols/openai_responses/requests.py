"""Requests of Responses, read and written, with what becomes of every field either way."""

import hashlib
import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from gateway.canonical import (
    JSON,
    Effort,
    OutputFormat,
    Request,
    ServerTool,
    Text,
    Thinking,
    Tool,
)
from gateway.errors import BadRequest
from gateway.protocols.choices import check_choice
from gateway.protocols.codec import Call
from gateway.protocols.extensions import lose_foreign
from gateway.protocols.ids import CALL_IDS, TOOL_NAMES, CallIds
from gateway.protocols.openai_responses import wire
from gateway.protocols.openai_responses.items import (
    Conversation,
    ItemWriter,
    instructions_above,
    read_input,
    refuse_orphans,
    write_layout,
)
from gateway.protocols.openai_responses.native import REPEATS
from gateway.protocols.openai_responses.tools import (
    Tools,
    ToolWriter,
    is_plain,
    join_tools,
    new_names,
    read_choice,
    read_schema,
    read_tools,
)
from gateway.protocols.reading import Tokens, read_fields, read_model
from gateway.protocols.schemas import strict_problem
from gateway.protocols.translation import Encoded, Fate, ModelFacts, Target

PATH = "responses"
FEWEST_TOKENS = 16
LONGEST_USER = 64
STATE = ("previous_response_id", "conversation", "prompt")

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
BUDGETS: tuple[tuple[int, Effort], ...] = ((1, "none"), (1500, "minimal"), (5000, "low"), (16000, "medium"))
"""Budgets below the number amount to the effort."""

TIERS = {"standard": "default", "standard_only": "default"}
KNOWN_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")

UNSAID: Mapping[str, str] = {
    "stop": "OpenAI Responses has no stop sequences.",
    "top_k": "OpenAI Responses has no top_k.",
    "presence_penalty": "OpenAI Responses has no penalties.",
    "frequency_penalty": "OpenAI Responses has no penalties.",
    "seed": "OpenAI Responses has no seed.",
    "logit_bias": "OpenAI Responses has no logit bias.",
}
"""Canonical fields that there is no way to say."""

_FORMAT_NAME = re.compile(r"[^A-Za-z0-9_-]")


class Body(Struct, gc=False):
    """The members whose type is checked; the rest is carried as it came."""

    model: str | None = None
    input: object = None
    instructions: str | None = None
    stream: bool | None = None
    tools: object = None
    tool_choice: object = None
    parallel_tool_calls: bool | None = None
    text: JSON | None = None
    max_output_tokens: Tokens | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: Tokens | None = None
    reasoning: JSON | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: JSON | None = None
    prompt_cache_key: str | None = None
    store: bool | None = None


class Whole(Body, gc=False):
    """With those that are carried as they came, but not in any type."""

    include: list[str] | None = None
    previous_response_id: str | None = None
    conversation: str | JSON | None = None
    prompt: JSON | None = None
    background: bool | None = None
    max_tool_calls: Tokens | None = None
    truncation: str | None = None
    context_management: list[JSON] | None = None
    stream_options: JSON | None = None
    moderation: JSON | None = None
    prompt_cache_options: JSON | None = None
    prompt_cache_retention: str | None = None


_WHOLE = msgspec.json.Decoder(Whole)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


# reading


def decode_request(call: Call) -> Request:
    body = read_fields(call.body, _WHOLE, REPEATS)
    if body.previous_response_id and body.conversation:
        raise _invalid("previous_response_id", "cannot be given together with 'conversation'")
    conversation = _read_conversation(body)
    tools = join_tools([Tools() if body.tools is None else read_tools(body.tools), *conversation.tools])
    choice = None if body.tool_choice is None else read_choice(body.tool_choice)
    if is_plain(body.tool_choice) and not body.prompt:
        check_choice(choice, tools.tools, "tool_choice")
    output, verbosity = _read_text(body.text or {})
    return Request(
        model=read_model(body.model),
        turns=tuple(conversation.turns),
        instructions=(*([Text(body.instructions)] if body.instructions else []), *conversation.instructions),
        stream=body.stream is True,
        tools=tools.tools,
        tool_choice=choice,
        parallel_calls=body.parallel_tool_calls,
        output=output,
        max_output=body.max_output_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        logprobs=_read_logprobs(body),
        thinking=_read_thinking(body.reasoning or {}),
        verbosity=verbosity,
        tier=body.service_tier or "",
        user=body.safety_identifier or body.user or "",
        metadata=body.metadata,
        cache_key=body.prompt_cache_key or "",
        store=body.store,
        extensions={wire.NAME: _read_extension(call.body, body, conversation, tools)},
    )


def _read_conversation(body: Whole) -> Conversation:
    remembered = any(getattr(body, name) for name in STATE)
    if not body.input and not remembered:
        raise wire.missing("input") if body.input is None else _invalid("input", "is empty")
    conversation = read_input(body.input or [])
    if isinstance(body.input, list) and not remembered:
        refuse_orphans(body.input)
    return conversation


def _read_text(text: JSON) -> tuple[OutputFormat | None, str]:
    verbosity, form = wire.read_optional(text, "verbosity", "text"), text.get("format")
    if form is None:
        return None, verbosity
    form = wire.read_object(form, "text.format")
    match wire.read_text(form, "type", "text.format"):
        case "text":
            return None, verbosity
        case "json_object":
            return OutputFormat("json"), verbosity
        case "json_schema":
            return _read_schema(form), verbosity
    raise _invalid("text.format.type", "is no format of text")


def _read_schema(form: JSON) -> OutputFormat:
    strict = form.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise wire.wrong("text.format.strict", "true or false")
    return OutputFormat(
        "schema",
        name=wire.read_text(form, "name", "text.format"),
        description=wire.read_optional(form, "description", "text.format"),
        schema=read_schema(form.get("schema"), "text.format.schema"),
        strict=strict,
    )


def _read_thinking(reasoning: JSON) -> Thinking | None:
    given = wire.read_optional(reasoning, "effort", "reasoning")
    effort = next((effort for effort in EFFORTS if effort == given), None)
    if given and effort is None:
        raise _invalid("reasoning.effort", f"is '{given}', which is no effort")
    shown = any(wire.read_optional(reasoning, name, "reasoning") for name in ("summary", "generate_summary"))
    if effort is None and not shown:
        return None
    return Thinking(effort=effort, show="summary" if shown else None)


def _read_logprobs(body: Whole) -> int | None:
    asked = wire.SEES_LOGPROBS in (body.include or ())
    return body.top_logprobs if body.top_logprobs is not None else 0 if asked else None


def _read_extension(raw: bytes, body: Whole, conversation: Conversation, tools: Tools) -> JSON:
    """Members that are carried; under a name of its own what other protocols need not hear of."""
    members = _MEMBERS.decode(raw).items()
    carried = {name: msgspec.json.decode(value) for name, value in members if name not in Body.__struct_fields__}
    shown = ("summary", "generate_summary")
    reasoning = wire.rest_of(body.reasoning or {}, "effort", *shown)
    beside: JSON = {
        "reasoning": reasoning,
        "text": wire.rest_of(body.text or {}, "format", "verbosity"),
        "tools": tools.rests,
        "item_reference": conversation.references,
    }
    kept: JSON = {
        "items": write_layout(conversation.laid),
        "namespaces": tools.namespaces,
        "brought": tools.brought,
        "reasoning": wire.rest_of(body.reasoning or {}, "effort", *reasoning),
        "tool_choice": None if is_plain(body.tool_choice) else body.tool_choice,
        "user": body.user,
    }
    carried |= {name: value for name, value in beside.items() if value}
    return carried | {wire.AS_SENT: {name: value for name, value in kept.items() if value}}


def _invalid(param: str, what: str) -> BadRequest:
    return BadRequest(f"'{param}' {what}.", code="invalid_value", param=param)


# writing


def encode_request(request: Request, target: Target) -> Encoded:
    losses = wire.Losses()
    for loss in lose_foreign(request, wire.NAME):
        losses.note(loss.field, loss.why)
    request = _without_unsaid(request, target, losses)
    extension = wire.own_extension(request)
    names = new_names(request.tools, TOOL_NAMES[wire.NAME])
    calls = CallIds(target.dialect.call_id_pattern or CALL_IDS[wire.NAME])
    items = ItemWriter(request, target, names, calls, losses)
    above = instructions_above(request)
    body: JSON = {
        "model": target.model,
        **({} if above is None else {"instructions": above}),
        **items.input(),
        **({"stream": True} if request.stream else {}),
        **_tools(request, items.declared(), target, ToolWriter(names, extension, losses, target)),
        **_limits(request, losses),
        **_text(request, extension),
        **_reasoning(request, target, extension),
        **_labels(request, extension, losses),
        **_state(request, target, extension),
        **_carried(extension, target, losses),
    }
    call = Call(method="POST", path=PATH, query={}, headers={}, body=msgspec.json.encode(body))
    return Encoded(call, losses.all(), names.changed)


def _without_unsaid(request: Request, target: Target, losses: wire.Losses) -> Request:
    if request.choices > 1:
        raise BadRequest("OpenAI Responses gives one answer to a request.", code="unsupported_parameter", param="n")
    if "audio" in request.modalities:
        raise BadRequest("OpenAI Responses does not speak.", code="unsupported_parameter", param="modalities")
    unsaid = dict(UNSAID)
    if not target.facts.samples:
        unsaid |= dict.fromkeys(("temperature", "top_p", "logprobs"), "This model does not take it.")
    if target.dialect.reasoning_request == "none":
        unsaid["thinking"] = "This upstream cannot be told how much to think."
    unsaid |= dict.fromkeys(target.dialect.drops, "This upstream does not take it.")
    plain = Request(model="", turns=())
    for field, why in unsaid.items():
        value, usual = getattr(request, field), getattr(plain, field)
        if value != usual:
            losses.note(field, why)
            request = replace(request, **{field: usual})
    return request


def _tools(request: Request, declared: tuple[Tool, ...], target: Target, writer: ToolWriter) -> JSON:
    own = wire.own_extension(request) is not None
    tools = writer.tools(declared)
    if "image" in request.modalities and not any(tool.get("type") == "image_generation" for tool in tools):
        tools.append({"type": "image_generation"})
    written: JSON = {"tools": tools} if tools else {}
    if writer.most_searches is not None:
        written["max_tool_calls"] = writer.most_searches
    if request.tool_choice is not None and (tools or own):
        written["tool_choice"] = writer.choice(request.tool_choice, request.tools, target.dialect.required_choice)
    if request.parallel_calls is not None and (tools or own):
        written["parallel_tool_calls"] = request.parallel_calls
    return written


def _limits(request: Request, losses: wire.Losses) -> JSON:
    written: JSON = {"temperature": request.temperature, "top_p": request.top_p, "top_logprobs": request.logprobs}
    if request.max_output is not None:
        written["max_output_tokens"] = max(request.max_output, FEWEST_TOKENS)
        if request.max_output < FEWEST_TOKENS:
            losses.note("max_output", f"OpenAI Responses takes no limit below {FEWEST_TOKENS} tokens.")
    return {name: value for name, value in written.items() if value is not None}


def _text(request: Request, extension: JSON | None) -> JSON:
    text = dict(wire.member(extension or {}, "text"))
    if request.output is not None:
        text["format"] = write_format(request.output, own=extension is not None)
    if request.verbosity:
        text["verbosity"] = request.verbosity
    return {"text": text} if text else {}


def write_format(output: OutputFormat, own: bool) -> JSON:
    if output.kind == "json":
        return {"type": "json_object"}
    schema = output.schema or {}
    form: JSON = {"type": "json_schema", "name": _FORMAT_NAME.sub("_", output.name)[:64] or "answer", "schema": schema}
    if output.description:
        form["description"] = output.description
    if output.strict is not None:
        form["strict"] = output.strict and (own or not strict_problem(schema))
    return form


def _reasoning(request: Request, target: Target, extension: JSON | None) -> JSON:
    reasoning = dict(wire.member(extension or {}, "reasoning"))
    thinking = request.thinking or Thinking()
    effort = thinking.effort or _effort_of(thinking.budget)
    if effort is not None:
        reasoning["effort"] = _nearest(effort, target.facts)
    if thinking.show in ("summary", "full"):
        reasoning |= wire.member(wire.as_sent(extension), "reasoning") or {"summary": "auto"}
    return {"reasoning": reasoning} if reasoning else {}


def _effort_of(budget: int | None) -> Effort | None:
    if budget is None or budget < 0:
        return None
    return next((effort for limit, effort in BUDGETS if budget < limit), "high" if budget < 28000 else "xhigh")


def _nearest(effort: Effort, facts: ModelFacts) -> Effort:
    place = EFFORTS.index(effort)
    return min(facts.efforts or (effort,), key=lambda known: abs(EFFORTS.index(known) - place))


def _labels(request: Request, extension: JSON | None, losses: wire.Losses) -> JSON:
    written: JSON = {"metadata": request.metadata, "prompt_cache_key": request.cache_key or None}
    user = wire.as_sent(extension).get("user")
    if request.user and request.user != user:
        digest = hashlib.sha256(request.user.encode(errors="surrogatepass")).hexdigest()
        written["safety_identifier"] = request.user if len(request.user) <= LONGEST_USER else digest
    tier = TIERS.get(request.tier, request.tier)
    if tier and tier not in KNOWN_TIERS and extension is None:
        losses.note("tier", "OpenAI has no such tier.")
    else:
        written["service_tier"] = tier or None
    return {name: value for name, value in (written | {"user": user}).items() if value is not None}


def _state(request: Request, target: Target, extension: JSON | None) -> JSON:
    """What an upstream is to keep. Nothing, unless its own client says so: it gets its reasoning to carry itself."""
    if extension is not None:
        return {} if request.store is None else {"store": request.store}
    seen = [wire.SEES_REASONING] if _reasons(request, target.facts) else []
    if request.logprobs is not None:
        seen.append(wire.SEES_LOGPROBS)
    if any(isinstance(tool, ServerTool) and tool.search for tool in request.tools):
        seen.append(wire.SEES_SOURCES)
    return {"store": request.store is True, **({"include": seen} if seen else {})}


def _reasons(request: Request, facts: ModelFacts) -> bool:
    """Whether the model may think. Those that do not refuse to be asked for their thoughts."""
    known = facts != ModelFacts()
    return not known or bool(facts.efforts or facts.thinking_style or request.thinking) or not facts.samples


def _carried(extension: JSON | None, target: Target, losses: wire.Losses) -> JSON:
    elsewhere = (wire.AS_SENT, "reasoning", "text", "tools", "item_reference")
    carried = {name: value for name, value in (extension or {}).items() if name not in elsewhere}
    if target.dialect.keeps_unknown:
        return carried
    for name in [name for name in carried if name not in Whole.__struct_fields__]:
        losses.note(name, "This upstream does not take it.")
        del carried[name]
    return carried


# what becomes of every field

FIELDS: Mapping[str, str] = {
    "access_programs": "extension",
    "background": "extension",
    "context_management": "extension",
    "conversation": "extension",
    "image": "extension",
    "include": "extension",
    "input": "turns",
    "instructions": "instructions",
    "max_output_tokens": "max_output",
    "max_tool_calls": "extension",
    "metadata": "metadata",
    "model": "model",
    "moderation": "extension",
    "parallel_tool_calls": "parallel_calls",
    "previous_response_id": "extension",
    "prompt": "extension",
    "prompt_cache_key": "cache_key",
    "prompt_cache_options": "extension",
    "prompt_cache_retention": "extension",
    "reasoning": "thinking",
    "reasoning.context": "extension",
    "reasoning.effort": "thinking",
    "reasoning.generate_summary": "thinking",
    "reasoning.mode": "extension",
    "reasoning.summary": "thinking",
    "safety_identifier": "user",
    "service_tier": "tier",
    "store": "store",
    "stream": "stream",
    "stream_options": "extension",
    "temperature": "temperature",
    "text": "output",
    "text.format": "output",
    "text.verbosity": "verbosity",
    "tool_choice": "tool_choice",
    "tools": "tools",
    "top_logprobs": "logprobs",
    "top_p": "top_p",
    "truncation": "extension",
    "user": "user",
}

FATES: Mapping[str, Fate] = {
    "model": "exact",
    "turns": "exact",
    "instructions": "exact",
    "stream": "exact",
    "wants_usage": "exact",
    "tools": "exact",
    "tool_choice": "exact",
    "parallel_calls": "exact",
    "output": "exact",
    "max_output": "exact",
    "stop": "warned",
    "choices": "refused",
    "temperature": "exact",
    "top_p": "exact",
    "top_k": "warned",
    "presence_penalty": "warned",
    "frequency_penalty": "warned",
    "seed": "warned",
    "logit_bias": "warned",
    "logprobs": "exact",
    "thinking": "approximated",
    "verbosity": "exact",
    "modalities": "approximated",
    "tier": "approximated",
    "user": "exact",
    "metadata": "exact",
    "cache_key": "exact",
    "cache": "dropped",
    "store": "exact",
    "extensions": "warned",
    "part.text": "exact",
    "part.refusal": "exact",
    "part.image": "exact",
    "part.audio": "approximated",
    "part.video": "refused",
    "part.document": "approximated",
    "part.reasoning": "warned",
    "part.tool_call": "exact",
    "part.tool_result": "approximated",
    "part.native": "warned",
    "tool.function": "exact",
    "tool.custom": "exact",
    "tool.server": "refused",
    "tool.web_search": "approximated",
    "search.allowed_domains": "exact",
    "search.blocked_domains": "warned",
    "search.max_uses": "approximated",
    "search.location": "exact",
    "search.context_size": "exact",
    "search.others": "warned",
    "choice.auto": "exact",
    "choice.none": "exact",
    "choice.required": "exact",
    "choice.one": "exact",
    "choice.subset": "exact",
}
