"""The cleaner keeps to what the operator set, and to small slices."""

import pytest
from msgspec.structs import replace

from data.database import Database
from data.exchanges import page_exchanges, save_exchanges
from data.records import DONE, RUNNING
from data.retention import measure
from gateway import cleaner as module
from gateway.cleaner import DAY, Cleaner
from gateway.settings import Settings
from tests.gateway.answers.scripted import begun

NOW = 1000 * DAY


async def fill(database: Database, rows: int, every: int = DAY) -> None:
    """One request each so often, the last one running now."""
    async with database.write() as session:
        for number in range(1, rows + 1):
            record = replace(begun(number, at=NOW - (rows - number) * every), warnings="w" * 3000)
            await save_exchanges(session, [record if number == rows else replace(record, state=DONE)])


async def kept(database: Database) -> list[int]:
    async with database.read() as session:
        return [record.id for record in await page_exchanges(session, limit=1000)]


def cleaner(database: Database, **settings: int) -> Cleaner:
    kept_for_ever = Settings(exchange_retention_days=0, database_gigabytes=0)
    return Cleaner(database, lambda: replace(kept_for_ever, **settings), lambda: NOW)


async def test_what_is_too_old_is_deleted(database: Database) -> None:
    await fill(database, 100)
    cleaned = await cleaner(database, exchange_retention_days=30).clean()
    assert cleaned.exchanges == 69
    assert await kept(database) == list(range(100, 69, -1))
    assert cleaned.longest_us > 0


async def test_nothing_is_deleted_where_nothing_is_limited(database: Database) -> None:
    await fill(database, 50)
    assert (await cleaner(database).clean()).exchanges == 0


async def test_the_oldest_go_while_there_is_too_much(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database, 200, every=1)
    async with database.read() as session:
        full = (await measure(session)).used_bytes
    monkeypatch.setattr(module, "GIGABYTE", full - 300_000)
    monkeypatch.setattr(module, "LARGEST", 16)
    cleaned = await cleaner(database, database_gigabytes=1).clean()
    assert 0 < cleaned.exchanges < 199
    assert await kept(database) == list(range(200, cleaned.exchanges, -1))
    async with database.read() as session:
        held = await measure(session)
    assert held.used_bytes <= full - 300_000
    assert held.free_pages <= held.pages * 0.2


async def test_what_runs_is_kept_however_little_room_there_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, 20)
    monkeypatch.setattr(module, "GIGABYTE", 1)
    await cleaner(database, database_gigabytes=1).clean()
    async with database.read() as session:
        assert [record.state for record in await page_exchanges(session)] == [RUNNING]
