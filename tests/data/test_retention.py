"""Old exchanges and expired captures are deleted oldest first; what runs, totals and the ledger stay."""

import random

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, text
from sqlmodel import SQLModel

from data.adjustments import Correction, adjust, begin_adjustment
from data.audit import check
from data.captures import save_captures
from data.database import Database
from data.exchanges import page_exchanges, save_exchanges
from data.records import DONE, RUNNING, AttemptRecord, ExchangeRecord
from data.retention import delete_exchanges, find_expired, find_oldest, measure, wipe_captures
from data.tables import AdjustedExchange, Attempt, Capture
from data.usage import Range, sum_usage

ENDED = ExchangeRecord(1, "req-1", 10, DONE, "openai_chat", "chat", "/v1", key_id=3, cost_micros=7, output_tokens=5)
RECORDS = [
    replace(ENDED, id=number, request_id=f"req-{number}", started_at=number * 10, state=state)
    for number, state in ((1, RUNNING), (2, DONE), (3, DONE), (4, DONE))
]
ATTEMPTS = [AttemptRecord(number, 1, 1, "up", "m", 0, 1) for number in (1, 2, 3, 4)]


async def delete(database: Database, before: int, limit: int) -> int:
    async with database.read() as session:
        numbers = await find_oldest(session, before, limit)
    async with database.write() as session:
        await delete_exchanges(session, numbers)
    return len(numbers)


async def count(database: Database, table: type[SQLModel]) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def kept(database: Database) -> list[int]:
    async with database.read() as session:
        return [record.id for record in await page_exchanges(session)]


async def test_the_oldest_that_ended_go_first_with_their_attempts_and_corrections(database: Database) -> None:
    async with database.write() as session:
        await save_exchanges(session, RECORDS, ATTEMPTS)
        await adjust(
            session, await begin_adjustment(session, 1, "me", ""), [Correction(2, 7, 9, ""), Correction(4, 7, 1, "")]
        )
        before = await sum_usage(session, Range(0, 100))
    assert [await delete(database, 40, limit) for limit in (1, 5, 5)] == [1, 1, 0]
    assert await kept(database) == [4, 1]
    assert (await count(database, Attempt), await count(database, AdjustedExchange)) == (2, 1)
    async with database.read() as session:
        assert await sum_usage(session, Range(0, 100)) == before
    assert (await check(database)).findings == []


async def test_the_newest_stays_so_that_no_number_is_given_twice(database: Database) -> None:
    async with database.write() as session:
        await save_exchanges(session, RECORDS)
    assert await delete(database, 99, 99) == 2
    assert await kept(database) == [4, 1]


async def test_what_is_held_is_measured(database: Database) -> None:
    async with database.read() as session:
        assert (await measure(session)).oldest_at is None
    async with database.write() as session:
        await save_exchanges(session, [replace(each, warnings="w" * 50_000) for each in RECORDS])
    async with database.read() as session:
        full = await measure(session)
    assert full.oldest_at == 10
    await delete(database, 99, 9)
    async with database.read() as session:
        less = await measure(session)
    assert less.free_pages - full.free_pages > 20
    assert full.used_bytes - less.used_bytes > 80_000
    await database.reclaim(1000)
    async with database.read() as session:
        assert await measure(session) == replace(less, pages=less.pages - less.free_pages, free_pages=0)


async def test_captures_are_wiped_from_the_files_once_they_have_expired(database: Database) -> None:
    async with database.write() as session:
        for number, secret in ((1, b"canary-one" * 9), (2, b"canary-two" * 9)):
            capture = Capture(exchange_id=number, key_id=1, at=1, expires_at=number * 10, request=secret, answer=b"")
            session.add(capture)
    async with database.write() as session:
        assert await find_expired(session, 15, 5) == [1]
        await wipe_captures(session, [1])
        assert await find_expired(session, 15, 5) == []
        assert (await session.execute(text("PRAGMA secure_delete"))).scalar() == 0
    await database.close()
    stored = database.path.read_bytes()
    assert (b"canary-one" in stored, b"canary-two" in stored) == (False, True)


async def test_neither_the_file_nor_its_log_holds_a_piece_of_wiped_captures_however_they_were_moved(
    database: Database,
) -> None:
    def told(number: int) -> bytes:
        return b"<canary-%d>" % number * (1 + number * 7 % 90)

    numbers = sorted(range(200), key=lambda number: number + random.Random(number).randrange(6))
    for number in numbers:
        capture = Capture(exchange_id=number, key_id=1, at=1, expires_at=9, request=told(number), answer=b"")
        async with database.write(durable=False) as session:
            await save_captures(session, [capture], {})
    wiped = [number for number in numbers if number % 3]
    async with database.write() as session:
        await wipe_captures(session, wiped)
    assert await database.empty_log()
    files = database.path.read_bytes(), database.path.with_name(database.path.name + "-wal").read_bytes()
    left = {number for number in numbers if any(b"<canary-%d>" % number in file for file in files)}
    assert left == set(numbers) - set(wiped)


async def test_a_log_that_somebody_reads_is_not_emptied_and_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.database.PATIENCE_MS", 10)
    async with database.write() as session:
        session.add(Capture(exchange_id=1, key_id=1, at=1, expires_at=9, request=b"", answer=b""))
    async with database.read() as reading:
        await find_expired(reading, 9, 1)
        async with database.write() as session:
            await wipe_captures(session, [1])
        assert not await database.empty_log()
    assert await database.empty_log()
