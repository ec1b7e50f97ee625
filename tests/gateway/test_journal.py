"""What the journal has accepted is a row in the end, whatever dies, is full or is locked in between."""

import asyncio
import json
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from full_disk import full_disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import delete, select
from sqlmodel import col

from data.database import Database
from data.exchanges import list_attempts, page_exchanges
from data.keys import add_key, get_key
from data.records import DONE, INTERRUPTED, RUNNING, AttemptRecord, ExchangeRecord
from data.tables import Exchange, Key, LedgerEntry
from gateway import journal as module
from gateway.bus import Bus
from gateway.errors import Unavailable
from gateway.events import Noted
from gateway.journal import Entry, Journal

DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from data.database import Database
from data.records import ExchangeRecord
from gateway.bus import Bus
from gateway.journal import Journal
from msgspec.structs import replace

async def main(directory):
    database = Database(directory / "gatehouse.db")
    await database.open()
    await database.migrate()
    journal = Journal(database, directory / "journal", Bus())
    await journal.open()
    while True:
        number = journal.next_id()
        record = ExchangeRecord(number, f"req-{number}", number, "running", "openai_chat", "chat", "/v1")
        journal.start(record)
        os.write(1, b"s%d\\n" % number)
        if number % 10:
            journal.end(replace(record, state="done", cost_micros=number))
            os.write(1, b"e%d\\n" % number)
        if number % 7 == 0:
            await asyncio.sleep(0.002)

asyncio.run(main(Path(sys.argv[1])))
"""


def exchange(number: int, state: str = RUNNING, **fields: object) -> ExchangeRecord:
    return replace(ExchangeRecord(number, f"req-{number}", number, state, "openai_chat", "chat", "/v1/chat"), **fields)


class Kept:
    """A data directory whose journal is opened, left and opened again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "journal"
        self.database = Database(directory / "gatehouse.db")
        self.bus = Bus()
        self.news = self.bus.subscribe()
        self.journal = Journal(self.database, self.directory, self.bus)

    async def reopen(self) -> Journal:
        """As after the death of the process: what was in memory is gone."""
        for task in asyncio.all_tasks():
            if task.get_name() == "journal":
                task.cancel()
        self.journal = Journal(self.database, self.directory, self.bus)
        await self.journal.open()
        return self.journal

    async def states(self) -> dict[int, str]:
        async with self.database.read() as session:
            return {record.id: record.state for record in await page_exchanges(session, limit=1000)}

    def noted(self) -> list[str]:
        return [news.code for news in self.news.drain() if isinstance(news, Noted)]

    def files(self) -> list[Path]:
        return sorted(self.directory.iterdir())

    def lines(self, *entries: Entry, end: bytes = b"\n") -> None:
        """Put a file there as an earlier process would have left it."""
        content = b"\n".join(msgspec.json.encode(entry) for entry in entries)
        (self.directory / f"{len(self.files()) + 1:012d}.jsonl").write_bytes(content + end)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    (tmp_path / "journal").mkdir()
    kept = Kept(tmp_path)
    await kept.database.open()
    await kept.database.migrate()
    await kept.journal.open()
    yield kept
    await kept.journal.close()
    await kept.database.close()


async def test_a_started_exchange_is_in_the_file_before_anything_else_happens(kept: Kept) -> None:
    kept.journal.start(exchange(1))
    (file,) = kept.files()
    assert json.loads(file.read_bytes())["record"]["request_id"] == "req-1"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_rows_follow_by_themselves_and_the_file_is_emptied(kept: Kept) -> None:
    kept.journal.start(exchange(1))
    kept.journal.start(exchange(2))
    kept.journal.end(exchange(2, DONE))
    async with asyncio.timeout(10):
        while kept.files()[0].stat().st_size:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await kept.states() == {1: RUNNING, 2: DONE}


async def test_an_ended_exchange_has_its_attempts_its_charge_and_its_keys_last_use(kept: Kept) -> None:
    async with kept.database.write() as session:
        await add_key(session, Key(public_id="a", secret_hash=b"", tail="", name="a", created_at=1))
    attempt = AttemptRecord(5, 1, 1, "openai", "gpt-4o", 0, 10)
    kept.journal.start(exchange(5, key_id=1))
    kept.journal.progress(exchange(5, key_id=1, output_tokens=3))
    kept.journal.end(exchange(5, DONE, key_id=1, cost_micros=9), [attempt])
    await kept.journal.flush()
    async with kept.database.read() as session:
        key = await get_key(session, 1)
        charges = list(await session.scalars(select(col(LedgerEntry.cost_micros))))
        assert await list_attempts(session, 5) == [attempt]
    assert key is not None
    assert (key.last_used_at, charges) == (5, [9])


async def test_ids_go_on_where_an_earlier_process_stopped(kept: Kept) -> None:
    assert [kept.journal.next_id(), kept.journal.next_id()] == [1, 2]
    kept.journal.start(exchange(7))
    assert (await kept.reopen()).next_id() == 8


async def test_what_is_open_at_the_start_is_closed_as_interrupted_and_told(kept: Kept) -> None:
    kept.journal.start(exchange(1, cost_micros=4))
    kept.journal.start(exchange(2))
    kept.journal.end(exchange(2, DONE))
    await kept.reopen()
    assert await kept.states() == {1: INTERRUPTED, 2: DONE}
    assert kept.noted() == ["interrupted"]


async def test_closing_leaves_no_file_behind(kept: Kept) -> None:
    kept.journal.start(exchange(1))
    await kept.journal.close()
    assert kept.files() == []
    assert await kept.states() == {1: RUNNING}


async def test_nothing_can_be_started_after_closing(kept: Kept) -> None:
    await kept.journal.close()
    with pytest.raises(Unavailable):
        kept.journal.start(exchange(1))


async def test_a_torn_last_line_is_ignored_and_those_before_it_are_kept(kept: Kept) -> None:
    await kept.journal.close()
    torn = msgspec.json.encode(Entry(exchange(2)))[:50]
    kept.lines(Entry(exchange(1, DONE)), end=b"\n" + torn)
    await kept.reopen()
    assert await kept.states() == {1: DONE}
    assert kept.noted() == []


async def test_a_damaged_line_in_the_middle_is_told_and_the_others_are_kept(kept: Kept) -> None:
    await kept.journal.close()
    kept.lines(Entry(exchange(1, DONE)), end=b"\n\x00\x00{]\n" + msgspec.json.encode(Entry(exchange(2, DONE))) + b"\n")
    await kept.reopen()
    assert await kept.states() == {1: DONE, 2: DONE}
    assert kept.noted() == ["journal_damaged"]


async def test_a_full_file_is_followed_by_another_and_deleted_once_in_the_database(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT_SIZE", 2000)
    for number in range(1, 101):
        kept.journal.start(exchange(number))
    assert len(kept.files()) > 3
    await kept.journal.flush()
    assert len(kept.files()) == 1
    assert len(await kept.states()) == 100


async def test_several_files_are_replayed_in_order(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_SIZE", 200)
    for number in range(1, 30):
        kept.journal.start(exchange(number))
        kept.journal.end(exchange(number, DONE, output_tokens=number))
    await kept.reopen()
    assert set((await kept.states()).values()) == {DONE}
    assert len(kept.files()) == 1


async def test_a_full_disk_refuses_new_exchanges_and_takes_them_again_when_there_is_space(kept: Kept) -> None:
    kept.journal.start(exchange(1))
    with full_disk(kept.files()[0].stat().st_size + 20):
        with pytest.raises(Unavailable) as refused:
            kept.journal.start(exchange(2))
        kept.journal.end(exchange(1, DONE))
    kept.journal.start(exchange(3))
    await kept.journal.flush()
    assert refused.value.code == "journal_unavailable"
    assert refused.value.retry_after
    assert await kept.states() == {1: DONE, 3: RUNNING}
    assert kept.noted() == ["journal_unavailable", "journal_available"]


async def test_a_line_torn_by_a_full_disk_does_not_spoil_the_next_one(kept: Kept) -> None:
    kept.journal.start(exchange(1))
    with full_disk(kept.files()[0].stat().st_size + 20), pytest.raises(Unavailable):
        kept.journal.start(exchange(2))
    kept.journal.start(exchange(3))
    await kept.reopen()
    assert await kept.states() == {1: INTERRUPTED, 3: INTERRUPTED}


async def test_a_database_that_cannot_be_written_loses_nothing_and_is_told_once(kept: Kept) -> None:
    break_database(kept)
    for number in range(1, 4):
        kept.journal.start(exchange(number))
        await kept.journal.flush()
    mend_database(kept)
    kept.journal.end(exchange(1, DONE))
    await kept.journal.flush()
    assert await kept.states() == {1: DONE, 2: RUNNING, 3: RUNNING}
    assert kept.noted() == ["database_unwritable", "database_writable"]


async def test_what_the_database_did_not_take_is_still_in_the_files_after_closing(kept: Kept) -> None:
    break_database(kept)
    kept.journal.start(exchange(1))
    kept.journal.end(exchange(1, DONE))
    await kept.journal.close()
    assert len(kept.files()) == 1
    mend_database(kept)
    await kept.reopen()
    assert await kept.states() == {1: DONE}


async def test_too_many_waiting_for_the_database_refuse_new_ones_but_not_the_end_of_old_ones(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKLOG", 2)
    break_database(kept)
    kept.journal.start(exchange(1))
    kept.journal.start(exchange(2))
    with pytest.raises(Unavailable):
        kept.journal.start(exchange(3))
    kept.journal.end(exchange(2, DONE))
    mend_database(kept)
    await kept.journal.flush()
    assert await kept.states() == {1: RUNNING, 2: DONE}


def break_database(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.database.path)) as connection:
        connection.execute("ALTER TABLE exchanges RENAME TO away")


def mend_database(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.database.path)) as connection:
        connection.execute("ALTER TABLE away RENAME TO exchanges")


async def test_a_record_no_table_can_hold_does_not_keep_the_others_out(kept: Kept) -> None:
    for number, twisted in ((1, {}), (2, {"output_tokens": 2**63}), (3, {"request_id": "req-1"}), (4, {})):
        kept.journal.start(exchange(number, **twisted))
    await kept.journal.flush()
    assert await kept.states() == {1: RUNNING, 4: RUNNING}
    assert kept.noted() == ["record_refused", "record_refused"]


async def test_cancelling_a_flush_loses_nothing(kept: Kept) -> None:
    for number in range(1, 20):
        kept.journal.start(exchange(number))
        task = asyncio.create_task(kept.journal.flush())
        await asyncio.sleep(0.0005 * (number % 5))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await kept.journal.flush()
    assert len(await kept.states()) == 19


lives = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["progress", "end"]), st.integers(0, 100)), min_size=1, max_size=12
)


def written(steps: Sequence[tuple[int, str, int]]) -> list[Entry]:
    """Lines as a journal may hold them: each exchange starts, goes on, and ends at most once."""
    entries: list[Entry] = []
    ended: set[int] = set()
    for number, step, tokens in steps:
        if number in ended:
            continue
        state = DONE if step == "end" else RUNNING
        entries.append(Entry(exchange(number, state, output_tokens=tokens, cost_micros=tokens)))
        ended |= {number} if step == "end" else set()
    return entries


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=lives, cut=st.floats(0, 1), split=st.integers(1, 12), batch=st.sampled_from([1, 2, 1000]))
async def test_replaying_any_part_of_a_journal_twice_is_replaying_it_once(
    kept: Kept, steps: list[tuple[int, str, int]], cut: float, split: int, batch: int
) -> None:
    await kept.journal.close()
    async with kept.database.write(durable=False) as session:
        await session.execute(delete(Exchange))
        await session.execute(delete(LedgerEntry))
    whole = b"".join(msgspec.json.encode(entry) + b"\n" for entry in written(steps))
    part = whole[: round(len(whole) * cut)]
    found = []
    for content in (part, part, b"".join(part.splitlines(keepends=True)[:split])):
        (kept.directory / "000000000001.jsonl").write_bytes(content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "BATCH", batch)
            await (await kept.reopen()).close()
        found.append(await rows(kept))
    assert found[0] == found[1] == found[2]
    assert set(found[0][0]) == {json.loads(line)["record"]["id"] for line in part.splitlines() if line.endswith(b"}}")}


async def rows(kept: Kept) -> tuple[dict[int, ExchangeRecord], dict[int | None, int]]:
    async with kept.database.read() as session:
        records = {record.id: record for record in await page_exchanges(session, limit=1_000_000)}
        charges = {entry.exchange_id: entry.cost_micros for entry in await session.scalars(select(LedgerEntry))}
    return records, charges


async def test_a_process_killed_at_any_moment_loses_nothing_that_was_accepted(kept: Kept, tmp_path: Path) -> None:
    await kept.journal.close()
    told: list[str] = []
    for delay in (0.0, 0.13, 0.29):
        told += await asyncio.to_thread(run_and_kill, tmp_path, delay)
    started = {int(line[1:]) for line in told if line.startswith("s")}
    ended = {int(line[1:]) for line in told if line.startswith("e")}
    await kept.reopen()
    records, charges = await rows(kept)
    assert started
    assert started <= set(records)
    assert all(records[number].state == DONE and charges[number] == number for number in ended)
    assert {records[number].state for number in started - ended} <= {DONE, INTERRUPTED}


def run_and_kill(directory: Path, delay: float) -> list[str]:
    """What a process said that it had accepted before it was killed."""
    path = directory / "told"
    with path.open("w") as told, subprocess.Popen([sys.executable, "-c", DIE, str(directory)], stdout=told) as process:
        while not path.stat().st_size and process.poll() is None:
            time.sleep(0.01)
        time.sleep(delay)
        process.kill()
    return path.read_text().splitlines()
