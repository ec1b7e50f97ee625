"""Whether the books add up: entries against accounts, exchanges and sums of usage. Reads alone, in slices."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct, to_builtins
from sqlalchemy.ext.asyncio import AsyncSession

from data.database import Database
from data.exchanges import last_id
from data.ledger import RESERVE_OF, accounts, holders_of
from data.limits import EVERYONE, key_holder
from data.records import RUNNING
from data.settings import get_setting, put_setting

ENTRIES_AT_ONCE = 200_000
EXCHANGES_AT_ONCE = 50_000
MOST_FINDINGS = 100
"""More would say nothing new."""
REMEMBERED = "ledger_checked"

Amounts = tuple[int, int, int, int]
"""Balance, reserved, cost, funded."""
NOTHING: Amounts = (0, 0, 0, 0)

LAST_ENTRY = "SELECT coalesce(max(id), 0) FROM ledger_entries"
FIRST_RUNNING = f"SELECT min(id) FROM exchanges WHERE state = '{RUNNING}'"  # noqa: S608
BOOKED = """
SELECT key_id, owner, exchange_id IS NOT NULL, count(*),
    sum(balance_micros), sum(reserved_micros), sum(cost_micros), sum(funded_micros)
FROM ledger_entries WHERE id > ? AND id <= ? GROUP BY 1, 2, 3
"""
OPEN = """
SELECT o.exchange_id, e.key_id, coalesce(e.state, '') FROM (
    SELECT exchange_id FROM ledger_entries
    WHERE kind IN ('reserve', 'settle') AND exchange_id > ? AND exchange_id <= ?
    GROUP BY exchange_id HAVING max(kind) = 'reserve'
) o LEFT JOIN exchanges e ON e.id = o.exchange_id
"""
ADJUSTED = """
(SELECT coalesce(sum(a.cost_micros), 0) FROM ledger_entries a
    WHERE a.exchange_id = e.id AND a.adjustment_id IS NOT NULL)
"""
MISMATCHED = f"""
SELECT e.id, e.key_id, e.state, coalesce(e.cost_micros, 0), coalesce(s.cost_micros, 0) + {ADJUSTED},
    e.reserved_micros, coalesce(r.reserved_micros, 0), -coalesce(s.reserved_micros, 0)
FROM exchanges e LEFT JOIN ledger_entries r ON {RESERVE_OF}
LEFT JOIN ledger_entries s ON s.exchange_id = e.id AND s.kind = 'settle' AND s.kind IN ('reserve', 'settle')
WHERE e.id > ? AND e.id <= ? AND CASE e.state WHEN '{RUNNING}'
    THEN s.id IS NOT NULL OR e.reserved_micros != coalesce(r.reserved_micros, 0)
    ELSE coalesce(e.cost_micros, 0) != coalesce(s.cost_micros, 0) + {ADJUSTED}
        OR (s.id IS NOT NULL AND coalesce(r.reserved_micros, 0) != -s.reserved_micros) END
LIMIT {MOST_FINDINGS}
"""  # noqa: S608
USED = "SELECT key_id, owner, sum(cost_micros) FROM usage_sums GROUP BY key_id, owner"


class Checkpoint(Struct, frozen=True):
    """How far the books were found right, so that a quick check need not look at that again."""

    entry: int = 0
    exchange: int = 0
    """All up to this had ended."""
    accounts: dict[str, Amounts] = {}
    """As they stood then."""


BEGINNING = Checkpoint()


class Finding(Struct, frozen=True):
    """Something that does not add up."""

    holder: str
    text: str


class Audit(Struct, frozen=True):
    """What was looked at, and what was wrong with it."""

    holders: int
    entries: int
    open_reservations: int
    findings: list[Finding]
    reached: Checkpoint


class Books:
    """What entries come to, by holder and by whose exchanges they are."""

    def __init__(self, before: dict[str, Amounts]) -> None:
        self.accounts: defaultdict[str, Amounts] = defaultdict(lambda: NOTHING, before)
        self.costs: Counter[tuple[int, str]] = Counter()
        self.entries = 0

    def add(self, key_id: int | None, owner: str, moved: bool, entries: int, amounts: Amounts) -> None:
        """Add up some entries of one key and owner."""
        self.entries += entries
        for holder in holders_of(key_id, owner, moved=moved):
            self.accounts[holder] = _added(self.accounts[holder], amounts)
        if moved:
            self.costs[key_id or 0, owner] += amounts[2]


async def check(database: Database, since: Checkpoint = BEGINNING) -> Audit:
    """Look at all that was booked since then; for millions of entries it takes seconds, and nobody has to wait for it.

    The sums of usage, which have no numbers to go by, are compared only when everything is looked at.
    """
    books = Books(since.accounts)
    async with database.read() as session:
        last_entry, last_exchange = await _number(session, LAST_ENTRY), await last_id(session)
        first_running = await _number(session, FIRST_RUNNING)
        for start, end in _slices(since.entry, last_entry, ENTRIES_AT_ONCE):
            for row in await _rows(session, BOOKED, start, end):
                books.add(row[0], row[1], bool(row[2]), row[3], tuple(row[4:]))
        kept = {
            each.holder: (each.balance_micros, each.reserved_micros, each.cost_micros, each.funded_micros)
            for each in await accounts(session)
        }
        used = await _rows(session, USED) if since == BEGINNING else None
    opened, wrong = await _look_at_exchanges(database, since.exchange, last_exchange)
    findings = [*_unlike(books, kept), *_left_open(opened), *_mismatched(wrong), *_unlike_usage(books, used)]
    reached = Checkpoint(last_entry, first_running - 1 if first_running else last_exchange, kept)
    return Audit(len(kept), books.entries, len(opened), findings[:MOST_FINDINGS], reached)


async def _look_at_exchanges(database: Database, after: int, last: int) -> tuple[list[Any], list[Any]]:
    """What is open and what does not match. A view for each slice: an exchange and its entries are written as one."""
    opened, wrong = [], []
    for start, end in _slices(after, last, EXCHANGES_AT_ONCE):
        async with database.read() as session:
            opened += await _rows(session, OPEN, start, end)
            wrong += await _rows(session, MISMATCHED, start, end)
    return opened, wrong


async def last_reached(session: AsyncSession) -> Checkpoint:
    """Up to where the books were found right."""
    found = await get_setting(session, REMEMBERED)
    return BEGINNING if found is None else msgspec.convert(found, Checkpoint)


async def remember(session: AsyncSession, reached: Checkpoint) -> None:
    """Keep up to where they were."""
    await put_setting(session, REMEMBERED, to_builtins(reached))


def _unlike(books: Books, kept: dict[str, Amounts]) -> Iterator[Finding]:
    for holder in sorted(books.accounts.keys() | kept.keys()):
        booked, stands = books.accounts[holder], kept.get(holder, NOTHING)
        if booked != stands:
            yield Finding(holder, f"its entries come to {_said(booked)}, its account says {_said(stands)}")
        if sum(stands):
            yield Finding(holder, f"what was paid in is not what is left, spent and reserved: {_said(stands)}")


def _left_open(rows: Iterable[Any]) -> Iterator[Finding]:
    for exchange_id, key_id, state in rows:
        if state != RUNNING:
            how = f"ended ({state})" if state else "is not on record"
            yield Finding(_holder(key_id), f"request {exchange_id} {how}, and what it reserved was never released")


def _mismatched(rows: Iterable[Any]) -> Iterator[Finding]:
    for exchange_id, key_id, state, cost, booked, reserves, reserved, released in rows:
        if state == RUNNING:
            text = f"runs with {reserves} reserved, {reserved} of it booked and {released} released"
        elif cost != booked:
            text = f"cost {cost}, booked were {booked}"
        else:
            text = f"reserved {reserved}, released were {released}"
        yield Finding(_holder(key_id), f"request {exchange_id} {text}")


def _unlike_usage(books: Books, used: list[Any] | None) -> Iterator[Finding]:
    if used is None:
        return
    summed = {(key_id, owner): cost for key_id, owner, cost in used}
    for whose in sorted(books.costs.keys() | summed.keys()):
        booked, cost = books.costs[whose], summed.get(whose, 0)
        if booked != cost:
            text = f"its entries cost {booked}, its usage sums to {cost}"
            yield Finding(_holder(whose[0] or None), f"{text}, owner {whose[1]!r}" if whose[1] else text)


def _holder(key_id: int | None) -> str:
    return EVERYONE if key_id is None else key_holder(key_id)


def _added(some: Amounts, more: Amounts) -> Amounts:
    return some[0] + more[0], some[1] + more[1], some[2] + more[2], some[3] + more[3]


def _said(amounts: Amounts) -> str:
    return "balance {}, reserved {}, cost {}, paid in {}".format(*amounts[:3], -amounts[3])


def _slices(after: int, last: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, last)) for start in range(after, last, size))


async def _rows(session: AsyncSession, statement: str, *values: int) -> list[Any]:
    return list(await (await session.connection()).exec_driver_sql(statement, values))


async def _number(session: AsyncSession, statement: str) -> int:
    ((number,),) = await _rows(session, statement)
    return number or 0
