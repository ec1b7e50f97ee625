"""Multipart forms: which parts there are and where each lies in the body, so that one can be changed in place."""

import re
from itertools import pairwise

from msgspec import Struct

from gateway.errors import BadRequest
from gateway.protocols.codec import Call

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition:[^\r\n]*[;\s]name="([^"\r\n]*)"', re.IGNORECASE)
_FILENAME = re.compile(rb'content-disposition:[^\r\n]*[;\s]filename\*?="?([^"\r\n;]*)', re.IGNORECASE)
_TYPE = re.compile(rb"content-type:[ \t]*([\w.+-]+/[\w.+-]+)", re.IGNORECASE)
_MOST_PARTS = 100


class Part(Struct, frozen=True):
    """One field of a form, or one file."""

    name: str
    filename: str | None
    content_type: str
    content: bytes
    start: int
    """Where its content begins in the body."""
    end: int


def is_form(call: Call) -> bool:
    """Whether the body is a multipart form."""
    return call.headers.get("content-type", "").lower().startswith("multipart/form-data")


def read_form(call: Call) -> dict[str, Part]:
    """The form's parts by name. Raises `BadRequest` for one that can be read in two ways, or not at all."""
    named = _BOUNDARY.search(call.headers.get("content-type", ""))
    if not named:
        raise malformed("its Content-Type names no boundary")
    line = b"--" + (named[1] or named[2]).encode("latin-1")
    # Every boundary but the first stands behind a line break that is its own.
    places = [match.span() for match in re.finditer(rb"(?:\A|\r\n)" + re.escape(line), call.body)]
    if not places or not call.body.startswith(b"--", places[-1][1]):
        raise malformed("its last boundary is missing")
    if len(places) > _MOST_PARTS:
        raise malformed(f"it has more than {_MOST_PARTS} parts")
    parts: dict[str, Part] = {}
    for (_, start), (end, _) in pairwise(places):
        part = _read_part(call.body, start, end)
        if part.name in parts:
            raise BadRequest(f"'{part.name}' is given more than once.", code="duplicate_parameter", param=part.name)
        parts[part.name] = part
    return parts


def _read_part(body: bytes, start: int, end: int) -> Part:
    blank = body.find(b"\r\n\r\n", start, end)
    head = body[start:blank] if blank >= 0 else b""
    name = _NAME.search(head)
    if not name:
        raise malformed("one of its parts has no name")
    filename, content_type = _FILENAME.search(head), _TYPE.search(head)
    return Part(
        name=name[1].decode("utf-8", "replace"),
        filename=filename[1].decode("utf-8", "replace") if filename else None,
        content_type=content_type[1].decode() if content_type else "application/octet-stream",
        content=body[blank + 4 : end],
        start=blank + 4,
        end=end,
    )


def malformed(why: str) -> BadRequest:
    """The error for a form that cannot be read."""
    return BadRequest(f"The form cannot be read: {why}.", code="invalid_form")
