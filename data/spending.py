"""What a gateway that starts must know of what was spent before: costs and tokens, by when they fell."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from data.records import RUNNING
from data.tables import Exchange, UsageSum

sums = SQLModel.metadata.tables[UsageSum.__tablename__].c
TOKENS = sums.input_tokens + sums.cache_read_tokens + sums.cache_write_tokens + sums.output_tokens


async def spent_by_quarter(session: AsyncSession, since: int, until: int) -> Iterator[tuple[int, str, int, int]]:
    """Key (0 for none), owner, quarter of an hour and cost of what ended, in the order of time."""
    return await _by_quarter(session, sums.cost_micros, sums.quarter >= since, sums.quarter < until)


async def tokens_by_quarter(session: AsyncSession, since: int) -> Iterator[tuple[int, str, int, int]]:
    """The same of the tokens, in and out."""
    return await _by_quarter(session, TOKENS, sums.quarter >= since)


async def _by_quarter(
    session: AsyncSession, figure: ColumnElement[int], *when: ColumnElement[bool]
) -> Iterator[tuple[int, str, int, int]]:
    group = (sums.key_id, sums.owner, sums.quarter)
    query = select(*group, func.sum(figure)).where(*when).group_by(*group).order_by(sums.quarter)
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
