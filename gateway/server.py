"""The HTTP front: uvicorn's httptools protocol, hardened against slow, oversized and malformed requests.

It leans on uvicorn's private interface, so uvicorn is pinned exactly and the tests of this file guard its upgrades.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.deadline import Deadline
from gateway.intake import ON_LOST

HEAD_SECONDS = 10.0
BODY_SECONDS = 60.0
STALL_SECONDS = 60.0
"""How long a client may take nothing of what is written to it."""
LARGEST_HEAD = 64 * 1024
MOST_FIELDS = 200
LONGEST_URL = 16 * 1024
BACKLOG = 2048
GATHERED = 64 * 1024
SOCKET_BUFFER = 256 * 1024
"""Bounds what the kernel holds for a slow client."""


class Refusal(httptools.HttpParserError):
    """The head breaks one of our rules: uvicorn answers 400 and closes."""


class Gathering(asyncio.Transport):
    """Hands the system in one call what is written within one turn of the loop: a response's head and its body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []
        self._size = 0

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(bytes(data))
        self._size += len(data)
        # Past this, who writes must be able to feel that nobody takes it.
        if self._size > GATHERED:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._gathered.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def _flush(self) -> None:
        if self._gathered and not self._transport.is_closing():
            self._transport.write(b"".join(self._gathered))
        self._gathered.clear()
        self._size = 0


class HardenedProtocol(HttpToolsProtocol):
    """One client connection, with deadlines for the head, the body and for taking what is written."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Gathering(transport, self.loop))
        self._head_size = self._hosts = 0
        self._deadline = Deadline(self.loop, self._abort)
        self._stall = Deadline(self.loop, self._abort)
        self._expect(HEAD_SECONDS)
        if (sock := transport.get_extra_info("socket")) is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.close()
        self._stall.close()
        super().connection_lost(exc)
        if self.cycle is not None and not self.cycle.response_complete:
            on_lost = cast("dict[str, Callable[[], None]]", self.cycle.scope).get(ON_LOST)
            if on_lost is not None:
                on_lost()

    def data_received(self, data: bytes) -> None:
        if self._deadline.lifted and (self.cycle is None or self.cycle.response_complete):
            self._expect(HEAD_SECONDS)
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._head_size = self._hosts = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            raise Refusal("The URL is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_size += len(name) + len(value)
        if self._head_size > LARGEST_HEAD or len(self.headers) > MOST_FIELDS:
            raise Refusal("The head is too large.")
        name = self.headers[-1][0]
        if name == b"host":
            self._hosts += 1
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            raise Refusal("The transfer coding is not served.")

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise Refusal("The HTTP version is not served.")
        if self._hosts > 1 or (self._hosts == 0 and version == "1.1"):
            raise Refusal("There must be one Host field.")
        self._expect(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._deadline.lift()
        super().on_message_complete()

    def pause_writing(self) -> None:
        self._stall.set(self.loop.time() + STALL_SECONDS)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stall.lift()
        super().resume_writing()

    def _expect(self, seconds: float) -> None:
        self._deadline.set(self.loop.time() + seconds)

    def _abort(self) -> None:
        # A close would wait behind a full window for ever; a reset does not.
        if (sock := self.transport.get_extra_info("socket")) is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Front:
    """Serves an application on sockets until it is closed: uvicorn's protocol without uvicorn's process."""

    def __init__(
        self, app: Callable[..., Awaitable[None]], protocol: type[HttpToolsProtocol] = HardenedProtocol
    ) -> None:
        self._protocol = protocol
        self._config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        self._config.load()
        # It reports what clients did wrong, and answers that we broke off on purpose; what goes wrong here we log.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._state = ServerState()
        self._listening: list[asyncio.Server] = []

    async def listen(self, listener: socket.socket) -> None:
        """Take connections from a socket that is bound."""
        loop = asyncio.get_running_loop()
        if listener.family == socket.AF_UNIX:
            server = await loop.create_unix_server(self._new_protocol, sock=listener)
        else:
            server = await loop.create_server(self._new_protocol, sock=listener, backlog=BACKLOG)
        self._listening.append(server)

    def stop_listening(self) -> None:
        """Take no more connections; those there are go on."""
        for server in self._listening:
            server.close()

    async def close(self, seconds: float = 1.0) -> None:
        """Hang up on idle connections, give busy ones this long to end, and break off the rest."""
        self.stop_listening()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=seconds)
        for connection in list(self._state.connections):
            connection.transport.abort()
        for task in list(self._state.tasks):
            task.cancel()

    def _new_protocol(self) -> HttpToolsProtocol:
        return self._protocol(config=self._config, server_state=self._state, app_state={})
