"""Requests of Chat, read and written, with what becomes of every field either way."""

import hashlib
import re
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from gateway.canonical import JSON, OutputFormat, Request
from gateway.errors import BadRequest
from gateway.protocols.choices import check_choice
from gateway.protocols.codec import Call
from gateway.protocols.extensions import lose_foreign
from gateway.protocols.openai_chat import wire
from gateway.protocols.openai_chat.content import to_json
from gateway.protocols.openai_chat.messages import Chat, read_messages
from gateway.protocols.openai_chat.native import REPEATS
from gateway.protocols.openai_chat.reasoning import read_thinking, thinking_losses, write_thinking
from gateway.protocols.openai_chat.tools import ToolWriter, read_choice, read_tools
from gateway.protocols.openai_chat.writing import MessageWriter
from gateway.protocols.reading import read_fields, read_model
from gateway.protocols.schemas import refuse_endless, strict_problem
from gateway.protocols.translation import Dialect, Encoded, Fate, Loss, Target

PATH = "chat/completions"
MOST_STOPS = 4
LONGEST_USER = 64

SILENT = ("store", "metadata", "cache_key", "user", "cache")
"""Canonical fields that say nothing to the model: they go without a word where they are not taken."""

ANY = ("standard", "compatible")
"""Dialects of upstreams that may be anybody's: the client knows better what they take."""

SAMPLING = ("temperature", "top_p", "top_k", "logprobs")
"""What OpenAI's models that think do not take."""

SILENT_MEMBERS = ("safety_identifier", "prompt_cache_options", "prompt_cache_retention")

_BODY = msgspec.json.Decoder(wire.Body)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_FORMAT_NAME = re.compile(r"[^A-Za-z0-9_-]")


# reading


def decode_request(call: Call) -> Request:
    body = read_fields(call.body, _BODY, REPEATS)
    members = {name: msgspec.json.decode(value) for name, value in _MEMBERS.decode(call.body).items()}
    if not body.messages:
        raise BadRequest("You must give messages.", code="missing_required_parameter", param="messages")
    chat = read_messages(body.messages)
    options = body.stream_options or wire.StreamOptions()
    tools, choice = read_tools(body, members.get("tools")), read_choice(body)
    check_choice(choice, tools, "function_call" if body.tool_choice is None else "tool_choice")
    return Request(
        model=read_model(body.model),
        turns=chat.turns,
        instructions=chat.instructions,
        stream=body.stream is True,
        wants_usage=not body.stream or options.include_usage is True,
        tools=tools,
        tool_choice=choice,
        parallel_calls=body.parallel_tool_calls,
        output=_read_output(body.response_format),
        max_output=_read_limit(body),
        stop=_read_stop(body.stop),
        choices=body.n or 1,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        seed=body.seed,
        logit_bias=body.logit_bias or None,
        logprobs=_read_logprobs(body),
        thinking=read_thinking(body),
        verbosity=body.verbosity or "",
        modalities=tuple(body.modalities or ()),
        tier=body.service_tier or "",
        user=_read_user(body),
        metadata=body.metadata,
        cache_key=body.prompt_cache_key or "",
        store=body.store,
        extensions={wire.OWN: _read_extension(body, members, chat)},
    )


def _read_user(body: wire.Body) -> str:
    return body.safety_identifier or body.user or ""


def _read_limit(body: wire.Body) -> int | None:
    return body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens


def _read_logprobs(body: wire.Body) -> int | None:
    return (body.top_logprobs or 0) if body.logprobs else None


def _read_stop(said: str | list[str] | None) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said or ())


def _read_output(said: wire.ResponseFormat | None) -> OutputFormat | None:
    if said is None or said.type == "text":
        return None
    if said.type == "json_object":
        return OutputFormat("json")
    form = said.json_schema
    if form is None:
        at = "response_format.json_schema"
        raise BadRequest(f"'{at}' is missing.", code="missing_required_parameter", param=at)
    refuse_endless(form.schema, "response_format.json_schema.schema")
    return OutputFormat("schema", form.name, form.description or "", form.schema, form.strict)


def _read_extension(body: wire.Body, members: JSON, chat: Chat) -> JSON:
    """Members that are carried as they are, and notes of how the others were said."""
    known = wire.Body.__struct_fields__
    carried = {name: value for name, value in members.items() if name not in known and name[:1] != "_"}
    if body.stream_options and body.stream_options.include_obfuscation is not None:
        carried["stream_options"] = {"include_obfuscation": body.stream_options.include_obfuscation}
    thinking = {name: members[name] for name in wire.THINKING_MEMBERS if members.get(name) is not None}
    notes: JSON = {
        "_developer": chat.developer,
        "_leading": list(chat.leading) if len(chat.leading) > 1 else None,
        "_functions": body.functions is not None,
        "_thinking": thinking,
        "_user": body.user,
    }
    return carried | {name: value for name, value in notes.items() if value}


# writing


def encode_request(request: Request, target: Target) -> Encoded:
    own = wire.OWN in request.extensions
    losses = [*lose_foreign(request, wire.OWN)]
    request = _without_unsaid(request, target, own, losses)
    tools = ToolWriter(request.tools, target, own)
    messages = MessageWriter(request, target, tools.names)
    hint = _hint(request.output, target.dialect)
    losses += [Loss("output", "This upstream is asked in words to follow the schema.")] if hint else []
    written = messages.write(request, hint)
    body: JSON = {
        "model": target.model,
        "messages": written,
        **_stream(request),
        **_tools(request, tools),
        **_output(request.output, target.dialect, own),
        **_limits(request, target),
        **_thinking(request, target, losses),
        **_labels(request, target.dialect, own),
        **_carried(request, target.dialect, losses),
    }
    call = Call(method="POST", path=PATH, query={}, headers={}, body=msgspec.json.encode(body))
    return Encoded(call, tuple(dict.fromkeys((*losses, *messages.losses, *tools.losses))), tools.names.changed)


def _without_unsaid(request: Request, target: Target, own: bool, losses: list[Loss]) -> Request:
    """Without what this upstream or model refuses."""
    _refuse(request, target.dialect, own)
    plain = Request(model="", turns=())
    for field, why in _unsaid(request, target, own):
        if field in plain.__struct_fields__ and getattr(request, field) != getattr(plain, field):
            request = replace(request, **{field: getattr(plain, field)})
            losses += [] if field in SILENT else [Loss(field, why)]
    if len(request.stop) > MOST_STOPS and _is_openai(target.dialect):
        losses.append(Loss("stop", f"OpenAI takes {MOST_STOPS} stop sequences."))
        request = replace(request, stop=request.stop[:MOST_STOPS])
    limit = target.facts.max_output
    if limit and request.max_output and request.max_output > limit:
        losses.append(Loss("max_output", f"This model writes at most {limit} tokens."))
        request = replace(request, max_output=limit)
    return request


def _unsaid(request: Request, target: Target, own: bool) -> Iterator[tuple[str, str]]:
    yield from ((field, "This upstream does not take it.") for field in target.dialect.drops)
    if not target.facts.samples:
        yield from ((field, "This model does not take it.") for field in SAMPLING)
    if _is_openai(target.dialect) or not target.dialect.keeps_unknown:
        yield "top_k", "OpenAI Chat has no top_k."
    if wire.TIERS.get(request.tier, request.tier) not in ("", *wire.KNOWN_TIERS):
        yield "tier", "OpenAI Chat has no such tier."


def _refuse(request: Request, dialect: Dialect, own: bool) -> None:
    if request.choices > 1 and (not own or "choices" in dialect.drops):
        raise BadRequest("This upstream gives one answer to a request.", code="unsupported_parameter", param="n")
    spoken = [name for name in request.modalities if name not in ("text", "image")]
    drawn = "image" in request.modalities and dialect.reasoning_request != "reasoning"
    if not own and (spoken or drawn):
        raise BadRequest("This upstream answers in text.", code="unsupported_parameter", param="modalities")


def _is_openai(dialect: Dialect) -> bool:
    return dialect.system_role == "developer"


def _stream(request: Request) -> JSON:
    """Usage is always asked for: the gateway counts it, and leaves it out for clients that do not want it."""
    if not request.stream:
        return {}
    options = request.extensions.get(wire.OWN, {}).get("stream_options")
    more = options if isinstance(options, dict) else {}
    return {"stream": True, "stream_options": {"include_usage": True, **more}}


def _tools(request: Request, writer: ToolWriter) -> JSON:
    if not request.tools:
        return {}
    tools, choice = request.tools, None
    if request.tool_choice is not None:
        choice, tools = writer.choice(request.tool_choice, tools)
    written = writer.tools(tools)
    if "tools" not in written:
        return written
    chosen = {"tool_choice": choice, "parallel_tool_calls": request.parallel_calls}
    return written | {name: value for name, value in chosen.items() if value is not None}


def _output(output: OutputFormat | None, dialect: Dialect, own: bool) -> JSON:
    if output is None:
        return {}
    if output.kind == "json" or "output.schema" in dialect.drops:
        return {"response_format": {"type": "json_object"}}
    schema = output.schema or {}
    form: JSON = {"name": _FORMAT_NAME.sub("_", output.name)[:64] or "answer"}
    form |= {"description": output.description} if output.description else {}
    form["schema"] = schema
    if output.strict is not None:
        form["strict"] = output.strict and (own or not strict_problem(schema))
    return {"response_format": {"type": "json_schema", "json_schema": form}}


def _hint(output: OutputFormat | None, dialect: Dialect) -> str:
    """The schema in words, for upstreams that cannot be held to one."""
    if output is None or output.schema is None or "output.schema" not in dialect.drops:
        return ""
    return f"Answer with JSON only, valid under this JSON Schema:\n{to_json(output.schema)}"


def _limits(request: Request, target: Target) -> JSON:
    dialect = target.dialect
    written: JSON = {
        dialect.limit_field: request.max_output,
        "stop": list(request.stop) or None,
        "n": request.choices if request.choices > 1 else None,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        dialect.seed_field: request.seed,
        "logit_bias": request.logit_bias,
        "logprobs": None if request.logprobs is None else True,
        "top_logprobs": request.logprobs or None,
        "verbosity": request.verbosity or None,
        "modalities": list(request.modalities) if request.modalities not in ((), ("text",)) else None,
    }
    return {name: value for name, value in written.items() if value is not None}


def _thinking(request: Request, target: Target, losses: list[Loss]) -> JSON:
    forced = bool(request.tools) and request.tool_choice is not None and request.tool_choice.mode == "required"
    said = request.extensions.get(wire.OWN, {}).get("_thinking")
    if isinstance(said, dict) and (target.dialect.reasoning_request in said or target.dialect.name in ANY):
        return said
    losses += thinking_losses(request.thinking, target, request.stream, forced)
    return write_thinking(request.thinking, target, request.stream, forced)


def _labels(request: Request, dialect: Dialect, own: bool) -> JSON:
    tier = wire.TIERS.get(request.tier, request.tier)
    written: JSON = {"service_tier": tier or None, "prompt_cache_key": request.cache_key or None}
    if own:
        written |= {"store": request.store, "metadata": request.metadata}
    return {name: value for name, value in (written | _user(request, dialect)).items() if value is not None}


def _user(request: Request, dialect: Dialect) -> JSON:
    said = request.extensions.get(wire.OWN, {}).get("_user")
    if not request.user or not _is_openai(dialect):
        return {"user": said or request.user or None}
    if request.user == said:
        return {"user": said}
    digest = hashlib.sha256(request.user.encode(errors="surrogatepass")).hexdigest()
    return {"user": said, "safety_identifier": request.user if len(request.user) <= LONGEST_USER else digest}


def _carried(request: Request, dialect: Dialect, losses: list[Loss]) -> JSON:
    carried: JSON = {}
    for name, value in request.extensions.get(wire.OWN, {}).items():
        if name.startswith("_") or name == "stream_options":
            continue
        if name in dialect.drops or not (dialect.keeps_unknown or name in wire.EXTENSIONS):
            losses += [] if name in SILENT_MEMBERS else [Loss(name, "This upstream does not take it.")]
        else:
            carried[name] = value
    return carried


# what becomes of every field

FIELDS: Mapping[str, str] = {
    "messages": "turns",
    "model": "model",
    "audio": "extension",
    "frequency_penalty": "frequency_penalty",
    "function_call": "tool_choice",
    "functions": "tools",
    "logit_bias": "logit_bias",
    "logprobs": "logprobs",
    "max_completion_tokens": "max_output",
    "max_tokens": "max_output",
    "metadata": "metadata",
    "modalities": "modalities",
    "moderation": "extension",
    "n": "choices",
    "parallel_tool_calls": "parallel_calls",
    "prediction": "extension",
    "presence_penalty": "presence_penalty",
    "prompt_cache_key": "cache_key",
    "prompt_cache_options": "extension",
    "prompt_cache_retention": "extension",
    "reasoning_effort": "thinking",
    "response_format": "output",
    "safety_identifier": "user",
    "seed": "seed",
    "service_tier": "tier",
    "stop": "stop",
    "store": "store",
    "stream": "stream",
    "stream_options": "wants_usage",
    "stream_options.include_obfuscation": "extension",
    "stream_options.include_usage": "wants_usage",
    "temperature": "temperature",
    "tool_choice": "tool_choice",
    "tools": "tools",
    "top_logprobs": "logprobs",
    "top_p": "top_p",
    "user": "user",
    "verbosity": "verbosity",
    "web_search_options": "tools",
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
    "stop": "exact",
    "choices": "refused",
    "temperature": "exact",
    "top_p": "exact",
    "top_k": "warned",
    "presence_penalty": "exact",
    "frequency_penalty": "exact",
    "seed": "exact",
    "logit_bias": "exact",
    "logprobs": "exact",
    "thinking": "approximated",
    "verbosity": "exact",
    "modalities": "refused",
    "tier": "approximated",
    "user": "exact",
    "metadata": "dropped",
    "cache_key": "exact",
    "cache": "dropped",
    "store": "dropped",
    "extensions": "warned",
    "part.text": "exact",
    "part.refusal": "exact",
    "part.image": "exact",
    "part.audio": "approximated",
    "part.video": "refused",
    "part.document": "approximated",
    "part.reasoning": "approximated",
    "part.tool_call": "exact",
    "part.tool_result": "approximated",
    "part.native": "warned",
    "tool.function": "exact",
    "tool.custom": "exact",
    "tool.server": "refused",
    "tool.web_search": "approximated",
    "search.allowed_domains": "warned",
    "search.blocked_domains": "warned",
    "search.max_uses": "warned",
    "search.location": "exact",
    "search.context_size": "exact",
    "search.others": "warned",
    "choice.auto": "exact",
    "choice.none": "exact",
    "choice.required": "exact",
    "choice.one": "exact",
    "choice.subset": "exact",
}
"""At the protocol's own maker and for clients of other protocols; a dialect's row says what its upstream refuses."""
