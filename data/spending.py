"""What a gateway that starts must know of what was spent before: costs, by when they fell."""

from collections.abc import Iterator

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.records import RUNNING
from data.tables import Exchange, UsageSum


async def spent_by_quarter(session: AsyncSession, since: int, until: int) -> Iterator[tuple[int, str, int, int]]:
    """Key (0 for none), owner, quarter of an hour and cost of what ended, in the order of time."""
    quarter = col(UsageSum.quarter)
    query = (
        select(col(UsageSum.key_id), col(UsageSum.owner), quarter, func.sum(col(UsageSum.cost_micros)))
        .where(quarter >= since, quarter < until)
        .group_by(col(UsageSum.key_id), col(UsageSum.owner), quarter)
        .order_by(quarter)
    )
    return ((key_id, owner, at, amount) for key_id, owner, at, amount in await session.execute(query))


async def spent_lately(session: AsyncSession, since: int) -> Iterator[tuple[int | None, str, int, int | None]]:
    """Key, owner, start and cost of what began since then and has ended, in the order of time."""
    started = col(Exchange.started_at)
    query = (
        select(col(Exchange.key_id), col(Exchange.owner), started, col(Exchange.cost_micros))
        .where(started >= since, col(Exchange.cost_micros) != 0, col(Exchange.state) != RUNNING)
        .order_by(started)
    )
    return ((key_id, owner, at, amount) for key_id, owner, at, amount in await session.execute(query))


async def tokens_by_quarter(session: AsyncSession, since: int) -> Iterator[tuple[int, str, int, int]]:
    """Key (0 for none), owner, quarter of an hour and tokens of what ended, in the order of time."""
    quarter = col(UsageSum.quarter)
    buckets = (
        UsageSum.input_tokens,
        UsageSum.cache_read_tokens,
        UsageSum.cache_write_tokens,
        UsageSum.output_tokens,
    )
    tokens = func.sum(sum(map(col, buckets), start=literal(0)))
    query = (
        select(col(UsageSum.key_id), col(UsageSum.owner), quarter, tokens)
        .where(quarter >= since)
        .group_by(col(UsageSum.key_id), col(UsageSum.owner), quarter)
        .order_by(quarter)
    )
    return ((key_id, owner, at, amount) for key_id, owner, at, amount in await session.execute(query))
