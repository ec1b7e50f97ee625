"""A stream of Messages events as canonical events, and any canonical events as such a stream."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from gateway.canonical import (
    JSON,
    Ending,
    Event,
    PartDelta,
    PartEnded,
    PartStarted,
    Request,
    ResponseEnded,
    ResponseStarted,
    Usage,
    UsageReported,
)
from gateway.errors import GatewayError, UpstreamFailed
from gateway.protocols.anthropic_messages.answers import (
    Thoughts,
    check_ending,
    message_shell,
    read_ending,
    text_of,
    write_ending,
    write_usage,
)
from gateway.protocols.anthropic_messages.incoming import INCOMING, Incoming, IncomingNative, Parts
from gateway.protocols.anthropic_messages.native import USAGE, error_body, to_usage
from gateway.protocols.anthropic_messages.outgoing import Blocks, Outgoing, event_frame, frame, outgoing_part
from gateway.protocols.counts import note_counts
from gateway.protocols.reading import decode
from gateway.protocols.upstream_errors import read_streamed_error

DELTA_BLOCKS: Mapping[str, str] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
}
"""The block that a delta belongs to, whichever is open: an upstream may have forgotten to begin it."""


class StreamEvent(Struct, gc=False):
    type: object = None
    index: object = None
    message: object = None
    content_block: object = None
    delta: object = None
    usage: object = None
    error: object = None


_EVENT = msgspec.json.Decoder(StreamEvent)


# from the wire


class StreamDecoder:
    """Reads events. A part is told of when its first text comes, so that empty ones are never heard of."""

    def __init__(self) -> None:
        self._begun = False
        self._ended = False
        self._stopped = False
        self._message: JSON = {}
        self._counts: dict[str, int] = {}
        self._open: dict[int, Incoming] = {}
        self._parts = Parts("")

    def feed(self, payload: bytes) -> list[Event]:
        """The events of one frame's payload."""
        event = decode(_EVENT, payload)
        if event is None or self._ended:
            return []
        if event.type == "error" or event.error:
            raise read_streamed_error(payload)
        read = _READERS.get(text_of(event.type))
        return read(self, event) if read else []

    def end(self) -> list[Event]:
        """Some upstreams leave out the last event, but none the reason to stop."""
        if self._ended:
            return []
        if not self._stopped:
            raise UpstreamFailed("The upstream broke off in the middle of its answer.", code="upstream_cut_off")
        return self._finish()

    def _start(self, event: StreamEvent) -> list[Event]:
        if self._parts.count or self._open:
            raise UpstreamFailed("The upstream began a second answer in the middle of the first.")
        if self._begun:
            return []
        message = event.message if isinstance(event.message, dict) else {}
        return [*self._begin(message), *self._report(message.get("usage"))]

    def _begin(self, message: JSON) -> list[Event]:
        self._begun = True
        given = text_of(message.get("id"))
        self._parts = Parts(given)
        return [ResponseStarted(given, text_of(message.get("model")))]

    def _report(self, usage: object) -> list[Event]:
        note_counts(self._counts, usage, USAGE)
        told = to_usage(self._counts) if usage else None
        return [UsageReported(told)] if told else []

    def _start_block(self, event: StreamEvent) -> list[Event]:
        block = event.content_block if isinstance(event.content_block, dict) else {}
        return self._open_block(_index(event), block)

    def _open_block(self, index: int, block: JSON) -> list[Event]:
        events = self._close(index) if self._begun else self._begin({})
        incoming = self._open[index] = INCOMING.get(text_of(block.get("type")), IncomingNative)(block, self._parts)
        return [*events, *incoming.begin()]

    def _delta(self, event: StreamEvent) -> list[Event]:
        delta = event.delta if isinstance(event.delta, dict) else {}
        kind = text_of(delta.get("type"))
        incoming, wanted = self._open.get(_index(event)), DELTA_BLOCKS.get(kind)
        if wanted is not None and (incoming is None or incoming.kind != wanted):
            events = self._open_block(_index(event), {"type": wanted})
            return [*events, *self._open[_index(event)].more(kind, delta)]
        return incoming.more(kind, delta) if incoming else []

    def _stop_block(self, event: StreamEvent) -> list[Event]:
        return self._close(_index(event))

    def _close(self, index: int) -> list[Event]:
        incoming = self._open.pop(index, None)
        return incoming.end() if incoming else []

    def _stop(self, event: StreamEvent) -> list[Event]:
        delta = event.delta if isinstance(event.delta, dict) else {}
        if delta.get("stop_reason") is not None:
            self._stopped = True
            self._message = delta
        return self._report(event.usage)

    def _end(self, event: StreamEvent) -> list[Event]:
        return self._finish()

    def _finish(self) -> list[Event]:
        self._ended = True
        events = [] if self._begun else self._begin({})
        for index in list(self._open):
            events += self._close(index)
        return [*events, ResponseEnded(read_ending(self._message, self._parts.called))]


def _index(event: StreamEvent) -> int:
    return event.index if isinstance(event.index, int) else 0


_READERS: Mapping[str, Callable[[StreamDecoder, StreamEvent], list[Event]]] = {
    "message_start": StreamDecoder._start,
    "content_block_start": StreamDecoder._start_block,
    "content_block_delta": StreamDecoder._delta,
    "content_block_stop": StreamDecoder._stop_block,
    "message_delta": StreamDecoder._stop,
    "message_stop": StreamDecoder._end,
}


# to the wire


class StreamEncoder:
    """Writes one block after the other: what belongs to a later one waits until it is its turn."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._thoughts = Thoughts(request)
        self._id = ""
        self._usage: Usage | None = None
        self._begun = False
        self._over = False
        self._blocks = Blocks()
        self._current = -1
        self._parts: dict[int, Outgoing] = {}

    def encode(self, event: Event) -> bytes:
        """The frames for one event; the message begins with its first block, as usage may be known by then."""
        if self._over:
            return b""
        match event:
            case PartDelta(index, text):
                return self._more(index, text)
            case PartStarted(index, part):
                self._parts[index] = outgoing_part(part, self._thoughts, self._blocks)
                return self._begin() + self._advance() if self._current < 0 else b""
            case PartEnded(index):
                return self._end_part(index, event)
            case UsageReported(usage):
                self._usage = usage
            case ResponseStarted(given):
                self._id = given
            case ResponseEnded(ending):
                return self._end(ending)
        return b""

    def fail(self, error: GatewayError, request_id: str) -> bytes:
        """Close what is open, then the error. Nothing may follow."""
        if self._over:
            return b""
        self._over = True
        return self._blocks.close() + frame("error", error_body(error, request_id))

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        message = message_shell(self._id, self._request.model, write_usage(self._usage or Usage()))
        return event_frame({"type": "message_start", "message": message})

    def _more(self, index: int, text: str) -> bytes:
        part = self._parts.get(index)
        if part is None or not text:
            return b""
        if index == self._current:
            return part.write(text)
        part.waiting.append(text)
        return b""

    def _end_part(self, index: int, event: PartEnded) -> bytes:
        if index not in self._parts:
            return b""
        self._parts[index].ended = event
        return self._advance() if index == self._current else b""

    def _advance(self) -> bytes:
        """Write out the parts whose turn it is, as far as they are complete, and the next as far as it is there."""
        frames = b""
        while self._parts:
            index, part = next(iter(self._parts.items()))
            if index != self._current:
                self._current = index
                frames += part.begin() + b"".join(map(part.write, part.waiting))
            if part.ended is None:
                return frames
            frames += part.end(part.ended)
            del self._parts[index]
            self._current = -1
        return frames

    def _end(self, ending: Ending) -> bytes:
        try:
            check_ending(ending)
        except UpstreamFailed as error:
            return self.fail(error, "")
        frames = self._begin()
        for index, part in self._parts.items():
            part.ended = part.ended or PartEnded(index)
        frames += self._advance()
        self._over = True
        delta = write_ending(ending, self._blocks.called)
        usage = write_usage(self._usage) if self._usage else {"output_tokens": 0}
        return frames + event_frame({"type": "message_delta", "delta": delta, "usage": usage}) + _STOP


_STOP = event_frame({"type": "message_stop"})
