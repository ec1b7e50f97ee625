"""What operators may give as names, patterns and numbers; anything else is refused with the field's name."""

import re
from collections.abc import Iterable

from data.ledger import whose
from gateway.errors import BadRequest, NotFound
from gateway.loading import patterns_of

LONGEST_NAME = 64
LONGEST_MODEL = 256
LONGEST_TEXT = 1000
LONGEST_TAG = 32
MOST_TAGS = 20
LARGEST_WEIGHT = 1000
LARGEST_PRIORITY = 99
TAG = re.compile(rf"[\w.:-]{{1,{LONGEST_TAG}}}")
UPSTREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def refuse(field: str, allowed: str) -> BadRequest:
    """The refusal of a field's value, saying what is allowed."""
    return BadRequest(f"{field} {allowed}.", param=field)


def missing(what: str, number: int | str) -> NotFound:
    """The refusal of something that is not there."""
    return NotFound(f"There is no {what} {number}.")


def name(text: str, field: str = "name", longest: int = LONGEST_NAME) -> str:
    """A name: something, on one line."""
    text = text.strip()
    if not 0 < len(text) <= longest or not text.isprintable():
        raise refuse(field, f"must be 1 to {longest} printable characters")
    return text


def note(text: str, field: str) -> str:
    """A text that may be empty, on one line."""
    text = text.strip()
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise refuse(field, f"must be at most {LONGEST_TEXT} printable characters on one line")
    return text


def owner(text: str) -> str:
    """A person's or team's name, or none."""
    return name(text, "owner") if text.strip() else ""


def tags(texts: Iterable[str]) -> list[str]:
    """Words, each once."""
    words = list(dict.fromkeys(text.strip() for text in texts))
    if len(words) > MOST_TAGS or not all(TAG.fullmatch(word) for word in words):
        raise refuse("tags", f"must be at most {MOST_TAGS} words of 1 to {LONGEST_TAG} letters, digits, . _ : or -")
    return words


def upstream_name(text: str) -> str:
    """A name that can stand before a model's, as in `name:model`."""
    text = text.strip()
    if not UPSTREAM_NAME.fullmatch(text):
        raise refuse("name", "must be 1 to 64 letters, digits, dots, dashes or underscores, not beginning with a sign")
    return text


def model(text: str, field: str = "model") -> str:
    """A model's name, or a glob over such names."""
    text = name(text, field, LONGEST_MODEL)
    if any(character.isspace() for character in text):
        raise refuse(field, "must be a model's name or pattern without spaces, such as gpt-5 or claude-*")
    return text


def holder(text: str) -> str:
    """The name of an account."""
    try:
        whose(text)
    except ValueError:
        raise refuse("holder", "must be key:NUMBER, owner:NAME or everyone") from None
    return text


def models(texts: Iterable[str], field: str = "models") -> list[str]:
    """Several models' names or globs, each once."""
    return list(dict.fromkeys(model(text, field) for text in texts))


def pattern(text: str) -> str:
    """Globs parted by commas."""
    globs = [model(glob, "pattern") for glob in patterns_of(text)]
    if not globs:
        raise refuse("pattern", "must hold at least one model's name or pattern, such as gpt-* or *")
    return ", ".join(globs)


def between(number: int, lowest: int, highest: int, field: str) -> int:
    """A number within bounds."""
    if not lowest <= number <= highest:
        raise refuse(field, f"must be a number from {lowest} to {highest}")
    return number


def weight(number: int) -> int:
    """A share among equals."""
    return between(number, 1, LARGEST_WEIGHT, "weight")


def span(seconds: int) -> str:
    """A length of time, in the largest unit that is exact."""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def expiry(at: int | None, now: int) -> int | None:
    """A moment that is yet to come, or never."""
    if at is not None and not now < at < 2**63:
        raise refuse("expires_at", "must be in the future")
    return at
