"""The gateway's face: opens the data, serves the port and the control socket, answers the operator, drains, stops."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

from data import ledger, spending
from data.database import Database, reason
from data.directory import DirectoryLock, locate, prepare
from data.keys import touch_old_secrets
from data.presets import load_presets
from data.providers import sync_presets
from data.secrets import Vault, unlock
from gateway import models, price_sources
from gateway.addresses import resolve_public
from gateway.answers.desk import Desk, ServingFacts
from gateway.app import new_app
from gateway.bookkeeping import keep_checking
from gateway.budgets import DAY, KEPT, QUARTER
from gateway.bus import Bus
from gateway.cleaner import Cleaner
from gateway.control import ControlServer
from gateway.demo import DemoTransport
from gateway.errors import Cut, PortTaken
from gateway.fetching import FETCH
from gateway.journal import Journal
from gateway.operations import Answer, Operation
from gateway.operator import Operator
from gateway.poller import Pace, Poller
from gateway.ports import holder, next_free
from gateway.runtime import Runtime
from gateway.server import Front
from gateway.stored_responses import StoredResponses
from gateway.transport import UpstreamTransport, new_transport
from gateway.watch import Watch
from gateway.webhooks import Webhooks

log = logging.getLogger("gatehouse.service")

LAST_WORDS = 2.0
"""Seconds that cut exchanges have to tell their clients and settle."""


class ServiceOptions(Struct, frozen=True):
    """How a gateway is to be run."""

    directory: Path | None = None
    """The data directory; None for the usual one."""
    host: str = "127.0.0.1"
    port: int = 8400
    """0 for any free one."""
    transport: str = "own"
    """What speaks HTTP with upstreams: `own` or `aiohttp`."""
    serve: bool = True
    """False opens the data only, to answer operations while no gateway runs."""
    pace: Pace = Pace()
    """How often upstreams are asked about the videos that they make."""


class GatewayService:
    """A gateway from start to stop. All methods belong to one event loop."""

    def __init__(self, options: ServiceOptions) -> None:
        self.options = options
        self.bus = Bus()
        self.base_url = ""
        self.stopped = asyncio.Event()
        """Set when an operator asked for the gateway to stop."""
        self.stop_now = False
        self.directory = locate(options.directory)
        self._closing = contextlib.AsyncExitStack()
        self._operator: Operator | None = None
        self._runtime: Runtime | None = None
        self._front: Front | None = None
        self._started_at = 0

    async def start(self) -> None:
        """Open everything, in the order in which each needs the one before.

        Raises `DataError` when the data cannot be used, `PortTaken` when the port cannot.
        """
        try:
            await self._open()
        except BaseException:
            await self._closing.aclose()
            raise

    async def _open(self) -> None:
        prepare(self.directory)
        lock = self._closing.enter_context(DirectoryLock(self.directory))
        listener = self._listen() if self.options.serve else None
        database = await self._open_database()
        vault = await unlock(database, self.directory)
        journal = Journal(database, self.directory.journal, self.bus)
        await journal.open()
        self._closing.push_async_callback(journal.close)
        self._runtime = runtime = await self._new_runtime(database, journal, vault)
        self._closing.push_async_callback(runtime.captures.flush, database)
        self._started_at = runtime.now()
        await seed(runtime, database)
        desk = Desk(database, runtime, vault, journal.flush, self._facts, self._ask_to_stop, self.options.serve)
        self._operator = Operator(desk)
        await self._operator.reload()
        if listener is not None:
            await self._serve(runtime, database, listener)
        lock.announce(self.base_url)

    async def _open_database(self) -> Database:
        database = Database(self.directory.database)
        await database.open()
        self._closing.push_async_callback(database.close)
        await database.migrate()
        async with database.write() as session:
            await sync_presets(session, load_presets())
        return database

    async def _new_runtime(self, database: Database, journal: Journal, vault: Vault) -> Runtime:
        responses = StoredResponses(database, vault)
        await responses.open()
        self._closing.push_async_callback(responses.close)
        network = new_transport(self.options.transport)
        self._closing.push_async_callback(network.aclose)
        public = UpstreamTransport(resolve=resolve_public)
        self._closing.push_async_callback(public.aclose)
        transports = {"http": network, "https": network, FETCH: public, "demo": DemoTransport()}
        return Runtime(transports=transports, journal=journal, bus=self.bus, vault=vault, responses=responses)

    def _listen(self) -> socket.socket:
        """Bind early: it is the commonest thing to go wrong, and a second gateway must not touch the data."""
        host, port = self.options.host, self.options.port
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self._closing.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(2048)
        except OSError as error:
            raise port_taken(host, port, error) from None
        shown = f"[{host}]" if ":" in host else host
        self.base_url = f"http://{shown}:{listener.getsockname()[1]}"
        return listener

    async def _serve(self, runtime: Runtime, database: Database, listener: socket.socket) -> None:
        poller = Poller(runtime, database, self.options.pace)
        await poller.start()
        self._closing.push_async_callback(poller.close)
        self._front = front = Front(new_app(runtime, poller))
        await front.listen(listener)
        self._closing.push_async_callback(front.close)
        control = ControlServer(self.ask, self.bus, self.directory.socket)
        await control.start()
        self._closing.push_async_callback(control.stop)
        cleaner = Cleaner(database, lambda: runtime.snapshot.settings, runtime.now)
        webhooks = Webhooks(runtime, database)
        self._closing.push_async_callback(webhooks.close)
        watch = Watch(runtime, database, webhooks)
        await watch.open()
        warming = (asyncio.to_thread(price_sources.warm), asyncio.to_thread(models.warm))
        watching = (self._tick(runtime, database), watch.run(), keep_checking(database, self.bus), cleaner.run())
        for work in (*watching, *warming):
            self._closing.push_async_callback(stop_task, asyncio.ensure_future(work))

    async def _tick(self, runtime: Runtime, database: Database) -> None:
        """Look after every running exchange once a second."""
        while True:
            await asyncio.sleep(1)
            if runtime.old_secrets_used:
                runtime.spawn(note_old_secrets(runtime, database))
            if runtime.captures.waiting:
                runtime.spawn(runtime.captures.flush(database))
            now = time.monotonic()
            for running in list(runtime.running.values()):
                running.look_after(now)

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """Have an operation answered. Raises `GatewayError` with words for a person when it is refused."""
        if self._operator is None:
            raise RuntimeError("the gateway has not been started")
        return await self._operator.ask(operation)

    async def drain(self, seconds: float = 30.0) -> None:
        """Take no new requests, wait for running ones, and cut those that outlast the time in their own protocol."""
        runtime = self._runtime
        if runtime is None:
            return
        runtime.draining = True
        if self._front is not None:
            self._front.stop_listening()
        if not self.stop_now:
            await runtime.wait_idle(seconds)
        for running in list(runtime.running.values()):
            running.cut(Cut("The gateway is shutting down.", code="shutting_down"))
        await runtime.wait_idle(LAST_WORDS)

    async def stop(self) -> None:
        """Close everything, in reverse order."""
        await self._closing.aclose()

    def _facts(self) -> ServingFacts:
        return ServingFacts(
            version=version("gatehouse"),
            base_url=self.base_url,
            data_directory=str(self.directory.path),
            pid=os.getpid(),
            started_at=self._started_at,
        )

    def _ask_to_stop(self, now: bool) -> None:
        self.stop_now = self.stop_now or now
        self.stopped.set()


async def note_old_secrets(runtime: Runtime, database: Database) -> None:
    """Store which keys still came with the secret before their rotation."""
    used, runtime.old_secrets_used = runtime.old_secrets_used, {}
    try:
        async with database.write(durable=False) as session:
            await touch_old_secrets(session, used)
    except Exception as error:
        runtime.old_secrets_used = used | runtime.old_secrets_used
        log.warning("the use of old secrets cannot be stored: %s", reason(error))


async def seed(runtime: Runtime, database: Database) -> None:
    """Tell the budgets what was spent before this gateway started."""
    now, budgets = runtime.now(), runtime.budgets
    this_quarter = now - now % QUARTER
    async with database.read() as session:
        for key_id, owner, at, cost in await spending.spent_by_quarter(session, now - KEPT, this_quarter):
            budgets.remember(key_id or None, owner, at, cost)
        for who, owner, at, micros in await spending.spent_lately(session, this_quarter):
            budgets.remember(who, owner, at, micros or 0)
        for key_id, owner, at, tokens in await spending.tokens_by_quarter(session, now - DAY):
            runtime.limits.remember(key_id, owner, (now - at) / 1_000_000, tokens)
        for account in await ledger.accounts(session):
            budgets.seed(account.holder, account.balance_micros, account.reserved_micros, account.cost_micros)


async def stop_task(task: "asyncio.Future[None]") -> None:
    """Cancel a background task and wait until it is gone."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def port_taken(host: str, port: int, error: OSError) -> PortTaken:
    """Who holds the port, and what to do about it."""
    by = holder(port)
    said = f"Port {port} on {host} is taken by {by}." if by else f"Cannot listen on {host}:{port}: {error.strerror}."
    free = next_free(host, port)
    advice = f" Port {free} is free: use `--port {free}`." if free else " Choose another with `--port`."
    return PortTaken(said + advice)
