"""Points in time as people type them: `30d`, `12h`, `2027-01-31`, `2027-01-31T12:00`. Pure."""

import re
import time
from datetime import datetime

MICROS = 1_000_000
SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
SPAN = re.compile(r"(\d{1,4})\s*([mhdw])")
NEVER = ("", "never")
FORMS = "30d, 12h, 2027-01-31, or never"


def expiry(text: str, now_micros: int) -> int | None:
    """When something ends, None for never. Raises `ValueError` with words for a person."""
    text = text.strip()
    if text in NEVER:
        return None
    at = moment(text, now_micros)
    if at is None:
        raise ValueError(f"is no time: write {FORMS}")
    if at <= now_micros:
        raise ValueError("must be a time to come")
    return at


def span(text: str) -> int | None:
    """A length of time in seconds; None for what is none."""
    found = SPAN.fullmatch(text)
    return int(found[1]) * SECONDS[found[2]] if found else None


def moment(text: str, now_micros: int, direction: int = 1) -> int | None:
    """A date, or a span from now, back with a direction of -1; None for what is neither."""
    if (seconds := span(text)) is not None:
        return now_micros + direction * seconds * MICROS
    try:
        return int(datetime.fromisoformat(text).timestamp() * MICROS)
    except (ValueError, OverflowError):
        return None


def seconds(text: str) -> int:
    """A span in seconds; `0` is none. Raises `ValueError` with words for a person."""
    span = SPAN.fullmatch(text)
    if text != "0" and not span:
        raise ValueError(f"“{text}” is no span of time: write 0, 30m, 24h or 7d")
    return int(span[1]) * SECONDS[span[2]] if span else 0


def written(at: int | None) -> str:
    """A point in time as it would be typed."""
    return "never" if at is None else time.strftime("%Y-%m-%dT%H:%M", time.localtime(at / MICROS))
