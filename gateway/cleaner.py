"""Deletes what the operator does not want kept any longer, in slices so small that nobody has to wait for one."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from data import retention
from data.database import Database, Session, reason
from gateway.accounting import Cleaned
from gateway.settings import Settings

log = logging.getLogger("gatehouse.cleaner")

INTERVAL = 60.0
"""Seconds between two looks at what has become too old or too much."""
TARGET = 0.005
"""Seconds that a slice may hold the only writer; after one that takes twice as long the next is half as large."""
REST = 4
"""How many times as long as a slice took others have the writer to themselves."""
SMALLEST, LARGEST = 4, 50
"""Rows in a slice."""
CHECKPOINT_EVERY = 2
"""Slices after which the write-ahead log is folded in beside the writers, before a commit has to do it."""
PAGES = 64
"""Given back to the disk at a time."""
MOST_FREE = 0.1
"""The part of a file that may lie unused: the next requests will want it again."""
DAY = 86_400_000_000
GIGABYTE = 1_000_000_000
FOR_EVER = 2**62

Find = Callable[[Session, int, int], Awaitable[list[int]]]
"""Finds so many at the most of what began or expired before a moment."""
Delete = Callable[[Session, Sequence[int]], Awaitable[None]]


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
            captures = await self._delete_all(retention.find_expired, retention.wipe_captures, now)
            exchanges = 0
            if days := settings.exchange_retention_days:
                start = now - days * DAY
                exchanges = await self._delete_all(retention.find_oldest, retention.delete_exchanges, start)
            if settings.database_gigabytes:
                exchanges += await self._delete_beyond(settings.database_gigabytes * GIGABYTE)
            if captures:
                await self._database.empty_log()
            if captures or exchanges:
                await self._reclaim()
            return Cleaned(exchanges, captures, round(self._longest * 1_000_000))

    async def _delete_beyond(self, most_bytes: int) -> int:
        deleted = 0
        while (await self._held()).used_bytes > most_bytes:
            done = await self._slice(retention.find_oldest, retention.delete_exchanges, FOR_EVER)
            if not done:
                break
            deleted += done
        return deleted

    async def _delete_all(self, find: Find, delete: Delete, before: int) -> int:
        deleted = 0
        while done := await self._slice(find, delete, before):
            deleted += done
        return deleted

    async def _slice(self, find: Find, delete: Delete, before: int) -> int:
        """One slice, found beside the writer; the next one is as large as this one was quick."""
        async with self._database.read() as session:
            numbers = await find(session, before, self._rows)
        if not numbers:
            return 0
        async with self._database.write(durable=False) as session:
            started = time.monotonic()
            await delete(session, numbers)
        seconds = time.monotonic() - started
        self._adapt(seconds)
        await self._rest(seconds)
        return len(numbers)

    def _adapt(self, seconds: float) -> None:
        self._longest = max(self._longest, seconds)
        if seconds < TARGET:
            self._rows = min(self._rows + self._rows // 2, LARGEST)
        elif seconds > 2 * TARGET:
            self._rows = max(self._rows // 2, SMALLEST)

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
