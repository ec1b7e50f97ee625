"""Exchanges are written in batches, change until they have ended, and are charged once."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from sqlalchemy import select
from sqlmodel import col

from data import exchanges as module
from data.database import Database
from data.exchanges import (
    Narrowing,
    get_exchange,
    interrupt_open,
    last_id,
    list_attempts,
    page_exchanges,
    save_exchanges,
)
from data.keys import add_key
from data.records import DONE, FAILED, INTERRUPTED, RUNNING, AttemptRecord, ExchangeRecord
from data.tables import Attempt, Exchange, Key, LedgerEntry

DAY = 86_400_000_000


def exchange(number: int, state: str = DONE, **fields: object) -> ExchangeRecord:
    record = ExchangeRecord(
        number, f"req-{number}", number * 1000, state, "openai_chat", "chat", "/v1/chat/completions"
    )
    return replace(record, **fields)


async def save(database: Database, *records: ExchangeRecord, attempts: Sequence[AttemptRecord] = ()) -> None:
    async with database.write(durable=False) as session:
        await save_exchanges(session, records, attempts)


async def page(database: Database, narrowing: Narrowing, before: int | None = None, limit: int = 200) -> list[int]:
    async with database.read() as session:
        return [record.id for record in await page_exchanges(session, narrowing, before, limit)]


async def ledger(database: Database) -> list[tuple[int | None, int, int]]:
    async with database.read() as session:
        entries = await session.scalars(select(LedgerEntry).order_by(col(LedgerEntry.exchange_id)))
        return [(entry.exchange_id, entry.cost_micros, entry.at) for entry in entries]


def test_records_and_tables_have_the_same_fields() -> None:
    assert list(ExchangeRecord.__struct_fields__) == list(Exchange.model_fields)
    assert list(AttemptRecord.__struct_fields__) == list(Attempt.model_fields)


async def test_a_record_comes_back_exactly_as_it_was_saved(database: Database) -> None:
    whole = exchange(7, stream=True, key_id=3, cost_micros=12, first_token_us=5, duration_us=9, warnings='["é\x00"]')
    attempt = AttemptRecord(7, 1, 2, "openai", "gpt-4o", 10, 20, 500, "boom", "next target")
    await save(database, whole, attempts=[attempt])
    async with database.read() as session:
        assert await get_exchange(session, 7) == whole
        assert await list_attempts(session, 7) == [attempt]
        assert await get_exchange(session, 8) is None


async def test_a_running_exchange_is_brought_up_to_date_until_it_has_ended(database: Database) -> None:
    for state, tokens in [(RUNNING, 1), (RUNNING, 2), (DONE, 3), (RUNNING, 4), (FAILED, 5)]:
        await save(database, exchange(1, state, output_tokens=tokens))
    async with database.read() as session:
        found = await get_exchange(session, 1)
    assert found == exchange(1, DONE, output_tokens=3)


async def test_an_exchange_is_charged_once_when_it_has_ended(database: Database) -> None:
    ended = exchange(1, DONE, cost_micros=50, duration_us=10)
    for record in (exchange(1, RUNNING, cost_micros=20), ended, ended):
        await save(database, record, exchange(2, DONE, cost_micros=0), exchange(3, DONE, cost_micros=None))
    assert await ledger(database) == [(1, 50, 1000)]


async def test_what_a_dead_gateway_left_open_is_closed_and_charged_as_far_as_known(database: Database) -> None:
    await save(database, exchange(1, RUNNING, cost_micros=20), exchange(2, RUNNING), exchange(3, DONE, cost_micros=5))
    for expected in (2, 0):
        async with database.write() as session:
            assert await interrupt_open(session) == expected
    assert await page(database, Narrowing(state=INTERRUPTED)) == [2, 1]
    assert [entry[:2] for entry in await ledger(database)] == [(1, 20), (3, 5)]


async def test_the_highest_id_is_known(database: Database) -> None:
    async with database.read() as session:
        assert await last_id(session) == 0
    await save(database, exchange(5), exchange(9))
    async with database.read() as session:
        assert await last_id(session) == 9


async def test_pages_follow_each_other_newest_first(database: Database) -> None:
    await save(database, *(exchange(number) for number in range(1, 8)))
    assert await page(database, Narrowing(), limit=3) == [7, 6, 5]
    assert await page(database, Narrowing(), before=5, limit=3) == [4, 3, 2]
    assert await page(database, Narrowing(), before=2, limit=3) == [1]


@pytest.mark.parametrize(
    ("narrowing", "expected"),
    [
        (Narrowing(key_id=1), [1]),
        (Narrowing(upstream_id=9), [2]),
        (Narrowing(state=FAILED), [3]),
        (Narrowing(model="4O"), [1]),
        (Narrowing(model="haiku"), [2]),
        (Narrowing(text="alice"), [1]),
        (Narrowing(text="ANTHRO"), [2]),
        (Narrowing(text="req-3"), [3]),
        (Narrowing(text="timed out"), [3]),
        (Narrowing(text="%"), [4]),
        (Narrowing(text="_"), [3]),
        (Narrowing(text="\\"), []),
        (Narrowing(since=2000, until=4000), [3, 2]),
        (Narrowing(since=2000, text="haiku"), [2]),
        (Narrowing(text="nothing like it"), []),
    ],
)
async def test_exchanges_are_narrowed_by_literal_text(
    database: Database, narrowing: Narrowing, expected: list[int]
) -> None:
    async with database.write() as session:
        await add_key(session, Key(public_id="a", secret_hash=b"", tail="", name="Alice's laptop", created_at=1))
    await save(
        database,
        exchange(1, key_id=1, model_asked="gpt-4o"),
        exchange(2, model_asked="fast", model_served="claude-haiku", upstream="anthropic", upstream_id=9),
        exchange(3, FAILED, error_code="upstream_timeout", error_message="it timed out"),
        exchange(4, model_asked="100%"),
    )
    assert await page(database, narrowing) == expected


async def test_rows_are_found_across_slices_and_gaps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_SLICE", 2)
    monkeypatch.setattr(module, "LARGEST_SCAN", 3)
    await save(
        database,
        *(exchange(number, model_asked="rare" if number % 40 == 0 else "usual") for number in (*range(1, 90), 200)),
    )
    for narrowing in (Narrowing(model="rare"), Narrowing(text="rare")):
        assert await page(database, narrowing) == [200, 80, 40]
        assert await page(database, narrowing, before=80) == [40]
        assert await page(database, narrowing, limit=1) == [200]


async def test_exchanges_that_started_out_of_the_order_of_their_numbers_are_found_by_time(database: Database) -> None:
    await save(
        database, exchange(1, started_at=9 * DAY), exchange(2, started_at=9 * DAY - 5), exchange(3, started_at=20 * DAY)
    )
    assert await page(database, Narrowing(since=9 * DAY)) == [3, 1]
    assert await page(database, Narrowing(until=9 * DAY)) == [2]
    assert await page(database, Narrowing(since=19 * DAY)) == [3]
