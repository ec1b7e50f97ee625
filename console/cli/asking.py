"""How a command reaches the gateway: the running one over its socket, or the data itself when none runs."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

import typer
from msgspec import Struct

from gateway.errors import BadRequest, NotFound, Unavailable
from gateway.events import News
from gateway.operations import Answer, Operation
from gateway.place import DataDirectory, holder, locate
from gateway.remote import RemoteLink, is_answered

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 5.0
"""How long to wait for the data while another command has it open, or for a gateway that is just starting."""

Item = TypeVar("Item")
Answering: TypeAlias = "RemoteLink | OpenData"


class Chosen(Struct, frozen=True):
    """What the command line says before a command's name."""

    data: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8400
    transport: str = "own"
    plain_http_ok: bool = False

    @property
    def directory(self) -> DataDirectory:
        return locate(self.data)


class Asker:
    """Has the operations of one command answered, one after another."""

    def __init__(self, runner: asyncio.Runner, link: Answering) -> None:
        self._runner = runner
        self._link = link

    def __call__(self, operation: Operation[Answer]) -> Answer:
        return self._runner.run(self._link.ask(operation))

    def watch(self) -> None:
        """Have news collected from now on."""
        self._runner.run(self._link.watch())

    def follow(self) -> Iterator[News]:
        """News as they come, without end."""
        while True:
            yield from self._link.drain()
            self._runner.run(asyncio.sleep(LOOK_SECONDS))


class OpenData:
    """A `Link` to the data itself, through a gateway that does not serve."""

    def __init__(self, path: Path) -> None:
        # Not before it is needed: a command that asks a running gateway has no use for a web server.
        from gateway.service import GatewayService, ServiceOptions

        self._service = GatewayService(ServiceOptions(directory=path, serve=False))

    async def open(self) -> None:
        """Take the data directory."""
        await self._service.start()

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """Have an operation answered."""
        return await self._service.ask(operation)

    async def watch(self) -> None:
        """There is nothing to watch."""
        raise Unavailable("No gateway runs, so nothing happens that could be watched.", code="not_running")

    def drain(self) -> list[News]:
        """No news."""
        return []

    async def close(self) -> None:
        """Give the data directory back."""
        await self._service.stop()


@contextmanager
def asking(context: typer.Context, *, live: bool = False) -> Iterator[Asker]:
    """Whoever answers this command. `live` insists on a running gateway."""
    chosen: Chosen = context.obj
    with asyncio.Runner() as runner:
        link = runner.run(reach(chosen.directory, live=live))
        try:
            yield Asker(runner, link)
        finally:
            runner.run(link.close())


async def reach(directory: DataDirectory, *, live: bool) -> Answering:
    """The running gateway of a data directory, otherwise the data."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_SECONDS
    while holder(directory) and loop.time() < until:
        if is_answered(directory.socket):
            return RemoteLink(directory.socket)
        await asyncio.sleep(LOOK_SECONDS)
    if live:
        raise Unavailable(
            f"No gateway runs on {directory.path}, and this needs one. Start it with `console` or `console serve`.",
            code="not_running",
        )
    data = OpenData(directory.path)
    await data.open()
    return data


def pick(items: list[Item], wanted: str, names: Callable[[Item], Sequence[str]], what: str) -> Item:
    """The one item that goes by a name or number."""
    found = [item for item in items if wanted in names(item)]
    if not found:
        raise NotFound(f"There is no {what} {wanted!r}; `console {what} list` shows what there is.")
    if len(found) > 1:
        ids = ", ".join(names(item)[0] for item in found)
        raise BadRequest(f"Several go by {what} {wanted!r}: say which by its number ({ids}).")
    return found[0]
