"""A provider that answers as a test tells it: a real HTTP server that keeps what it received."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httptools


@dataclass
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass
class Reply:
    """What to answer: chunks in order, where a number is a pause in seconds and an event is waited for."""

    chunks: list[bytes | float | asyncio.Event] = field(default_factory=list)
    status: int = 200
    """0 sends no head."""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    broken_off: bool = False
    """Reset the connection behind the last chunk instead of ending the body."""


def answer(value: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    return Reply([json.dumps(value).encode()], status, headers=headers)


def sse(*chunks: bytes | float | asyncio.Event, broken_off: bool = False) -> Reply:
    """A stream of server-sent events."""
    return Reply(list(chunks), content_type="text/event-stream", broken_off=broken_off)


Script = Callable[[Received], Reply]


class ScriptedProvider:
    """Answers each request by its script; knows what it received and which connections were closed on it."""

    def __init__(self) -> None:
        self.script: Script = lambda _: answer({"error": {"message": "not scripted"}}, 500)
        self.received: list[Received] = []
        self.gone = asyncio.Event()
        """Set when a client closed its connection in the middle of an answer."""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Its address, without a path."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def last(self) -> Received:
        """The newest request that was not a look at the model list."""
        return [r for r in self.received if r.method == "POST"][-1]

    def replies(self, *replies: Reply) -> None:
        """Give these answers in turn, the last one for ever; model lists are answered by themselves."""
        queue = list(replies)

        def script(request: Received) -> Reply:
            if request.method == "GET":
                return answer({"object": "list", "data": [{"id": "m-large"}, {"id": "m-small"}]})
            return queue.pop(0) if len(queue) > 1 else queue[0]

        self.script = script

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator["ScriptedProvider"]:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=2048)
        try:
            yield self
        finally:
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (request := await _read(reader)) is not None:
                self.received.append(request)
                if not await self._answer(self.script(request), reader, writer):
                    return
        except ConnectionError:
            self.gone.set()
        except asyncio.CancelledError:
            return  # the test is over; asyncio's streams would report a cancelled task as an error
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        fields = {"content-type": reply.content_type, "transfer-encoding": "chunked", **reply.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        if reply.status:
            writer.write(f"HTTP/1.1 {reply.status} Scripted\r\n{head}\r\n".encode())
        leaving = asyncio.create_task(reader.read(1))
        try:
            for chunk in reply.chunks:
                if not await self._step(chunk, leaving, writer):
                    self.gone.set()
                    return False
            if reply.broken_off:
                writer.transport.abort()
                return False
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        finally:
            leaving.cancel()
            # Awaiting it would take our own cancellation for its, and go on serving.
            await asyncio.gather(leaving, return_exceptions=True)
        return True

    async def _step(
        self, chunk: bytes | float | asyncio.Event, leaving: "asyncio.Task[bytes]", writer: asyncio.StreamWriter
    ) -> bool:
        """Send a chunk or wait; False when the client left meanwhile."""
        if isinstance(chunk, bytes):
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
            return not leaving.done()
        pause = asyncio.create_task(chunk.wait() if isinstance(chunk, asyncio.Event) else asyncio.sleep(chunk))
        await asyncio.wait((pause, leaving), return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        return not leaving.done()


class _Request:
    """Collects what httptools parses."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


async def _read(reader: asyncio.StreamReader) -> Received | None:
    """One request; None when the client has no more."""
    request = _Request()
    parser = httptools.HttpRequestParser(request)
    while not request.complete:
        data = await reader.read(65536)
        if not data:
            return None
        parser.feed_data(data)
    return Received(parser.get_method().decode(), request.url.decode(), request.headers, request.body)
