"""The alternative to our own client: httpx-aiohttp, its streams made to be cut likewise. Needs the extra `aiohttp`."""

import asyncio
from collections.abc import AsyncIterator, Coroutine

import aiohttp
import httpx
import httpx_aiohttp

from gateway.connection import AbortableStream


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests through aiohttp, without cookies, proxies, redirects, decoding or a queue.

    Of the deadlines it knows `connect` and `read`, the latter for each wait on the socket.
    """

    def __init__(self) -> None:
        self._inner = httpx_aiohttp.AiohttpTransport(client=_session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Accept-Encoding"] = "identity"
        timeout = request.extensions.get("timeout") or {}
        read = timeout.get("read", timeout.get("head", 300.0))
        request.extensions["timeout"] = {"connect": timeout.get("connect", 5.0), "read": read}
        response = await self._inner.handle_async_request(request)
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise httpx.StreamError("httpx-aiohttp gave a stream that cannot be read here")
        response.stream = CuttableStream(response.stream)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            await response.stream.aclose()
            raise httpx.RemoteProtocolError("the response came in a Content-Encoding that was not asked for")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class CuttableStream(AbortableStream):
    """Reads in a task of its own, so that whoever cuts it can end a wait that is under way."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner
        self._chunks = aiter(inner)
        self._error: BaseException | None = None
        self._work: set[asyncio.Task[bytes | None]] = set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._error is not None:
            raise self._error
        try:
            chunk = await self._start(self._next())
        except asyncio.CancelledError:
            if self._error is not None:
                raise self._error from None
            raise
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def abort(self, error: BaseException) -> None:
        self._error = error
        for task in self._work:
            task.cancel()
        self._start(self.aclose())

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)

    def _start(self, work: Coroutine[None, None, bytes | None]) -> asyncio.Task[bytes | None]:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
