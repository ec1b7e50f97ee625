"""Canonical parts of a request as content blocks. The way here is in `parts`."""

from collections.abc import Iterator

import msgspec

from gateway.canonical import (
    JSON,
    Audio,
    Document,
    Image,
    Inline,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Stored,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from gateway.protocols import custom_tools, media
from gateway.protocols.anthropic_messages.draft import Draft, refusal
from gateway.protocols.anthropic_messages.wire import FAMILY, IMAGE_TYPES, OWN, PDF
from gateway.protocols.ids import full_name

PLACEHOLDERS = {Image: "image", Audio: "audio", Video: "video", Document: "document"}
"""What stands for media that a model made: an assistant's message cannot hold any."""


def write_turn(turn: Turn, index: int, draft: Draft) -> Iterator[JSON]:
    """The blocks of a turn."""
    for number, part in enumerate(turn.parts):
        place = f"turns[{index}].parts[{number}]"
        spoken = _placeholder(part, place, draft) if turn.role == "assistant" and not draft.own else part
        if (block := write_part(spoken, place, draft)) is not None:
            note = draft.note("_blocks", f"{index}.{number}")
            yield note if "type" in note else block | note


def write_part(part: Part, place: str, draft: Draft) -> JSON | None:
    """A part as a block, or None where nothing is left to say. Raises `BadRequest` for what cannot be left out."""
    match part:
        case Text():
            return draft.cached({"type": "text", "text": part.text}, part.cache) if part.text.strip() else None
        case Refusal():
            return {"type": "text", "text": part.text} if part.text.strip() else None
        case Image():
            return draft.cached(_image(part, place, draft), part.cache)
        case Document():
            return draft.cached(_document(part, place, draft), part.cache)
        case Reasoning():
            return _thinking(part, draft)
        case ToolCall():
            return draft.cached(_tool_use(part, place, draft), part.cache)
        case ToolResult():
            return draft.cached(_tool_result(part, place, draft), part.cache)
        case Native():
            return _native(part, place, draft)
        case Audio() | Video():
            raise refusal(place, f"it takes no {PLACEHOLDERS[type(part)]}")


def _placeholder(part: Part, place: str, draft: Draft) -> Part:
    if (name := PLACEHOLDERS.get(type(part))) is None:
        return part
    draft.lose(place, f"An assistant's message cannot hold {name}.")
    return Text(f"[{name}]")


def _image(part: Image, place: str, draft: Draft) -> JSON:
    match part.source:
        case Inline(media_type=media_type) if media_type not in IMAGE_TYPES:
            raise refusal(place, f"an image must be PNG, JPEG, GIF or WebP and not {media_type[:40] or 'unnamed'}")
        case Inline():
            return {"type": "image", "source": _base64(part.source)}
        case Remote() | Stored():
            return {"type": "image", "source": _elsewhere(part.source, place, draft)}


def _document(part: Document, place: str, draft: Draft) -> JSON:
    match part.source:
        case Inline(media_type=media_type) if media_type in IMAGE_TYPES:
            return {"type": "image", "source": _base64(part.source)}
        case Inline(media_type=media_type) if media_type == PDF:
            source = _base64(part.source)
        case Inline(media_type=media_type):
            if not media_type.startswith("text/") and media_type not in ("application/json", "application/xml"):
                raise refusal(place, f"a document must be PDF or text and not {media_type[:40] or 'unnamed'}")
            source = {"type": "text", "media_type": "text/plain", "data": media.read_text(part.source, place)}
        case Remote() | Stored():
            source = _elsewhere(part.source, place, draft)
    told = {"title": part.title or part.name, "context": part.context, "citations": part.cited and {"enabled": True}}
    return {"type": "document", "source": source, **{name: value for name, value in told.items() if value}}


def _base64(source: Inline) -> JSON:
    return {"type": "base64", "media_type": source.media_type, "data": source.data}


def _elsewhere(source: Remote | Stored, place: str, draft: Draft) -> JSON:
    if isinstance(source, Stored):
        if source.origin != OWN:
            raise refusal(place, "the file lies at another provider")
        return {"type": "file", "file_id": source.id}
    if not draft.dialect.image_urls:
        raise refusal(place, "its upstream fetches nothing, so media must be in the request itself")
    if not draft.own and not source.url.startswith("https://"):
        raise refusal(place, "only addresses that begin with https:// are fetched")
    return {"type": "url", "url": source.url}


def _thinking(part: Reasoning, draft: Draft) -> JSON | None:
    """A thought goes back to whoever can read its token; unsigned ones to those that sign none."""
    match part.opaque:
        case Opaque(origin=origin, kind="redacted", data=data) if origin in (FAMILY, draft.facts.family):
            return {"type": "redacted_thinking", "data": data}
        case Opaque(origin=origin, data=data) if origin in (FAMILY, draft.facts.family):
            return {"type": "thinking", "thinking": part.text, "signature": data}
        case None if part.text.strip() and draft.dialect.echo_reasoning != "forbidden":
            return {"type": "thinking", "thinking": part.text, "signature": ""}
        case _:
            draft.thoughts_left_out += bool(part.text.strip() or part.opaque)
            return None


def _tool_use(part: ToolCall, place: str, draft: Draft) -> JSON:
    return {
        "type": "tool_use",
        "id": draft.ids.of_call(part.id),
        "name": draft.names.of(full_name(part.namespace, part.name)),
        "input": _input(part, place, draft),
    }


def _input(part: ToolCall, place: str, draft: Draft) -> JSON:
    text = custom_tools.wrap(part.arguments) if part.custom else part.arguments.strip() or "{}"
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    if text == "null":
        return {}
    draft.lose(f"{place}.arguments", "The call's arguments are no JSON object.")
    return {"_raw": text}


def _tool_result(part: ToolResult, place: str, draft: Draft) -> JSON:
    parts: tuple[Part, ...] = part.parts
    if not parts and part.structured is not None:
        parts = (Text(msgspec.json.encode(part.structured).decode()),)
    written = (write_part(piece, f"{place}.parts[{index}]", draft) for index, piece in enumerate(parts))
    content = [block for block in written if block is not None]
    block: JSON = {"type": "tool_result", "tool_use_id": draft.ids.of_result(part.call_id)}
    if content:
        block["content"] = content
    if part.is_error:
        block["is_error"] = True
    return block


def _native(part: Native, place: str, draft: Draft) -> JSON | None:
    if part.origin == OWN and draft.genuine:
        return part.item
    draft.lose(place, f"Only its own upstream can say '{part.kind[:40]}'.")
    return None
