"""Money: what requests hold back and what they cost, booked as they are stored. Nothing is ever changed or deleted.

What accounts come to is kept by the database itself, with every entry; see the migration that made them.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, literal_column, select, text, union_all
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.limits import EVERYONE, key_holder, owner_holder
from data.records import RUNNING, ExchangeRecord
from data.tables import Account, LedgerEntry

_ENTRY = (
    "INSERT INTO ledger_entries (at, kind, exchange_id, key_id, owner, balance_micros, reserved_micros, cost_micros, "
    "funded_micros, actor, note, currency) "
)
_ONCE = "ON CONFLICT (exchange_id, kind) WHERE kind IN ('reserve', 'settle') DO NOTHING"
# SQLite uses an index of some rows only where a statement repeats, word for word, which they are.
RESERVE_OF = "r.exchange_id = e.id AND r.kind = 'reserve' AND r.kind IN ('reserve', 'settle')"
"""How an exchange is joined with what was put aside for it."""
# Both go by what the exchange's row says, so that a line that comes late or twice books nothing.
RESERVE = (
    f"{_ENTRY} SELECT started_at, 'reserve', id, key_id, owner, -reserved_micros, reserved_micros, 0, 0, '', '', 'USD' "  # noqa: S608
    f"FROM exchanges WHERE id = ? AND state = '{RUNNING}' AND reserved_micros > 0 {_ONCE}"
)
_SETTLE = (
    f"{_ENTRY} SELECT e.started_at, 'settle', e.id, e.key_id, e.owner, "  # noqa: S608
    "coalesce(r.reserved_micros, 0) - coalesce(e.cost_micros, 0), -coalesce(r.reserved_micros, 0), "
    "coalesce(e.cost_micros, 0), 0, '', '', 'USD' "
    f"FROM exchanges e LEFT JOIN ledger_entries r ON {RESERVE_OF} "
    f"WHERE {{which}} AND (e.cost_micros != 0 OR r.id IS NOT NULL) {_ONCE}"
)
SETTLE = _SETTLE.format(which=f"e.id = ? AND e.state != '{RUNNING}'")
ADJUSTING = col(LedgerEntry.adjustment_id).is_not(None)
"""The entries that correct what exchanges cost."""
LEFT_OPEN = f"state = '{RUNNING}' AND id NOT IN (SELECT exchange_id FROM tasks WHERE settled_at IS NULL)"  # noqa: S608
"""Which exchanges nobody will end any more when a gateway starts: a task goes on at its upstream without us."""
SETTLE_OPEN = _SETTLE.format(which=f"e.id IN (SELECT id FROM exchanges WHERE {LEFT_OPEN})")  # noqa: S608


async def book(session: AsyncSession, records: Sequence[ExchangeRecord]) -> None:
    """Book what exchanges, whose rows are there, hold back while they run and cost in the end: each once."""
    connection = await session.connection()
    moving = [record for record in records if record.reserved_micros or record.cost_micros]
    for statement, exchanges in (
        (RESERVE, [(record.id,) for record in moving if record.state == RUNNING]),
        (SETTLE, [(record.id,) for record in moving if record.state != RUNNING]),
    ):
        if exchanges:
            await connection.exec_driver_sql(statement, exchanges)


async def settle_open(session: AsyncSession) -> None:
    """Settle what a gateway that died left open, at what it was last known to have cost."""
    await (await session.connection()).exec_driver_sql(SETTLE_OPEN)


async def get_account(session: AsyncSession, holder: str) -> Account:
    """What a holder's entries add up to; nothing where there are none yet."""
    return await session.get(Account, holder, populate_existing=True) or Account(holder=holder)


async def accounts(session: AsyncSession) -> list[Account]:
    """What every holder's entries come to."""
    return list(await session.scalars(select(Account)))


async def entries(session: AsyncSession, holder: str, before: int | None = None, limit: int = 200) -> list[LedgerEntry]:
    """A holder's newest entries, newest first; `before` is the last id of the page before."""
    query = select(LedgerEntry).where(*counting_for(holder)).order_by(col(LedgerEntry.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(LedgerEntry.id) < before)
    return list(await session.scalars(query))


async def entries_of(session: AsyncSession, exchange_id: int) -> list[LedgerEntry]:
    """All that was booked for an exchange, in order."""
    its = select(col(LedgerEntry.id)).where(col(LedgerEntry.exchange_id) == exchange_id)
    found = union_all(its.where(text("kind IN ('reserve', 'settle')")), its.where(ADJUSTING))
    query = select(LedgerEntry).where(col(LedgerEntry.id).in_(found)).order_by(col(LedgerEntry.id))
    return list(await session.scalars(query))


async def start_account(session: AsyncSession, holder: str, at: int, actor: str) -> int:
    """Have a holder begin at nothing, less what its running requests hold back. How much it took to get there.

    What those cost is spent from what is paid in, like all that follows.
    """
    account = await get_account(session, holder)
    micros = -account.reserved_micros - account.balance_micros
    if micros:
        await _fund(session, holder, "start", micros, at, actor)
    return micros


async def pay_in(
    session: AsyncSession, holder: str, micros: int, at: int, actor: str, note: str = "", once: str = ""
) -> bool:
    """Add to what a holder may spend. False, and nothing is booked, when the same `once` was paid in for it before."""
    return await _fund(session, holder, "top_up", micros, at, actor, note, f"{holder} {once}" if once else None)


async def _fund(
    session: AsyncSession,
    holder: str,
    kind: str,
    micros: int,
    at: int,
    actor: str,
    note: str = "",
    once: str | None = None,
) -> bool:
    key_id, owner = whose(holder)
    amounts = {"balance_micros": micros, "reserved_micros": 0, "cost_micros": 0, "funded_micros": -micros}
    booked = insert(LedgerEntry).values(
        at=at, kind=kind, key_id=key_id, owner=owner, actor=actor, note=note, once=once, currency="USD", **amounts
    )
    booked = booked.on_conflict_do_nothing(index_elements=["once"], index_where=text("once IS NOT NULL"))
    return (await session.execute(booked.returning(col(LedgerEntry.id)))).first() is not None


def whose(holder: str) -> tuple[int | None, str]:
    """The key and the owner that entries of nobody else name. Raises `ValueError` for what names no holder."""
    kind, _, name = holder.partition(":")
    if kind == "key" and name.isdecimal():
        return int(name), ""
    if kind == "owner" and name:
        return None, name
    if holder != EVERYONE:
        raise ValueError(holder)
    return None, ""


def holders_of(key_id: int | None, owner: str, *, moved: bool) -> Iterator[str]:
    """For whom an entry counts; `moved` by an exchange."""
    if key_id is not None:
        yield key_holder(key_id)
    if owner and (moved or key_id is None):
        yield owner_holder(owner)
    if moved or (key_id is None and not owner):
        yield EVERYONE


def counting_for(holder: str) -> Iterator[ColumnElement[bool]]:
    """Which entries count for a holder."""
    key_id, owner = whose(holder)
    moved, keyless = col(LedgerEntry.exchange_id).is_not(None), col(LedgerEntry.key_id).is_(None)
    if key_id is not None:
        yield col(LedgerEntry.key_id) == key_id
    elif owner:
        yield col(LedgerEntry.owner) != literal_column("''")  # names the index that holds only those
        yield col(LedgerEntry.owner) == owner
        yield moved | keyless
    else:
        yield moved | (keyless & (col(LedgerEntry.owner) == ""))
