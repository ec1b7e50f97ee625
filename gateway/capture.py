"""What a request and its answer say, collected while they pass, for the keys of which the operator asked for it.

Bodies only: neither headers nor the credentials in them come here.
"""

import asyncio
from collections.abc import Iterable

from data.captures import save_captures
from data.database import Database
from data.secrets import Vault
from data.tables import Capture
from gateway.snapshot import KeyFacts

LARGEST = 2_000_000
"""Bytes that are kept of a request, and of an answer."""
CUT_OFF = b"\n[cut off: the rest was not kept]"
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
        self._pending: list[Collected] = []
        self._flushing = asyncio.Lock()

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
        return Collected(exchange_id, key_id, now, now + order.capture_hours * HOUR, request)

    def keep(self, collected: Collected | None) -> None:
        """Have it stored, off the request's path."""
        if collected is not None:
            self._pending.append(collected)

    async def flush(self, database: Database) -> None:
        """Store what waits. What could not be stored goes on waiting."""
        async with self._flushing:
            batch = list(self._pending)
            left = {(key.id, key.capture_until): self._left[key.id] for key in self._orders.values()}
            if not batch:
                return
            rows = await asyncio.to_thread(lambda: [each.sealed(self._vault) for each in batch])
            async with database.write() as session:
                await save_captures(session, rows, left)
            del self._pending[: len(batch)]
