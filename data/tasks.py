"""Video tasks: each is made with its exchange, and closed with it, once."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.exchanges import get_exchange, save_exchanges
from data.records import AttemptRecord, ExchangeRecord
from data.tables import Task


class TaskPage(Struct, frozen=True):
    """Some of a key's tasks; empty fields do not narrow."""

    key_id: int
    limit: int
    offset: int = 0
    after: int | None = None
    """The exchange of the last task of the page before."""
    oldest_first: bool = False
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


async def page_tasks(session: AsyncSession, page: TaskPage) -> list[Task]:
    """The tasks on a page."""
    order = col(Task.exchange_id) if page.oldest_first else col(Task.exchange_id).desc()
    query = select(Task).where(*_conditions(page)).order_by(order).limit(page.limit).offset(page.offset)
    return list(await session.scalars(query))


async def count_tasks(session: AsyncSession, page: TaskPage) -> int:
    """How many there are, on this page and all others that follow where it began."""
    return await session.scalar(select(func.count()).select_from(Task).where(*_conditions(page))) or 0


def _conditions(page: TaskPage) -> Iterator[ColumnElement[bool]]:
    number = col(Task.exchange_id)
    yield col(Task.key_id) == page.key_id
    yield col(Task.deleted_at).is_(None)
    if page.after is not None:
        yield number > page.after if page.oldest_first else number < page.after
    if page.statuses:
        yield col(Task.status).in_(page.statuses)
    if page.model:
        yield col(Task.model) == page.model
    if page.tokens:
        yield col(Task.token).in_(page.tokens)
