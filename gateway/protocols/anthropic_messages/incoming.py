"""Blocks of an upstream's stream as they arrive, as events of canonical parts."""

from collections.abc import Callable, Mapping

import msgspec

from gateway.canonical import JSON, Event, Part, PartDelta, PartEnded, PartStarted, Reasoning, Text, ToolCall
from gateway.protocols.anthropic_messages.answers import arguments_of, text_of
from gateway.protocols.anthropic_messages.parts import read_citation, read_signature
from gateway.protocols.anthropic_messages.searches import Searches
from gateway.protocols.ids import AnswerIds
from gateway.protocols.reading import decode, dicts


class Parts:
    """Counts an answer's parts and keeps its calls apart."""

    def __init__(self, seed: str) -> None:
        self.count = 0
        self.called = False
        self.ids = AnswerIds(seed)
        self.searches = Searches()

    def next(self) -> int:
        self.count += 1
        return self.count - 1


class Incoming:
    """A block as it arrives."""

    kind = ""

    def __init__(self, block: JSON, parts: Parts) -> None:
        self._block = block
        self._parts = parts
        self._index = -1
        """None of the answer's parts yet."""

    def begin(self) -> list[Event]:
        return []

    def more(self, kind: str, delta: JSON) -> list[Event]:
        return []

    def end(self) -> list[Event]:
        return [] if self._index < 0 else [PartEnded(self._index)]

    def _add(self, part: Part, text: str) -> list[Event]:
        if not text:
            return []
        return [*self._started(part), PartDelta(self._index, text)]

    def _started(self, part: Part) -> list[Event]:
        if self._index >= 0:
            return []
        self._index = self._parts.next()
        return [PartStarted(self._index, part)]


class _IncomingText(Incoming):
    kind = "text"

    def __init__(self, block: JSON, parts: Parts) -> None:
        super().__init__(block, parts)
        self._length = 0
        self._citations = dicts(block.get("citations"))

    def begin(self) -> list[Event]:
        return self._text(text_of(self._block.get("text")))

    def more(self, kind: str, delta: JSON) -> list[Event]:
        if kind == "citations_delta":
            self._citations += dicts([delta.get("citation")])
        return self._text(text_of(delta.get("text")))

    def end(self) -> list[Event]:
        citations = tuple(read_citation(citation, self._length) for citation in self._citations)
        return [] if self._index < 0 else [PartEnded(self._index, citations=citations)]

    def _text(self, text: str) -> list[Event]:
        self._length += len(text)
        return self._add(Text(), text)


class _IncomingThought(Incoming):
    kind = "thinking"

    def __init__(self, block: JSON, parts: Parts) -> None:
        super().__init__(block, parts)
        self._signature = text_of(block.get("signature"))

    def begin(self) -> list[Event]:
        return self._add(Reasoning(), text_of(self._block.get("thinking")))

    def more(self, kind: str, delta: JSON) -> list[Event]:
        self._signature += text_of(delta.get("signature"))
        return self._add(Reasoning(), text_of(delta.get("thinking")))

    def end(self) -> list[Event]:
        return [*self._started(Reasoning()), PartEnded(self._index, read_signature(self._signature, "signature"))]


class _IncomingRedacted(Incoming):
    kind = "redacted_thinking"

    def end(self) -> list[Event]:
        opaque = read_signature(text_of(self._block.get("data")), "redacted")
        return [*self._started(Reasoning(opaque=opaque)), PartEnded(self._index, opaque)]


class _IncomingCall(Incoming):
    kind = "tool_use"

    def __init__(self, block: JSON, parts: Parts) -> None:
        super().__init__(block, parts)
        self._is_written = False

    def begin(self) -> list[Event]:
        self._parts.called = True
        name = text_of(self._block.get("name"))
        return self._started(ToolCall(self._parts.ids.of_call(text_of(self._block.get("id")), name), name))

    def more(self, kind: str, delta: JSON) -> list[Event]:
        text = text_of(delta.get("partial_json"))
        self._is_written = self._is_written or bool(text)
        return [PartDelta(self._index, text)] if text else []

    def end(self) -> list[Event]:
        """A call without arguments has an empty object; some upstreams give all of it at the start."""
        whole = [] if self._is_written else [PartDelta(self._index, arguments_of(self._block.get("input")))]
        return [*whole, PartEnded(self._index)]


class IncomingNative(Incoming):
    """Told of when it is complete: nobody else could do anything with its pieces."""

    def __init__(self, block: JSON, parts: Parts) -> None:
        super().__init__(block, parts)
        self._input = ""

    def more(self, kind: str, delta: JSON) -> list[Event]:
        if kind == "input_json_delta":
            self._input += text_of(delta.get("partial_json"))
        elif kind == "compaction_delta":
            self._block |= {name: value for name, value in delta.items() if name != "type"}
        return []

    def end(self) -> list[Event]:
        if self._input:
            self._block["input"] = decode(_INPUT, self._input.encode()) or {}
        return [*self._started(self._parts.searches.native(self._block)), PartEnded(self._index)]


_INPUT: msgspec.json.Decoder[object] = msgspec.json.Decoder(dict[str, object])

INCOMING: Mapping[str, Callable[[JSON, Parts], Incoming]] = {
    "text": _IncomingText,
    "thinking": _IncomingThought,
    "redacted_thinking": _IncomingRedacted,
    "tool_use": _IncomingCall,
}
