"""Edits one member of a JSON object in its text, every other byte as it was.

Knows only JSON: which members matter, and why, is the protocols' business.
"""

import re
from collections.abc import Iterable

import msgspec
from msgspec import Struct

_OPENING = re.compile(rb"\s*+\{\s*+")
_KEY = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*+:\s*+')
_AFTER_KEY = re.compile(rb"\s*+:\s*+")
_SCALAR = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s,{}\[\]"]++')
_COMMA = re.compile(rb"\s*+,?\s*+")
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+([{}\[\]])')
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


class Member(Struct, frozen=True, gc=False):
    """A member of the outermost object and where its value lies in the text."""

    name: str
    start: int
    end: int


class _Mark:
    """Stands for a value while members are counted."""


_MARK = _Mark()


class Repeats:
    """Finds names that the outermost object has twice, where readers may disagree on which one counts."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._kind = msgspec.defstruct("Counted", [(name, _Mark, None) for name in names], gc=False)

    def first(self, body: bytes) -> str | None:
        """The first of the names that occurs more than once in this valid JSON object."""
        taken: list[object] = []

        def take(_: type, value: object) -> _Mark:
            taken.append(value)
            return _MARK

        counted = msgspec.json.decode(body, type=self._kind, dec_hook=take)
        if len(taken) == sum(getattr(counted, name) is _MARK for name in self._names):
            return None
        return _first_repeated(member.name for member in top_level(body) if member.name in self._names)


def top_level(body: bytes) -> list[Member]:
    """The members of the outermost object, in the order of the text. The text must be valid JSON."""
    members = []
    opening = _OPENING.match(body)
    at = opening.end() if opening else len(body)
    while key := _KEY.match(body, at):
        end = _value_end(body, key.end())
        members.append(Member(msgspec.json.decode(key[1], type=str), key.end(), end))
        comma = _COMMA.match(body, end)
        at = comma.end() if comma else len(body)
    return members


def find_member(body: bytes, name: str) -> Member | None:
    """The outermost object's member of that name; the last one if there are several."""
    quoted = b'"%s"' % name.encode()
    if not _has_escaped_letters(body):
        times = body.count(quoted)
        if times == 0:
            return None
        if times == 1 and (member := _only_member(body, name, quoted)):
            return member
    return next((member for member in reversed(top_level(body)) if member.name == name), None)


def with_member(body: bytes, name: str, value: bytes) -> bytes:
    """The same text with this member's value replaced, or with the member added in front."""
    if member := find_member(body, name):
        return b"".join((body[: member.start], value, body[member.end :]))
    at = body.index(b"{") + 1
    comma = b"" if body[at:].lstrip().startswith(b"}") else b","
    return b'%s"%s":%s%s%s' % (body[:at], name.encode(), value, comma, body[at:])


def without_member(body: bytes, name: str) -> bytes:
    """The same text without this member and the comma that belonged to it."""
    if not (member := find_member(body, name)):
        return body
    before = body[: body.rindex(b'"', 0, body.rindex(b'"', 0, member.start))].rstrip()
    after = body[member.end :]
    if before.endswith(b","):
        return before[:-1] + after
    return before + after.lstrip().removeprefix(b",")


def outside_strings(body: bytes) -> bytes:
    """A valid JSON text without its strings, made in a few passes at memory speed."""
    return b"".join(body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])


def _has_escaped_letters(body: bytes) -> bool:
    """Whether a key could be spelled so that a search for its bytes misses it."""
    return b"\\u00" in body and _ESCAPED_LETTER.search(body) is not None


def _only_member(body: bytes, name: str, quoted: bytes) -> Member | None:
    """The one occurrence of a name in the text, if it is a key of the outermost object."""
    at = body.index(quoted)
    colon = _AFTER_KEY.match(body, at + len(quoted))
    if not colon:
        return None
    side = body[:at] if at < len(body) // 2 else body[colon.end() - 1 :]
    rest = outside_strings(side)
    opened = rest.count(b"{") + rest.count(b"[") - rest.count(b"}") - rest.count(b"]")
    return Member(name, colon.end(), _value_end(body, colon.end())) if abs(opened) == 1 else None


def _value_end(body: bytes, at: int) -> int:
    if scalar := _SCALAR.match(body, at):
        return scalar.end()
    depth = 0
    for bracket in _BRACKET.finditer(body, at):
        depth += 1 if bracket[1] in b"{[" else -1
        if depth == 0:
            return bracket.end()
    return len(body)


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
