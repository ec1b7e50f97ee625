"""The console's end of the control socket: asks a gateway in another process, and reads its news as they come."""

import asyncio
import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, get_args

import httpx
import msgspec
from msgspec import Struct

from gateway.bus import CAPACITY
from gateway.errors import GatewayError, Unavailable
from gateway.events import ConfigurationChanged, News, Noted
from gateway.operations import Answer, Operation

ASK_SECONDS = 120.0
"""Adding an upstream talks to it, and may take its time."""
SILENCE_SECONDS = 15.0
"""Without news or heartbeat for so long, a gateway counts as gone."""
REDIAL_SECONDS = 0.5

NEWS = msgspec.json.Decoder(list[News])


class Refused(Struct, frozen=True):
    """A `GatewayError` on its way through the socket."""

    kind: str
    """The error's class."""
    code: str
    message: str
    status: int
    param: str | None = None
    retry_after: float | None = None


def to_refused(error: GatewayError) -> Refused:
    """What to send for an error."""
    return Refused(type(error).__name__, error.code, error.message, error.status, error.param, error.retry_after)


def to_error(refused: Refused) -> GatewayError:
    """The error that was sent, of its own class where this side knows it."""
    kind = next((each for each in _descendants(GatewayError) if each.__name__ == refused.kind), GatewayError)
    error = GatewayError.__new__(kind)
    GatewayError.__init__(
        error, refused.message, code=refused.code, param=refused.param, retry_after=refused.retry_after
    )
    return error


def answer_type(operation: type[Operation[Answer]]) -> type[Answer]:
    """What an operation is answered with, as its class says: `Operation[Status]` -> `Status`."""
    (base,) = (base for base in getattr(operation, "__orig_bases__", ()) if get_args(base))
    answer: type[Answer] = get_args(base)[0]
    return answer


def _descendants(kind: type[GatewayError]) -> list[type[GatewayError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _descendants(child))]


class RemoteLink:
    """A `Link` to a gateway in another process. Ask at any time; `watch` first to have news."""

    def __init__(self, path: Path) -> None:
        self.lost = False
        """Whether a gateway that was watched is not there any more. It is looked for until it is back."""
        self._path = path
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://gateway", timeout=ASK_SECONDS
        )
        self._news: deque[News] = deque(maxlen=CAPACITY)
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """Have an operation answered."""
        kind = type(operation)
        try:
            response = await self._client.post(f"/ask/{kind.__name__}", content=msgspec.json.encode(operation))
        except httpx.TimeoutException:
            raise Unavailable("The gateway took too long to answer; try again.", code="gateway_slow") from None
        except httpx.TransportError:
            raise _gone() from None
        return self._answer(response, answer_type(kind))

    async def watch(self) -> None:
        """Have news collected from now on. Raises `Unavailable` when no gateway is there."""
        batches = self._batches()
        try:
            self._news.extend(await anext(batches))
        except (httpx.TransportError, StopAsyncIteration):
            raise _gone() from None
        self._reading = asyncio.create_task(self._keep_reading(batches))

    def drain(self) -> list[News]:
        """All news since the last call, oldest first."""
        drained = list(self._news)
        self._news.clear()
        return drained

    async def close(self) -> None:
        """Let go of the gateway, which goes on."""
        if self._reading:
            self._reading.cancel()
            await asyncio.wait((self._reading,))
        await self._client.aclose()

    def _answer(self, response: httpx.Response, expected: type[Answer]) -> Answer:
        try:
            if response.status_code != httpx.codes.OK:
                raise to_error(msgspec.json.decode(response.content, type=Refused))
            return msgspec.json.decode(response.content, type=expected)
        except msgspec.DecodeError:
            raise Unavailable(
                "The gateway's answer is not understood: it is of another version than this console. "
                "Restart the gateway.",
                code="gateway_differs",
            ) from None

    async def _keep_reading(self, batches: AsyncIterator[list[News]]) -> None:
        while True:
            with contextlib.suppress(httpx.TransportError, msgspec.DecodeError):
                async for batch in batches:
                    if self.lost:
                        self._find_again()
                    self._news.extend(batch)
            if not self.lost:
                self._lose()
            await asyncio.sleep(REDIAL_SECONDS)
            batches = self._batches()

    async def _batches(self) -> AsyncIterator[list[News]]:
        timeout = httpx.Timeout(SILENCE_SECONDS)
        async with self._client.stream("GET", "/news", timeout=timeout) as response:
            rest = b""
            async for piece in response.aiter_bytes():
                # Not aiter_lines: it takes U+2028 inside a text for the end of a line.
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    yield NEWS.decode(line)

    def _lose(self) -> None:
        self.lost = True
        self._note("error", "gateway_gone", "The gateway is gone. Looking for it until it is back.")

    def _find_again(self) -> None:
        self.lost = False
        self._note("info", "gateway_back", "The gateway is back.")
        for what in ("keys", "upstreams", "models", "routes", "aliases", "prices", "settings"):
            self._news.append(ConfigurationChanged(what))

    def _note(self, level: Literal["info", "error"], code: str, text: str) -> None:
        self._news.append(Noted(time.time_ns() // 1000, level, code, text))


def _gone() -> Unavailable:
    return Unavailable("The gateway does not answer: it has stopped. Start it with `console`.", code="gateway_gone")


def is_answered(path: Path) -> bool:
    """Whether a gateway listens on this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True
