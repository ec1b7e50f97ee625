"""A conversation's content blocks as canonical parts. The way back is in `blocks`."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from gateway.canonical import (
    JSON,
    Citation,
    Document,
    Image,
    Inline,
    Native,
    Opaque,
    Part,
    Reasoning,
    Remote,
    Source,
    Stored,
    Text,
    ToolCall,
    ToolResult,
)
from gateway.protocols import capsules, media
from gateway.protocols.anthropic_messages.wire import (
    FAMILY,
    NATIVE_BLOCKS,
    OWN,
    Base64Source,
    Citations,
    ContentSource,
    DocumentBlock,
    FileSource,
    ImageBlock,
    RedactedThinkingBlock,
    SearchResultBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    URLSource,
    to_cache,
)
from gateway.protocols.reading import dicts, take, wrong

UNSIGNED = Opaque(origin="", kind="unsigned", data="")
"""Signs thinking whose maker signs nothing: some clients keep signed thinking only."""

NEXT = "next "
LAST = "last "
"""Before a token's kind: it belongs to the part after its block, or to the one before."""

RESULT = "tool_result"
"""Stands for a role where blocks are the content of a tool's result."""

KNOWN: Mapping[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "cache_control"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "document": frozenset({"type", "source", "title", "context", "cache_control"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
}
"""The members that a part carries; others are noted beside it, and so is the whole of a block not listed."""

ROLES: Mapping[str, tuple[str, ...]] = {
    "thinking": ("assistant",),
    "redacted_thinking": ("assistant",),
    "tool_use": ("assistant",),
    "tool_result": ("user",),
    "image": ("user", "assistant", RESULT),
    "document": ("user", "assistant", RESULT),
    "search_result": ("user", RESULT),
}
"""Who may say a block, where not everybody may."""


def read_part(block: JSON, where: str, role: str = "user") -> Part:
    """A block as a part. Raises `BadRequest` for one that is none."""
    kind = block.get("type")
    if not isinstance(kind, str):
        raise wrong(f"{where}.type", "a content block must have a type")
    if role not in ROLES.get(kind, (role,)):
        raise wrong(f"{where}.type", f"'{kind[:40]}' cannot be in a message of role '{role}'")
    if read := _PARTS.get(kind):
        return read(block, where)
    if kind in NATIVE_BLOCKS or kind.endswith(("_tool_use", "_tool_result")):
        return Native(OWN, kind, block)
    raise wrong(f"{where}.type", f"there is no content block of type '{kind[:40]}'")


def unsaid(block: JSON) -> JSON:
    """What a part does not carry of its block: to be written back when the request stays in its protocol."""
    kind, source, content = str(block["type"]), block.get("source"), block.get("content")
    if kind in NATIVE_BLOCKS:
        return {}
    if kind not in KNOWN or (isinstance(source, dict) and source.get("type") == "content"):
        return block
    noted = {name: value for name, value in block.items() if name not in KNOWN[kind] and value is not None}
    if kind == "tool_result" and any(unsaid(piece) for piece in dicts(content)):
        noted["content"] = content
    return noted


def texts_as_blocks(content: str | list[JSON]) -> list[JSON]:
    """Content in its long form."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def is_token(part: Part) -> bool:
    """Whether the part is but the carrier of another part's token."""
    return isinstance(part, Reasoning) and part.opaque is not None and part.opaque.kind.startswith((NEXT, LAST))


def attach_tokens(parts: Iterable[Part]) -> list[Part]:
    """Give back to calls and texts the tokens that travelled in blocks beside them."""
    attached: list[Part] = []
    waiting: Opaque | None = None
    for part in parts:
        match part:
            case Reasoning(opaque=Opaque(kind=kind) as opaque) if kind.startswith(NEXT):
                waiting = _freed(opaque, NEXT)
            case Reasoning(opaque=Opaque(kind=kind) as opaque) if kind.startswith(LAST):
                if attached and isinstance(attached[-1], Text | ToolCall):
                    attached[-1] = msgspec.structs.replace(attached[-1], opaque=_freed(opaque, LAST))
            case Text() | ToolCall() if waiting:
                attached.append(msgspec.structs.replace(part, opaque=waiting))
                waiting = None
            case _:
                attached.append(part)
    return attached


def is_empty(part: Part) -> bool:
    """Whether it is a text that says nothing, which the API refuses."""
    return isinstance(part, Text) and not part.text


def read_citation(citation: JSON, length: int) -> Citation:
    """A source for the whole of a text: Messages makes a block of every stretch that has its own."""
    return Citation(
        url=_text(citation.get("url") or citation.get("source")),
        title=_text(citation.get("title") or citation.get("document_title")),
        quoted=_text(citation.get("cited_text")),
        start=0,
        end=length,
    )


def read_signature(signature: str, kind: str) -> Opaque | None:
    """The token that a thinking block carries: its own, or somebody else's in a capsule."""
    if not signature:
        return None
    opaque = capsules.unseal(signature)
    if opaque is None:
        return Opaque(FAMILY, kind, signature)
    return None if opaque == UNSIGNED else opaque


def _freed(opaque: Opaque, place: str) -> Opaque:
    return msgspec.structs.replace(opaque, kind=opaque.kind.removeprefix(place))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text_part(block: JSON, where: str) -> Part:
    told = take(block, TextBlock, where)
    citations = tuple(read_citation(citation, len(told.text)) for citation in told.citations or ())
    return Text(told.text, citations=citations, cache=to_cache(told.cache_control))


def _image(block: JSON, where: str) -> Part:
    told = take(block, ImageBlock, where)
    return Image(_source(told.source, f"{where}.source"), cache=to_cache(told.cache_control))


def _document(block: JSON, where: str) -> Part:
    told = take(block, DocumentBlock, where)
    source = _whole_source(told.source, f"{where}.source")
    if source is None:
        return Native(OWN, "document", block)
    return Document(
        source,
        title=told.title or "",
        context=told.context or "",
        cited=_cited(told.citations),
        cache=to_cache(told.cache_control),
    )


def _content(source: ContentSource, where: str) -> Inline | None:
    """A document in pieces as one text; None when it has pictures."""
    if isinstance(source.content, str):
        return media.write_text(source.content)
    if any(block.get("type") == "image" for block in source.content):
        return None
    texts = [take(block, TextBlock, f"{where}[{index}]").text for index, block in enumerate(source.content)]
    return media.write_text("\n\n".join(texts))


def _search_result(block: JSON, where: str) -> Part:
    told = take(block, SearchResultBlock, where)
    return Document(
        media.write_text("\n\n".join(piece.text for piece in told.content)),
        title=told.title,
        context=told.source,
        cited=_cited(told.citations),
        cache=to_cache(told.cache_control),
    )


def _cited(citations: Citations | None) -> bool:
    return citations is not None and citations.enabled is True


def _whole_source(
    source: Base64Source | URLSource | FileSource | TextSource | ContentSource, where: str
) -> Source | None:
    return _content(source, f"{where}.content") if isinstance(source, ContentSource) else _source(source, where)


def _source(source: Base64Source | URLSource | FileSource | TextSource, where: str) -> Source:
    match source:
        case Base64Source():
            return Inline(media.read_media_type(source.media_type), media.read_base64(source.data, f"{where}.data"))
        case URLSource():
            told = media.read_url(source.url, f"{where}.url")
            return Remote(told.url) if isinstance(told, Remote) else told
        case FileSource():
            return Stored(OWN, source.file_id)
        case TextSource():
            return media.write_text(source.data)


def _thinking(block: JSON, where: str) -> Part:
    told = take(block, ThinkingBlock, where)
    return Reasoning(told.thinking, opaque=read_signature(told.signature or "", "signature"))


def _redacted_thinking(block: JSON, where: str) -> Part:
    return Reasoning(opaque=read_signature(take(block, RedactedThinkingBlock, where).data, "redacted"))


def _tool_use(block: JSON, where: str) -> Part:
    told = take(block, ToolUseBlock, where)
    arguments = msgspec.json.encode(told.input or {}).decode()
    return ToolCall(told.id, told.name, arguments, cache=to_cache(told.cache_control))


def _tool_result(block: JSON, where: str) -> Part:
    told = take(block, ToolResultBlock, where)
    content = texts_as_blocks(told.content or [])
    parts = (read_part(piece, f"{where}.content[{index}]", RESULT) for index, piece in enumerate(content))
    return ToolResult(
        told.tool_use_id,
        tuple(part for part in parts if not is_empty(part)),
        is_error=told.is_error is True,
        cache=to_cache(told.cache_control),
    )


_PARTS: Mapping[str, Callable[[JSON, str], Part]] = {
    "text": _text_part,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
