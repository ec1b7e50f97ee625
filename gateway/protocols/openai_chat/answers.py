"""Whole answers of Chat, read and written. One is read as a stream of a single chunk, so that both mean the same."""

import msgspec
from msgspec.structs import replace

from gateway.canonical import (
    JSON,
    Audio,
    Citation,
    Event,
    Image,
    Opaque,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Refusal,
    Request,
    Response,
    ResponseEnded,
    ResponseStarted,
    Text,
    ToolCall,
    UsageReported,
)
from gateway.errors import UpstreamFailed
from gateway.protocols.openai_chat import told, wire
from gateway.protocols.openai_chat.content import join
from gateway.protocols.openai_chat.decoder import Decoder
from gateway.protocols.openai_chat.reasoning import write_details, write_signature
from gateway.protocols.openai_chat.shapes import (
    call_head,
    failure,
    finish_reason,
    full_id,
    shows_thoughts,
    write_annotations,
    write_audio,
    write_image,
    write_logprobs,
    write_usage,
)

# reading


def decode_response(body: bytes) -> Response:
    answer = told.read_chunk(body)
    if answer is None or not answer.choices:
        raise UpstreamFailed("The upstream's answer is not readable.")
    decoder = Decoder()
    events = [*decoder.take(answer), *decoder.finish()]
    return replace(_collect(events), tier=decoder.tier)


def _collect(events: list[Event]) -> Response:
    """The answer that these events amount to."""
    parts: dict[int, Part] = {}
    response = Response("", "", (), told.read_ending("", called=False, refused=False))
    for event in events:
        match event:
            case ResponseStarted(id, model, created):
                response = replace(response, id=id, model=model, created=created)
            case PartStarted(index, part):
                parts[index] = part
            case PartDelta(index):
                parts[index] = _longer(parts[index], event)
            case PartEnded(index, opaque, citations):
                parts[index] = _ended(parts[index], opaque, citations)
            case UsageReported(usage):
                response = replace(response, usage=usage)
            case ResponseEnded(ending):
                response = replace(response, ending=ending)
    return replace(response, parts=tuple(parts.values()))


def _longer(part: Part, more: PartDelta) -> Part:
    match part:
        case Text():
            return replace(part, text=part.text + more.text, logprobs=(*part.logprobs, *more.logprobs))
        case Refusal() | Reasoning():
            return replace(part, text=part.text + more.text)
        case ToolCall():
            return replace(part, arguments=part.arguments + more.text)
    return part


def _ended(part: Part, opaque: Opaque | None, citations: tuple[Citation, ...]) -> Part:
    match part:
        case Text():
            return replace(part, opaque=opaque or part.opaque, citations=citations or part.citations)
        case Reasoning() | ToolCall():
            return replace(part, opaque=opaque or part.opaque)
    return part


# writing


def encode_response(response: Response, request: Request) -> bytes:
    """Raises `UpstreamFailed` for an answer that ended in an error: Chat has no answers of that kind."""
    if error := failure(response.ending):
        raise error
    legacy = bool(request.extensions.get(wire.OWN, {}).get("_functions"))
    refused = any(isinstance(part, Refusal) for part in response.parts)
    base: JSON = {
        "id": full_id(response.id),
        "object": "chat.completion",
        "created": response.created,
        "model": request.model,
    }
    choice = {
        "index": 0,
        "message": _write_message(response.parts, request, base, legacy),
        "logprobs": _write_logprobs(response.parts, request),
        "finish_reason": finish_reason(response.ending, legacy, refused),
    }
    usage: JSON = {} if response.usage is None else {"usage": write_usage(response.usage)}
    tier: JSON = {"service_tier": response.tier} if response.tier in wire.KNOWN_TIERS else {}
    return msgspec.json.encode({**base, "choices": [choice], **usage, **tier, "system_fingerprint": None})


def _write_logprobs(parts: tuple[Part, ...], request: Request) -> JSON | None:
    told = tuple(one for part in parts if isinstance(part, Text) for one in part.logprobs)
    return write_logprobs(told) if told and request.logprobs is not None else None


def _write_message(parts: tuple[Part, ...], request: Request, base: JSON, legacy: bool) -> JSON:
    text = join(tuple(part for part in parts if isinstance(part, Text)), "")
    refusal = join(tuple(part for part in parts if isinstance(part, Refusal)), "")
    calls = _write_calls(parts, legacy)
    content = None if not text and (calls or refusal) else text
    message: JSON = {"role": "assistant", "content": content, "refusal": refusal or None}
    message |= _write_thoughts(parts) if shows_thoughts(request) else {}
    return message | calls | _write_beside(parts) | _write_sound(parts, request, base, text)


def _write_calls(parts: tuple[Part, ...], legacy: bool) -> JSON:
    calls = [_write_call(part) for part in parts if isinstance(part, ToolCall)]
    if not calls:
        return {}
    return {"function_call": calls[0].get("function")} if legacy else {"tool_calls": calls}


def _write_thoughts(parts: tuple[Part, ...]) -> JSON:
    thought = ""
    for part in parts:
        if isinstance(part, Reasoning):
            thought += ("\n\n" if part.summary and thought else "") + part.text
    details = write_details(parts)
    written: JSON = {"reasoning_content": thought} if thought else {}
    return written | ({"reasoning_details": details} if details else {})


def _write_call(call: ToolCall) -> JSON:
    return call_head(call if call.arguments or call.custom else replace(call, arguments="{}"))


def _write_beside(parts: tuple[Part, ...]) -> JSON:
    """Sources, images, and what Google signs its texts with."""
    citations = [citation for part in parts if isinstance(part, Text) for citation in part.citations]
    images = [write_image(part, at) for at, part in enumerate(part for part in parts if isinstance(part, Image))]
    beside: JSON = {"annotations": write_annotations(citations, 0)} if citations else {}
    beside |= {"images": images} if images else {}
    for part in parts:
        beside |= write_signature(part.opaque) if isinstance(part, Text) else {}
    return beside


def _write_sound(parts: tuple[Part, ...], request: Request, base: JSON, transcript: str) -> JSON:
    audio = next((part for part in parts if isinstance(part, Audio)), None)
    if audio is None or "audio" not in request.modalities:
        return {}
    return {"content": None, "audio": write_audio(audio, transcript, base)}
