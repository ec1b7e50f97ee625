"""What the holder of a key may see: its own limits, balance and usage, and nothing of anybody else's."""

import logging
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import asdict

from data import usage
from data.database import Database
from data.limits import key_holder
from gateway import intake, keys, limits
from gateway.balance_shapes import SHAPES, Figures, Spent, dollars, left
from gateway.errors import BadRequest, GatewayError, Internal
from gateway.holdings import holding_of
from gateway.intake import Arrival, Send
from gateway.runtime import Runtime
from gateway.snapshot import KeyFacts

log = logging.getLogger("gatehouse.own_usage")

USUAL_DAYS = 30
MOST_DAYS = 400
EPOCH = datetime.fromtimestamp(0, UTC)


async def handle(runtime: Runtime, database: Database, arrival: Arrival, send: Send) -> None:
    """Answer whoever presents a key."""
    try:
        key = keys.authenticate(runtime.snapshot, arrival.headers, arrival.query, runtime.vault, runtime.now())
        limits.check_network(runtime.snapshot, key, arrival.client)
        body = msgspec.json.encode(await answer(runtime, database, arrival, key))
    except GatewayError as error:
        await intake.refuse(send, arrival.codec, error, arrival.request_id)
    except Exception:
        log.exception("request %s failed inside the gateway", arrival.request_id)
        failed = Internal(f"The gateway failed; its operator can look up {arrival.request_id}.")
        await intake.refuse(send, arrival.codec, failed, arrival.request_id)
    else:
        await intake.respond(send, 200, body, arrival.request_id)


async def answer(runtime: Runtime, database: Database, arrival: Arrival, key: KeyFacts) -> object:
    """What the path asks for: all in our own shape, or the money alone in another's."""
    now = runtime.now()
    if shape := SHAPES.get(arrival.endpoint.path):
        return shape(await figures_of(runtime, database, key, now))
    return await own_usage(runtime, database, key, span_of(arrival.query, key, now), now)


async def figures_of(runtime: Runtime, database: Database, key: KeyFacts, now: int) -> Figures:
    """A key's money now."""
    today = moment(now).replace(hour=0, minute=0, second=0, microsecond=0)
    month, monday = micros(today.replace(day=1)), micros(today - timedelta(today.weekday()))
    span = usage.Range(min(month, monday), now + 1, key.id)
    async with database.read() as session:
        days = await usage.sum_usage(session, span, every="day")
    spent = (sum(day.cost_micros for day in days if day.start >= start) for start in (micros(today), monday, month))
    return Figures(key, holding_of(runtime, key_holder(key.id), key.name), Spent(*spent))


async def own_usage(runtime: Runtime, database: Database, key: KeyFacts, span: usage.Range, now: int) -> object:
    """All of it: what the key may use, and what it used by day and by model."""
    figures = await figures_of(runtime, database, key, now)
    async with database.read() as session:
        days = await usage.sum_usage(session, span, every="day")
        models = await usage.sum_usage(session, span, by="model")
    holding, remaining = figures.holding, figures.remaining
    return {
        "object": "usage",
        "name": key.name,
        "unit": "USD",
        "remaining": None if remaining is None else dollars(remaining),
        "balance_micros": holding.balance_micros if holding.limits.prepaid else None,
        "reserved_micros": holding.reserved_micros,
        "cost_micros": holding.cost_micros,
        "expires_at": None if key.expires_at is None else text(key.expires_at),
        "limits": key.limits,
        "windows": [
            {
                "per": window.per,
                "zone": window.zone,
                "limit_micros": window.limit_micros,
                "used_micros": window.used_micros,
                "left_micros": left(window),
                "resets_at": None if window.resets_at is None else text(window.resets_at),
            }
            for window in holding.windows
        ],
        "rates": rates_of(runtime, key),
        "since": text(span.since),
        "until": text(span.until),
        "days": [{"day": f"{moment(row.start):%Y-%m-%d}", **sums(row)} for row in days],
        "models": [{"model": row.label, **sums(row)} for row in models],
    }


def rates_of(runtime: Runtime, key: KeyFacts) -> list[dict[str, str | int]]:
    """What limits the key's pace, as far as anything does; these windows slide and never reset."""
    share, limits, now = runtime.limits.share(key_holder(key.id)), key.limits, runtime.clock()
    return [
        {"of": of, "per": per, "limit": limit, "used": round(used), "left": max(0, limit - round(used))}
        for of, per, limit, used in (
            ("requests", "minute", limits.requests_per_minute, share.requests.used(now)),
            ("tokens", "minute", limits.tokens_per_minute, share.tokens.used(now)),
            ("tokens", "day", limits.tokens_per_day, share.tokens_of_day.used(now)),
            ("requests", "moment", limits.concurrent, share.running),
        )
        if limit is not None
    ]


def sums(row: usage.UsageSums) -> dict[str, int]:
    """What a row adds up to, without what it is of."""
    return {name: value for name, value in asdict(row).items() if name not in ("label", "start")}


def span_of(query: dict[str, str], key: KeyFacts, now: int) -> usage.Range:
    """From when to when; the last thirty days unless the query says otherwise. Raises `BadRequest`."""
    until = read_moment(query, "until") or now + 1
    since = read_moment(query, "since")
    span = usage.Range(until - USUAL_DAYS * usage.DAY if since is None else since, until, key.id)
    if not 0 < span.until - span.since <= MOST_DAYS * usage.DAY:
        raise BadRequest(f"since must be before until, by at most {MOST_DAYS} days.", param="since")
    return span


def read_moment(query: dict[str, str], name: str) -> int | None:
    """A date or a time of ISO 8601, in UTC where it does not say, or Unix time. Raises `BadRequest`."""
    if not (said := query.get(name)):
        return None
    try:
        at = datetime.fromtimestamp(int(said), UTC) if said.isdecimal() else datetime.fromisoformat(said)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if at >= EPOCH:
            return micros(at)
    except (OverflowError, ValueError, OSError):
        pass
    raise BadRequest(f"{name} must be a date such as 2026-11-01, a time of ISO 8601 or Unix time.", param=name)


def moment(at: int) -> datetime:
    """UTC microseconds as a date and time."""
    return EPOCH + timedelta(microseconds=at)


def micros(at: datetime) -> int:
    """A date and time as UTC microseconds."""
    return (at - EPOCH) // timedelta(microseconds=1)


def text(at: int) -> str:
    """UTC microseconds as clients read them."""
    return f"{moment(at):%Y-%m-%dT%H:%M:%SZ}"
