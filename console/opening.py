"""Opening the console on a gateway, this process's own or another's. Loads Textual."""

from console.app import ConsoleApp, Leaving
from console.runtime import calm_runtime
from console.session import Session
from gateway.link import Link
from gateway.remote import RemoteLink


class CarefulApp(ConsoleApp):
    """The console, whose crash is told to whoever runs it instead of being printed."""

    crash: Exception | None = None

    def on_ready(self) -> None:
        """Everything is loaded."""
        calm_runtime()

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print the values of local variables, credentials among them.
        self.crash = self.crash or error
        self._return_code = 1
        self._close_messages_no_wait()


class AttachedApp(CarefulApp):
    """The console on another process's gateway."""

    def __init__(self, link: RemoteLink) -> None:
        super().__init__(Session(link, attached=True))
        self._remote = link

    async def on_mount(self) -> None:
        """Have news come; what is on record is loaded after that."""
        await self._remote.watch()

    async def on_unmount(self) -> None:
        """Let go of the gateway."""
        await self._remote.close()


class OpenConsole:
    """A console that was opened, as the process sees it."""

    def __init__(self, app: CarefulApp) -> None:
        self._app = app

    def run(self) -> Leaving:
        """Until it is left. Raises what it crashed of."""
        leaving = self._app.run()
        if self._app.crash:
            raise self._app.crash
        return leaving or "detach"

    def leave(self, how: Leaving) -> None:
        """Have it left from a signal handler or another thread."""
        self._app.call_later(self._app.exit, how)


def open_here(link: Link) -> OpenConsole:
    """A console on this process's gateway."""
    return OpenConsole(CarefulApp(Session(link)))


def open_attached(link: RemoteLink) -> OpenConsole:
    """A console on another process's gateway."""
    return OpenConsole(AttachedApp(link))
