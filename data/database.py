"""The SQLite file: opened, checked and migrated; one writer, several readers. Queries live in its siblings."""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from data import migrations
from data.errors import DataError

READERS = 4
BUSY_TIMEOUT = 10
"""Seconds to wait for somebody else's lock, such as a backup tool's."""
PATIENCE_MS = 1000
"""To wait for readers before the write-ahead log is emptied: nothing is written meanwhile."""
CHECK_CLOSED = 0.25
CHECK_CRASHED = 1.5
"""Seconds given to the check at opening; what it cannot reach by then is taken as sound."""
PROGRESS_STEPS = 1000

Session = AsyncSession
"""What every query takes."""

UNSTORABLE = (IntegrityError, OverflowError, UnicodeError)
"""Raised for values that no retry will get into a table."""


class Database:
    """Belongs to the event loop that opened it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _engine(path, 1, _prepare_writer, _begin_write)
        self._readers = _engine(path, READERS, _prepare_reader, _begin_read)
        self._writing = asyncio.Lock()

    async def open(self) -> None:
        """Create the file or check the one that is there. Raises `DataError` if it cannot be used."""
        await asyncio.to_thread(_check, self.path)

    async def migrate(self) -> None:
        """Bring the tables to the shape this version knows, after a backup."""
        await asyncio.to_thread(migrations.migrate, self.path)

    async def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        await self._readers.dispose()
        async with self._writing:
            try:
                async with _driver(self._writer) as driver:
                    await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                await self._writer.dispose()

    async def checkpoint(self) -> None:
        """Fold what can be of the write-ahead log into the file, so that no commit has to; nobody waits for it."""
        async with _driver(self._readers) as driver:
            await driver.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")

    async def empty_log(self) -> bool:
        """Fold all of the write-ahead log into the file, so that nothing deleted stays there; False if it is read."""
        async with self._writing, _driver(self._writer) as driver:
            await driver.execute_fetchall(f"PRAGMA busy_timeout = {PATIENCE_MS:d}")
            try:
                [[busy, *_]] = await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                await driver.execute_fetchall(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:d}")
        return not busy

    async def reclaim(self, pages: int) -> None:
        """Give so many unused pages at the file's end back to the disk; a file from before version 0.1 keeps them."""
        async with self._writing, _driver(self._writer) as driver:
            # One call would free one page: a script is carried out to its end.
            await driver.executescript(f"PRAGMA incremental_vacuum({pages:d})")

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[AsyncSession]:
        """The one write transaction: committed at the end, rolled back on an exception.

        Once a durable one is committed, it and all before it survive a power cut; the others survive a crash.
        """
        async with self._writing:
            session = AsyncSession(self._writer.execution_options(durable=durable), expire_on_commit=False)
            try:
                yield session
                await finish(session.commit())
            finally:
                await finish(session.close())

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A consistent view that never waits for writers."""
        session = AsyncSession(self._readers, expire_on_commit=False)
        try:
            yield session
        finally:
            await finish(session.close())


@asynccontextmanager
async def _driver(engine: AsyncEngine) -> AsyncIterator[aiosqlite.Connection]:
    """A connection as it is, outside of any transaction."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        if driver is None:
            raise DataError("the connection to the database is lost")
        yield driver


def reason(error: Exception) -> str:
    """Why something failed, without the statement or any of its values."""
    return str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__


async def finish(coroutine: Coroutine[None, None, None]) -> None:
    """See it through even when we are cancelled: a connection left halfway would be lost or, worse, reused."""
    task = asyncio.ensure_future(coroutine)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


def _engine(
    path: Path,
    size: int,
    prepare: Callable[[DBAPIConnection, ConnectionPoolEntry], None],
    begin: Callable[[Connection], None],
) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        # Without an isolation level the driver starts no transactions behind our back: the listener below does.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT},
    )
    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _prepare_writer(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    entry.info["durable"] = True
    _run(connection, "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")


def _prepare_reader(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    _run(connection, "PRAGMA query_only=1", "PRAGMA wal_autocheckpoint=0")


def _run(connection: DBAPIConnection, *statements: str) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()


def _begin_write(connection: Connection) -> None:
    durable = connection.get_execution_options().get("durable", True)
    if connection.info["durable"] is not durable:
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.info["durable"] = durable
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _check(path: Path) -> None:
    crashed = path.with_name(path.name + "-wal").exists()
    try:
        # SQLite gives its companion files the mode of the database's own.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as connection:
            _check_pages(connection, CHECK_CRASHED if crashed else CHECK_CLOSED)
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # in a new file; an old one stays as it is
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except OSError as error:
        raise DataError(f"cannot open {path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise DataError(
            f"cannot use {path}: {error}. It was left as it is; restore a backup if it is damaged"
        ) from error


def _check_pages(connection: sqlite3.Connection, seconds: float) -> None:
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > until, PROGRESS_STEPS)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        connection.set_progress_handler(None, 0)
    if verdict != "ok":
        raise sqlite3.DatabaseError("its contents are damaged")
