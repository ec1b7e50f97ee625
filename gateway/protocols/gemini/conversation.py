"""The contents of a request, read: turns, calls and their results matched, streamed pieces joined."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical import JSON, Native, Opaque, Part, Reasoning, Text, ToolCall, ToolResult, Turn
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.parts import (
    read_arguments,
    read_blob,
    read_file,
    read_result,
    read_signature,
)
from gateway.protocols.ids import mint

NATIVE = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
"""Parts about tools that Google runs."""

CONTENTS = ("text", "inline_data", "file_data", "function_call", "function_response")
"""What a part may be: one of them."""

KNOWN = frozenset(wire.Part.__struct_encode_fields__)

ROLES: dict[str, Literal["user", "assistant"]] = {"": "user", "user": "user", "function": "user", "model": "assistant"}


class Conversation(Struct, frozen=True):
    """The turns, and by their place what parts have that nothing canonical stands for."""

    turns: tuple[Turn, ...]
    extras: JSON = {}


class _Call(Struct):
    """A call that waits for its result."""

    id: str
    name: str
    place: str
    answered: bool = False


def read_contents(value: list[JSON] | JSON | None) -> Conversation:
    contents = wire.objects(value)
    if not contents:
        raise wire.invalid("contents", "is missing or empty", "missing_required_parameter")
    reader = _Reader()
    for at, content in enumerate(contents):
        reader.read(content, f"contents[{at}]")
    return reader.conversation()


def read_instructions(value: JSON | str | None) -> tuple[Text, ...]:
    if value is None or isinstance(value, str):
        return (Text(value),) if value else ()
    content = wire.read(wire.Content, value, "systemInstruction")
    texts = []
    for at, item in enumerate(wire.objects(content.parts)):
        place = f"systemInstruction.parts[{at}]"
        part = wire.read(wire.Part, item, place)
        if part.text is None:
            raise wire.invalid(place, "is no text")
        texts.append(Text(part.text))
    return tuple(texts)


class _Reader:
    """Reads contents one after another."""

    def __init__(self) -> None:
        self._turns: list[tuple[Literal["user", "assistant"], list[Part]]] = []
        self._extras: JSON = {}
        self._calls: list[_Call] = []
        self._minted = 0

    def read(self, value: JSON, place: str) -> None:
        content = wire.read(wire.Content, value, place)
        role = ROLES.get(content.role or "")
        if role is None:
            raise wire.invalid(f"{place}.role", "must be 'user' or 'model'")
        items = wire.objects(content.parts)
        if not items:
            raise wire.invalid(f"{place}.parts", "is missing or empty")
        if continues := bool(self._turns) and self._turns[-1][0] == role:
            parts = self._turns[-1][1]
        else:
            parts = []
            self._turns.append((role, parts))
            if role == "assistant":
                self._refuse_unanswered()
                self._calls = []
        start = len(parts)
        for at, item in enumerate(items):
            self._read_part(item, f"{place}.parts[{at}]", parts)
        parts[start:] = self._matched(parts[start:], place)
        if continues and role == "assistant":
            _join_streamed(parts, start)

    def conversation(self) -> Conversation:
        self._refuse_unanswered()
        return Conversation(tuple(Turn(role, tuple(parts)) for role, parts in self._turns), self._extras)

    def _read_part(self, value: JSON, place: str, parts: list[Part]) -> None:
        part = wire.read(wire.Part, value, place)
        if len([name for name in CONTENTS if getattr(part, name) is not None]) > 1:
            raise wire.invalid(place, "is more than one thing")
        signature = part.thought_signature
        opaque = (
            read_signature(signature, wire.THOUGHT if part.thought else wire.SIGNATURE, place) if signature else None
        )
        if part.thought and part.text is not None:
            _add_thought(parts, part.text, opaque)
        else:
            _add_spoken(parts, self._read_spoken(part, value, place), opaque)
        if extra := {name: item for name, item in wire.camel(value).items() if name not in KNOWN}:
            self._extras[f"{len(self._turns) - 1}.{len(parts) - 1}"] = extra

    def _read_spoken(self, part: wire.Part, value: JSON, place: str) -> Part:
        if part.text is not None:
            return Text(part.text)
        if part.inline_data is not None:
            return read_blob(part.inline_data, f"{place}.inlineData")
        if part.file_data is not None:
            return read_file(part.file_data, f"{place}.fileData")
        if part.function_call is not None:
            return self._read_call(part.function_call, f"{place}.functionCall")
        if part.function_response is not None:
            return _read_response(part.function_response, f"{place}.functionResponse")
        known = wire.camel(value)
        kind = next((name for name in NATIVE if name in known), None)
        if kind is None:
            raise wire.invalid(place, "has no content that is known")
        return Native(wire.NAME, kind, known)

    def _read_call(self, value: JSON, place: str) -> ToolCall:
        call = wire.read(wire.FunctionCall, value, place)
        if not call.name:
            raise wire.invalid(f"{place}.name", "is missing")
        if self._turns[-1][0] == "user":
            raise wire.invalid(place, "is not for the user to make")
        self._minted += not call.id
        id_ = call.id or mint(wire.NAME, len(self._turns), self._minted, call.name)
        if any(known.id == id_ for known in self._calls):
            raise wire.invalid(f"{place}.id", "is the same as that of another call")
        self._calls.append(_Call(id_, call.name, place))
        return ToolCall(id_, call.name, read_arguments(call.args))

    def _matched(self, parts: Sequence[Part], place: str) -> list[Part]:
        """Results with the ids of their calls: by id where there is one, else by order among those of that name."""
        found = {id(part): self._answer(part, by_id=True) for part in parts if isinstance(part, ToolResult)}
        matched: list[Part] = []
        for at, part in enumerate(parts):
            if not isinstance(part, ToolResult):
                matched.append(part)
                continue
            call = found[id(part)] or self._answer(part, by_id=False)
            if call is None:
                raise wire.invalid(f"{place}.parts[{at}].functionResponse", "answers no call of the turn before")
            matched.append(replace(part, call_id=call.id, name=call.name))
        return matched

    def _answer(self, result: ToolResult, *, by_id: bool) -> _Call | None:
        waiting = [call for call in self._calls if not call.answered]
        if by_id:
            waiting = [call for call in waiting if call.id == result.call_id]
        named = [call for call in waiting if call.name == result.name]
        call = next(iter(named or waiting), None)
        if call:
            call.answered = True
        return call

    def _refuse_unanswered(self) -> None:
        for call in self._calls:
            if not call.answered:
                raise wire.invalid(call.place, "has no functionResponse in the turn after it")


def _read_response(value: JSON, place: str) -> ToolResult:
    response = wire.read(wire.FunctionResponse, value, place)
    return read_result(response, response.id or "", place)


def _add_thought(parts: list[Part], text: str, opaque: Opaque | None) -> None:
    """A signature that comes after the thought it signs belongs to it."""
    last = parts[-1] if parts else None
    if opaque and not text and isinstance(last, Reasoning) and last.opaque is None:
        parts[-1] = replace(last, opaque=opaque)
    else:
        parts.append(Reasoning(text, opaque=opaque))


def _add_spoken(parts: list[Part], part: Part, opaque: Opaque | None) -> None:
    """A part with its signature, or behind the thought whose token it carried, which may have no words left."""
    if opaque and opaque.origin == wire.FAMILY and isinstance(part, Text | ToolCall):
        part = replace(part, opaque=opaque)
    elif opaque and not isinstance(part, Native):
        _add_thought(parts, "", opaque)
    parts.append(part)


def _join_streamed(parts: list[Part], start: int) -> None:
    """Clients keep a stream's chunks as contents of their own: the text that runs on is one."""
    before, after = (parts[start - 1], parts[start]) if 0 < start < len(parts) else (None, None)
    match before, after:
        case Text(opaque=None), Text():
            parts[start - 1 : start + 1] = [replace(after, text=before.text + after.text)]
        case Reasoning(opaque=None), Reasoning():
            parts[start - 1 : start + 1] = [replace(after, text=before.text + after.text)]
