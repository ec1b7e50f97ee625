"""What went through a key, an account or a route of late, and what runs there now."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlmodel import SQLModel

from data import tables
from data.records import RUNNING

sums = SQLModel.metadata.tables[tables.UsageSum.__tablename__].c
exchanges = SQLModel.metadata.tables[tables.Exchange.__tablename__].c

QUARTER = 900_000_000
HOUR = 4 * QUARTER


class Scope(Struct, frozen=True):
    """Which requests; all of what is said must fit. Saying nothing means none."""

    key_id: int | None = None
    owner: str = ""
    upstream_ids: tuple[int, ...] | None = None
    route: str = ""
    model: str = ""
    """A glob over the model that served."""
    everyone: bool = False


NOBODY = Scope()


class Traffic(Struct, frozen=True):
    """What there was of a scope in the last hour."""

    keys: int = 0
    micros_per_hour: int = 0


async def last_hour(session: AsyncSession, scope: Scope, now: int) -> Traffic:
    """Keys that used it, and the money that went through it, at the rate of an hour.

    Sums know quarters of an hour: it is the last hour and what of a quarter lies before it.
    """
    if scope == NOBODY:
        return Traffic()
    since = (now - HOUR) - (now - HOUR) % QUARTER
    query = select(func.count(distinct(sums.key_id)), func.coalesce(func.sum(sums.cost_micros), 0))
    keys, micros = (await session.execute(query.where(sums.quarter >= since, *_within(scope, sums.model, sums)))).one()
    return Traffic(keys, micros * HOUR // (now - since))


async def running_ids(session: AsyncSession, scope: Scope) -> set[int]:
    """The exchanges of a scope that run, as far as their way is on record."""
    if scope == NOBODY:
        return set()
    within = _within(scope, exchanges.model_served, exchanges)
    return set(await session.scalars(select(exchanges.id).where(exchanges.state == RUNNING, *within)))


def _within(
    scope: Scope, model: ColumnElement[str], columns: ReadOnlyColumnCollection[str, Column[Any]]
) -> Iterator[ColumnElement[bool]]:
    if scope.key_id is not None:
        yield columns.key_id == scope.key_id
    if scope.owner:
        yield columns.owner == scope.owner
    if scope.upstream_ids is not None:
        yield columns.upstream_id.in_(scope.upstream_ids)
    if scope.route:
        yield columns.route == scope.route
    if scope.model:
        yield model.op("GLOB")(scope.model)
