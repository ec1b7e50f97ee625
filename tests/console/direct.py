"""A console on a whole gateway in the same event loop."""

from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.session import Session
from gateway.events import News
from gateway.operations import Answer, Operation
from gateway.service import GatewayService
from tests.console.scripted import shown


class DirectLink:
    """Asks a service and drains its news."""

    def __init__(self, service: GatewayService) -> None:
        self._service = service
        self._subscription = service.bus.subscribe()

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """The service's own answer."""
        return await self._service.ask(operation)

    def drain(self) -> list[News]:
        """What happened since."""
        return self._subscription.drain()


def console_on(service: GatewayService) -> ConsoleApp:
    """A console whose timers run."""
    return ConsoleApp(Session(DirectLink(service)), theme="gatehouse-dark")


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
