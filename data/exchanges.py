"""Exchanges and their attempts: written in batches of records, read newest first.

What they hold back and what they cost enters the ledger in the transaction that stores them.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from data.ledger import LEFT_OPEN, book, settle_open
from data.records import INTERRUPTED, RUNNING, AttemptRecord, ExchangeRecord
from data.tables import Attempt, Exchange, Key

EXCHANGE_FIELDS = ExchangeRecord.__struct_fields__
ATTEMPT_FIELDS = AttemptRecord.__struct_fields__
EXCHANGE_COLUMNS = [SQLModel.metadata.tables["exchanges"].c[name] for name in EXCHANGE_FIELDS]
ATTEMPT_COLUMNS = [SQLModel.metadata.tables["attempts"].c[name] for name in ATTEMPT_FIELDS]


def _upsert(table: str, fields: Sequence[str], key: str, condition: str = "") -> str:
    places = ", ".join("?" * len(fields))
    changes = ", ".join(f"{field} = excluded.{field}" for field in fields if field not in key.split(", "))
    return (
        f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {changes} {condition}"
    )


# What has ended never changes again: a record that comes late or twice is ignored.
SAVE_EXCHANGE = _upsert("exchanges", EXCHANGE_FIELDS, "id", f"WHERE exchanges.state = '{RUNNING}'")
SAVE_ATTEMPT = _upsert("attempts", ATTEMPT_FIELDS, "exchange_id, number")
INTERRUPT_OPEN = f"UPDATE exchanges SET state = ? WHERE {LEFT_OPEN}"  # noqa: S608


async def save_exchanges(
    session: AsyncSession, records: Sequence[ExchangeRecord], attempts: Sequence[AttemptRecord] = ()
) -> None:
    """Insert or bring up to date; what they hold back or cost is booked with them, once."""
    connection = await session.connection()
    if records:
        await connection.exec_driver_sql(SAVE_EXCHANGE, [astuple(record) for record in records])
    if attempts:
        await connection.exec_driver_sql(SAVE_ATTEMPT, [astuple(attempt) for attempt in attempts])
    await book(session, records)


async def interrupt_open(session: AsyncSession) -> int:
    """Close what a gateway that died left open, at what it was last known to have cost. How many there were."""
    connection = await session.connection()
    await settle_open(session)
    closed = await connection.exec_driver_sql(INTERRUPT_OPEN, (INTERRUPTED,))
    return closed.rowcount


async def last_id(session: AsyncSession) -> int:
    """The highest id given so far; 0 when there is none."""
    return await session.scalar(select(func.max(col(Exchange.id)))) or 0


async def get_exchange(session: AsyncSession, exchange_id: int) -> ExchangeRecord | None:
    row = (await session.execute(select(*EXCHANGE_COLUMNS).where(col(Exchange.id) == exchange_id))).first()
    return ExchangeRecord(*row) if row else None


async def list_attempts(session: AsyncSession, exchange_id: int) -> list[AttemptRecord]:
    """An exchange's attempts in order."""
    query = select(*ATTEMPT_COLUMNS).where(col(Attempt.exchange_id) == exchange_id).order_by(col(Attempt.number))
    return [AttemptRecord(*row) for row in await session.execute(query)]


class Narrowing(Struct, frozen=True):
    """Which exchanges; empty fields do not narrow. Text fields match as literal substrings."""

    key_id: int | None = None
    upstream_id: int | None = None
    model: str = ""
    state: str = ""
    text: str = ""
    """In the model's, upstream's or key's name, the request id or the error."""
    since: int | None = None
    until: int | None = None


ANY = Narrowing()


async def page_exchanges(
    session: AsyncSession, narrowing: Narrowing = ANY, before: int | None = None, limit: int = 200
) -> list[ExchangeRecord]:
    """The newest that fit, newest first; `before` is the last id of the page before."""
    query = select(*EXCHANGE_COLUMNS).where(*_conditions(narrowing)).order_by(col(Exchange.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(Exchange.id) < before)
    return [ExchangeRecord(*row) for row in await session.execute(query)]


def _conditions(narrowing: Narrowing) -> Iterable[ColumnElement[bool]]:
    if narrowing.key_id is not None:
        yield col(Exchange.key_id) == narrowing.key_id
    if narrowing.upstream_id is not None:
        yield col(Exchange.upstream_id) == narrowing.upstream_id
    if narrowing.model:
        yield _says(narrowing.model, Exchange.model_asked, Exchange.model_served)
    if narrowing.state:
        yield col(Exchange.state) == narrowing.state
    if narrowing.text:
        yield _mentions(narrowing.text)
    if narrowing.since is not None:
        yield col(Exchange.started_at) >= narrowing.since
    if narrowing.until is not None:
        yield col(Exchange.started_at) < narrowing.until


def _says(text: str, *fields: str) -> ColumnElement[bool]:
    return or_(*(col(field).icontains(text, autoescape=True) for field in fields))


def _mentions(text: str) -> ColumnElement[bool]:
    named = select(col(Key.id)).where(col(Key.name).icontains(text, autoescape=True))
    fields = (Exchange.model_asked, Exchange.model_served, Exchange.upstream, Exchange.request_id)
    errors = (Exchange.error_code, Exchange.error_message)
    return or_(_says(text, *fields, *errors), col(Exchange.key_id).in_(named))
