"""Which responses a key may name: those kept here, and notes of the accounts that keep the others.

What is kept is found at once and written a moment later, sealed, since it holds prompts. How requests use it is told
in `gateway.continuation`.
"""

import asyncio
import contextlib
import logging
import time
import zlib
from collections.abc import Collection, Sequence

from msgspec import Struct

from data.database import Database, Session, reason
from data.errors import DataError
from data.responses import (
    delete_expired_responses,
    delete_response,
    find_items,
    find_response,
    has_other_owner,
    save_responses,
)
from data.secrets import Vault
from data.settings import get_setting
from data.tables import StoredItem, StoredResponse

log = logging.getLogger("gatehouse.stored_responses")

RETENTION = "response_retention_days"
"""The setting that says for how long responses are kept; 0 keeps none here."""
USUAL_DAYS = 30
DAY = 86_400 * 1_000_000

INTERVAL = 0.1
RETRY = 1.0
CLEANING = 3600.0
"""Seconds: between batches; after one that failed; between two looks for what has expired."""
BATCH = 200
BACKLOG = 1000
"""Responses waiting for the database at which the oldest are given up."""


class Kept(Struct, frozen=True):
    """A response, or a conversation, that its key may name."""

    key_id: int
    id: str
    created_at: int
    """UTC microseconds."""
    upstream_id: int | None = None
    """The account that keeps it; None when it is kept here."""
    items: bytes = b""
    """The conversation up to it, as a JSON list."""
    response: bytes = b""
    item_ids: tuple[str, ...] = ()
    """Items of its output that may be named by themselves."""


class StoredResponses:
    """Belongs to the gateway's loop. Everything in it is looked up by key and id."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._days: float = USUAL_DAYS
        self._pending: dict[tuple[int, str], Kept] = {}
        self._queued = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def keeps(self) -> bool:
        """Whether responses of upstreams that keep none are kept here."""
        return self._days > 0

    async def open(self) -> None:
        """Start writing what is kept and deleting what has expired."""
        async with self._database.read() as session:
            await self._read_retention(session)
        self._task = asyncio.create_task(self._run(), name="stored responses")

    async def close(self) -> None:
        """Write what is left."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._try_flush()

    def keep(self, kept: Kept) -> None:
        """Have it found from now on. Should the process die this moment, it is lost."""
        if len(self._pending) >= BACKLOG:
            self._pending.pop(next(iter(self._pending)))
        self._pending[kept.key_id, kept.id] = kept
        self._queued.set()

    async def find(self, key_id: int, response_id: str) -> Kept | None:
        """A key's own response; None for one that is unknown, somebody else's, deleted or expired."""
        if kept := self._pending.get((key_id, response_id)):
            return kept
        async with self._database.read() as session:
            row = await find_response(session, key_id, response_id, _now())
        return await asyncio.to_thread(self._opened, row) if row else None

    async def find_items(self, key_id: int, item_ids: Collection[str]) -> dict[str, str]:
        """Items of a key's own responses: their ids to their responses' ids."""
        # What waits is looked at first: it may be written, and wait no longer, just after the database was read.
        mine = [kept for kept in self._pending.values() if kept.key_id == key_id]
        waiting = {item_id: kept.id for kept in mine for item_id in kept.item_ids if item_id in item_ids}
        async with self._database.read() as session:
            return await find_items(session, key_id, item_ids) | waiting

    async def is_foreign(self, key_id: int, response_id: str) -> bool:
        """Whether this id is known to belong to other keys alone."""
        if (key_id, response_id) in self._pending:
            return False
        waiting = any(kept.id == response_id for kept in self._pending.values())
        async with self._database.read() as session:
            return await has_other_owner(session, key_id, response_id) or waiting

    async def forget(self, key_id: int, response_id: str) -> None:
        """Delete a key's own response."""
        async with self._flushing:
            self._pending.pop((key_id, response_id), None)
            async with self._database.write() as session:
                await delete_response(session, key_id, response_id)

    async def flush(self) -> None:
        """Write a batch of what waits. What could not be written goes on waiting."""
        async with self._flushing:
            batch = list(self._pending.values())[:BATCH]
            async with self._database.write(durable=False) as session:
                await self._read_retention(session)
                rows, items = await asyncio.to_thread(self._sealed, batch)
                await save_responses(session, rows, items)
            for kept in batch:
                if self._pending.get((kept.key_id, kept.id)) is kept:
                    del self._pending[kept.key_id, kept.id]

    async def clean(self, now: int) -> None:
        """Delete what has expired, a batch at a time so that nobody waits for it."""
        deleted = BATCH
        while deleted == BATCH:
            async with self._database.write(durable=False) as session:
                deleted = await delete_expired_responses(session, now, BATCH)

    async def _run(self) -> None:
        next_cleaning = 0.0
        while True:
            if time.monotonic() >= next_cleaning:
                next_cleaning = time.monotonic() + CLEANING
                await self._try_clean()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLEANING):
                    await self._queued.wait()
            await asyncio.sleep(INTERVAL)
            if self._pending and not await self._try_flush():
                await asyncio.sleep(RETRY)
            if not self._pending:
                self._queued.clear()

    async def _try_flush(self) -> bool:
        try:
            while self._pending:
                await self.flush()
        except Exception as error:
            log.error("responses cannot be stored, they wait: %s", reason(error))
            return False
        return True

    async def _try_clean(self) -> None:
        try:
            await self.clean(_now())
        except Exception as error:
            log.error("expired responses cannot be deleted: %s", reason(error))

    async def _read_retention(self, session: Session) -> None:
        days = await get_setting(session, RETENTION)
        self._days = days if isinstance(days, int | float) and days >= 0 else USUAL_DAYS

    def _sealed(self, batch: Sequence[Kept]) -> tuple[list[StoredResponse], list[StoredItem]]:
        rows = [
            StoredResponse(
                id=kept.id,
                key_id=kept.key_id,
                upstream_id=kept.upstream_id,
                created_at=kept.created_at,
                # An upstream keeps what it keeps, whatever is said here.
                expires_at=kept.created_at + int((self._days or USUAL_DAYS) * DAY),
                items=self._seal(kept.items, kept, "items"),
                response=self._seal(kept.response, kept, "response"),
            )
            for kept in batch
        ]
        items = [
            StoredItem(id=item_id, key_id=kept.key_id, response_id=kept.id)
            for kept in batch
            for item_id in kept.item_ids
        ]
        return rows, items

    def _seal(self, content: bytes, kept: Kept, column: str) -> bytes | None:
        if not content:
            return None
        return self._vault.seal_bytes(zlib.compress(content, 1), *_place(kept.key_id, kept.id, column))

    def _opened(self, row: StoredResponse) -> Kept | None:
        try:
            items = self._unseal(row.items, row, "items")
            response = self._unseal(row.response, row, "response")
        except (DataError, zlib.error):
            log.error("what is stored of response %s cannot be read", row.id)
            return None
        return Kept(row.key_id, row.id, row.created_at, row.upstream_id, items, response)

    def _unseal(self, sealed: bytes | None, row: StoredResponse, column: str) -> bytes:
        if sealed is None:
            return b""
        return zlib.decompress(self._vault.unseal_bytes(sealed, *_place(row.key_id, row.id, column)))


def _place(key_id: int, response_id: str, column: str) -> tuple[str, int, str, str]:
    """Where it lies: it is sealed for this place only."""
    return ("stored_responses", key_id, response_id, column)


def _now() -> int:
    return time.time_ns() // 1000
