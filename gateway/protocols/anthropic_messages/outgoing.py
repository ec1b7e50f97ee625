"""Canonical parts on their way into a client's stream, each as the frames of its blocks."""

import msgspec

from gateway.canonical import (
    JSON,
    Audio,
    Citation,
    Document,
    Image,
    Native,
    Part,
    PartEnded,
    Reasoning,
    Refusal,
    Searched,
    Text,
    ToolCall,
    Video,
)
from gateway.protocols.anthropic_messages.answers import (
    Thoughts,
    call_block,
    placeholder,
    sign,
    token_block,
    write_citations,
)
from gateway.protocols.anthropic_messages.parts import LAST, NEXT
from gateway.protocols.anthropic_messages.searches import write_search
from gateway.protocols.anthropic_messages.wire import OWN, SERVER_CALLS


def frame(name: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


def event_frame(event: JSON) -> bytes:
    return frame(str(event["type"]), msgspec.json.encode(event))


class Blocks:
    """Counts the blocks that are really written; one is open at a time."""

    def __init__(self) -> None:
        self.called = False
        self._count = 0
        self._is_open = False

    def open(self, block: JSON) -> bytes:
        self._is_open = True
        self.called = self.called or block["type"] == "tool_use"
        return event_frame({"type": "content_block_start", "index": self._count, "content_block": block})

    def delta(self, delta: JSON) -> bytes:
        return event_frame({"type": "content_block_delta", "index": self._count, "delta": delta})

    def close(self) -> bytes:
        if not self._is_open:
            return b""
        self._is_open = False
        self._count += 1
        return event_frame({"type": "content_block_stop", "index": self._count - 1})

    def thought(self, block: JSON) -> bytes:
        """A whole block of thinking."""
        if block["type"] != "thinking":
            return self.open(block) + self.close()
        frames = self.open({"type": "thinking", "thinking": "", "signature": ""})
        if block["thinking"]:
            frames += self.delta({"type": "thinking_delta", "thinking": block["thinking"]})
        return frames + self.delta({"type": "signature_delta", "signature": block["signature"]}) + self.close()


class Outgoing:
    """A part on its way to a block."""

    def __init__(self, blocks: Blocks) -> None:
        self.waiting: list[str] = []
        self.ended: PartEnded | None = None
        self._blocks = blocks

    def begin(self) -> bytes:
        return b""

    def write(self, text: str) -> bytes:
        return b""

    def end(self, ended: PartEnded) -> bytes:
        return self._blocks.close()


class _OutgoingText(Outgoing):
    def __init__(self, part: Text, thoughts: Thoughts, blocks: Blocks) -> None:
        super().__init__(blocks)
        self._part = part
        self._thoughts = thoughts
        self._is_open = False

    def begin(self) -> bytes:
        return self.write(self._part.text)

    def write(self, text: str) -> bytes:
        if not text:
            return b""
        opened = b"" if self._is_open else self._blocks.open({"type": "text", "text": ""})
        self._is_open = True
        return opened + self._blocks.delta({"type": "text_delta", "text": text})

    def end(self, ended: PartEnded) -> bytes:
        cited: tuple[Citation, ...] = (*self._part.citations, *ended.citations) if self._is_open else ()
        citations = write_citations(cited)
        frames = b"".join(self._blocks.delta({"type": "citations_delta", "citation": one}) for one in citations)
        frames += self._blocks.close()
        token = token_block(ended.opaque or self._part.opaque, LAST) if self._thoughts.asked else None
        return frames + self._blocks.thought(token) if token else frames


class _OutgoingThought(Outgoing):
    """Its text passes where the client asked for it; otherwise its end tells whether it is to be seen at all."""

    def __init__(self, part: Reasoning, thoughts: Thoughts, blocks: Blocks) -> None:
        super().__init__(blocks)
        self._part = part
        self._thoughts = thoughts
        self._held: list[str] = []
        self._is_open = False

    def begin(self) -> bytes:
        return self.write(self._part.text)

    def write(self, text: str) -> bytes:
        if not self._is_open:
            self._held.append(text)
            if not self._thoughts.told or not (text := "".join(self._held)).strip():
                return b""
            self._is_open = True
            opened = self._blocks.open({"type": "thinking", "thinking": "", "signature": ""})
            return opened + self._blocks.delta({"type": "thinking_delta", "thinking": text})
        return self._blocks.delta({"type": "thinking_delta", "thinking": text})

    def end(self, ended: PartEnded) -> bytes:
        opaque = ended.opaque or self._part.opaque
        if self._is_open:
            return self._blocks.delta({"type": "signature_delta", "signature": sign(opaque)}) + self._blocks.close()
        block = self._thoughts.block("".join(self._held), opaque)
        return self._blocks.thought(block) if block else b""


class _OutgoingCall(Outgoing):
    def __init__(self, part: ToolCall, blocks: Blocks) -> None:
        super().__init__(blocks)
        self._part = part

    def begin(self) -> bytes:
        token = token_block(self._part.opaque, NEXT)
        frames = self._blocks.thought(token) if token else b""
        return frames + self._blocks.open(call_block(self._part, {})) + self.write(self._part.arguments)

    def write(self, text: str) -> bytes:
        return self._blocks.delta({"type": "input_json_delta", "partial_json": text}) if text else b""

    def end(self, ended: PartEnded) -> bytes:
        token = token_block(ended.opaque, LAST) if ended.opaque != self._part.opaque else None
        return self._blocks.close() + (self._blocks.thought(token) if token else b"")


class _OutgoingNative(Outgoing):
    def __init__(self, items: tuple[JSON, ...], blocks: Blocks) -> None:
        super().__init__(blocks)
        self._items = items

    def begin(self) -> bytes:
        """The last one is left open."""
        return b"".join(self._blocks.close() + self._open(item) for item in self._items)

    def _open(self, item: JSON) -> bytes:
        if item.get("type") not in SERVER_CALLS:
            return self._blocks.open(item)
        written = msgspec.json.encode(item.get("input", {})).decode()
        opened = self._blocks.open({**item, "input": {}})
        return opened + self._blocks.delta({"type": "input_json_delta", "partial_json": written})


def outgoing_part(part: Part, thoughts: Thoughts, blocks: Blocks) -> Outgoing:
    match part:
        case Text():
            return _OutgoingText(part, thoughts, blocks)
        case Refusal(text=text):
            return _OutgoingText(Text(text), thoughts, blocks)
        case Reasoning():
            return _OutgoingThought(part, thoughts, blocks)
        case ToolCall():
            return _OutgoingCall(part, blocks)
        case Native(origin=origin, item=item) if origin == OWN:
            return _OutgoingNative((item,), blocks)
        case Native(searched=Searched() as searched):
            return _OutgoingNative(write_search(searched), blocks)
        case Image() | Audio() | Video() | Document():
            return _OutgoingText(Text(placeholder(part)), thoughts, blocks)
        case _:
            return Outgoing(blocks)
