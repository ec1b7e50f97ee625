"""A console on a whole gateway in the same event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.session import Session
from gateway.events import News
from gateway.operations import Answer, Operation
from gateway.service import GatewayService
from tests.console.scripted import shown


class DirectLink:
    """Asks a service and drains its news. As across threads, what was asked goes on when the console leaves."""

    def __init__(self, service: GatewayService) -> None:
        self._service = service
        self._asked: set[asyncio.Future[object]] = set()
        self._subscription = service.bus.subscribe()

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """The service's own answer."""
        answering = asyncio.ensure_future(self._service.ask(operation))
        done: asyncio.Future[object] = asyncio.ensure_future(asyncio.wait([answering]))
        self._asked.add(done)
        done.add_done_callback(self._asked.discard)
        return await asyncio.shield(answering)

    async def settle(self) -> None:
        """Wait for what nobody waits for any more."""
        await asyncio.gather(*self._asked, return_exceptions=True)

    def drain(self) -> list[News]:
        """What happened since."""
        return self._subscription.drain()


@contextlib.asynccontextmanager
async def console_on(service: GatewayService) -> AsyncIterator[Pilot[Leaving]]:
    """A console whose timers run, in a small window."""
    link = DirectLink(service)
    async with ConsoleApp(Session(link), theme="gatehouse-dark").run_test(size=(80, 24)) as pilot:
        yield pilot
    await link.settle()


async def seen(pilot: Pilot[Leaving], text: str) -> str:
    """The screen, once a text is on it."""
    for _ in range(300):
        await pilot.pause(0.02)
        assert isinstance(pilot.app, ConsoleApp)
        picture = shown(pilot.app)
        if text in picture:
            return picture
    raise AssertionError(f"{text!r} never came on screen; there is:\n{picture}")


async def typed(pilot: Pilot[Leaving], text: str) -> None:
    """Type a text."""
    names = {
        " ": "space",
        "*": "asterisk",
        ":": "colon",
        "-": "minus",
        ".": "full_stop",
        "/": "slash",
        "_": "underscore",
    }
    await pilot.press(*(names.get(character, character) for character in text))
