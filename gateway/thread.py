"""The gateway on a thread and an event loop of its own, next to a console on the main thread."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine

import uvloop

from gateway.errors import Unavailable
from gateway.events import News
from gateway.operations import Answer, Operation
from gateway.service import GatewayService, ServiceOptions

ASK_SECONDS = 120.0
"""Adding an upstream talks to it, and may take its time."""
DRAIN_SECONDS = 30.0

logger = logging.getLogger(__name__)


class LocalLink:
    """A `Link` to the gateway of this process."""

    def __init__(self, service: GatewayService, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop
        self._subscription = service.bus.subscribe()

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """Have an operation answered on the gateway's thread."""
        if self._loop.is_closed():
            raise _stopped()
        future = asyncio.run_coroutine_threadsafe(self._service.ask(operation), self._loop)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise Unavailable("The gateway took too long to answer; try again.", code="gateway_slow") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise _stopped() from None

    def drain(self) -> list[News]:
        """All news since the last call, oldest first."""
        return self._subscription.drain()

    def close(self) -> None:
        """Stop watching."""
        self._subscription.close()


class GatewayThread:
    """Runs a gateway until it is told to leave, by us or by an operator's `Shutdown`.

    All methods are for other threads than the gateway's.
    """

    def __init__(self, options: ServiceOptions, on_end: Callable[[], None] = lambda: None) -> None:
        self._service = GatewayService(options)
        self._on_end = on_end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._patience = DRAIN_SECONDS
        self._told = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="gateway")

    @property
    def base_url(self) -> str:
        """Where it serves."""
        return self._service.base_url

    @property
    def failure(self) -> BaseException | None:
        """What it died of; None for one that was told to leave."""
        return self._failure

    @property
    def running(self) -> bool:
        """Whether the gateway has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Returns when the gateway serves; raises what kept it from doing so."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def link(self) -> LocalLink:
        """A hold on the gateway, for a console on another event loop."""
        if self._loop is None:
            raise _stopped()
        return LocalLink(self._service, self._loop)

    def leave(self, seconds: float = DRAIN_SECONDS) -> None:
        """Tell it to stop once its running requests have ended or the time is over. Returns at once.

        Telling it again with less time makes it hurry.
        """
        if self._loop is not None and self.running:
            self._loop.call_soon_threadsafe(self._tell, seconds)

    def join(self) -> None:
        """Wait for it to end."""
        self._thread.join()

    def stop(self, drain: float = DRAIN_SECONDS) -> None:
        """Leave, and wait for it."""
        self.leave(drain)
        self.join()

    def _tell(self, seconds: float) -> None:
        self._patience = seconds
        self._told.set()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._live())
        except BaseException as error:
            if self._ready.is_set():
                logger.critical("The gateway has died", exc_info=error)
            self._failure = error
        finally:
            self._ready.set()
            self._on_end()

    async def _live(self) -> None:
        await self._service.start()
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        try:
            await _first(self._told.wait(), self._service.stopped.wait())
            await self._drain()
        finally:
            await self._service.stop()

    async def _drain(self) -> None:
        drained = False
        while not drained:
            self._told.clear()
            drained = not await _first(self._told.wait(), self._service.drain(self._patience))


async def _first(*waits: Coroutine[None, None, object]) -> bool:
    """Wait until one of them has ended, call off the others; whether it was the first of them."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    ended = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in ended:
        task.result()
    return tasks[0] in ended


def _stopped() -> Unavailable:
    return Unavailable("The gateway has stopped.", code="gateway_gone")
