"""What is worth telling an operator: budgets and balances that run out, money that burns, upstreams that fail. Pure."""

from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from data.limits import Per

THRESHOLDS = (50, 80, 100)
"""Of a budget, in percent. Requests are refused before the last one is reached to the cent: 99 will do for it."""
ENOUGH = {100: 99}
QUIET: frozenset[Per] = frozenset(("minute",))
"""Budgets whose windows are too short to tell of each."""

Level = Literal["info", "warning", "error"]


class Alert(Struct, frozen=True):
    """Something that is told once."""

    name: str
    """What it is about and which window: told alerts are known by it."""
    code: str
    level: Level
    about: str
    """A holder as in `data.limits`, or `upstream:4`."""
    text: str
    """For a person; no secret and no prompt is in it."""
    covers: tuple[str, ...] = ()
    """Names of what need not be told any more."""


class Whose(Struct, frozen=True):
    """Whom something is about."""

    holder: str
    name: str
    """For a person: `Key alice`."""


class Spell(Struct, frozen=True):
    """What was spent in a quarter of an hour, and what usually is at that time of day."""

    micros: int
    usual_micros: int


def budget_used(whose: Whose, per: Per, start: int, limit: int, spent: int) -> Alert | None:
    """How much of a budget's running window is gone, once it is half or more."""
    window = f"{whose.holder} {per} {start} of {limit}"
    reached = [percent for percent in THRESHOLDS if limit > 0 and spent * 100 >= ENOUGH.get(percent, percent) * limit]
    if not reached or per in QUIET:
        return None
    percent = reached[-1]
    what = "budget" if per == "total" else f"budget a {per}"
    return Alert(
        name=f"{window} {percent}",
        code=f"budget_{percent}",
        level="error" if percent == THRESHOLDS[-1] else "warning",
        about=whose.holder,
        text=f"{whose.name} has spent {money(spent)} of its {what} of {money(limit)}.",
        covers=tuple(f"{window} {lower}" for lower in reached[:-1]),
    )


def balance_low(whose: Whose, balance: int, top_up: int, top_up_id: int, percent: int, dollars: int) -> Alert | None:
    """A balance below a part of what was paid in last, or below a fixed sum; told once for each payment."""
    if balance > max(top_up * percent // 100, dollars * 1_000_000):
        return None
    text = f"{whose.name} has {money(balance)} left of its balance; {money(top_up)} was paid in last."
    level: Level = "warning" if balance > 0 else "error"
    return Alert(f"{whose.holder} balance {top_up_id}", "balance_low", level, whose.holder, text)


def burning(whose: Whose, spell: Spell, now: int, factor: int, dollars: int) -> Alert | None:
    """Much more spent in a quarter of an hour than usual at that time of day; told at most once an hour."""
    if not factor or spell.micros <= max(factor * spell.usual_micros, dollars * 1_000_000):
        return None
    text = (
        f"{whose.name} spent {money(spell.micros)} within a quarter of an hour; "
        f"usual at this time of day is {money(spell.usual_micros)}."
    )
    return Alert(f"{whose.holder} burn {moment(now):%Y-%m-%dT%H}", "burn_rate", "warning", whose.holder, text)


def credential_refused(upstream_id: int, name: str, now: int) -> Alert:
    """An upstream does not take our credential; told once a day."""
    about = f"upstream:{upstream_id}"
    text = f"Upstream {name} refuses the credential that this gateway has for it."
    return Alert(f"{about} auth {moment(now):%Y-%m-%d}", "upstream_auth", "error", about, text)


def long_down(upstream_id: int, name: str, since: int, minutes: int) -> Alert:
    """An upstream has not answered for long."""
    about = f"upstream:{upstream_id}"
    text = f"Upstream {name} has been set aside for {minutes} minutes: every request that was sent to it failed."
    return Alert(f"{about} down {since}", "upstream_down", "error", about, text)


def moment(at: int) -> datetime:
    """UTC microseconds as a date and time."""
    return datetime.fromtimestamp(at // 1_000_000, UTC)


def money(micros: int) -> str:
    """An amount for a person, in cents or as small as it is."""
    dollars = micros / 1_000_000
    return f"${dollars:,.2f}" if not micros or abs(dollars) >= 0.01 else f"${dollars:.6f}"
