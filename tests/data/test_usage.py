"""Sums over exchanges."""

import pytest
from msgspec.structs import replace
from sqlalchemy import delete
from sqlmodel import col

from data.database import Database
from data.exchanges import save_exchanges
from data.keys import add_key
from data.records import CUT, DONE, FAILED, RUNNING, ExchangeRecord
from data.tables import Exchange, Key
from data.usage import (
    DAY,
    HOUR,
    QUARTER,
    Group,
    KeyActivity,
    Period,
    Range,
    UpstreamActivity,
    UsageSums,
    cost_since,
    key_activity,
    requests_by_route,
    sum_usage,
    upstream_activity,
)

NOON = 20_000 * DAY + 12 * HOUR


def exchange(number: int, at: int, state: str = DONE, **fields: object) -> ExchangeRecord:
    record = ExchangeRecord(number, f"req-{number}", at, state, "openai_chat", "chat", "/v1/chat/completions")
    return replace(record, **fields)


RECORDS = [
    exchange(
        1, NOON - DAY, key_id=1, owner="alice", model_asked="fast", model_served="mini", cost_micros=10, input_tokens=1
    ),
    exchange(
        2, NOON, key_id=1, owner="alice", model_asked="fast", model_served="mini", cost_micros=20, output_tokens=5
    ),
    exchange(3, NOON + HOUR, FAILED, key_id=2, model_asked="mini", upstream="openai", upstream_id=4, route="r"),
    exchange(4, NOON + HOUR, CUT, key_id=2, model_served="big", upstream="openai", upstream_id=4, output_tokens=7),
    exchange(5, NOON + 2 * HOUR, RUNNING, key_id=9, route="r", output_tokens=3, cost_micros=4),
]
EVERYTHING = Range(0, NOON + DAY)


@pytest.fixture
async def filled(database: Database) -> Database:
    async with database.write() as session:
        for name, tags in (("laptop", ["home", "beta"]), ("ci", ["beta"])):
            await add_key(session, Key(public_id=name, secret_hash=b"", tail="", name=name, tags=tags, created_at=1))
        await save_exchanges(session, RECORDS)
    return database


async def sums(database: Database, span: Range, by: Group = "none", every: Period = "all") -> list[UsageSums]:
    async with database.read() as session:
        return await sum_usage(session, span, by, every)


async def test_all_meters_are_summed(database: Database) -> None:
    meters = {
        name: 10**i for i, name in enumerate(n for n in ExchangeRecord.__struct_fields__ if n.endswith("_tokens"))
    }
    async with database.write() as session:
        await save_exchanges(session, [exchange(n, NOON, cost_micros=3, **meters) for n in (1, 2)])
    (row,) = await sums(database, EVERYTHING)
    assert row == UsageSums(
        label="",
        start=0,
        requests=2,
        errors=0,
        input_tokens=2 * (meters["input_tokens"] + meters["tool_prompt_tokens"]),
        cache_read_tokens=2 * meters["cache_read_tokens"],
        cache_write_tokens=2 * (meters["cache_write_5m_tokens"] + meters["cache_write_1h_tokens"]),
        output_tokens=2 * (meters["output_tokens"] + meters["reasoning_tokens"]),
        reasoning_tokens=2 * meters["reasoning_tokens"],
        cost_micros=6,
        unpriced=0,
    )


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("none", {"": 5}),
        ("key", {"laptop": 2, "ci": 2, "": 1}),
        ("owner", {"alice": 2, "": 3}),
        ("tag", {"home": 2, "beta": 4, "": 1}),
        ("model", {"mini": 3, "big": 1, "": 1}),
        ("upstream", {"": 3, "openai": 2}),
    ],
)
async def test_requests_are_counted_by_group(filled: Database, by: Group, expected: dict[str, int]) -> None:
    assert {row.label: row.requests for row in await sums(filled, EVERYTHING, by)} == expected


async def test_failed_requests_and_those_without_a_price_are_told_apart(filled: Database) -> None:
    rows = {row.label: (row.errors, row.unpriced) for row in await sums(filled, EVERYTHING, "key")}
    assert rows == {"laptop": (0, 0), "ci": (1, 1), "": (0, 0)}


async def test_days_are_cut_where_the_operator_lives(filled: Database) -> None:
    utc = await sums(filled, EVERYTHING, every="day")
    assert [(row.start, row.requests) for row in utc] == [(NOON - 36 * HOUR, 1), (NOON - 12 * HOUR, 4)]
    east = await sums(filled, replace(EVERYTHING, utc_offset=11 * 3600), every="day")
    assert [(row.start, row.requests) for row in east] == [
        (NOON - 47 * HOUR, 1),
        (NOON - 23 * HOUR, 1),
        (NOON + HOUR, 3),
    ]
    west = await sums(filled, replace(EVERYTHING, utc_offset=-13 * 3600), every="day")
    assert [row.start for row in west] == [NOON - 47 * HOUR, NOON - 23 * HOUR, NOON + HOUR]


async def test_hours_are_cut_on_the_hour(filled: Database) -> None:
    rows = await sums(filled, Range(NOON, NOON + DAY), every="hour")
    assert [((row.start - NOON) // HOUR, row.requests) for row in rows] == [(0, 1), (1, 2), (2, 1)]


async def test_days_begin_on_any_quarter_of_an_hour(filled: Database) -> None:
    kathmandu = await sums(filled, replace(EVERYTHING, utc_offset=5 * 3600 + 45 * 60), every="day")
    assert [(row.start - NOON) % DAY for row in kathmandu] == [6 * HOUR + QUARTER] * 2


async def test_a_span_is_cut_at_quarters(filled: Database) -> None:
    (row,) = await sums(filled, Range(NOON + 1, NOON + HOUR + 1))
    assert (row.start, row.requests) == (NOON + 1, 3)


async def test_what_runs_is_counted_but_not_what_it_has_used_so_far(filled: Database) -> None:
    (row,) = await sums(filled, replace(EVERYTHING, key_id=9))
    assert (row.requests, row.output_tokens, row.cost_micros) == (1, 0, 0)


async def test_totals_outlast_the_exchanges(filled: Database) -> None:
    before = await sums(filled, EVERYTHING, "model", "day")
    async with filled.write() as session:
        await session.execute(delete(Exchange).where(col(Exchange.state) != RUNNING))
    assert await sums(filled, EVERYTHING, "model", "day") == before


async def test_the_range_holds_its_start_but_not_its_end(filled: Database) -> None:
    (row,) = await sums(filled, Range(NOON - DAY, NOON))
    assert (row.requests, row.cost_micros, row.start) == (1, 10, NOON - DAY)


async def test_usage_can_be_asked_for_one_key(filled: Database) -> None:
    (row,) = await sums(filled, replace(EVERYTHING, key_id=1), "key")
    assert (row.label, row.requests) == ("laptop", 2)


async def test_nothing_used_is_no_row_at_all(database: Database) -> None:
    assert await sums(database, EVERYTHING) == []


async def test_activity_of_keys_holds_today_and_the_last_24_hours(filled: Database) -> None:
    async with filled.read() as session:
        activity = await key_activity(session, today=NOON - 12 * HOUR, now=NOON + 2 * HOUR + 5)
    assert activity[1] == KeyActivity(1, 5, 20, [0] * 21 + [1, 0, 0])
    assert activity[2] == KeyActivity(2, 7, 0, [0] * 22 + [2, 0])
    assert activity[9].by_hour == [0] * 23 + [1]


async def test_a_day_longer_than_24_hours_is_counted_whole(filled: Database) -> None:
    async with filled.read() as session:
        activity = await key_activity(session, today=NOON - DAY - HOUR // 2, now=NOON + 5)
    assert activity[1] == KeyActivity(2, 6, 30, [0] * 23 + [1])


async def test_activity_of_upstreams_and_routes_is_of_today(filled: Database) -> None:
    async with filled.read() as session:
        assert await upstream_activity(session, NOON) == {4: UpstreamActivity(2, 1)}
        assert await upstream_activity(session, NOON + 2 * HOUR) == {}
        assert await requests_by_route(session, NOON) == {"": 2, "r": 2}


async def test_the_cost_of_today_leaves_yesterday_out(filled: Database) -> None:
    async with filled.read() as session:
        assert await cost_since(session, NOON - DAY) == 30
        assert await cost_since(session, NOON) == 20
        assert await cost_since(session, NOON + DAY) == 0
