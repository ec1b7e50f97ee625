"""The items of a conversation as turns, and turns as items.

A run of the model's items is one turn. Where items began and what they held beside their parts is kept in a layout,
so that a request of this protocol can be written again as it came.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct, convert, to_builtins
from msgspec import ValidationError as Unfit

from gateway.canonical import (
    JSON,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from gateway.errors import BadRequest
from gateway.protocols.ids import CallIds, ToolNames
from gateway.protocols.openai_responses import wire
from gateway.protocols.openai_responses.parts import PartWriter, read_content
from gateway.protocols.openai_responses.tools import Tools, listed, read_tools
from gateway.protocols.translation import Target

INSTRUCTIONS = -1
"""Stands for a turn's number where a leading system item became an instruction, or stands before all turns."""

MORE_TOOLS = "additional_tools"
"""An item that brings tools, as some clients send all of theirs."""

SIGNATURE = "thought_signature"
"""Tokens that stand on a call; here, where calls have no place for one, on an empty thought before it."""


ROLES = ("user", "assistant", "system", "developer")


class Laid(Struct, frozen=True):
    """One item of the input: how many parts of which turn it became, and its members that no part holds."""

    turn: int
    parts: int
    rest: JSON = {}
    part_rests: dict[int, JSON] = {}


# reading


class Conversation:
    """What the items of an input amount to, taken one by one."""

    def __init__(self) -> None:
        self.instructions: list[Text] = []
        self.turns: list[Turn] = []
        self.laid: list[Laid] = []
        self.references: list[object] = []
        """Ids of items that the provider is to know."""
        self.tools: list[Tools] = []
        """By the item that brought them."""

    def take(self, item: JSON, at: str) -> None:
        kind = wire.read_optional(item, "type", at) or ("message" if "role" in item else "item_reference")
        reader = READERS.get(kind)
        if reader is not None:
            reader(self, item, at)
        elif kind in wire.USER_ITEMS or (kind == "tool_search_output" and item.get("execution") == "client"):
            self.add("user", [Native(wire.NAME, kind, item)])
        elif kind in wire.MODEL_ITEMS or ":" in kind:
            self.add("assistant", [Native(wire.NAME, kind, item)])
            self.references += [item.get("id")] if kind == "item_reference" else []
        else:
            raise BadRequest(f"'{at}.type' is '{kind}', which is no item.", code="invalid_value", param=f"{at}.type")

    def add(
        self, role: str, parts: list[Part], rest: JSON | None = None, part_rests: dict[int, JSON] | None = None
    ) -> None:
        """Add an item's parts: to the turn that is running where the model goes on, or more results come."""
        last = self.turns[-1] if self.turns else None
        if last is not None and last.role == role and (role == "assistant" or _only_results([*last.parts, *parts])):
            self.turns[-1] = Turn(last.role, (*last.parts, *parts))
        else:
            self.turns.append(_turn(role, parts))
        self.laid.append(Laid(len(self.turns) - 1, len(parts), rest or {}, part_rests or {}))

    def instruct(self, texts: list[Text], rest: JSON, part_rests: dict[int, JSON]) -> None:
        self.instructions += texts
        self.laid.append(Laid(INSTRUCTIONS, len(texts), rest, part_rests))

    def equip(self, item: JSON, tools: Tools) -> None:
        """Add tools that stand where the conversation has come to."""
        self.tools.append(tools)
        self.laid.append(Laid(len(self.turns) - 1, 0, item))

    def take_signature(self) -> Opaque | None:
        """The token of an empty thought that ends the running turn: it belongs to the call that comes now."""
        last = self.turns[-1] if self.turns else None
        if last is None or last.role != "assistant" or not self.laid[-1].parts:
            return None
        match last.parts[-1]:
            case Reasoning(text="", opaque=Opaque(kind=kind) as opaque) if kind == SIGNATURE:
                self.turns[-1] = Turn(last.role, last.parts[:-1])
                self.laid.pop()
                return opaque
        return None


def _turn(role: str, parts: list[Part]) -> Turn:
    return Turn("assistant" if role == "assistant" else "system" if role == "system" else "user", tuple(parts))


def _only_results(parts: list[Part]) -> bool:
    return all(isinstance(part, ToolResult) for part in parts)


def read_input(value: object, at: str = "input") -> Conversation:
    conversation = Conversation()
    if isinstance(value, str):
        conversation.add("user", [Text(value)])
        return conversation
    for index, item in enumerate(wire.read_list(value, at)):
        conversation.take(item, f"{at}[{index}]")
    return conversation


def _read_message(conversation: Conversation, item: JSON, at: str) -> None:
    role = wire.read_text(item, "role", at)
    if role not in ROLES:
        raise BadRequest(f"'{at}.role' is '{role}', which is no role.", code="invalid_value", param=f"{at}.role")
    if "content" not in item:
        raise wire.missing(f"{at}.content")
    content = read_content(item["content"], f"{at}.content")
    parts = [part for part, _ in content]
    if role != "assistant" and all(part == Text() for part in parts):
        raise BadRequest(f"'{at}.content' is empty.", code="invalid_value", param=f"{at}.content")
    part_rests = {index: rest for index, (_, rest) in enumerate(content) if rest}
    rest = wire.rest_of(item, "type", "role", "content")
    if role == "developer":
        role, rest = "system", rest | {"role": role}
    texts = [part for part in parts if isinstance(part, Text)]
    if role == "system" and not conversation.turns and len(texts) == len(parts):
        conversation.instruct(texts, rest, part_rests)
    else:
        conversation.add(role, parts, rest, part_rests)


def _read_reasoning(conversation: Conversation, item: JSON, at: str) -> None:
    parts = [*_thoughts(item, "summary", at), *_thoughts(item, "content", at)]
    token = wire.read_optional(item, "encrypted_content", at)
    opaque = wire.read_token(token) if token else None
    # another family's thought: the text that its token stands for was the whole of it
    summarised = opaque is None or opaque.origin == wire.FAMILY
    parts = [Reasoning(part.text, part.summary and summarised) for part in parts] or [Reasoning()]
    parts[-1] = Reasoning(parts[-1].text, parts[-1].summary, opaque)
    rest = wire.rest_of(item, "type", "summary", "content", "encrypted_content")
    conversation.add("assistant", [*parts], rest)


def _thoughts(item: JSON, name: str, at: str) -> Iterator[Reasoning]:
    if item.get(name) is None:
        return
    for index, part in enumerate(wire.read_list(item[name], f"{at}.{name}")):
        yield Reasoning(wire.read_text(part, "text", f"{at}.{name}[{index}]"), summary=name == "summary")


def _read_call(conversation: Conversation, item: JSON, at: str) -> None:
    custom = item.get("type") == "custom_tool_call"
    arguments = item.get("arguments")
    call = ToolCall(
        id=_filled(item, "call_id", at),
        name=_filled(item, "name", at),
        arguments=wire.read_text(item, "input", at)
        if custom
        else wire.to_text(arguments)
        if isinstance(arguments, dict)
        else wire.read_optional(item, "arguments", at),
        custom=custom,
        namespace=wire.read_optional(item, "namespace", at),
        opaque=conversation.take_signature(),
    )
    rest = wire.rest_of(item, "type", "call_id", "name", "arguments", "input", "namespace", "parsed_arguments")
    conversation.add("assistant", [call], rest)


def _read_output(conversation: Conversation, item: JSON, at: str) -> None:
    kind = wire.read_text(item, "type", at)
    if "output" not in item:
        raise wire.missing(f"{at}.output")
    content = read_content(item["output"], f"{at}.output")
    result = ToolResult(
        call_id=_filled(item, "call_id", at),
        parts=tuple(part for part, _ in content if part != Text()),
        name=wire.read_optional(item, "name", at),
        custom=kind == "custom_tool_call_output",
    )
    conversation.add("user", [result], wire.rest_of(item, "type", "call_id", "output", "name"))


def _read_more_tools(conversation: Conversation, item: JSON, at: str) -> None:
    conversation.equip(item, read_tools(item.get("tools"), f"{at}.tools"))


def _filled(item: JSON, name: str, at: str) -> str:
    value = wire.read_text(item, name, at)
    if not value:
        raise BadRequest(f"'{at}.{name}' is empty.", code="invalid_value", param=f"{at}.{name}")
    return value


READERS: dict[str, Callable[[Conversation, JSON, str], None]] = {
    "message": _read_message,
    "reasoning": _read_reasoning,
    "function_call": _read_call,
    "custom_tool_call": _read_call,
    "function_call_output": _read_output,
    "custom_tool_call_output": _read_output,
    MORE_TOOLS: _read_more_tools,
}


def refuse_orphans(items: list[JSON], at: str = "input") -> None:
    """Refuse a result without its call, a call without its result, and two open calls of one id."""
    if any(item.get("type", "item_reference") in wire.REMEMBERED and "role" not in item for item in items):
        return
    waiting: dict[object, int] = {}
    # calls of the provider's own tools that the client runs may be answered like a function's
    others = [item.get("call_id") for item in items if item.get("type") in wire.MODEL_ITEMS]
    for index, item in enumerate(items):
        kind, call_id = item.get("type"), item.get("call_id")
        if kind in ("function_call", "custom_tool_call") and item.get("async") is not True:
            if call_id in waiting:
                raise _orphan(f"Two calls have the id '{call_id}'.", f"{at}[{index}].call_id")
            waiting[call_id] = index
        elif kind not in ("function_call_output", "custom_tool_call_output") or call_id in others:
            continue
        elif waiting.pop(call_id, None) is None:
            raise _orphan(f"No tool call found for the output of call '{call_id}'.", f"{at}[{index}].call_id")
    for call_id, index in waiting.items():
        raise _orphan(f"No tool output found for call '{call_id}'.", f"{at}[{index}].call_id")


def _orphan(message: str, param: str) -> BadRequest:
    return BadRequest(message, code="invalid_value", param=param)


# writing


class ItemWriter:
    """Writes the turns of one request as items."""

    def __init__(self, request: Request, target: Target, names: ToolNames, calls: CallIds, losses: wire.Losses) -> None:
        extension = wire.own_extension(request)
        self._own = extension is not None
        self._request = request
        self._target = target
        self._names = names
        self._calls = calls
        self._losses = losses
        self._parts = PartWriter(self._own, losses, target.dialect.image_urls)
        self._laid = _layout(wire.as_sent(extension).get("items"), request)
        self._custom: set[str] = set()

    def input(self) -> JSON:
        """The member that holds the items; its own client may leave it out."""
        items = self._items()
        return {} if self._own and not items else {"input": items}

    def declared(self) -> tuple[Tool, ...]:
        """The tools that no item brings."""
        return listed(self._request) if self._laid else self._request.tools

    def _items(self) -> list[JSON]:
        written: list[JSON] = []
        at = _above(self._request, self._laid)
        for laid in self._laid.get(INSTRUCTIONS, []):
            texts = self._request.instructions[at : at + laid.parts]
            written += self._item("system", texts, laid, "instructions")
            at += laid.parts
        for number, turn in enumerate(self._request.turns):
            at = 0
            if turn.name:
                self._losses.note(f"turns[{number}].name", "Who speaks has no name here.")
            for laid in self._laid.get(number) or _by_kind(turn, number):
                place = f"turns[{number}].parts[{at}]"
                written += self._item(turn.role, turn.parts[at : at + laid.parts], laid, place)
                at += laid.parts
        return written

    def _item(self, role: str, parts: tuple[Part, ...], laid: Laid, at: str) -> list[JSON]:
        if laid.rest.get("type") == MORE_TOOLS:
            return [laid.rest]
        match parts[0] if parts else None:
            case Reasoning():
                thoughts = [part for part in parts if isinstance(part, Reasoning)]
                return self._reasoning(thoughts, laid, at)
            case ToolCall() as call:
                return [self._call(call) | laid.rest]
            case ToolResult() as result:
                return [self._result(result, at) | laid.rest]
            case Native() as native:
                return self._native(native, at)
        message = self._message(role, parts, laid, at)
        return [message] if message["content"] or not parts else []

    def _message(self, role: str, parts: tuple[Part, ...], laid: Laid, at: str) -> JSON:
        written = []
        for index, part in enumerate(parts):
            if part == Text() and not self._own:
                continue
            content = self._content(role, part, at)
            if content is not None:
                written.append(content | laid.part_rests.get(index, {}))
        return {"type": "message", "role": self._role(role), "content": written} | self._with_role(laid.rest)

    def _content(self, role: str, part: Part, at: str) -> JSON | None:
        if role != "assistant":
            return self._parts.input(part, at)
        if isinstance(part, Text | Refusal):
            return self._parts.output(part)
        self._losses.note(at, "Media that a model made cannot be shown to it again.")
        return None

    def _role(self, role: str) -> str:
        if role != "system" or self._own:
            return role
        return self._target.dialect.system_role

    def _with_role(self, rest: JSON) -> JSON:
        if rest.get("role") == "developer" and self._target.dialect.system_role == "system":
            return rest | {"role": "system"}
        return rest

    def _reasoning(self, thoughts: list[Reasoning], laid: Laid, at: str) -> list[JSON]:
        opaque = thoughts[-1].opaque
        token = self._token(opaque)
        # without any token it lies at the upstream, if its client knows its id
        if not token and (opaque is not None or "id" not in laid.rest) and not self._takes_plain(thoughts):
            self._losses.note(at, "What another model thought cannot be given to this one.")
            return []
        shown = [one for one in thoughts if one.text]
        summary = [{"type": "summary_text", "text": one.text} for one in shown if one.summary]
        content = [{"type": "reasoning_text", "text": one.text} for one in shown if not one.summary]
        held: JSON = {"content": content} if content else {}
        return [{"type": "reasoning", "summary": summary, **held, **token, **laid.rest}]

    def _token(self, opaque: Opaque | None) -> JSON:
        """The token, where the target's models can read it."""
        families = (wire.FAMILY, self._target.facts.family)
        if opaque is None or opaque.kind != wire.ENCRYPTED or opaque.origin not in families:
            return {}
        return {"encrypted_content": opaque.data}

    def _takes_plain(self, thoughts: list[Reasoning]) -> bool:
        return self._target.dialect.echo_reasoning != "forbidden" and any(one.text for one in thoughts)

    def _call(self, call: ToolCall) -> JSON:
        given: JSON = {"call_id": self._calls.of_call(call.id), "name": self._names.of(call.name)}
        if call.namespace:
            given["namespace"] = call.namespace
        if call.custom:
            self._custom.add(call.id)
            return {"type": "custom_tool_call", **given, "input": call.arguments}
        return {"type": "function_call", **given, "arguments": call.arguments or ("" if self._own else "{}")}

    def _result(self, result: ToolResult, at: str) -> JSON:
        custom = result.custom or result.call_id in self._custom
        name: JSON = {"name": result.name} if result.name and self._own else {}
        return {
            "type": "custom_tool_call_output" if custom else "function_call_output",
            "call_id": self._calls.of_result(result.call_id),
            **name,
            "output": self._output(result, at),
        }

    def _output(self, result: ToolResult, at: str) -> object:
        prefix = "ERROR: " if result.is_error else ""
        match result.parts:
            case ():
                return prefix + (wire.to_text(result.structured) if result.structured is not None else "")
            case (Text(text=text, cache=cache),) if cache is None or not self._own:
                return prefix + text
        parts = (Text(prefix), *result.parts) if prefix else result.parts
        return [written for part in parts if (written := self._parts.input(part, at)) is not None]

    def _native(self, native: Native, at: str) -> list[JSON]:
        if native.origin == wire.NAME:
            return [native.item]
        self._losses.note(at, "What another provider's own tools did cannot be told here.")
        return []


def _layout(kept: object, request: Request) -> dict[int, list[Laid]]:
    """The layout by turn, where it still is that of these turns."""
    try:
        laid = convert(kept or [], list[Laid], strict=False)
    except Unfit:
        return {}
    by_turn: dict[int, list[Laid]] = {}
    for one in laid:
        by_turn.setdefault(one.turn, []).append(_without_our_id(one))
    sizes = {number: len(turn.parts) for number, turn in enumerate(request.turns)}
    counted = {number: sum(one.parts for one in laid) for number, laid in by_turn.items()}
    held = counted.pop(INSTRUCTIONS, 0)
    return by_turn if counted == sizes and held <= len(request.instructions) else {}


def instructions_above(request: Request) -> str | None:
    """The instructions that no item holds, as one text."""
    laid = _layout(wire.as_sent(wire.own_extension(request)).get("items"), request)
    texts = [text.text for text in request.instructions[: _above(request, laid)]]
    return "\n\n".join(texts) if texts else None


def _above(request: Request, laid: dict[int, list[Laid]]) -> int:
    return len(request.instructions) - sum(one.parts for one in laid.get(INSTRUCTIONS, []))


def write_layout(laid: list[Laid]) -> object:
    return to_builtins(laid, str_keys=True)


def _without_our_id(laid: Laid) -> Laid:
    if not wire.is_ours(laid.rest.get("id")):
        return laid
    rest = {name: value for name, value in laid.rest.items() if name != "id"}
    return Laid(laid.turn, laid.parts, rest, laid.part_rests)


def _by_kind(turn: Turn, number: int) -> list[Laid]:
    """One item for each run of parts that one item can hold."""
    sizes: list[int] = []
    before: Part | None = None
    for part in turn.parts:
        if before is not None and _joins(before, part):
            sizes[-1] += 1
        else:
            sizes.append(1)
        before = part
    return [Laid(number, size) for size in sizes]


def _joins(before: Part, part: Part) -> bool:
    alone = (ToolCall, ToolResult, Native)
    if isinstance(before, alone) or isinstance(part, alone):
        return False
    if isinstance(before, Reasoning) or isinstance(part, Reasoning):
        return isinstance(before, Reasoning) and isinstance(part, Reasoning) and before.opaque is None
    return True
