"""A Messages request as the canonical one, and any canonical request as a Messages request."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from gateway.canonical import JSON, OutputFormat, Part, Request, Text, ToolCall, ToolResult, Turn
from gateway.errors import BadRequest
from gateway.protocols import schemas
from gateway.protocols.anthropic_messages.blocks import write_turn
from gateway.protocols.anthropic_messages.draft import Draft, refusal
from gateway.protocols.anthropic_messages.native import REPEATS
from gateway.protocols.anthropic_messages.parts import (
    attach_tokens,
    is_empty,
    is_token,
    read_part,
    texts_as_blocks,
    unsaid,
)
from gateway.protocols.anthropic_messages.thinking import Plan, plan_thinking, read_thinking, settle
from gateway.protocols.anthropic_messages.tools import read_choice, read_tools, write_choice, write_tools
from gateway.protocols.anthropic_messages.tools import unsaid as unsaid_of_tool
from gateway.protocols.anthropic_messages.wire import (
    BREAKPOINTS,
    OWN,
    PATH,
    VERSION,
    Body,
    MessageIn,
    OutputConfigIn,
    TextBlock,
    blocks_of,
    to_cache,
)
from gateway.protocols.choices import check_choice
from gateway.protocols.codec import Call
from gateway.protocols.extensions import lose_foreign
from gateway.protocols.reading import dicts, read_fields, read_model, take, wrong
from gateway.protocols.translation import Encoded, Target

BILLING = "x-anthropic-billing-header:"
"""Claude Code puts this line before its instructions; it differs from call to call and tells the model nothing."""

TIERS = {"auto": "auto", "standard_only": "default"}
SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "priority": "auto", "standard_only": "standard_only"}

OPENING = "Continue."
"""What the user says where a conversation does not begin with the user."""

UNSAYABLE = ("presence_penalty", "frequency_penalty", "seed", "logit_bias", "verbosity", "store")

_BODY = msgspec.json.Decoder(dict[str, object])
_UNASKED = Request(model="", turns=())


# from the wire


def decode_request(call: Call) -> Request:
    """Raises `BadRequest` naming the field."""
    members = read_fields(call.body, _BODY, REPEATS)
    body = take(members, Body)
    model = read_model(body.model)
    turns, notes = _read_turns(body, members)
    output = body.output_config.format if body.output_config and body.output_config.format else body.output_format
    choice, tools = body.tool_choice, read_tools(body.tools or ())
    chosen = read_choice(choice)
    check_choice(chosen, tools, "tool_choice")
    if output:
        schemas.refuse_endless(output.schema, "output_config.format.schema")
    return Request(
        model=model,
        turns=turns,
        instructions=tuple(_read_instructions(body)),
        stream=body.stream is True,
        tools=tools,
        tool_choice=chosen,
        parallel_calls=None
        if choice is None or choice.disable_parallel_tool_use is None
        else not choice.disable_parallel_tool_use,
        output=OutputFormat("schema", schema=output.schema) if output else None,
        max_output=body.max_tokens,
        stop=tuple(body.stop_sequences or ()),
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        thinking=read_thinking(body.thinking, body.output_config),
        tier=TIERS.get(body.service_tier or "", body.service_tier or ""),
        user=(body.metadata and body.metadata.user_id) or "",
        cache=to_cache(body.cache_control),
        extensions={OWN: {**_read_own(call, members, body), **notes}},
    )


def _read_own(call: Call, members: JSON, body: Body) -> JSON:
    """What only this protocol has, and how the client said what others have too."""
    own = _others(members, Body)
    own["_version"] = call.headers.get("anthropic-version", VERSION)
    if betas := call.headers.get("anthropic-beta"):
        own["_betas"] = betas
    if members.get("thinking") is not None:
        own["_thinking"] = members["thinking"]
    if body.output_config and body.output_config.effort:
        own["_effort"] = body.output_config.effort
    if others := _others(members.get("output_config"), OutputConfigIn):
        own["output_config"] = others
    if tools := {str(index): note for index, item in enumerate(body.tools or ()) if (note := unsaid_of_tool(item))}:
        own["_tools"] = tools
    if isinstance(body.system, list) and (billing := [block.text for block in body.system if _is_billing(block)]):
        own["_billing"] = billing
    return own


def _others(members: object, understood: type[Struct]) -> JSON:
    """The members that have no canonical meaning."""
    given = members if isinstance(members, dict) else {}
    return {
        name: value for name, value in given.items() if name not in understood.__struct_fields__ and value is not None
    }


def _read_instructions(body: Body) -> Iterator[Text]:
    blocks = [TextBlock(body.system)] if isinstance(body.system, str) else body.system or []
    for block in blocks:
        if block.text and not _is_billing(block):
            yield Text(block.text, cache=to_cache(block.cache_control))


def _is_billing(block: TextBlock) -> bool:
    return block.text.startswith(BILLING)


def _read_turns(body: Body, members: JSON) -> tuple[tuple[Turn, ...], JSON]:
    """The conversation, and by place what it has that no part carries."""
    if not body.messages:
        raise wrong("messages", "there must be at least one message")
    turns: list[Turn] = []
    notes: JSON = {}
    odd: JSON = {}
    calls = _Calls(is_whole="thread" not in members)
    for index, message in enumerate(body.messages):
        where = f"messages[{index}]"
        blocks = texts_as_blocks(message.content)
        parts = [read_part(block, f"{where}.content[{number}]", message.role) for number, block in enumerate(blocks)]
        parts = calls.checked(parts, message.role, where)
        kept = [(part, block) for part, block in zip(parts, blocks, strict=True) if not is_empty(part)]
        if not kept and message.role == "user":
            raise wrong(f"{where}.content", "a message of the user must have content")
        if not kept:
            continue
        said = (block for part, block in kept if not is_token(part))
        notes |= {f"{len(turns)}.{number}": note for number, block in enumerate(said) if (note := unsaid(block))}
        if message.role == "system" and (others := _others(dicts(members["messages"])[index], MessageIn)):
            odd[str(len(turns))] = others
        turns.append(Turn(message.role, tuple(attach_tokens(part for part, _ in kept))))
    calls.end()
    return tuple(turns), {name: value for name, value in (("_blocks", notes), ("_turns", odd)) if value}


class _Calls:
    """Sees that every call has its one result, in the message after it."""

    def __init__(self, is_whole: bool) -> None:
        self._is_whole = is_whole
        """What a server keeps of the conversation may hold the calls that results are for."""
        self._names: dict[str, str] = {}
        self._seen: set[str] = set()
        self._open: dict[str, str] = {}
        self._role = ""

    def checked(self, parts: list[Part], role: str, where: str) -> list[Part]:
        """The parts, results with the name of their tool."""
        if role == "assistant" and self._role == "user":
            self.end()
            self._names = {}
        self._role = self._role if role == "system" else role
        return [self._part(part, f"{where}.content[{index}]") for index, part in enumerate(parts)]

    def end(self) -> None:
        """No more results follow."""
        for call, where in self._open.items():
            raise wrong(where, f"the call '{call[:64]}' has no tool_result in the message after it")

    def _part(self, part: Part, where: str) -> Part:
        match part:
            case ToolCall(id=id, name=name):
                if id in self._seen:
                    raise wrong(f"{where}.id", f"there is more than one call '{id[:64]}'")
                self._seen.add(id)
                self._names[id] = name
                self._open[id] = f"{where}.id"
            case ToolResult(call_id=id):
                if id not in self._open and self._is_whole:
                    why = "has a result already" if id in self._seen else "is not in the message before"
                    raise wrong(f"{where}.tool_use_id", f"the call '{id[:64]}' {why}")
                self._open.pop(id, None)
                return msgspec.structs.replace(part, name=self._names.get(id, ""))
        return part


# to the wire


def encode_request(request: Request, target: Target) -> Encoded:
    """Deterministic. Raises `BadRequest` for what cannot be left out."""
    draft = Draft(_without_dropped(request, target), target)
    _lose(request, draft)
    request = draft.request
    system, messages, tools = _write_system(draft), _write_messages(draft), write_tools(draft)
    choice = write_choice(draft, bool(tools))
    plan = settle(plan_thinking(draft), draft, messages, choice)
    config, hint = _write_output(draft, plan)
    body: JSON = {
        "model": target.model,
        "max_tokens": plan.limit,
        "system": _joined([*system, *hint]),
        "messages": messages,
        "tools": tools,
        "tool_choice": choice,
        "thinking": plan.thinking,
        "output_config": config,
        "stop_sequences": _write_stop(draft),
        **_write_sampling(draft, plan),
        "metadata": {"user_id": request.user} if request.user else None,
        "service_tier": _write_tier(draft),
        "stream": request.stream or None,
        "cache_control": None if request.cache is None else draft.cache_control(request.cache),
    }
    body = {name: value for name, value in body.items() if value is not None and value not in ([], {}, "")}
    body |= {name: value for name, value in draft.members.items() if name[0] != "_" and name not in body}
    _limit_breakpoints(body, draft)
    if draft.thoughts_left_out:
        draft.lose("part.reasoning", "Thoughts go back to the family of models that they came from, and to no other.")
    call = Call("POST", PATH, {}, _write_headers(draft, body), msgspec.json.encode(body))
    return Encoded(call, tuple(draft.losses), draft.names.changed)


def _without_dropped(request: Request, target: Target) -> Request:
    """The request as if the client had not said what its upstream refuses."""
    unsaid = {name: getattr(_UNASKED, name) for name in target.dialect.drops if hasattr(_UNASKED, name)}
    return msgspec.structs.replace(request, **unsaid)


def _lose(request: Request, draft: Draft) -> None:
    """What nobody can be told here."""
    draft.losses.extend(lose_foreign(request, OWN if draft.genuine else None))
    for name in draft.dialect.drops:
        if getattr(request, name, None) != getattr(_UNASKED, name, None):
            draft.lose(name, "This upstream refuses it.")
    for name in UNSAYABLE:
        if getattr(draft.request, name):
            draft.lose(name, "Messages has no such parameter.")
    if draft.request.choices > 1:
        raise refusal("choices", "it gives one answer", "unsupported_parameter")
    if draft.request.logprobs is not None:
        draft.lose("logprobs", "Messages does not tell how likely tokens were.")
    if set(draft.request.modalities) - {"text"}:
        raise refusal("modalities", "it answers in text alone", "unsupported_parameter")


def _write_headers(draft: Draft, body: JSON) -> dict[str, str]:
    version = draft.dialect.api_version or draft.members.get("_version") or VERSION
    if any(name in body for name in ("temperature", "top_p", "top_k")):
        version = VERSION
    headers = {"content-type": "application/json", "anthropic-version": str(version)}
    if betas := draft.members.get("_betas"):
        headers["anthropic-beta"] = str(betas)
    return headers


def _write_system(draft: Draft) -> list[JSON]:
    billing = draft.members.get("_billing")
    texts = [Text(line) for line in billing] if isinstance(billing, list) else []
    return [
        draft.cached({"type": "text", "text": text.text}, text.cache)
        for text in (*texts, *draft.request.instructions)
        if text.text
    ]


def _joined(blocks: list[JSON]) -> object:
    """The instructions in their short form where there is one."""
    return blocks[0]["text"] if len(blocks) == 1 and "cache_control" not in blocks[0] else blocks


def _write_messages(draft: Draft) -> list[JSON]:
    messages: list[JSON] = []
    said: list[JSON] = []
    for index, turn in enumerate(draft.request.turns):
        stays = turn.role != "system" or (draft.own and draft.genuine)
        blocks = list(write_turn(turn if stays else _wrapped(turn), index, draft))
        if not stays:
            draft.lose(f"turns[{index}]", "Instructions within the conversation are told as the user's words.")
        role = turn.role if stays else "user"
        if blocks and messages and messages[-1]["role"] == role != "system":
            said += blocks
        elif blocks:
            said = blocks
            messages.append({"role": role, "content": said, **draft.note("_turns", str(index))})
    return _well_formed(messages, draft)


def _wrapped(turn: Turn) -> Turn:
    text = "\n\n".join(part.text for part in turn.parts if isinstance(part, Text))
    cache = next((part.cache for part in reversed(turn.parts) if isinstance(part, Text) and part.cache), None)
    return Turn("user", (Text(f"<system>\n{text}\n</system>", cache=cache),) if text else ())


def _well_formed(messages: list[JSON], draft: Draft) -> list[JSON]:
    """The user first, results before anything else, every call with its result."""
    for message in messages:
        if message["role"] == "user":
            message["content"] = sorted(blocks_of(message), key=lambda block: block["type"] != "tool_result")
    if not messages or messages[0]["role"] == "assistant":
        draft.lose("turns", f"The conversation must begin with the user, so it begins with '{OPENING}'")
        messages.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
    if messages[-1]["role"] == "assistant":
        _trim_prefill(messages, draft)
    if "thread" not in draft.members:
        _check_calls(messages)
    return messages


def _trim_prefill(messages: list[JSON], draft: Draft) -> None:
    """The words that the answer is to go on from may not end in a blank."""
    if draft.facts.thinking_style == "adaptive" and not draft.own:
        raise refusal("turns", "it cannot go on from an answer that was begun")
    blocks = blocks_of(messages[-1])
    if blocks[-1]["type"] == "text":
        blocks[-1]["text"] = str(blocks[-1]["text"]).rstrip()
        messages[-1]["content"] = blocks = [block for block in blocks if block.get("text") != ""]
    if not blocks:
        messages.pop()


def _check_calls(messages: list[JSON]) -> None:
    """Other protocols' clients may leave calls open; the API refuses that in words that nobody understands."""
    open_calls: set[object] = set()
    for message in messages:
        blocks = blocks_of(message)
        results = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if message["role"] != "system" and results != open_calls:
            odd = sorted(map(str, results ^ open_calls))[0]
            raise BadRequest(f"The tool call '{odd}' and its result do not follow each other.", param="turns")
        if message["role"] != "system":
            open_calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
    if open_calls:
        raise BadRequest(f"The tool call '{sorted(map(str, open_calls))[0]}' has no result.", param="turns")


def _write_output(draft: Draft, plan: Plan) -> tuple[JSON, list[JSON]]:
    """The `output_config`, and what stands in the instructions for what it cannot hold."""
    output = draft.request.output
    if "output_config" in draft.dialect.drops:
        return {}, [] if output is None else [_asked_in_words(output, draft)]
    noted = draft.members.get("output_config")
    config: JSON = dict(noted) if isinstance(noted, dict) else {}
    config["effort"] = plan.effort
    if output is None or output.schema is None:
        return _present(config), [] if output is None else [_asked_in_words(output, draft)]
    fitted = schemas.fit(output.schema, schemas.ANTHROPIC)
    if fitted.removed and not draft.own:
        draft.lose("output.schema", f"It has what the target cannot say: {', '.join(fitted.removed[:5])[:200]}.")
    config["format"] = {"type": "json_schema", "schema": output.schema if draft.own else fitted.schema}
    return _present(config), []


def _present(members: JSON) -> JSON:
    return {name: value for name, value in members.items() if value is not None}


def _asked_in_words(output: OutputFormat, draft: Draft) -> JSON:
    draft.lose("output", "The form of the answer is asked for in words; nothing enforces it.")
    schema = (
        "" if output.schema is None else f" that fits this JSON Schema: {msgspec.json.encode(output.schema).decode()}"
    )
    return {
        "type": "text",
        "text": f"Answer with a single JSON object{schema or ''}, and with nothing before or after it.",
    }


def _write_stop(draft: Draft) -> list[str]:
    stop = [sequence for sequence in draft.request.stop if sequence.strip()]
    if len(stop) < len(draft.request.stop):
        draft.lose("stop", "A stop sequence of blanks alone is refused.")
    return stop


def _write_sampling(draft: Draft, plan: Plan) -> JSON:
    """Newer models take no sampling parameters, and none takes them all beside each other or beside thinking."""
    request = draft.request
    wanted: JSON = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    for name, value in list(wanted.items()):
        if why := _why_not(name, draft, plan):
            draft.lose(name, why)
            del wanted[name]
        elif name == "temperature" and isinstance(value, float) and value > 1:
            draft.lose(name, "It is 1 at most.")
            wanted[name] = 1.0
    return wanted


def _why_not(name: str, draft: Draft, plan: Plan) -> str:
    request = draft.request
    if not draft.facts.samples:
        return "The model takes no sampling parameters."
    if draft.own:
        return ""
    if plan.thinks and not (name == "temperature" and request.temperature == 1):
        return "The model does not take it beside thinking."
    return "The model takes temperature or top_p." if name == "top_p" and request.temperature is not None else ""


def _write_tier(draft: Draft) -> str:
    if (tier := draft.request.tier) and tier not in SERVICE_TIERS:
        draft.lose("tier", f"There is no tier like '{tier[:40]}'.")
    return SERVICE_TIERS.get(tier, "")


def _limit_breakpoints(body: JSON, draft: Draft) -> None:
    """Only so many places may be marked for caching; the last ones cover the most."""
    tools, system, messages = (
        value if isinstance(value, list) else [] for value in map(body.get, ("tools", "system", "messages"))
    )
    blocks = [*tools, *system, *(block for message in messages for block in blocks_of(message))]
    marked = [block for block in blocks if "cache_control" in block]
    allowed = BREAKPOINTS - ("cache_control" in body)
    for block in marked[: max(len(marked) - allowed, 0)]:
        del block["cache_control"]
        draft.lose("cache", f"Only {BREAKPOINTS} places may be marked for caching.")
