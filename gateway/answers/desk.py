"""What answering needs: the data, the running gateway, and the way every change takes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from data.database import Database
from data.secrets import Vault
from gateway.errors import Cut, Unavailable
from gateway.events import ConfigurationChanged, Noted
from gateway.loading import load_snapshot
from gateway.pricing import PriceBook
from gateway.runtime import Runtime
from gateway.snapshot import Snapshot

Subject = Literal["keys", "upstreams", "models", "routes", "aliases", "prices", "settings"]


class ServingFacts(Struct, frozen=True):
    """What the service knows of itself."""

    version: str
    base_url: str
    """Empty when it does not serve."""
    data_directory: str
    pid: int
    started_at: int
    """UTC microseconds."""


class Desk:
    """Belongs to the gateway's loop, like the runtime whose snapshot it replaces."""

    def __init__(
        self,
        database: Database,
        runtime: Runtime,
        vault: Vault,
        flush: Callable[[], Awaitable[None]],
        facts: Callable[[], ServingFacts],
        stop: Callable[[bool], None],
        serving: bool,
    ) -> None:
        self.database = database
        self.runtime = runtime
        self.vault = vault
        self.flush = flush
        """Brings into the database what has ended, so that lists and totals include it."""
        self.facts = facts
        self.stop = stop
        """Ends the gateway; true for at once."""
        self.serving = serving
        self._stored = Snapshot()
        self._shut: Counter[int] = Counter()
        self._loading = asyncio.Lock()

    async def reload(self) -> None:
        """Put in force what the database says."""
        # One at a time, so that what was read earlier never replaces what was read later.
        async with self._loading:
            self._stored = await load_snapshot(self.database, self.vault, 0)
            self.runtime.prices = PriceBook(self._stored.prices, self._stored.price_lists)
            self._put_in_force()

    async def changed(self, what: Subject, code: str, text: str) -> None:
        """Put a committed change in force and tell everybody."""
        await self.reload()
        self.runtime.bus.publish(ConfigurationChanged(what))
        self.note("info", code, text)

    def note(self, level: Literal["info", "warning", "error"], code: str, text: str) -> None:
        """Add a line to the event list."""
        self.runtime.bus.publish(Noted(self.runtime.now(), level, code, text))

    @asynccontextmanager
    async def shut(self, key_id: int, reason: Cut) -> AsyncIterator[int]:
        """Refuse a key from this moment on and cut its answers, of which it tells the number.

        What is done inside must make that lasting: afterwards the database's word holds again, as it does on failure.
        """
        self._shut[key_id] += 1
        self._put_in_force()
        theirs = [running for running in self.runtime.running.values() if running.key_id == key_id]
        for running in theirs:
            running.cut(reason)
        try:
            yield len(theirs)
        finally:
            self._shut[key_id] -= 1
            self._put_in_force()

    def _put_in_force(self) -> None:
        keys = {
            public_id: replace(key, enabled=False) if self._shut[key.id] > 0 else key
            for public_id, key in self._stored.keys.items()
        }
        self.runtime.snapshot = replace(self._stored, version=self.runtime.snapshot.version + 1, keys=keys)

    def check_serving(self) -> None:
        """Raises `Unavailable` for what needs a gateway that serves."""
        if not self.serving:
            raise Unavailable(
                "No gateway is running on this data directory; start one with `console` or `console serve`.",
                code="not_running",
            )

    def today(self) -> int:
        """When today began here, in UTC microseconds."""
        now = datetime.fromtimestamp(self.runtime.now() / 1_000_000)
        return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000_000
