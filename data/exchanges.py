"""Exchanges and their attempts: written in batches of records, read newest first.

What they hold back and what they cost enters the ledger in the transaction that stores them.
"""

from collections.abc import Iterator, Sequence

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
NUMBER: ColumnElement[int] = EXCHANGE_COLUMNS[0]
MODEL_FIELDS = ("model_asked", "model_served")
FIRST_SLICE = 2_000
LARGEST_SCAN = 100_000
GROWTH = 4
"""Exchanges looked through in the first statement, in any that must read each, and how much more than in the last."""
DISORDER = 86_400_000_000
"""Microseconds; an exchange is numbered when its request is there, and so a little later than it starts."""
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
    """The highest id given so far, and so how many there ever were: the newest exchange is never deleted."""
    return await session.scalar(select(func.max(NUMBER))) or 0


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
    """The newest that fit, newest first; `before` is the last id of the page before.

    Looks through the record slice by slice: no statement is long, however many rows there are and however few fit.
    """
    low, high = await _between(session, narrowing, before)
    size, largest = FIRST_SLICE, LARGEST_SCAN if narrowing.text else high
    models = [await _names_with(session, field, narrowing.model) for field in MODEL_FIELDS] if narrowing.model else []
    if narrowing.model and not any(models):
        return []
    fitting = select(*EXCHANGE_COLUMNS).where(*_conditions(narrowing, models)).order_by(NUMBER.desc())
    found: list[ExchangeRecord] = []
    while low < high and len(found) < limit:
        start = max(low, high - size)
        slice_ = fitting.where(start <= NUMBER, high > NUMBER).limit(limit - len(found))
        found += [ExchangeRecord(*row) for row in await session.execute(slice_)]
        high, size = start, min(size * GROWTH, largest)
    return found


async def _between(session: AsyncSession, narrowing: Narrowing, before: int | None) -> tuple[int, int]:
    """The first number, and the one after the last, that can fit."""
    started = col(Exchange.started_at)
    low = await session.scalar(select(func.min(NUMBER))) or 0
    high = await last_id(session) + 1 if before is None else before
    if narrowing.since is not None:
        earlier = select(NUMBER).where(started < narrowing.since - DISORDER).order_by(started.desc()).limit(1)
        low = max(low, await session.scalar(earlier) or 0)
    if narrowing.until is not None:
        later = select(NUMBER).where(started >= narrowing.until + DISORDER).order_by(started).limit(1)
        high = min(high, await session.scalar(later) or high)
    return low, high


def _conditions(narrowing: Narrowing, models: Sequence[Sequence[str]]) -> Iterator[ColumnElement[bool]]:
    if narrowing.key_id is not None:
        yield col(Exchange.key_id) == narrowing.key_id
    if narrowing.upstream_id is not None:
        yield col(Exchange.upstream_id) == narrowing.upstream_id
    if narrowing.model:
        # A field that holds none of the names is left out: nothing is found in it, and only by reading every row.
        columns = SQLModel.metadata.tables["exchanges"].c
        yield or_(*(columns[field].in_(names) for field, names in zip(MODEL_FIELDS, models, strict=True) if names))
    if narrowing.state:
        yield col(Exchange.state) == narrowing.state
    if narrowing.text:
        yield _mentions(narrowing.text)
    # The numbers are cut to fit already: an index of starts would only be in the way of their order.
    started = col(Exchange.started_at) + 0
    if narrowing.since is not None:
        yield started >= narrowing.since
    if narrowing.until is not None:
        yield started < narrowing.until


async def _names_with(session: AsyncSession, field: str, text: str) -> list[str]:
    """The names among a field's values that hold a text. They are few: each is found by one step in an index."""
    values = SQLModel.metadata.tables["exchanges"].c[field]
    names = select(func.min(values).label("name")).cte(recursive=True)
    following = select(func.min(values)).where(values > names.c.name).correlate(names).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    return list(await session.scalars(select(names.c.name).where(names.c.name.contains(text, autoescape=True))))


def _mentions(text: str) -> ColumnElement[bool]:
    named = select(col(Key.id)).where(col(Key.name).contains(text, autoescape=True))
    fields = (Exchange.model_asked, Exchange.model_served, Exchange.upstream, Exchange.request_id)
    errors = (Exchange.error_code, Exchange.error_message)
    said = (col(field).contains(text, autoescape=True) for field in (*fields, *errors))
    return or_(*said, col(Exchange.key_id).in_(named))
