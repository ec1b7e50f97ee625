"""Video tasks: each is made with its exchange, and closed with it, once."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.exchanges import get_exchange, save_exchanges
from data.records import AttemptRecord, ExchangeRecord
from data.tables import Task


class TaskNarrowing(Struct, frozen=True):
    """Which of a key's tasks; empty fields do not narrow."""

    key_id: int
    statuses: Collection[str] = ()
    model: str = ""
    tokens: Collection[str] = ()


async def add_task(session: AsyncSession, task: Task, attempts: Sequence[AttemptRecord]) -> None:
    """Put a task on record, with the tries it took to begin it."""
    session.add(task)
    await session.flush()
    await save_exchanges(session, (), attempts)


async def note_task(session: AsyncSession, exchange_id: int, status: str, standing: Mapping[str, object]) -> None:
    """Keep how an open task stands."""
    noted = update(Task).where(col(Task.exchange_id) == exchange_id, col(Task.settled_at).is_(None))
    await session.execute(noted.values(status=status, standing=standing))


async def settle_task(
    session: AsyncSession, record: ExchangeRecord, status: str, standing: Mapping[str, object], at: int
) -> bool:
    """Close a task and its exchange, and charge for it. False, and nothing is done, when that was done before."""
    closing = update(Task).where(col(Task.exchange_id) == record.id, col(Task.settled_at).is_(None))
    closing = closing.values(status=status, standing=standing, settled_at=at).returning(col(Task.exchange_id))
    if (await session.execute(closing)).first() is None:
        return False
    await save_exchanges(session, [record])
    return True


async def delete_task(session: AsyncSession, exchange_id: int, at: int) -> None:
    """Have it found by nobody any more."""
    await session.execute(update(Task).where(col(Task.exchange_id) == exchange_id).values(deleted_at=at))


async def find_task(session: AsyncSession, token: str) -> Task | None:
    """The task of this name, unless it was deleted."""
    query = select(Task).where(col(Task.token) == token, col(Task.deleted_at).is_(None))
    return (await session.scalars(query)).first()


async def open_tasks(session: AsyncSession) -> list[tuple[Task, ExchangeRecord]]:
    """All that have not ended, each with its exchange."""
    tasks = await session.scalars(select(Task).where(col(Task.settled_at).is_(None)))
    found = [(task, await get_exchange(session, task.exchange_id)) for task in tasks.all()]
    return [(task, record) for task, record in found if record is not None]


async def page_tasks(
    session: AsyncSession,
    narrowing: TaskNarrowing,
    *,
    limit: int,
    offset: int = 0,
    after: int | None = None,
    oldest_first: bool = False,
) -> list[Task]:
    """Some of a key's tasks, newest first unless asked otherwise; `after` is the last of the page before."""
    query = select(Task).where(*_conditions(narrowing)).limit(limit).offset(offset)
    order = col(Task.exchange_id)
    if after is not None:
        query = query.where(order > after if oldest_first else order < after)
    return list(await session.scalars(query.order_by(order if oldest_first else order.desc())))


async def count_tasks(session: AsyncSession, narrowing: TaskNarrowing) -> int:
    """How many there are on all pages."""
    return await session.scalar(select(func.count()).select_from(Task).where(*_conditions(narrowing))) or 0


def _conditions(narrowing: TaskNarrowing) -> list[ColumnElement[bool]]:
    conditions = [col(Task.key_id) == narrowing.key_id, col(Task.deleted_at).is_(None)]
    if narrowing.statuses:
        conditions.append(col(Task.status).in_(narrowing.statuses))
    if narrowing.model:
        conditions.append(col(Task.model) == narrowing.model)
    if narrowing.tokens:
        conditions.append(col(Task.token).in_(narrowing.tokens))
    return conditions
