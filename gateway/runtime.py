"""What a request needs of the gateway: composed once by the service, replaced piece by piece, never locked."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol as Interface

import httpx

from data.records import AttemptRecord, ExchangeRecord
from data.secrets import Vault
from gateway.budgets import Budgets
from gateway.bus import Bus
from gateway.canonical import Piece
from gateway.capture import Captures
from gateway.errors import GatewayError, Unavailable
from gateway.health import Health
from gateway.limits import Limiter
from gateway.pricing import PriceBook
from gateway.snapshot import KeyFacts, Snapshot
from gateway.stored_responses import StoredResponses


class Record(Interface):
    """The record of exchanges, as a request's way needs it. What it took survives a `kill -9`."""

    def next_id(self) -> int:
        """The next exchange's number."""
        ...

    def start(self, record: ExchangeRecord) -> None:
        """Put a request on record, before anything leaves the house."""
        ...

    def progress(self, record: ExchangeRecord) -> None:
        """Note how far a running one has come, in case we do not live to see its end."""
        ...

    def end(self, record: ExchangeRecord, attempts: Sequence[AttemptRecord] = ()) -> None:
        """Close it, once."""
        ...


class Running(Interface):
    """An exchange as the rest of the gateway sees it while it runs."""

    id: int
    taps: int
    """How many watch its text."""
    approved: bool
    """The operator let it go, whatever it may cost."""

    @property
    def key(self) -> KeyFacts | None:
        """With which key it came."""
        ...

    @property
    def key_id(self) -> int | None:
        """Whose request it is."""
        ...

    @property
    def upstream_id(self) -> int | None:
        """Who is answering it."""
        ...

    def open_tap(self) -> list[Piece]:
        """Start telling the text that passes; the text so far."""
        ...

    def cut(self, error: GatewayError) -> None:
        """End it now; the client is told in its own protocol."""
        ...

    def look_after(self, now: float) -> None:
        """Called every second: keep silent connections alive."""
        ...


class Runtime:
    """The gateway's shared state. All of it belongs to the gateway's own loop."""

    def __init__(
        self,
        *,
        transports: dict[str, httpx.AsyncBaseTransport],
        journal: Record,
        bus: Bus,
        vault: Vault,
        responses: StoredResponses,
    ) -> None:
        self.snapshot = Snapshot()
        self.transports = transports
        """By URL scheme; and `fetch`, which reaches none but public addresses."""
        self.journal = journal
        self.bus = bus
        self.vault = vault
        self.responses = responses
        self.captures = Captures(vault)
        self.health = Health()
        self.prices = PriceBook(())
        self.budgets = Budgets()
        self.limits = Limiter()
        self.running: dict[int, Running] = {}
        self.old_secrets_used: dict[int, int] = {}
        """When keys last came with the secret before their rotation, as far as it is not stored yet."""
        self.loop = asyncio.get_running_loop()
        self.draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.clock: Callable[[], float] = time.monotonic
        self.draw: Callable[[], float] = random.random
        self._tasks: set[asyncio.Task[None]] = set()

    def put_in_force(self, snapshot: Snapshot) -> None:
        """Go by this configuration from now on."""
        self.snapshot = snapshot
        self.captures.put_under(snapshot.keys.values())
        for shares in (self.budgets, self.limits):
            keys = [(key.id, key.limits) for key in snapshot.keys.values()]
            shares.put_under(keys, snapshot.owners.items(), snapshot.everyone)

    def now(self) -> int:
        """UTC microseconds."""
        return time.time_ns() // 1000

    def enter(self, exchange: Running) -> None:
        """An exchange is on record and runs."""
        self.running[exchange.id] = exchange
        self._idle.clear()
        if exchange.key is not None and exchange.key.by_old_secret:
            self.old_secrets_used[exchange.key.id] = self.now()

    def leave(self, exchange: Running) -> None:
        """An exchange is over."""
        self.running.pop(exchange.id, None)
        if not self.running:
            self._idle.set()

    async def wait_idle(self, seconds: float) -> None:
        """Until nothing runs, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    def check_open(self) -> None:
        """Raises `Unavailable` while the gateway is shutting down."""
        if self.draining:
            raise Unavailable("The gateway is shutting down.", code="shutting_down", retry_after=5)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Do something beside the exchange that asks for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def transport(self, base_url: str) -> httpx.AsyncBaseTransport:
        """What carries calls to a base URL."""
        return self.transports[base_url.partition(":")[0]]

    def why_down(self, upstream_id: int) -> str:
        """Why an upstream is set aside, in words; empty when it is not."""
        return self.health.why(upstream_id, self.clock())
