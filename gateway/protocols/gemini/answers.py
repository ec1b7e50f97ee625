"""Whole answers of Gemini, read and written."""

import msgspec

from gateway.canonical import (
    JSON,
    Ending,
    Event,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Request,
    Response,
    ResponseEnded,
    ResponseStarted,
    Text,
    ToolCall,
    Usage,
    UsageReported,
)
from gateway.protocols.gemini.incoming import Incoming
from gateway.protocols.gemini.outgoing import Outgoing


def decode_response(body: bytes) -> Response:
    """A whole answer is a stream of one chunk."""
    incoming = Incoming()
    return _gather([*incoming.feed(body), *incoming.close()])


def encode_response(response: Response, request: Request) -> bytes:
    outgoing = Outgoing(request)
    outgoing.id, outgoing.usage = response.id, response.usage
    parts: list[JSON] = [written for part in response.parts for written in outgoing.part(part)]
    return msgspec.json.encode(outgoing.last([*parts, *outgoing.rest()], response.ending))


def _gather(events: list[Event]) -> Response:
    """What a finished stream amounts to."""
    started, ending = ResponseStarted("", ""), Ending("end")
    parts: dict[int, Part] = {}
    usage: Usage | None = None
    for event in events:
        match event:
            case ResponseStarted():
                started = event
            case PartStarted(index, part):
                parts[index] = part
            case PartDelta(index):
                parts[index] = _with_text(parts[index], event)
            case PartEnded(index):
                parts[index] = _ended(parts[index], event)
            case UsageReported():
                usage = event.usage
            case ResponseEnded():
                ending = event.ending
    return Response(started.id, started.model, tuple(parts.values()), ending, usage, started.created)


def _with_text(part: Part, more: PartDelta) -> Part:
    match part:
        case Text():
            logprobs = (*part.logprobs, *more.logprobs)
            return msgspec.structs.replace(part, text=part.text + more.text, logprobs=logprobs)
        case Reasoning():
            return msgspec.structs.replace(part, text=part.text + more.text)
        case ToolCall():
            return msgspec.structs.replace(part, arguments=part.arguments + more.text)
        case _:
            return part


def _ended(part: Part, end: PartEnded) -> Part:
    match part:
        case Text():
            return msgspec.structs.replace(part, opaque=end.opaque, citations=end.citations)
        case Reasoning() if end.opaque:
            return msgspec.structs.replace(part, opaque=end.opaque)
        case _:
            return part
