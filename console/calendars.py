"""Months and days of a zone as UTC microseconds. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.units import MICROS


def zone_of(name: str | None) -> tzinfo | None:
    """A zone by its IANA name; None for the machine's own. Raises `ValueError` for a name that is none."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone: write one like Europe/Berlin, Asia/Shanghai or UTC") from None


def month_of(text: str, zone: tzinfo | None) -> tuple[int, int]:
    """When `2026-11` begins and ends. Raises `ValueError` for what is no month."""
    try:
        first = datetime.strptime(text, "%Y-%m").date()
        return midnight(first, zone), midnight((first + timedelta(31)).replace(day=1), zone)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no month: write one like 2026-11") from None


def days(since: date, until: date, zone: tzinfo | None) -> Iterator[tuple[date, int, int]]:
    """Each day from one to before another, with its beginning and its end."""
    for number in range((until - since).days):
        day = since + timedelta(number)
        yield day, midnight(day, zone), midnight(day + timedelta(1), zone)


def midnight(day: date, zone: tzinfo | None) -> int:
    """When a day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * MICROS


def local(at: int, zone: tzinfo | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """A moment as the zone's clocks and calendars show it."""
    return datetime.fromtimestamp(at / MICROS, zone).strftime(form)
