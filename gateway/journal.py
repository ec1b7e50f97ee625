"""The record of exchanges: a line in a file before anything is acknowledged, a row in the database soon after.

A line survives the death of the process, a row also that of the machine. Lines are deleted once they are rows.
"""

import asyncio
import errno
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from data.database import UNSTORABLE, Database, finish, reason
from data.exchanges import interrupt_open, last_id, save_exchanges
from data.keys import touch_keys
from data.records import AttemptRecord, ExchangeRecord
from gateway.bus import Bus
from gateway.errors import Unavailable
from gateway.events import Noted

INTERVAL = 0.25
RETRY = 1.0
SYNC_INTERVAL = 1.0
"""Seconds: between batches; after a failed one; between those that also survive a power cut."""
BATCH = 1000
BACKLOG = 10_000
"""Exchanges waiting for the database at which no new ones are taken on."""
SEGMENT_SIZE = 4_000_000


class Entry(Struct, frozen=True, tag="exchange", omit_defaults=True, gc=False):
    """One line: an exchange as far as it had come."""

    record: ExchangeRecord
    attempts: tuple[AttemptRecord, ...] = ()


class Segments:
    """The journal's files. Lines are appended to the newest; what is in the database is deleted, a file at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory
        self._descriptor = -1
        self._size = 0
        self._torn = False
        self._full: list[Path] = []

    def found(self) -> list[Path]:
        """All files there are, oldest first."""
        return sorted(self._directory.glob("*.jsonl"))

    def begin(self) -> None:
        """Start the next file."""
        last = max((int(path.stem) for path in self.found()), default=0)
        path = self._directory / f"{last + 1:012d}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._full.append(self._path)
        self._path, self._descriptor, self._size, self._torn = path, descriptor, 0, False

    def append(self, line: bytes) -> None:
        """Write a line. Raises OSError when it is not, or not wholly, in the file."""
        if self._size >= SEGMENT_SIZE:
            self.begin()
        if self._torn:
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        self._size += written
        self._torn = written < len(line)
        if self._torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def take_full(self) -> list[Path]:
        """The files that nothing is appended to any more."""
        full, self._full = self._full, []
        return full

    def give_back(self, full: Iterable[Path]) -> None:
        """Keep them after all."""
        self._full[:0] = full

    def empty(self) -> None:
        """Forget all lines of the newest file."""
        if self._size:
            os.ftruncate(self._descriptor, 0)
            self._size, self._torn = 0, False

    def close(self, *, keep: bool) -> None:
        """Stop writing; delete the newest file unless its lines are still needed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if not keep:
                self._path.unlink(missing_ok=True)


class Journal:
    """Belongs to the gateway's loop. What it has accepted is never lost to the death of the process."""

    def __init__(self, database: Database, directory: Path, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._segments = Segments(directory)
        self._encoder = msgspec.json.Encoder()
        self._pending: dict[int, Entry] = {}
        self._last_id = 0
        self._queued, self._hurry, self._closing = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._flushing = asyncio.Lock()
        self._synced = 0.0
        self._troubles: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Bring over what an earlier process left in files, and close what it left open."""
        for path in self._segments.found():
            for entries in _batches(self._read(path)):
                await self._save(entries, durable=True)
        async with self._database.write() as session:
            interrupted = await interrupt_open(session)
            self._last_id = await last_id(session)
        for path in self._segments.found():
            path.unlink()
        if interrupted:
            self._note("warning", "interrupted", f"{interrupted} requests were cut off when the gateway last ended")
        self._segments.begin()
        self._task = asyncio.create_task(self._run(), name="journal")

    async def close(self) -> None:
        """Write what is left to the database; what it does not take stays in the files."""
        for event in (self._closing, self._hurry, self._queued):
            event.set()
        if self._task is not None:
            await self._task
        await self.flush()
        self._segments.close(keep=bool(self._pending))

    def next_id(self) -> int:
        """The id of the next exchange."""
        self._last_id += 1
        return self._last_id

    def start(self, record: ExchangeRecord) -> None:
        """Put a new exchange on record. Raises `Unavailable` when that cannot be done: then nothing may be sent."""
        if len(self._pending) >= BACKLOG:
            raise _unavailable()
        entry = Entry(record)
        if not self._write(entry):
            raise _unavailable()
        self._queue(entry)

    def progress(self, record: ExchangeRecord) -> None:
        """Note how far a running exchange has come, in case we do not live to see its end."""
        self._keep(Entry(record))

    def end(self, record: ExchangeRecord, attempts: Sequence[AttemptRecord] = ()) -> None:
        """Settle an exchange. With a full disk it is held in memory until it can be written."""
        self._keep(Entry(record, tuple(attempts)))

    async def flush(self) -> None:
        """Have everything so far in the database, unless that fails; then it is tried again by itself."""
        await finish(self._flush())

    async def _flush(self) -> None:
        async with self._flushing:
            entries, self._pending = self._pending, {}
            full = self._segments.take_full()
            self._queued.clear()
            self._hurry.clear()
            if await self._try_save(entries):
                _delete(full)
                if not self._pending:
                    self._segments.empty()
            else:
                self._segments.give_back(full)

    async def _try_save(self, entries: dict[int, Entry]) -> bool:
        saved = False
        durable = time.monotonic() - self._synced >= SYNC_INTERVAL - INTERVAL
        try:
            if entries:
                await self._save(entries, durable=durable)
            saved = True
        except Exception as error:
            self._trouble("database_unwritable", f"usage cannot be saved, it waits in the journal: {reason(error)}")
        finally:
            if not saved:
                self._pending = {**entries, **self._pending}
                self._queued.set()
        if saved:
            self._synced = time.monotonic() if durable else self._synced
            self._over("database_unwritable", "database_writable", "usage is being saved again")
        return saved

    async def _save(self, entries: dict[int, Entry], *, durable: bool) -> None:
        try:
            await self._store(list(entries.values()), durable=durable)
        except UNSTORABLE:
            # One that no table can hold must not keep all others out for ever.
            for entry in entries.values():
                await self._store_alone(entry, durable=durable)

    async def _store_alone(self, entry: Entry, *, durable: bool) -> None:
        try:
            await self._store([entry], durable=durable)
        except UNSTORABLE as error:
            self._note("error", "record_refused", f"request {entry.record.request_id} has no row: {reason(error)}")

    async def _store(self, entries: Sequence[Entry], *, durable: bool) -> None:
        used: dict[int, int] = {}
        for record in (entry.record for entry in entries):
            if record.key_id is not None:
                used[record.key_id] = max(record.started_at, used.get(record.key_id, 0))
        attempts = [attempt for entry in entries for attempt in entry.attempts]
        async with self._database.write(durable=durable) as session:
            await save_exchanges(session, [entry.record for entry in entries], attempts)
            await touch_keys(session, used)

    async def _run(self) -> None:
        while not self._closing.is_set():
            await self._queued.wait()
            if self._troubles:
                await _wait(self._closing, RETRY)
            else:
                await _wait(self._hurry, INTERVAL)
            await self.flush()

    def _keep(self, entry: Entry) -> None:
        self._write(entry)
        self._queue(entry)

    def _write(self, entry: Entry) -> bool:
        try:
            self._segments.append(self._encoder.encode(entry) + b"\n")
        except OSError as error:
            self._trouble(
                "journal_unavailable", f"requests are refused, the journal cannot be written: {error.strerror}"
            )
            return False
        self._over("journal_unavailable", "journal_available", "the journal can be written again")
        return True

    def _queue(self, entry: Entry) -> None:
        self._pending[entry.record.id] = entry
        self._queued.set()
        if len(self._pending) >= BATCH:
            self._hurry.set()

    def _read(self, path: Path) -> Iterator[Entry]:
        decoder = msgspec.json.Decoder(Entry)
        *lines, last = path.read_bytes().split(b"\n")
        for line in filter(None, lines):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                self._note("warning", "journal_damaged", f"a line of {path.name} could not be read")
        # A line without its end was being written when the process died: nothing was acknowledged for it.
        with suppress(msgspec.DecodeError):
            yield decoder.decode(last)

    def _trouble(self, code: str, text: str) -> None:
        if code not in self._troubles:
            self._troubles.add(code)
            self._note("error", code, text)

    def _over(self, trouble: str, code: str, text: str) -> None:
        if trouble in self._troubles:
            self._troubles.remove(trouble)
            self._note("info", code, text)

    def _note(self, level: Literal["info", "warning", "error"], code: str, text: str) -> None:
        self._bus.publish(Noted(time.time_ns() // 1000, level, code, text))


def _batches(entries: Iterable[Entry]) -> Iterator[dict[int, Entry]]:
    batch: dict[int, Entry] = {}
    for entry in entries:
        batch[entry.record.id] = entry
        if len(batch) >= BATCH:
            yield batch
            batch = {}
    if batch:
        yield batch


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _unavailable() -> Unavailable:
    return Unavailable("Requests cannot be recorded at the moment.", code="journal_unavailable", retry_after=5)
