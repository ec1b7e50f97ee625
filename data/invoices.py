"""What a key or an owner is billed for a time: usage by key and model beside what the ledger says of the same time."""

from collections.abc import Iterator

from msgspec import Struct
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.ledger import ADJUSTING, counting_for, whose
from data.limits import EVERYONE
from data.records import RUNNING, Billed
from data.tables import Exchange, Key, LedgerEntry, UsageSum

FIGURES = (
    UsageSum.requests,
    UsageSum.input_tokens,
    UsageSum.cache_read_tokens,
    UsageSum.cache_write_tokens,
    UsageSum.output_tokens,
    UsageSum.reasoning_tokens,
    UsageSum.cost_micros,
    UsageSum.unpriced,
)


class Booked(Struct, frozen=True):
    """What the ledger says requests of that time cost."""

    cost_micros: int
    adjusted_micros: int
    """How much of it corrects what they first cost."""


async def billed(session: AsyncSession, holder: str, since: int, until: int) -> list[Billed]:
    """By key and model. The time must be whole quarters of an hour, of which usage is kept for ever."""
    groups = (col(UsageSum.key_id), func.coalesce(col(Key.name), ""), col(UsageSum.model))
    query = (
        select(*groups, *(func.sum(col(figure)) for figure in FIGURES))
        .join(Key, col(Key.id) == col(UsageSum.key_id), isouter=True)
        .where(*_used_by(holder), col(UsageSum.quarter) >= since, col(UsageSum.quarter) < until)
        .group_by(*groups)
        .order_by(groups[1], groups[0], groups[2])
    )
    return [Billed(*row) for row in await session.execute(query)]


async def booked(session: AsyncSession, holder: str, since: int, until: int) -> Booked:
    """The same time in the ledger."""
    cost = col(LedgerEntry.cost_micros)
    query = select(func.coalesce(func.sum(cost), 0), func.coalesce(func.sum(cost).filter(ADJUSTING), 0)).where(
        *_counting_within(holder, since, until)
    )
    return Booked(*(await session.execute(query)).one())


async def payments(session: AsyncSession, holder: str, since: int, until: int) -> list[LedgerEntry]:
    """What was paid in or taken out, in order."""
    paid = col(LedgerEntry.funded_micros) != 0
    query = select(LedgerEntry).where(*_counting_within(holder, since, until), paid).order_by(col(LedgerEntry.id))
    return list(await session.scalars(query))


async def count_running(session: AsyncSession, holder: str, since: int, until: int) -> int:
    """How many requests of that time have not ended, so that nobody knows what they cost."""
    key_id, owner = whose(holder)
    query = select(func.count()).where(
        col(Exchange.state) == RUNNING, col(Exchange.started_at) >= since, col(Exchange.started_at) < until
    )
    if holder != EVERYONE:
        query = query.where(col(Exchange.owner) == owner if key_id is None else col(Exchange.key_id) == key_id)
    return await session.scalar(query) or 0


def _used_by(holder: str) -> Iterator[ColumnElement[bool]]:
    key_id, owner = whose(holder)
    if key_id is not None:
        yield col(UsageSum.key_id) == key_id
    elif holder != EVERYONE:
        yield col(UsageSum.owner) == owner


def _counting_within(holder: str, since: int, until: int) -> Iterator[ColumnElement[bool]]:
    yield from counting_for(holder)
    yield col(LedgerEntry.at) >= since
    yield col(LedgerEntry.at) < until
