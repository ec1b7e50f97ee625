"""Deletes what the operator does not want kept any longer, in slices so small that nobody has to wait for one."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from data import retention
from data.database import Database, Session, reason
from gateway.accounting import Cleaned
from gateway.settings import Settings

log = logging.getLogger("gatehouse.cleaner")

INTERVAL = 60.0
"""Seconds between two looks at what has become too old or too much."""
TARGET = 0.005
"""Seconds that a slice may hold the only writer; what takes longer is made smaller next time."""
REST = 4
"""How many times as long as a slice took others have the writer to themselves."""
SMALLEST, LARGEST = 1, 500
"""Rows in a slice."""
CHECKPOINT_EVERY = 8
"""Slices after which the write-ahead log is folded in beside the writers, before a commit has to do it."""
PAGES = 64
"""Given back to the disk at a time."""
MOST_FREE = 0.1
"""The part of a file that may lie unused: the next requests will want it again."""
DAY = 86_400_000_000
GIGABYTE = 1_000_000_000
FOR_EVER = 2**62

Slice = Callable[[Session, int], Awaitable[int]]
"""Deletes so many rows at the most, and says how many."""


class Cleaner:
    """Belongs to the gateway's loop."""

    def __init__(self, database: Database, settings: Callable[[], Settings], now: Callable[[], int]) -> None:
        self._database = database
        self._settings = settings
        self._now = now
        self._rows = SMALLEST
        self._slices = 0
        self._longest = 0.0
        self._cleaning = asyncio.Lock()

    async def run(self) -> None:
        """Clean every minute, until cancelled."""
        while True:
            try:
                await self.clean()
            except Exception as error:
                log.error("old requests could not be deleted: %s", reason(error))
            await asyncio.sleep(INTERVAL)

    async def clean(self) -> Cleaned:
        """Delete all that is too old, then the oldest for as long as there is too much."""
        async with self._cleaning:
            self._longest = 0.0
            now, settings = self._now(), self._settings()
            captures = await self._repeat(lambda session, rows: retention.wipe_captures(session, now, rows))
            exchanges = 0
            if days := settings.exchange_retention_days:
                exchanges = await self._delete_before(now - days * DAY)
            if settings.database_gigabytes:
                exchanges += await self._delete_beyond(settings.database_gigabytes * GIGABYTE)
            if captures or exchanges:
                await self._reclaim()
            return Cleaned(exchanges, captures, round(self._longest * 1_000_000))

    async def _delete_before(self, start: int) -> int:
        return await self._repeat(lambda session, rows: retention.delete_oldest(session, start, rows))

    async def _delete_beyond(self, most_bytes: int) -> int:
        deleted = 0
        while (await self._held()).used_bytes > most_bytes:
            done = await self._slice(lambda session, rows: retention.delete_oldest(session, FOR_EVER, rows))
            if not done:
                break
            deleted += done
        return deleted

    async def _repeat(self, slice_: Slice) -> int:
        deleted = 0
        while done := await self._slice(slice_):
            deleted += done
        return deleted

    async def _slice(self, slice_: Slice) -> int:
        """One slice; the next one is as large as this one was quick."""
        rows = self._rows
        async with self._database.write(durable=False) as session:
            started = time.monotonic()
            done = await slice_(session, rows)
        seconds = time.monotonic() - started
        if done:
            self._adapt(rows, seconds)
            await self._rest(seconds)
        return done

    def _adapt(self, rows: int, seconds: float) -> None:
        self._longest = max(self._longest, seconds)
        wanted = rows * 2 if seconds < TARGET / 2 else rows // 2 if seconds > TARGET else rows
        self._rows = min(max(wanted, SMALLEST), LARGEST)

    async def _rest(self, seconds: float) -> None:
        self._slices += 1
        if self._slices % CHECKPOINT_EVERY == 0:
            await self._database.checkpoint()
        await asyncio.sleep(seconds * REST)

    async def _reclaim(self) -> None:
        """Give back what is free beyond a reserve, a little at a time."""
        held = await self._held()
        too_many = held.free_pages - int(held.pages * MOST_FREE)
        for _ in range(0, too_many, PAGES):
            started = time.monotonic()
            await self._database.reclaim(PAGES)
            seconds = time.monotonic() - started
            self._longest = max(self._longest, seconds)
            await self._rest(seconds)

    async def _held(self) -> retention.Held:
        async with self._database.read() as session:
            return await retention.measure(session)
