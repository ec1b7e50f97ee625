"""Points in time as arguments of commands; what is none is told by Typer."""

import time

import typer

from console.moments import moment, span


def now() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1_000


def ahead(text: str) -> int:
    """A time to come: a span from now, or a date."""
    return _read(text, 1)


def ago(text: str) -> int:
    """A time gone by: a span back from now, or a date."""
    return _read(text, -1)


def _read(text: str, direction: int) -> int:
    at = moment(text, now(), direction)
    if at is None:
        raise typer.BadParameter(f"{text!r} is no time: write 30d, 12h, 2027-01-31 or 2027-01-31T12:00")
    return at


def seconds(text: str) -> int:
    """A length of time."""
    found = 0 if text == "0" else span(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no length of time: write 24h, 7d, or 0 for none")
    return found
