"""Media that a request gives by address, for targets that take bytes alone: found and replaced here, not fetched."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from msgspec.structs import replace

from gateway.canonical import Document, Image, Inline, Part, Remote, Request, ToolResult
from gateway.protocols.translation import Dialect

Kind = Literal["image", "document"]


class Address(NamedTuple):
    """Where something lies, and what it is to be."""

    kind: Kind
    url: str


def addresses(request: Request, dialect: Dialect) -> list[Address]:
    """What has to be fetched for an upstream that speaks so, each once."""
    parts = (part for turn in request.turns for part in _all(turn.parts))
    found = (address for part in parts if (address := _address(part)) and not _takes(address, dialect))
    return list(dict.fromkeys(found))


def with_media(request: Request, media: Mapping[Address, Inline]) -> Request:
    """The request with the bytes in place of their addresses."""
    if not media:
        return request
    turns = tuple(replace(turn, parts=_filled(turn.parts, media)) for turn in request.turns)
    return replace(request, turns=turns)


def _takes(address: Address, dialect: Dialect) -> bool:
    takes = dialect.image_urls if address.kind == "image" else dialect.document_urls
    return takes and dialect.reads_addresses


def _address(part: Part) -> Address | None:
    match part:
        case Image(source=Remote(url=url)):
            return Address("image", url)
        case Document(source=Remote(url=url)):
            return Address("document", url)
        case _:
            return None


def _all(parts: tuple[Part, ...]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, ToolResult):
            yield from part.parts


def _filled(parts: tuple[Part, ...], media: Mapping[Address, Inline]) -> tuple[Part, ...]:
    return tuple(_fill(part, media) for part in parts)


def _fill(part: Part, media: Mapping[Address, Inline]) -> Part:
    if isinstance(part, ToolResult):
        return replace(part, parts=_filled(part.parts, media))
    address = _address(part)
    source = media.get(address) if address else None
    return replace(part, source=source) if source and isinstance(part, Image | Document) else part
