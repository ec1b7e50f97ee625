"""Streams of Gemini, read and written: server-sent events, or one array."""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical import (
    JSON,
    Event,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Refusal,
    Request,
    ResponseEnded,
    ResponseStarted,
    Text,
    ToolCall,
    UsageReported,
)
from gateway.errors import GatewayError
from gateway.protocols.gemini import native
from gateway.protocols.gemini.incoming import Incoming
from gateway.protocols.gemini.outgoing import Outgoing
from gateway.protocols.translation import Decoder, Encoder


def new_decoder() -> Decoder:
    return Incoming()


def new_encoder(request: Request) -> Encoder:
    return StreamEncoder(request, in_array=False)


def new_array_encoder(request: Request) -> Encoder:
    """For a stream that is one array: what a client gets that did not ask for events."""
    return StreamEncoder(request, in_array=True)


class _Open(Struct):
    """A part that has begun and not been written to its end."""

    part: Part
    pieces: list[str]
    written: int = 0
    """How many of the pieces are out already."""
    end: PartEnded | None = None


class StreamEncoder:
    """Writes parts one after another: what belongs to a later one waits for the one before it."""

    def __init__(self, request: Request, *, in_array: bool) -> None:
        self._outgoing = Outgoing(request)
        self._in_array = in_array
        self._open: dict[int, _Open] = {}
        self._begun = False
        self._ended = False

    def encode(self, event: Event) -> bytes:
        if self._ended:
            return b""
        match event:
            case ResponseStarted():
                self._outgoing.id = event.id
            case UsageReported():
                self._outgoing.usage = event.usage
            case PartStarted(index, part):
                self._open[index] = _Open(part, [text] if (text := _text_of(part)) else [])
                return self._written()
            case PartDelta(index, text) if index in self._open:
                self._open[index].pieces.append(text)
                self._outgoing.logprobs.add(event.logprobs)
                return self._written()
            case PartEnded(index) if index in self._open:
                self._open[index].end = event
                return self._written()
            case ResponseEnded():
                return self._end(event)
        return b""

    def fail(self, error: GatewayError, request_id: str) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        reader = native.Reader()
        reader.begun = self._begun
        frames = native.array_error_frames if self._in_array else native.error_frames
        return frames(error, request_id, reader)

    def _written(self) -> bytes:
        """The chunk for what can be written now: the first open part's text, and all parts that are whole by then."""
        parts: list[JSON] = []
        while self._open:
            index, first = next(iter(self._open.items()))
            parts += self._pieces(first)
            if first.end is None:
                break
            parts += self._last_of(first, first.end)
            del self._open[index]
        return self._frame(self._outgoing.chunk(parts)) if parts else b""

    def _pieces(self, open_: _Open) -> list[JSON]:
        if not isinstance(open_.part, Text | Refusal | Reasoning):
            return []
        text = "".join(open_.pieces[open_.written :])
        open_.written = len(open_.pieces)
        return self._outgoing.thought(text) if isinstance(open_.part, Reasoning) else self._outgoing.text(text)

    def _last_of(self, open_: _Open, end: PartEnded) -> list[JSON]:
        text = "".join(open_.pieces)
        match open_.part:
            case Text(opaque=opaque, citations=citations):
                return self._outgoing.end_text(text, end.opaque or opaque, end.citations or citations)
            case Refusal():
                return self._outgoing.end_text(text, None, ())
            case Reasoning(opaque=opaque):
                return self._outgoing.end_thought(end.opaque or opaque)
            case ToolCall() as call:
                return self._outgoing.part(replace(call, arguments=text, opaque=end.opaque or call.opaque))
            case part:
                return self._outgoing.part(part)

    def _end(self, event: ResponseEnded) -> bytes:
        for index, open_ in self._open.items():
            open_.end = open_.end or PartEnded(index)
        frames = self._written()
        parts: list[JSON] = self._outgoing.rest() or [{"text": ""}]
        frames += self._frame(self._outgoing.last(parts, event.ending))
        self._ended = True
        return frames + b"]" if self._in_array else frames

    def _frame(self, chunk: JSON) -> bytes:
        text = msgspec.json.encode(chunk)
        if not self._in_array:
            return b"data: %s\r\n\r\n" % text
        separator = b",\r\n" if self._begun else b"["
        self._begun = True
        return separator + text


def _text_of(part: Part) -> str:
    """What a part that begins says already."""
    match part:
        case Text(text) | Refusal(text) | Reasoning(text):
            return text
        case ToolCall(arguments=arguments):
            return arguments
        case _:
            return ""
