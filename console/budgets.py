"""How budgets are written: `20 day`, `90 week Europe/Berlin 06:00 mon`. Pure."""

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import get_args
from zoneinfo import ZoneInfo, available_timezones

from console.sums import read_sum, written_sum
from data.limits import Budget, Per

PERS: tuple[Per, ...] = get_args(Per)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR = re.compile(r"(\d{1,2}):00")


def read_budget(text: str) -> Budget:
    """One line. Raises `ValueError` with words for a person."""
    amount, *rest = text.split()
    micros = read_sum(amount)
    per = next((per for per in PERS if rest and rest[0].lower() == per), None)
    if per is None:
        raise ValueError(f"“{text}”: after the sum comes {', '.join(PERS[:-1])} or {PERS[-1]}")
    zone, hour, weekday = "UTC", 0, 0
    for word in rest[1:]:
        if word[:3].lower() in WEEKDAYS and "/" not in word:
            weekday = WEEKDAYS.index(word[:3].lower())
        elif HOUR.fullmatch(word):
            hour = read_hour(word)
        else:
            zone = read_zone(word)
    return Budget(per, micros, zone, hour, weekday)


def read_hour(text: str) -> int:
    """An hour of the day. Raises `ValueError`."""
    hour = int(text.partition(":")[0])
    if hour > 23:
        raise ValueError(f"“{text}” is no hour of a day: from 00:00 to 23:00")
    return hour


@lru_cache
def zone_names() -> tuple[str, ...]:
    """All zones this machine knows."""
    return tuple(sorted(available_timezones()))


def read_zone(text: str) -> str:
    """The IANA name of a time zone. Raises `ValueError`, with what may have been meant."""
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        by_lower = {name.lower(): name for name in zone_names()}
        meant = get_close_matches(text.lower(), by_lower, 1)
        did = f": did you mean {by_lower[meant[0]]}?" if meant else ": write UTC, or one such as Europe/Berlin"
        raise ValueError(f"“{text}” is no time zone{did}") from None


def read_budgets(text: str) -> tuple[Budget, ...]:
    """All lines that are not empty. Raises `ValueError` with words for a person."""
    return tuple(read_budget(line) for line in text.splitlines() if line.strip())


def write_budget(budget: Budget) -> str:
    """A budget as it would be typed."""
    words = [written_sum(budget.micros), budget.per]
    begins = budget.hour or budget.weekday
    if budget.zone != "UTC" or begins:
        words.append(budget.zone)
    if begins:
        words.append(f"{budget.hour:02}:00")
    if budget.weekday:
        words.append(WEEKDAYS[budget.weekday])
    return " ".join(words)
