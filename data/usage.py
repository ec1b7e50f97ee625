"""Usage by group and period, and what keys, upstreams and routes did of late: from sums that outlast exchanges.

The sums know quarters of an hour, by when requests started, and so do all questions here: a span begins with the
quarter that it starts in, and the last quarter that starts in it counts whole. Requests that run are counted, too; what
they use and cost is counted once they have ended.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct, field
from sqlalchemy import ColumnElement, Subquery, case, func, literal, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlmodel import SQLModel

from data import tables
from data.records import RUNNING

Group = Literal["key", "model", "upstream", "owner", "tag", "none"]
Period = Literal["hour", "day", "all"]

exchanges = SQLModel.metadata.tables[tables.Exchange.__tablename__].c
keys = SQLModel.metadata.tables[tables.Key.__tablename__].c
sums = SQLModel.metadata.tables[tables.UsageSum.__tablename__].c

QUARTER = 900_000_000
HOUR = 4 * QUARTER
DAY = 24 * HOUR


class UsageSums(Struct, frozen=True):
    """What one group used in one period."""

    label: str
    """The group's name; empty when grouped by time alone, or when what it named is gone."""
    start: int
    requests: int
    errors: int
    input_tokens: int
    """Fresh input, that of the provider's own tools included."""
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    """Reasoning included."""
    reasoning_tokens: int
    cost_micros: int
    unpriced: int
    """Requests whose model has no price."""


class KeyActivity(Struct):
    """What a key did of late: requests, tokens and cost today, and requests by the hour."""

    requests: int = 0
    tokens: int = 0
    cost_micros: int = 0
    by_hour: list[int] = field(default_factory=lambda: [0] * 24)
    """Requests in the last 24 hours, oldest first; the last one is the running hour."""


class UpstreamActivity(Struct, frozen=True):
    """What became of the requests that an upstream had last."""

    requests: int
    errors: int


class Range(Struct, frozen=True):
    """What to sum over."""

    since: int
    until: int
    key_id: int | None = None
    utc_offset: int = 0
    """Seconds east of UTC: periods are cut there."""
    upstream_id: int | None = None


async def sum_usage(session: AsyncSession, span: Range, by: Group = "none", every: Period = "all") -> list[UsageSums]:
    """Usage by group and period, earliest and then most costly first. By tag, what a key did counts for each it has."""
    used = _used(span.since, span.until, key_id=span.key_id, upstream_id=span.upstream_id)
    tags = func.json_each(keys.tags).table_valued("value")
    labels: dict[Group, ColumnElement[str]] = {
        "key": func.coalesce(keys.name, ""),
        "tag": func.coalesce(tags.c.value, ""),
        "owner": used.c.owner,
        "model": used.c.model,
        "upstream": used.c.upstream,
        "none": literal(""),
    }
    label, start = labels[by].label("label"), _start(used, every, span)
    query = (
        select(label, start, *(func.sum(used.c[name]).label(name) for name in UsageSums.__struct_fields__[2:]))
        .group_by(label, start)
        .order_by(start, func.sum(used.c.cost_micros).desc(), label)
    )
    if by in ("key", "tag"):
        query = query.outerjoin_from(used, tables.Key, keys.id == used.c.key_id)
    if by == "tag":
        query = query.outerjoin(tags, true())
    return [UsageSums(*row) for row in await session.execute(query) if row[2]]


def _start(used: Subquery, every: Period, span: Range) -> ColumnElement[int]:
    if every == "all":
        return literal(span.since).label("start")
    length, offset = DAY if every == "day" else HOUR, span.utc_offset * 1_000_000
    local = used.c.quarter + offset
    return (local - local % length - offset).label("start")


def _used(since: int, until: int | None = None, **of: int | None) -> Subquery:
    """The sums of a span, and a row for each request of it that runs; `of` names a key or an upstream alone."""
    ended, running = select(*sums), select(*_of_running()).where(exchanges.state == RUNNING)
    return union_all(
        ended.where(*_narrowing(sums, sums.quarter, since, until, of)),
        running.where(*_narrowing(exchanges, _quarter(exchanges.started_at), since, until, of)),
    ).subquery("used")


def _narrowing(
    columns: ReadOnlyColumnCollection[str, Any],
    quarter: ColumnElement[int],
    since: int,
    until: int | None,
    of: Mapping[str, int | None],
) -> Iterator[ColumnElement[bool]]:
    yield quarter >= since - since % QUARTER
    if until is not None:
        yield quarter < until
    yield from (columns[name] == number for name, number in of.items() if number is not None)


def _of_running() -> Iterator[ColumnElement[Any]]:
    """What a running request adds to the sums: itself."""
    known: dict[str, ColumnElement[Any]] = {
        "quarter": _quarter(exchanges.started_at),
        "key_id": func.coalesce(exchanges.key_id, 0),
        "owner": exchanges.owner,
        "model": case((exchanges.model_served != "", exchanges.model_served), else_=exchanges.model_asked),
        "upstream": exchanges.upstream,
        "upstream_id": func.coalesce(exchanges.upstream_id, 0),
        "route": exchanges.route,
        "requests": literal(1),
    }
    return (known.get(column.name, literal(0)).label(column.name) for column in sums)


def _quarter(at: ColumnElement[int]) -> ColumnElement[int]:
    return at - at % QUARTER


async def key_activity(session: AsyncSession, today: int, now: int) -> dict[int, KeyActivity]:
    """What every key did since `today` began, and by hour until `now`; keys that did nothing are left out."""
    first = now - now % HOUR - 23 * HOUR
    used = _used(min(first, today))
    hour, todays = (used.c.quarter - first) // HOUR, used.c.quarter >= today - today % QUARTER
    tokens = used.c.input_tokens + used.c.cache_read_tokens + used.c.cache_write_tokens + used.c.output_tokens
    query = (
        select(
            used.c.key_id,
            hour,
            func.sum(used.c.requests),
            *(func.sum(case((todays, figure), else_=0)) for figure in (used.c.requests, tokens, used.c.cost_micros)),
        )
        .where(used.c.key_id != 0)
        .group_by(used.c.key_id, hour)
    )
    activity: dict[int, KeyActivity] = {}
    for key_id, at, requests, *figures in await session.execute(query):
        _add(activity.setdefault(key_id, KeyActivity()), at, requests, figures)
    return activity


def _add(activity: KeyActivity, hour: int, requests: int, figures: list[int]) -> None:
    activity.requests += figures[0]
    activity.tokens += figures[1]
    activity.cost_micros += figures[2]
    if 0 <= hour < len(activity.by_hour):
        activity.by_hour[hour] += requests


async def upstream_activity(session: AsyncSession, today: int) -> dict[int, UpstreamActivity]:
    """What every upstream did since `today` began; those that did nothing are left out."""
    used = _used(today)
    query = select(used.c.upstream_id, func.sum(used.c.requests), func.sum(used.c.errors)).where(
        used.c.upstream_id != 0
    )
    found = await session.execute(query.group_by(used.c.upstream_id))
    return {upstream_id: UpstreamActivity(requests, errors) for upstream_id, requests, errors in found}


async def requests_by_route(session: AsyncSession, today: int) -> dict[str, int]:
    """Requests since `today` began by the name of the route they took."""
    used = _used(today)
    found = await session.execute(select(used.c.route, func.sum(used.c.requests)).group_by(used.c.route))
    return {row[0]: row[1] for row in found}


async def cost_since(session: AsyncSession, today: int) -> int:
    """What all exchanges since then cost, in micro-units."""
    used = _used(today)
    return await session.scalar(select(func.coalesce(func.sum(used.c.cost_micros), 0))) or 0
