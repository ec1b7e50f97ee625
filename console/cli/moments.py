"""Points in time as people type them: `30d`, `12h`, `2027-01-31`, `2027-01-31T12:00`."""

import re
import time
from datetime import datetime

import typer

SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
SPAN = re.compile(r"(\d{1,4})([mhdw])")


def now() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1_000


def ahead(text: str) -> int:
    """A time to come: a span from now, or a date."""
    return _moment(text, 1)


def ago(text: str) -> int:
    """A time gone by: a span back from now, or a date."""
    return _moment(text, -1)


def _moment(text: str, direction: int) -> int:
    if span := SPAN.fullmatch(text):
        return now() + direction * int(span[1]) * SECONDS[span[2]] * 1_000_000
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no time: write 30d, 12h, 2027-01-31 or 2027-01-31T12:00") from None
