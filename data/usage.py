"""Sums over exchanges: by group and period, and what keys, upstreams and routes did of late."""

from typing import Literal

from msgspec import Struct, field
from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from data import tables
from data.records import FAILED, INTERRUPTED, RUNNING

Group = Literal["key", "model", "upstream", "owner", "none"]
Period = Literal["hour", "day", "all"]

exchanges = SQLModel.metadata.tables[tables.Exchange.__tablename__].c
keys = SQLModel.metadata.tables[tables.Key.__tablename__].c

HOUR = 3_600_000_000
DAY = 24 * HOUR
TOTAL_TOKENS = (
    exchanges.input_tokens
    + exchanges.cache_read_tokens
    + exchanges.cache_write_5m_tokens
    + exchanges.cache_write_1h_tokens
    + exchanges.tool_prompt_tokens
    + exchanges.output_tokens
    + exchanges.reasoning_tokens
)
BAD = exchanges.state.in_((FAILED, INTERRUPTED))


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


async def sum_usage(session: AsyncSession, span: Range, by: Group = "none", every: Period = "all") -> list[UsageSums]:
    """Usage by group and period, earliest and then most costly first."""
    label, start = _label(by), _start(every, span)
    query = (
        select(label, start, *_sums())
        .where(exchanges.started_at >= span.since, exchanges.started_at < span.until)
        .group_by(label, start)
        .order_by(start, func.coalesce(func.sum(exchanges.cost_micros), 0).desc(), label)
    )
    if by in ("key", "owner"):
        query = query.join(tables.Key, keys.id == exchanges.key_id, isouter=True)
    if span.key_id is not None:
        query = query.where(exchanges.key_id == span.key_id)
    return [UsageSums(*row) for row in await session.execute(query) if row[2]]


def _label(by: Group) -> ColumnElement[str]:
    named = case((exchanges.model_served != "", exchanges.model_served), else_=exchanges.model_asked)
    labels: dict[Group, ColumnElement[str]] = {
        "key": func.coalesce(keys.name, ""),
        "owner": func.coalesce(keys.owner, ""),
        "model": named,
        "upstream": exchanges.upstream,
        "none": literal(""),
    }
    return labels[by].label("label")


def _start(every: Period, span: Range) -> ColumnElement[int]:
    if every == "all":
        return literal(span.since).label("start")
    length, offset = DAY if every == "day" else HOUR, span.utc_offset * 1_000_000
    local = exchanges.started_at + offset
    return (local - local % length - offset).label("start")


def _sums() -> list[ColumnElement[int]]:
    return [
        func.count(),
        _count(BAD),
        _sum(exchanges.input_tokens + exchanges.tool_prompt_tokens),
        _sum(exchanges.cache_read_tokens),
        _sum(exchanges.cache_write_5m_tokens + exchanges.cache_write_1h_tokens),
        _sum(exchanges.output_tokens + exchanges.reasoning_tokens),
        _sum(exchanges.reasoning_tokens),
        _sum(exchanges.cost_micros),
        _count(exchanges.cost_micros.is_(None) & (exchanges.state != RUNNING) & (TOTAL_TOKENS > 0)),
    ]


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), 0)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


async def key_activity(session: AsyncSession, today: int, now: int) -> dict[int, KeyActivity]:
    """What every key did since `today` began, and by hour until `now`; keys that did nothing are left out."""
    first = now - now % HOUR - 23 * HOUR
    base = min(first, today - today % HOUR)
    hour = ((exchanges.started_at - base) // HOUR).label("hour")
    todays = exchanges.started_at >= today
    tokens, cost = case((todays, TOTAL_TOKENS), else_=0), case((todays, exchanges.cost_micros), else_=0)
    query = (
        select(exchanges.key_id, hour, func.count(), _count(todays), _sum(tokens), _sum(cost))
        .where(exchanges.started_at >= base, exchanges.key_id.is_not(None))
        .group_by(exchanges.key_id, hour)
    )
    activity: dict[int, KeyActivity] = {}
    for key_id, at, requests, *sums in await session.execute(query):
        _add(activity.setdefault(key_id, KeyActivity()), at - (first - base) // HOUR, requests, sums)
    return activity


def _add(activity: KeyActivity, hour: int, requests: int, sums: list[int]) -> None:
    activity.requests += sums[0]
    activity.tokens += sums[1]
    activity.cost_micros += sums[2]
    if 0 <= hour < len(activity.by_hour):
        activity.by_hour[hour] += requests


async def upstream_activity(session: AsyncSession, today: int) -> dict[int, UpstreamActivity]:
    """What every upstream did since `today` began; those that did nothing are left out."""
    query = (
        select(exchanges.upstream_id, func.count(), _count(BAD))
        .where(exchanges.started_at >= today, exchanges.upstream_id.is_not(None))
        .group_by(exchanges.upstream_id)
    )
    return {row[0]: UpstreamActivity(row[1], row[2]) for row in await session.execute(query)}


async def requests_by_route(session: AsyncSession, today: int) -> dict[str, int]:
    """Requests since `today` began by the name of the route they took."""
    query = select(exchanges.route, func.count()).where(exchanges.started_at >= today).group_by(exchanges.route)
    return {row[0]: row[1] for row in await session.execute(query)}


async def cost_since(session: AsyncSession, today: int) -> int:
    """What all exchanges since then cost, in micro-units."""
    return await session.scalar(select(_sum(exchanges.cost_micros)).where(exchanges.started_at >= today)) or 0
