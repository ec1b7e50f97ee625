"""Parts that requests and answers share: media, calls, results, signatures."""

import msgspec

from gateway.canonical import (
    JSON,
    Audio,
    Document,
    Image,
    Inline,
    Opaque,
    Remote,
    Source,
    Stored,
    Text,
    ToolResult,
    Video,
)
from gateway.protocols.capsules import unseal
from gateway.protocols.gemini import wire
from gateway.protocols.media import read_base64, read_media_type

Media = Image | Audio | Video | Document

OUTPUTS = ("output", "result", "error")
"""Under one of these alone a result's object holds the text that it stands for."""

YOUTUBE = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/")

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
"""Media types by the ends of addresses, for addresses that come without one."""


# signatures


def read_signature(text: str, kind: str, place: str) -> Opaque:
    """A signature as a client gives it back: another family's token in a capsule, or Gemini's own."""
    if capsule := unseal(text):
        return capsule
    if text == wire.NO_SIGNATURE:
        return Opaque(wire.FAMILY, kind, text)
    return Opaque(wire.FAMILY, kind, read_base64(text, wire.join(place, "thoughtSignature")))


# media


def read_blob(value: JSON, place: str) -> Media:
    blob = wire.read(wire.Blob, value, place)
    return to_media(Inline(read_media_type(blob.mime_type), read_base64(blob.data, f"{place}.data")))


def read_file(value: JSON, place: str) -> Media:
    file = wire.read(wire.FileData, value, place)
    media_type = read_media_type(file.mime_type or "")
    if file.file_uri.startswith((wire.FILES, wire.BUCKETS)):
        return to_media(Stored(wire.NAME, file.file_uri, media_type))
    return to_media(Remote(file.file_uri, media_type))


def to_media(source: Source) -> Media:
    """The kind of part that a source is, by its media type."""
    is_film = isinstance(source, Remote) and source.url.startswith(YOUTUBE)
    match source.media_type.partition("/")[0]:
        case "image":
            return Image(source)
        case "audio":
            return Audio(source)
        case "video":
            return Video(source)
        case _:
            return Video(source) if is_film else Document(source)


def write_media(part: Media) -> JSON:
    match part.source:
        case Inline(media_type=media_type, data=data):
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case Remote(url=url):
            media_type = part.source.media_type or _type_of(url, part)
            return {"fileData": {"fileUri": url} | ({"mimeType": media_type} if media_type else {})}
        case Stored(id=id_, media_type=media_type):
            return {"fileData": {"fileUri": id_} | ({"mimeType": media_type} if media_type else {})}


def _type_of(url: str, part: Media) -> str:
    if url.startswith(YOUTUBE):
        return ""
    end = url.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    usual = {Image: "image/jpeg", Audio: "audio/mpeg", Video: "video/mp4", Document: "application/pdf"}
    return TYPES.get(end, usual[type(part)])


# calls and results


def write_arguments(text: str) -> JSON | None:
    """A call's arguments as the object they are to be; None where they are none."""
    if not text.strip():
        return {}
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else {} if value is None else None


def read_arguments(args: JSON | None) -> str:
    return msgspec.json.encode(args or {}).decode()


def write_call(name: str, id_: str, args: JSON) -> JSON:
    return {"functionCall": {"id": id_, "name": name, "args": args}}


def read_result(response: wire.FunctionResponse, id_: str, place: str) -> ToolResult:
    told = response.response or {}
    text = _text_of(told)
    parts = [_read_result_media(item, f"{place}.parts[{at}]") for at, item in enumerate(wire.objects(response.parts))]
    return ToolResult(
        call_id=id_,
        parts=(*([Text(text)] if text else []), *parts),
        name=response.name or "",
        is_error=told.keys() == {"error"},
        structured=told,
    )


def _read_result_media(value: JSON, place: str) -> Media:
    part = wire.read(wire.Part, value, place)
    if part.inline_data is not None:
        return read_blob(part.inline_data, f"{place}.inlineData")
    if part.file_data is not None:
        return read_file(part.file_data, f"{place}.fileData")
    raise wire.invalid(place, "is neither inlineData nor fileData")


def _text_of(response: JSON) -> str:
    """A result's object as protocols say it that know only text."""
    alone = next((response[name] for name in OUTPUTS if response.keys() == {name}), response)
    if isinstance(alone, str):
        return alone
    return msgspec.json.encode(alone).decode() if alone != {} else ""


def write_result(result: ToolResult) -> JSON:
    """A result as an object: the client's own, or one with the text in it."""
    if result.structured is not None:
        return result.structured
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    return {"error" if result.is_error else "output": text}
