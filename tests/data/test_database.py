"""One writer, many readers, and a file that is checked before it is trusted."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from data.database import Database
from data.errors import DataError
from data.settings import get_setting, put_setting

DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from data.database import Database
from data.settings import put_setting

async def main():
    database = Database(Path(sys.argv[1]))
    await database.open()
    for number in range(3):
        async with database.write(durable=False) as session:
            await put_setting(session, "kept", number)
    async with database.write() as session:
        await put_setting(session, "kept", "never committed")
        await session.flush()
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def copy(migrated: Path, directory: Path) -> Path:
    return Path(shutil.copy(migrated, directory))


def damage(path: Path, dice: random.Random) -> bytes:
    content = bytearray(path.read_bytes())
    for page in dice.sample(range(1, len(content) // 4096), 12):
        content[page * 4096 : page * 4096 + 64] = dice.randbytes(64)
    path.write_bytes(content)
    return bytes(content)


async def read(database: Database, name: str) -> object:
    async with database.read() as session:
        return await get_setting(session, name)


async def test_what_was_written_is_read(database: Database) -> None:
    async with database.write() as session:
        await put_setting(session, "colour", ["green", 1, None])
    assert await read(database, "colour") == ["green", 1, None]


async def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as session:
            await put_setting(session, "colour", "green")
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await read(database, "colour") is None


async def test_a_write_holds_the_lock_from_its_first_statement(database: Database) -> None:
    async with database.write() as session:
        await get_setting(session, "colour")
        other = sqlite3.connect(database.path, timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


async def test_readers_do_not_wait_for_a_running_write(database: Database) -> None:
    async with database.write() as session:
        await put_setting(session, "colour", "green")
        await session.flush()
        assert await read(database, "colour") is None
    assert await read(database, "colour") == "green"


async def test_a_reader_sees_one_moment_throughout(database: Database) -> None:
    async with database.read() as session:
        assert await get_setting(session, "colour") is None
        async with database.write() as writer:
            await put_setting(writer, "colour", "green")
        session.expire_all()
        assert await get_setting(session, "colour") is None


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        async with database.read() as session:
            await session.execute(text("DELETE FROM settings"))


async def test_many_writers_at_once_take_turns(database: Database) -> None:
    async def increment() -> None:
        async with database.write(durable=False) as session:
            value = await get_setting(session, "count")
            await put_setting(session, "count", (value if isinstance(value, int) else 0) + 1)

    await asyncio.gather(*(increment() for _ in range(20)))
    assert await read(database, "count") == 20


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
async def test_only_durable_writes_wait_for_the_disk(database: Database, durable: bool, level: int) -> None:
    for each in (not durable, durable):
        async with database.write(durable=each) as session:
            found = await session.scalar(text("PRAGMA synchronous"))
    assert found == level


@pytest.mark.parametrize("turns", range(8))
async def test_cancelling_a_write_leaves_all_or_nothing_and_a_working_writer(database: Database, turns: int) -> None:
    async def write() -> None:
        async with database.write() as session:
            await put_setting(session, "one", 1)
            await session.flush()
            await put_setting(session, "two", 2)

    task = asyncio.create_task(write())
    for _ in range(turns):
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await read(database, "one") in (None, 1)
    assert (await read(database, "one") is None) == (await read(database, "two") is None)
    async with database.write() as session:
        await put_setting(session, "after", True)
    assert await read(database, "after") is True


async def test_a_commit_that_has_begun_is_seen_through_on_the_same_connection(database: Database) -> None:
    async def write() -> None:
        async with database.write() as session:
            await put_setting(session, "colour", "green")
            await session.flush()
            written.set()

    async with database.write() as session:
        await session.execute(text("CREATE TEMP TABLE mark (x)"))
    written = asyncio.Event()
    task = asyncio.create_task(write())
    await written.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await read(database, "colour") == "green"
    async with database.write() as session:
        await session.execute(text("SELECT * FROM mark"))


async def test_cancelling_a_reader_does_not_use_up_the_readers(database: Database) -> None:
    async def look() -> None:
        async with database.read() as session:
            await get_setting(session, "colour")

    for _ in range(20):
        task = asyncio.create_task(look())
        await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await read(database, "colour") is None


async def test_all_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    os.umask(0o022)
    database = Database(tmp_path / "new.db")
    await database.open()
    await database.migrate()
    async with database.write() as session:
        await put_setting(session, "colour", "green")
    found = modes(tmp_path)
    await database.close()
    assert found == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


async def test_closing_leaves_one_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "new.db")
    await database.open()
    await database.migrate()
    await database.close()
    assert list(modes(tmp_path)) == ["new.db"]


async def test_a_killed_process_loses_nothing_it_committed_and_keeps_nothing_else(
    tmp_path: Path, migrated: Path
) -> None:
    path = copy(migrated, tmp_path)
    died = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", DIE, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL
    database = Database(path)
    await database.open()
    assert await read(database, "kept") == 2
    await database.close()


@pytest.mark.parametrize("seed", range(5))
async def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, migrated: Path, seed: int) -> None:
    path = copy(migrated, tmp_path)
    content = damage(path, random.Random(seed))
    with pytest.raises(DataError, match="restore a backup"):
        await Database(path).open()
    assert path.read_bytes() == content


async def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "gatehouse.db"
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(DataError, match="not a database"):
        await Database(path).open()


async def test_a_directory_in_the_files_place_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot open"):
        await Database(tmp_path).open()


async def test_a_file_we_may_not_write_is_refused_in_words(tmp_path: Path, migrated: Path) -> None:
    path = copy(migrated, tmp_path)
    path.chmod(0o400)
    if os.access(path, os.W_OK):
        pytest.skip("root may write anything")
    with pytest.raises(DataError, match="Permission denied"):
        await Database(path).open()
