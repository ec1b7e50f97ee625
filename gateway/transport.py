"""The HTTP/1.1 client to upstreams, as an httpx transport: connecting, reuse of connections, requests as bytes.

The hot path calls `handle_async_request` itself; cold paths put the transport under `httpx.AsyncClient`.
"""

import asyncio
import functools
import math
import os
import re
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Final

import httpx
from msgspec import Struct

from gateway.addresses import Resolve, resolve
from gateway.connection import AbortableStream, Connection, Deadlines, UpstreamStream

RECEIVE_BUFFER: Final = 256 * 1024
IDLE_EXPIRY: Final = 60.0

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_DEADLINES: Final = Deadlines()
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OURS: Final = frozenset(
    b"accept-encoding connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding "
    b"upgrade".split()
)
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})


class Outgoing(Struct, frozen=True, gc=False):
    """A request as it goes onto the wire."""

    head: bytes
    body: bytes
    rest: httpx.AsyncByteStream | None = None
    """A body that is not in memory; such a request cannot be sent twice."""
    length: int | None = None
    """What the rest will come to, where that is known; otherwise it goes in chunks."""
    bodiless: bool = False
    """The answer has no body, whatever its head says."""


class Origin:
    """The connections to one scheme, host and port. Taking and giving back are O(1), last used first."""

    def __init__(self, scheme: str, host: str, port: int, idle_expiry: float) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.idle_expiry = idle_expiry
        self.open: set[Connection] = set()
        self.idle: dict[Connection, None] = {}

    def take(self) -> Connection | None:
        while self.idle:
            connection, _ = self.idle.popitem()
            if not connection.transport.is_closing():
                return connection
        return None

    def opened(self, connection: Connection) -> None:
        self.open.add(connection)

    def freed(self, connection: Connection) -> None:
        self.idle[connection] = None

    def lost(self, connection: Connection) -> None:
        self.open.discard(connection)
        self.idle.pop(connection, None)


class UpstreamTransport(httpx.AsyncBaseTransport):
    """Sends requests to upstreams; each response's stream is an `UpstreamStream`.

    An error before the response's head is raised from `handle_async_request`. There is no queue: whoever calls limits
    how many requests run. Deadlines come from the request's `timeout` extension, with the names of `Deadlines`;
    httpx's own `read` stands for `head` and `idle` where these are not given.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        idle_expiry: float = IDLE_EXPIRY,
        resolve: Resolve = resolve,
    ) -> None:
        self._ssl_context = ssl_context
        self._resolve = resolve
        self._idle_expiry = idle_expiry
        self._origins: dict[tuple[str, bytes, int | None], Origin] = {}

    @property
    def open_connections(self) -> int:
        return sum(len(origin.open) for origin in self._origins.values())

    @property
    def idle_connections(self) -> int:
        return sum(len(origin.idle) for origin in self._origins.values())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadlines = deadlines_of(request.extensions.get("timeout"))
        outgoing = encode(request)
        origin = self._origin(request.url)
        # The other side may close an idle connection at any moment. A request that met this is sent again, on a fresh
        # connection; one that cannot be sent twice begins there.
        connection = origin.take() if outgoing.rest is None else None
        if connection is not None:
            try:
                stream = await _exchange(connection, outgoing, deadlines)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                if connection.answered:
                    raise
            else:
                return _response(stream, connect_us=0, reused=True)
        started = time.perf_counter_ns()
        connection = await self._connect(origin, deadlines.connect)
        connect_us = (time.perf_counter_ns() - started) // 1000
        return _response(await _exchange(connection, outgoing, deadlines), connect_us=connect_us, reused=False)

    async def aclose(self) -> None:
        for origin in self._origins.values():
            for connection in list(origin.open):
                connection.fail(httpx.ReadError("the transport was closed"))
        await asyncio.sleep(0)  # the loop closes the sockets in its next round

    def _origin(self, url: httpx.URL) -> Origin:
        key = (url.scheme, url.raw_host, url.port)
        origin = self._origins.get(key)
        return self._new_origin(*key) if origin is None else origin

    def _new_origin(self, scheme: str, host: bytes, port: int | None) -> Origin:
        if scheme not in _DEFAULT_PORTS or not host:
            raise httpx.UnsupportedProtocol("an upstream's URL must begin with http:// or https:// and name a host")
        origin = Origin(scheme, host.decode("ascii"), port or _DEFAULT_PORTS[scheme], self._idle_expiry)
        self._origins[scheme, host, port] = origin
        return origin

    async def _connect(self, origin: Origin, limit: float) -> Connection:
        connection = Connection(origin, asyncio.get_running_loop())
        try:
            async with asyncio.timeout(limit if limit < math.inf else None):
                await self._establish(connection, origin, limit)
        except TimeoutError:
            raise httpx.ConnectTimeout(f"no connection within {limit:g} s") from None
        except OSError as error:
            raise httpx.ConnectError(_reason(error)) from error
        return connection

    async def _establish(self, connection: Connection, origin: Origin, limit: float) -> None:
        tls = None
        if origin.scheme == "https":
            # Reading the world's certificates takes 20 ms, the first time.
            tls = self._ssl_context or await asyncio.to_thread(tls_context)
        sock = await self._dial(origin, limit)
        try:
            await connection.loop.create_connection(
                lambda: connection, sock=sock, ssl=tls, server_hostname=origin.host if tls else None
            )
        except BaseException:
            if connection in origin.open:  # made, but nobody will know
                connection.close()
            raise

    async def _dial(self, origin: Origin, limit: float) -> socket.socket:
        """Connect to the first of the host's addresses that answers; each gets its share of the time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + limit
        addresses = await self._resolve(origin.host, origin.port)
        failure = OSError("no address")
        for left, (family, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout((until - loop.time()) / left if limit < math.inf else None):
                    return await _open_socket(loop, family, address)
            except OSError as error:
                failure = error
        raise failure


@functools.cache
def tls_context() -> ssl.SSLContext:
    """The process's one context: making it costs more than a thousand requests."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def new_transport(kind: str = "own") -> httpx.AsyncBaseTransport:
    """The transport to upstreams: "own", or "aiohttp" from the extra of that name.

    The streams of either's responses are `AbortableStream`.
    """
    if kind == "own":
        return UpstreamTransport()
    if kind != "aiohttp":
        raise ValueError(f"there is no transport {kind!r}; choose own or aiohttp")
    try:
        from gateway.aiohttp_transport import AiohttpTransport
    except ImportError as error:
        raise RuntimeError("the aiohttp transport is not installed: pip install 'gatehouse[aiohttp]'") from error
    return AiohttpTransport()


def abort(stream: object, error: BaseException) -> None:
    """Cut a response of either transport; a stream of another kind is left to its reader to close."""
    if isinstance(stream, AbortableStream):
        stream.abort(error)


def deadlines_of(timeout: Mapping[str, float | None] | None) -> Deadlines:
    """Read a request's `timeout` extension; nothing given means the defaults, None no limit."""
    if not timeout:
        return _DEADLINES
    given = {"head": timeout["read"], "idle": timeout["read"]} if "read" in timeout else {}
    given.update((name, timeout[name]) for name in Deadlines.__struct_fields__ if name in timeout)
    return Deadlines(**{name: math.inf if value is None else value for name, value in given.items()})


def encode(request: httpx.Request) -> Outgoing:
    """Write down a request. Framing, connection and coding fields are ours to set, whatever the caller gave.

    A body in memory comes as `httpx.ByteStream`, or as bytes in the extension `body` beside any stream that gives them.
    """
    method, url, stream = request.method, request.url, request.stream
    lines = [b"%b %b HTTP/1.1" % (method.encode(), url.raw_path), b"Host: " + url.netloc, b"Accept-Encoding: identity"]
    lines += [b"%b: %b" % field for field in request.headers.raw if _is_callers(field[0])]
    body = request.extensions.get("body")
    if isinstance(stream, httpx.ByteStream):
        body = b"".join(stream)
    if isinstance(body, bytes):
        if body or method in _BODY_METHODS:
            lines.append(b"Content-Length: %d" % len(body))
        return Outgoing(_head(lines), body, bodiless=method == "HEAD")
    if not isinstance(stream, httpx.AsyncByteStream):
        raise httpx.LocalProtocolError("a request's body must be bytes or an asynchronous stream")
    declared = request.headers.get("content-length", "")
    length = int(declared) if declared.isascii() and declared.isdigit() else None
    lines.append(b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length)
    return Outgoing(_head(lines), b"", stream, length, method == "HEAD")


def _head(lines: list[bytes]) -> bytes:
    lines += (b"", b"")
    head = b"\r\n".join(lines)
    # One look at the whole: a line break that we did not put there would begin a field of somebody else's making.
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head or lines[0].count(b" ") != 2:
        raise httpx.LocalProtocolError("a request's method, path and header fields cannot hold control characters")
    return head


@functools.lru_cache(maxsize=1024)
def _is_callers(name: bytes) -> bool:
    if not _TOKEN.fullmatch(name):
        raise httpx.LocalProtocolError("a header's name holds characters that no name can have")
    return name.lower() not in _OURS


async def _exchange(connection: Connection, outgoing: Outgoing, deadlines: Deadlines) -> UpstreamStream:
    if connection.transport.is_closing():  # it broke between being made and being used
        raise httpx.ReadError("the upstream closed the connection at once")
    stream = connection.begin(deadlines, bodiless=outgoing.bodiless)
    try:
        connection.send(outgoing.head, outgoing.body)
        if outgoing.rest is not None:
            await _send_rest(connection, stream, outgoing.rest, outgoing.length)
        await stream.head()
    except BaseException:
        stream.abort(httpx.ReadError("the request was abandoned"))
        raise
    return stream


async def _send_rest(
    connection: Connection, stream: UpstreamStream, rest: httpx.AsyncByteStream, length: int | None
) -> None:
    connection.sending = True
    sent = 0
    async for chunk in rest:
        while connection.write_paused and not stream.over and not stream.status:
            await stream.wait(connection)
        if stream.over or stream.status:
            return  # answered or broken before all was sent: the response, if any, says why
        sent += len(chunk)
        connection.expect(stream.deadlines.head)
        if length is None:
            connection.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunk else b"")
        elif sent <= length:
            connection.transport.write(chunk)
    if length is None:
        connection.transport.write(b"0\r\n\r\n")
    elif sent != length:
        raise httpx.LocalProtocolError("a request's body is not of the length that it declares")
    connection.sending = False


def _response(stream: UpstreamStream, *, connect_us: int, reused: bool) -> httpx.Response:
    extensions = {"connect_us": connect_us, "reused": reused}
    return httpx.Response(stream.status, headers=stream.headers, stream=stream, extensions=extensions)


async def _open_socket(
    loop: asyncio.AbstractEventLoop, family: int, address: tuple[str | int | bytes, ...]
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Before connecting, as the window's scale is agreed on then.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _reason(error: OSError) -> str:
    """Why a connection failed, without the host."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the upstream's certificate was not accepted: {error.verify_message.partition(',')[0]}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection: {error.reason or 'the handshake failed'}"
    if isinstance(error, socket.gaierror):
        return "the upstream's host name was not found"
    return f"no connection: {os.strerror(error.errno) if error.errno else 'it was closed at once'}"
