"""The gateway's end of the control socket: operators' questions and news, for the data's owner only. Never on TCP."""

import asyncio
import logging
import os
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from litestar.response import Response, Stream
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.answers.asked import ACTOR, user_name
from gateway.answers.reading import read_operation
from gateway.bus import Bus
from gateway.errors import GatewayError, Internal
from gateway.events import News
from gateway.operations import Answer, Operation
from gateway.remote import to_refused
from gateway.server import Front

NEWS_SECONDS = 0.1
"""Between two batches of news, at the least."""
HEARTBEAT_SECONDS = 2.0
"""After so long without news an empty batch says that the gateway lives."""

logger = logging.getLogger(__name__)


class Ask(Protocol):
    """Whoever answers operations."""

    async def __call__(self, operation: Operation[Answer]) -> Answer: ...


class OwnersProtocol(HttpToolsProtocol):
    """HTTP for processes of our own user and of root; others are hung up on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        user = peer_user(transport.get_extra_info("socket"))
        self.client = (user_name(user), 0)  # a socket's other end has no address: what it has is a user
        if user not in (0, os.getuid()):
            transport.abort()


class ControlServer:
    """Answers operations and tells news on a Unix socket."""

    def __init__(self, ask: Ask, bus: Bus, path: Path) -> None:
        self._path = path
        self._leaving = asyncio.Event()
        self._front = Front(control_app(ask, bus, self._leaving), OwnersProtocol)

    async def start(self) -> None:
        """Listen. The caller holds the data directory's lock, so a socket that lies there is a dead one's."""
        await self._front.listen(bind(self._path))

    async def stop(self) -> None:
        """Hang up on everybody and take the socket away."""
        self._leaving.set()
        await self._front.close()
        self._path.unlink(missing_ok=True)


def control_app(ask: Ask, bus: Bus, leaving: asyncio.Event) -> Litestar:
    """The control interface as an application."""

    @post("/ask/{name:str}", status_code=200)
    async def answer(request: Request[object, object, State], name: FromPath[str], body: RawBody) -> Response[bytes]:
        if request.client is not None:
            ACTOR.set(request.client.host)
        return _json(await ask(read_operation(name, body)))

    @get("/news")
    async def news() -> Stream:
        return Stream(tell_news(bus, leaving), media_type="application/x-ndjson")

    return Litestar(
        [answer, news],
        exception_handlers={GatewayError: _refuse, Exception: _refuse_unexpected},
        openapi_config=None,
        logging_config=None,
    )


async def tell_news(bus: Bus, leaving: asyncio.Event) -> AsyncIterator[bytes]:
    """News as lines of JSON, each a batch; the first at once, empty, to say that watching has begun."""
    subscription = bus.subscribe()
    try:
        yield b"[]\n"
        last = time.monotonic()
        while not leaving.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(NEWS_SECONDS):
                    await leaving.wait()
            batch: list[News] = subscription.drain()
            if batch or time.monotonic() - last > HEARTBEAT_SECONDS:
                last = time.monotonic()
                yield msgspec.json.encode(batch) + b"\n"
    finally:
        subscription.close()


def bind(path: Path) -> socket.socket:
    """A listening Unix socket that only its owner can open."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(os.fspath(path))
    path.chmod(0o600)  # before listening: nobody can have connected
    listener.listen()
    return listener


def peer_user(connection: socket.socket) -> int:
    """The user id at the other end, where the system tells it; otherwise the socket's permissions must do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return int(user)


def _json(answer: object, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(answer), status_code=status, media_type="application/json")


def _refuse(_: Request[object, object, State], error: GatewayError) -> Response[bytes]:
    return _json(to_refused(error), error.status)


def _refuse_unexpected(_: Request[object, object, State], error: Exception) -> Response[bytes]:
    logger.error("An operation failed", exc_info=error)
    return _json(to_refused(Internal("The gateway failed at this; its log says more.")), 500)
