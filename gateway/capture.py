"""What a request and its answer say, collected while they pass, for the keys of which the operator asked for it.

Bodies only: neither headers nor the credentials in them come here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from data.captures import save_captures
from data.database import Database, reason
from data.secrets import Vault
from data.tables import Capture
from gateway.snapshot import KeyFacts

log = logging.getLogger("gatehouse.capture")

LARGEST = 2_000_000
"""Bytes that are kept of a request, and of an answer."""
CUT_OFF = b"\n[cut off: the rest was not kept]"
MOST_WAITING = 50
"""Captures that wait while none can be stored; the oldest beyond that are dropped."""
HOUR = 3_600_000_000


class Collected:
    """What one exchange said, as far as it is kept. Belongs to the task that handles it."""

    def __init__(self, exchange_id: int, key_id: int, at: int, expires_at: int, request: bytes) -> None:
        self.exchange_id = exchange_id
        self.key_id = key_id
        self.at = at
        self.expires_at = expires_at
        self.request = request if len(request) <= LARGEST else request[:LARGEST] + CUT_OFF
        self.answer = bytearray()
        self._full = False

    def add(self, part: bytes) -> None:
        """A part of the answer, as the client got it."""
        if self._full:
            return
        self.answer += part[: LARGEST - len(self.answer) + 1]
        if len(self.answer) > LARGEST:
            self._full = True
            self.answer[LARGEST:] = CUT_OFF

    def sealed(self, vault: Vault) -> Capture:
        """The row that holds it."""
        place = ("captures", self.exchange_id)
        return Capture(
            exchange_id=self.exchange_id,
            key_id=self.key_id,
            at=self.at,
            expires_at=self.expires_at,
            request=vault.seal_bytes(self.request, *place, "request"),
            answer=vault.seal_bytes(bytes(self.answer), *place, "answer"),
        )


class Captures:
    """What is still to be collected, and what was and is not stored yet. Belongs to the gateway's loop."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._orders: dict[int, KeyFacts] = {}
        self._left: dict[int, int] = {}
        self._running: set[Collected] = set()
        self._pending: list[Collected] = []
        self._flushing = asyncio.Lock()
        self._failing = False
        self._dropped = 0

    @property
    def waiting(self) -> bool:
        """Whether something is to be stored."""
        return bool(self._pending)

    def put_under(self, keys: Iterable[KeyFacts]) -> None:
        """Go by what was ordered. How many are left of an order that holds already is known better here."""
        before, self._orders = self._orders, {key.id: key for key in keys if key.capture_until}
        for key in self._orders.values():
            if key.id not in before or before[key.id].capture_until != key.capture_until:
                self._left[key.id] = key.capture_left

    def begin(self, key_id: int, exchange_id: int, now: int, request: bytes) -> Collected | None:
        """Take one of the places that are left; None when nothing is to be kept."""
        order = self._orders.get(key_id)
        if order is None or now >= order.capture_until or self._left[key_id] <= 0:
            return None
        self._left[key_id] -= 1
        collected = Collected(exchange_id, key_id, now, now + order.capture_hours * HOUR, request)
        self._running.add(collected)
        return collected

    def keep(self, collected: Collected | None) -> None:
        """Have it stored, off the request's path, unless its key's capture was stopped or wiped meanwhile."""
        if collected is not None and collected in self._running:
            self._running.remove(collected)
            self._pending.append(collected)

    def leave_running(self, key_id: int) -> None:
        """Keep nothing of a key's requests that run."""
        self._running = {each for each in self._running if each.key_id != key_id}

    @asynccontextmanager
    async def wiping(self, key_id: int) -> AsyncIterator[int]:
        """While what is stored of a key is deleted: nothing is stored, and afterwards nothing that began before.

        Tells how many of its captures wait to be stored.
        """
        async with self._flushing:
            yield sum(each.key_id == key_id for each in self._pending)
            self.leave_running(key_id)
            self._pending = [each for each in self._pending if each.key_id != key_id]

    async def flush(self, database: Database) -> None:
        """Store what waits. What could not be stored goes on waiting."""
        async with self._flushing:
            batch = list(self._pending)
            if not batch:
                return
            try:
                await self._store(database, batch)
            except Exception as error:
                self._put_off(reason(error))
            else:
                del self._pending[: len(batch)]
                self._recover()

    async def _store(self, database: Database, batch: list[Collected]) -> None:
        left = {(key.id, key.capture_until): self._left[key.id] for key in self._orders.values()}
        rows = await asyncio.to_thread(lambda: [each.sealed(self._vault) for each in batch])
        async with database.write() as session:
            await save_captures(session, rows, left)

    def _put_off(self, why: str) -> None:
        if not self._failing:
            log.error("what requests said could not be stored, the newest %d wait for that: %s", MOST_WAITING, why)
        self._failing = True
        self._dropped += max(0, len(self._pending) - MOST_WAITING)
        del self._pending[:-MOST_WAITING]

    def _recover(self) -> None:
        if self._failing:
            log.warning("what requests said is stored again; %d captures were dropped", self._dropped)
        self._failing, self._dropped = False, 0
