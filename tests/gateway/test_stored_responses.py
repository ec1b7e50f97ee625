"""What is kept is found at once, written sealed a moment later, and gone when its time is over."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from msgspec.structs import replace

from data.database import Database
from data.secrets import Vault
from data.settings import put_setting
from gateway.stored_responses import BACKLOG, BATCH, DAY, RETENTION, Kept, StoredResponses

NOW = 1_800_000_000_000_000
MADE_HERE = Kept(1, "resp_1", NOW, None, b'[{"role":"user","content":"swordfish"}]', b'{"id":"resp_1"}', ("msg_1",))
MADE_THERE = Kept(1, "resp_2", NOW, upstream_id=7, item_ids=("msg_2",))


@pytest.fixture
def anew(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[], StoredResponses]:
    """A store on the same file each time, as after a restart; its clock stands still."""
    monkeypatch.setattr("gateway.stored_responses._now", lambda: NOW)
    return lambda: StoredResponses(database, Vault(bytes(32)))


Anew = Callable[[], StoredResponses]


@pytest.mark.parametrize("kept", [MADE_HERE, MADE_THERE])
async def test_what_is_kept_is_found_at_once_and_after_a_restart(anew: Anew, kept: Kept) -> None:
    stored = anew()
    stored.keep(kept)
    assert await stored.find(1, kept.id) == kept
    await stored.flush()
    assert await anew().find(1, kept.id) == replace(kept, item_ids=())
    assert await anew().find_items(1, kept.item_ids) == {kept.item_ids[0]: kept.id}


@pytest.mark.parametrize("written", [False, True])
async def test_another_key_finds_neither_a_response_nor_its_items(anew: Anew, written: bool) -> None:
    stored = anew()
    stored.keep(MADE_HERE)
    if written:
        await stored.flush()
    assert await stored.find(2, "resp_1") is None
    assert await stored.find_items(2, ["msg_1"]) == {}
    assert [await stored.is_foreign(key_id, "resp_1") for key_id in (1, 2)] == [False, True]
    await stored.forget(2, "resp_1")
    assert await stored.find(1, "resp_1") is not None


@pytest.mark.parametrize("written", [False, True])
async def test_what_is_forgotten_is_found_no_more(anew: Anew, written: bool) -> None:
    stored = anew()
    stored.keep(MADE_HERE)
    if written:
        await stored.flush()
    await stored.forget(1, "resp_1")
    await stored.flush()
    assert await anew().find(1, "resp_1") is None
    assert await anew().find_items(1, ["msg_1"]) == {}


async def test_nothing_that_was_said_can_be_read_in_the_file(anew: Anew, database: Database) -> None:
    stored = anew()
    stored.keep(MADE_HERE)
    await stored.flush()
    content = b"".join(path.read_bytes() for path in database.path.parent.iterdir())
    assert b"resp_1" in content
    assert b"swordfish" not in content


async def test_what_lies_under_another_name_does_not_open(anew: Anew, database: Database) -> None:
    stored = anew()
    stored.keep(MADE_HERE)
    await stored.flush()
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("UPDATE stored_responses SET key_id = 2")
        connection.commit()
    assert await stored.find(2, "resp_1") is None


async def test_responses_are_kept_for_as_long_as_the_setting_says(
    anew: Anew, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.write() as session:
        await put_setting(session, RETENTION, 2)
    stored = anew()
    stored.keep(MADE_HERE)
    await stored.flush()
    found = []
    for days in (1, 2):
        monkeypatch.setattr("gateway.stored_responses._now", lambda later=NOW + days * DAY: later)
        found.append(await stored.find(1, "resp_1") is not None)
    assert found == [True, False]


async def test_cleaning_deletes_all_that_has_expired_and_nothing_else(anew: Anew) -> None:
    stored = anew()
    old = [replace(MADE_THERE, id=f"resp_old{n}", created_at=NOW - 31 * DAY, item_ids=()) for n in range(BATCH + 1)]
    for kept in (*old, MADE_HERE):
        stored.keep(kept)
    await stored.flush()
    await stored.flush()
    await stored.clean(NOW)
    assert await stored.find(1, "resp_1") is not None
    await stored.clean(NOW + 31 * DAY)
    assert await stored.find(1, "resp_1") is None


async def test_a_store_that_is_closed_has_written_everything(anew: Anew) -> None:
    stored = anew()
    await stored.open()
    for number in range(BATCH + 1):
        stored.keep(replace(MADE_THERE, id=f"resp_{number}", item_ids=()))
    await stored.close()
    assert await anew().find(1, f"resp_{BATCH}") is not None


async def test_what_waits_is_written_by_itself(anew: Anew) -> None:
    stored = anew()
    await stored.open()
    stored.keep(MADE_HERE)
    async with asyncio.timeout(10):
        while await anew().find(1, "resp_1") is None:  # noqa: ASYNC110  # simpler than telling, in a test
            await asyncio.sleep(0.02)
    await stored.close()


async def test_with_too_many_waiting_the_oldest_are_given_up(anew: Anew) -> None:
    stored = anew()
    for number in range(BACKLOG + 1):
        stored.keep(replace(MADE_THERE, id=f"resp_{number}"))
    assert await stored.find(1, "resp_0") is None
    assert await stored.find(1, "resp_1") is not None


@pytest.mark.parametrize(("days", "keeps"), [(None, True), (0, False), (0.5, True), ("many", True), (-1, True)])
async def test_a_retention_of_no_days_keeps_nothing_here(
    anew: Anew, database: Database, days: float | str | None, keeps: bool
) -> None:
    async with database.write() as session:
        await put_setting(session, RETENTION, days)
    stored = anew()
    await stored.open()
    assert stored.keeps is keeps
    await stored.close()
