"""Corrections are booked beside the first charge, leave everything in agreement, and can be taken back in pieces."""

import pytest
from msgspec.structs import replace

from data.adjustments import (
    Correction,
    Moved,
    adjust,
    begin_adjustment,
    get_adjustment,
    list_adjustments,
    page_ended,
    reverse,
    why_not_reversible,
)
from data.audit import check
from data.database import Database
from data.exchanges import get_exchange, save_exchanges
from data.ledger import entries_of, get_account
from data.records import DONE, RUNNING, ExchangeRecord
from data.tables import Exchange

ENDED = ExchangeRecord(
    1, "req-1", 10, DONE, "openai_chat", "chat", "/v1", key_id=3, owner="al", cost_micros=40, price_lines="[1]"
)
RECORDS = [
    ENDED,
    replace(ENDED, id=2, request_id="req-2", started_at=30, cost_micros=None, output_tokens=9),
    replace(ENDED, id=3, request_id="req-3", started_at=20, cost_micros=7),
    replace(ENDED, id=4, request_id="req-4", started_at=25, state=RUNNING),
]
CORRECTIONS = [
    Correction(1, 40, 25, "[2]"),
    Correction(2, None, 5, "[3]"),
    Correction(3, 99, 1, ""),
    Correction(4, 40, 1, ""),
]


@pytest.fixture
async def filled(database: Database) -> Database:
    async with database.write() as session:
        await save_exchanges(session, RECORDS)
    return database


async def adjusted(database: Database, corrections: list[Correction]) -> tuple[int, list[Moved]]:
    async with database.write() as session:
        number = await begin_adjustment(session, 77, "root", "new prices")
    async with database.write() as session:
        return number, await adjust(session, number, corrections)


async def reversed_by(database: Database, number: int, limit: int = 1) -> int:
    slices = 0
    while True:
        async with database.write() as session:
            if await reverse(session, number, 99, "eve", limit) is None:
                return slices
        slices += 1


async def costs(database: Database) -> list[int | None]:
    assert (await check(database)).findings == []
    async with database.read() as session:
        found = [await get_exchange(session, number) for number in (1, 2, 3)]
    return [each.cost_micros for each in found if each]


async def test_a_correction_is_booked_beside_the_charge_where_the_exchange_costs_what_was_thought(
    filled: Database,
) -> None:
    number, moved = await adjusted(filled, CORRECTIONS)
    assert moved == [Moved(3, "al", -15, 10), Moved(3, "al", 5, 30)]
    assert await costs(filled) == [25, 5, 7]
    async with filled.read() as session:
        adjustment = await get_adjustment(session, number)
        assert adjustment is not None
        assert (adjustment.exchanges, adjustment.micros, adjustment.note) == (2, -10, "new prices")
        booked = (await entries_of(session, 1))[-1]
        assert (booked.kind, booked.cost_micros, booked.adjustment_id, booked.actor) == ("adjust", -15, number, "root")
        assert (await get_account(session, "key:3")).cost_micros == 37


async def test_a_reversal_brings_everything_back_and_goes_on_where_it_stopped(filled: Database) -> None:
    number, _ = await adjusted(filled, CORRECTIONS)
    async with filled.write() as session:
        assert await reverse(session, number, 99, "eve", 1) == [Moved(3, "al", 15, 10)]
    assert await costs(filled) == [40, 5, 7]
    assert await reversed_by(filled, number) == 1
    assert await costs(filled) == [40, None, 7]
    async with filled.read() as session:
        (adjustment,) = await list_adjustments(session)
        assert await why_not_reversible(session, adjustment) == "it was reversed before"
        restored = await get_exchange(session, 1)
    assert restored is not None
    assert restored.price_lines == "[1]"


async def test_a_correction_of_a_correction_is_reversed_first(filled: Database) -> None:
    first, _ = await adjusted(filled, CORRECTIONS[:1])
    second, _ = await adjusted(filled, [Correction(1, 25, 30, "")])
    async with filled.read() as session:
        before, after = [await get_adjustment(session, number) for number in (first, second)]
        assert before is not None
        assert after is not None
        assert f"adjustment {second} corrected" in await why_not_reversible(session, before)
        assert await why_not_reversible(session, after) == ""
    for number in (second, first):
        await reversed_by(filled, number)
    assert await costs(filled) == [40, None, 7]


async def test_what_is_not_on_record_any_more_is_not_reversed(filled: Database) -> None:
    number, _ = await adjusted(filled, CORRECTIONS)
    async with filled.write() as session:
        await session.delete(await session.get_one(Exchange, 2))
    async with filled.read() as session:
        (adjustment,) = await list_adjustments(session)
        assert adjustment.id == number
        assert "not on record any more" in await why_not_reversible(session, adjustment)


async def test_what_ended_is_paged_in_the_order_of_time(filled: Database) -> None:
    async with filled.read() as session:
        first = await page_ended(session, 10, 30, (10, -1), 1)
        rest = await page_ended(session, 10, 30, (10, 1), 9)
    assert ([each.id for each in first], [each.id for each in rest]) == ([1], [3])
