"""What operators were told once, and the figures that tell when there is more to tell."""

from collections.abc import Iterable

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.ledger import counting_for
from data.tables import Alert, LedgerEntry, UsageSum
from data.usage import DAY, HOUR, QUARTER

DAYS = 7
"""What is usual is what was spent at the same time of so many days before."""


async def told_alerts(session: AsyncSession) -> set[str]:
    """The names of what was told."""
    return set(await session.scalars(select(col(Alert.name))))


async def tell_alerts(session: AsyncSession, names: Iterable[str], at: int) -> None:
    """Note that these were told."""
    rows = [{"name": name, "at": at} for name in names]
    await session.execute(insert(Alert).on_conflict_do_nothing(), rows)


async def forget_alerts(session: AsyncSession, before: int) -> None:
    """Let go of what was told long ago."""
    await session.execute(delete(Alert).where(col(Alert.at) < before))


async def last_top_up(session: AsyncSession, holder: str) -> tuple[int, int] | None:
    """The number and amount of what was paid in last for a holder."""
    paid = (col(LedgerEntry.exchange_id).is_(None), col(LedgerEntry.funded_micros) < 0)
    query = select(LedgerEntry).where(*counting_for(holder), *paid).order_by(col(LedgerEntry.id).desc()).limit(1)
    entry = (await session.scalars(query)).first()
    return (entry.id or 0, -entry.funded_micros) if entry else None


async def lately_spent(session: AsyncSession, now: int) -> dict[int | None, int]:
    """What each key spent in the last quarter of an hour or in the running one, whichever is more; None is everyone."""
    quarter, key_id = col(UsageSum.quarter), col(UsageSum.key_id)
    query = (
        select(quarter, key_id, func.sum(col(UsageSum.cost_micros)))
        .where(quarter >= now - now % QUARTER - QUARTER)
        .group_by(quarter, key_id)
    )
    spent: dict[int | None, int] = {}
    in_all: dict[int, int] = {}
    for start, key, micros in await session.execute(query):
        spent[key] = max(spent.get(key, 0), micros)
        in_all[start] = in_all.get(start, 0) + micros
    return spent | {None: max(in_all.values(), default=0)}


async def usually_spent(session: AsyncSession, now: int, key_id: int | None = None) -> int:
    """What a key, or everyone, spends in a quarter of an hour at this time of day, by the days before."""
    last = now - now % QUARTER - QUARTER
    first, end = last - last % HOUR, now - now % HOUR + HOUR
    quarter = col(UsageSum.quarter)
    spans = [(quarter >= first - day * DAY) & (quarter < end - day * DAY) for day in range(1, DAYS + 1)]
    query = select(func.coalesce(func.sum(col(UsageSum.cost_micros)), 0)).where(or_(*spans))
    if key_id is not None:
        query = query.where(col(UsageSum.key_id) == key_id)
    return (await session.scalar(query) or 0) // (DAYS * (end - first) // QUARTER)
