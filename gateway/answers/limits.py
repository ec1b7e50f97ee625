"""Which limits an operator may set; anything else is refused with the field's name."""

from collections.abc import Callable
from functools import cache
from ipaddress import ip_network
from zoneinfo import available_timezones

from msgspec.structs import replace

from data.limits import Budget, Limits
from gateway.answers import values
from gateway.canonical import PROTOCOLS
from gateway.endpoints import Work

MOST_MICROS = 10**15
"""A thousand million dollars: all sums stay far from what a column can hold."""
MOST = 10**9
LONGEST_WAIT = 600
MOST_OF_A_KIND = 50
ENDPOINTS: tuple[Work, ...] = ("generate", "count", "embed", "relay", "video")
"""What a key can be held to. Models and its own usage everybody may look at."""

RANGES = {
    "requests_per_minute": (1, MOST),
    "tokens_per_minute": (1, MOST),
    "tokens_per_day": (1, MOST * 1000),
    "concurrent": (1, MOST),
    "wait_seconds": (0, LONGEST_WAIT),
    "max_output_tokens": (1, MOST),
}


def checked(limits: Limits) -> Limits:
    """The limits as they are kept. Raises `BadRequest`."""
    for field, (lowest, highest) in RANGES.items():
        number = getattr(limits, field)
        if number is not None:
            values.between(number, lowest, highest, field)
    if limits.wait_seconds and limits.concurrent is None:
        raise values.refuse("wait_seconds", "says how long to wait for one of `concurrent` places; set that too")
    return replace(
        limits,
        budgets=budgets(limits.budgets),
        models=tuple(values.models(limits.models)),
        protocols=named(limits.protocols, "protocols", PROTOCOLS),
        endpoints=named(limits.endpoints, "endpoints", ENDPOINTS),
        networks=unique(limits.networks, "networks", network),
    )


def budgets(given: tuple[Budget, ...]) -> tuple[Budget, ...]:
    """Several budgets, of which no two are for the same windows."""
    for budget in given:
        values.between(budget.micros, 0, MOST_MICROS, "budgets.micros")
        values.between(budget.hour, 0, 23, "budgets.hour")
        values.between(budget.weekday, 0, 6, "budgets.weekday")
        if budget.zone not in zones():
            raise values.refuse("budgets.zone", f"must be an IANA time zone such as Europe/Berlin, not {budget.zone!r}")
    if len({replace(budget, micros=0) for budget in given}) < len(given):
        raise values.refuse("budgets", "must not hold two for the same windows")
    return given


def named(given: tuple[str, ...], field: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Names out of those there are."""

    def one(text: str) -> str:
        if text not in known:
            raise values.refuse(field, f"must be out of {', '.join(known)}, not {text!r}")
        return text

    return unique(given, field, one)


def network(text: str) -> str:
    """A block of addresses."""
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise values.refuse("networks", f"must be CIDR blocks such as 10.0.0.0/8: {error}") from None


def unique(given: tuple[str, ...], field: str, one: Callable[[str], str]) -> tuple[str, ...]:
    """Each once, and not too many."""
    values.between(len(given), 0, MOST_OF_A_KIND, field)
    return tuple(dict.fromkeys(map(one, given)))


@cache
def zones() -> frozenset[str]:
    """The names of all time zones; reading them takes some milliseconds."""
    return frozenset(available_timezones())
