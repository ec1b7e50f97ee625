"""Corrections of what exchanges cost: booked beside the charge, in slices, and reversible while those are on record.

What an adjustment comes to is kept up with each slice, so that one which was broken off is still true.
"""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.exchanges import EXCHANGE_COLUMNS
from data.records import RUNNING, ExchangeRecord
from data.tables import AdjustedExchange, Adjustment, Exchange, LedgerEntry

KEEP = f"""
INSERT INTO adjusted_exchanges (adjustment_id, exchange_id, before_micros, after_micros, before_lines, after_lines)
SELECT ?, id, cost_micros, ?, price_lines, ? FROM exchanges WHERE id = ? AND state != '{RUNNING}' AND cost_micros IS ?
ON CONFLICT (adjustment_id, exchange_id) DO NOTHING
"""  # noqa: S608
_BOOK = """
INSERT INTO ledger_entries (at, kind, exchange_id, key_id, owner, balance_micros, reserved_micros, cost_micros,
    funded_micros, adjustment_id, actor, note, currency)
SELECT started_at, 'adjust', id, key_id, owner, -difference, 0, difference, 0, adjustment_id, ?, ?, 'USD' FROM (
    SELECT e.*, a.adjustment_id, coalesce(a.{to}_micros, 0) - coalesce(a.{off}_micros, 0) AS difference
    FROM adjusted_exchanges a JOIN exchanges e ON e.id = a.exchange_id
    WHERE a.adjustment_id = ? AND a.exchange_id = ?
) WHERE difference != 0
"""
_CHANGE = """
UPDATE exchanges SET cost_micros = a.{to}_micros, price_lines = a.{to}_lines FROM adjusted_exchanges a
WHERE a.adjustment_id = ? AND a.exchange_id = ? AND exchanges.id = a.exchange_id
"""
THERE = (_BOOK.format(off="before", to="after"), _CHANGE.format(to="after"))
BACK = (_BOOK.format(off="after", to="before"), _CHANGE.format(to="before"))
IN_THE_WAY = """
SELECT max(d.id) FROM adjustments d JOIN adjusted_exchanges a ON a.adjustment_id = ?
JOIN adjusted_exchanges b ON b.adjustment_id = d.id AND b.exchange_id = a.exchange_id
WHERE d.id > a.adjustment_id AND d.reversed_at IS NULL
"""
ON_RECORD = """
SELECT count(*) FROM adjusted_exchanges a JOIN exchanges e ON e.id = a.exchange_id WHERE a.adjustment_id = ?
"""


class Correction(Struct, frozen=True):
    """What an exchange is to cost instead."""

    exchange_id: int
    before_micros: int | None
    after_micros: int | None
    after_lines: str


class Moved(Struct, frozen=True):
    """By how much the cost of an exchange was changed, whose it is, and the moment for which it counts."""

    key_id: int | None
    owner: str
    micros: int
    at: int


async def page_ended(
    session: AsyncSession, since: int, until: int, after: tuple[int, int], limit: int
) -> list[ExchangeRecord]:
    """Exchanges of a time that have ended, oldest first; `after` is start and id of the last of the page before."""
    place = (col(Exchange.started_at), col(Exchange.id))
    query = (
        select(*EXCHANGE_COLUMNS)
        .where(place[0] >= since, place[0] < until, tuple_(*place) > after, col(Exchange.state) != RUNNING)
        .order_by(*place)
        .limit(limit)
    )
    return [ExchangeRecord(*row) for row in await session.execute(query)]


async def list_adjustments(session: AsyncSession) -> list[Adjustment]:
    """All, newest first."""
    return list(await session.scalars(select(Adjustment).order_by(col(Adjustment.id).desc())))


async def get_adjustment(session: AsyncSession, adjustment_id: int) -> Adjustment | None:
    return await session.get(Adjustment, adjustment_id)


async def begin_adjustment(session: AsyncSession, at: int, actor: str, note: str) -> int:
    """The number of an adjustment of nothing yet."""
    adjustment = Adjustment(at=at, actor=actor, note=note, exchanges=0, micros=0)
    session.add(adjustment)
    await session.flush()
    return adjustment.id or 0


async def adjust(session: AsyncSession, adjustment_id: int, corrections: Sequence[Correction]) -> list[Moved]:
    """Book some of an adjustment's corrections; exchanges that no longer cost what was thought are left alone."""
    adjustment = await session.get_one(Adjustment, adjustment_id)
    kept = await (await session.connection()).exec_driver_sql(
        KEEP,
        [
            (adjustment_id, each.after_micros, each.after_lines, each.exchange_id, each.before_micros)
            for each in corrections
        ],
    )
    moved = await _move(session, adjustment, [each.exchange_id for each in corrections], THERE)
    adjustment.exchanges += kept.rowcount
    adjustment.micros += sum(each.micros for each in moved)
    return moved


async def why_not_reversible(session: AsyncSession, adjustment: Adjustment) -> str:
    """What keeps an adjustment from being reversed, in words; empty when nothing does."""
    if adjustment.reversed_at is not None:
        return "it was reversed before"
    connection = await session.connection()
    if later := (await connection.exec_driver_sql(IN_THE_WAY, (adjustment.id,))).scalar():
        return f"adjustment {later} corrected some of its requests again; reverse that first"
    if (await connection.exec_driver_sql(ON_RECORD, (adjustment.id,))).scalar() != adjustment.exchanges:
        return "some of its requests are not on record any more"
    return ""


async def reverse(session: AsyncSession, adjustment_id: int, at: int, actor: str, limit: int) -> list[Moved] | None:
    """Book the opposite of so many of an adjustment's corrections; None when there are none left to do."""
    adjustment = await session.get_one(Adjustment, adjustment_id)
    number = col(AdjustedExchange.exchange_id)
    left = select(number).where(
        col(AdjustedExchange.adjustment_id) == adjustment_id, number > adjustment.reversed_through
    )
    exchanges = list(await session.scalars(left.order_by(number).limit(limit)))
    if not exchanges:
        adjustment.reversed_at = at
        return None
    adjustment.reversed_through = exchanges[-1]
    return await _move(session, adjustment, exchanges, BACK, actor)


async def _move(
    session: AsyncSession,
    adjustment: Adjustment,
    exchanges: Sequence[int],
    statements: tuple[str, str],
    actor: str = "",
) -> list[Moved]:
    connection = await session.connection()
    booking, changing = statements
    last = (await connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM ledger_entries")).scalar_one()
    said = (actor or adjustment.actor, f"reverses it: {adjustment.note}" if actor else adjustment.note, adjustment.id)
    await connection.exec_driver_sql(booking, [(*said, number) for number in exchanges])
    await connection.exec_driver_sql(changing, [(adjustment.id, number) for number in exchanges])
    entry = (col(LedgerEntry.key_id), col(LedgerEntry.owner), col(LedgerEntry.cost_micros), col(LedgerEntry.at))
    booked = await session.execute(select(*entry).where(col(LedgerEntry.id) > last))
    return [Moved(key_id, owner, micros, at) for key_id, owner, micros, at in booked]
