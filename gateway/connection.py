"""One HTTP/1.1 connection to an upstream: framing, limits and deadlines of the response that is on it.

Connecting, reuse and the bytes of requests live in `transport`; nothing here knows about models or protocols.
"""

import asyncio
import math
from collections import deque
from typing import Final, Protocol, cast

import httpx
from httptools import HttpParserError, HttpResponseParser
from msgspec import Struct

from gateway.deadline import Deadline

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEAD_FIELDS: Final = 200
READ_AHEAD: Final = 256 * 1024

_FRAMING_FIELDS: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class Deadlines(Struct, frozen=True, gc=False):
    """How long each phase of a request may take, in seconds."""

    connect: float = 5.0
    write: float = 60.0
    """Without the upstream taking any more of the request."""
    head: float = 300.0
    """From the request being sent to the end of the response's head."""
    idle: float = 60.0
    """Between bytes of the response while somebody waits for them."""
    total: float = 1800.0


class AbortableStream(httpx.AsyncByteStream):
    """A response body that others than its reader may cut."""

    def abort(self, error: BaseException) -> None:
        """Close the socket at once; a pending or later read raises the error."""
        raise NotImplementedError


class UpstreamStream(AbortableStream):
    """A response's body, chunk by chunk as the network gave it. For one reader, who must end with `aclose`.

    A read that is cancelled closes the socket, as leaving before the end does.
    """

    def __init__(self, connection: "Connection", deadlines: Deadlines) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.deadlines = deadlines
        self.buffered = 0
        """Bytes that have arrived and are not yet read."""
        self._connection: Connection | None = connection  # none from the moment the response is over, however it ended
        self._chunks: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._paused = False

    @property
    def over(self) -> bool:
        """Nothing more will arrive."""
        return self._connection is None

    @property
    def waiting(self) -> bool:
        return self._waiter is not None

    @property
    def ended(self) -> bool:
        """The whole body has arrived and been read."""
        return self._connection is None and self._error is None and not self._chunks

    def __aiter__(self) -> "UpstreamStream":
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            connection = self._connection
            if connection is None:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            connection.expect(self.deadlines.idle)
            await self.wait(connection)
        chunk = self._chunks.popleft()
        self.buffered -= len(chunk)
        if self._paused:
            self._resume()
        return chunk

    def take(self) -> bytes:
        """Everything that has arrived and is not yet read, without waiting; empty if there is nothing."""
        chunks = self._chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self.buffered = 0
        if self._paused:
            self._resume()
        return data

    def abort(self, error: BaseException) -> None:
        connection = self._connection
        self._chunks.clear()
        self.buffered = 0
        self.fail(error)
        if connection is not None:
            connection.close()

    async def aclose(self) -> None:
        if self._connection is not None:
            self.abort(httpx.ReadError("the response was closed before its end"))

    async def head(self) -> None:
        """Wait for the response's head."""
        while self.status == 0:
            if self._connection is None:
                raise self._error or httpx.ReadError("the response was closed")
            await self.wait(self._connection)

    async def wait(self, connection: "Connection") -> None:
        """Wait until anything happens."""
        self._waiter = connection.loop.create_future()
        try:
            await self._waiter
        except BaseException:
            self.abort(httpx.ReadError("reading was cancelled"))
            raise
        finally:
            self._waiter = None

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self.buffered += len(chunk)
        if self.buffered > READ_AHEAD and not self._paused and self._connection is not None:
            self._paused = True
            self._connection.transport.pause_reading()
        self.wake()

    def finish(self) -> None:
        """The body has arrived to its end; the connection is no longer this stream's."""
        if self._paused and self._connection is not None:
            self._connection.transport.resume_reading()
        self._connection = None
        self.wake()

    def fail(self, error: BaseException) -> None:
        """There will be no more; what has arrived can still be read."""
        self._connection = None
        self._error = error
        self.wake()

    def _resume(self) -> None:
        if self._connection is not None and self.buffered <= READ_AHEAD // 2:
            self._paused = False
            self._connection.transport.resume_reading()


class Owner(Protocol):
    """Who keeps connections between requests."""

    idle_expiry: float

    def opened(self, connection: "Connection") -> None: ...

    def freed(self, connection: "Connection") -> None:
        """Its response has ended well; it can carry another."""

    def lost(self, connection: "Connection") -> None:
        """It must not be used again. May be told more than once."""


class Connection(asyncio.Protocol):
    """A connection that carries one request at a time."""

    transport: asyncio.Transport

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.sending = False
        """A request body of unknown end is still being sent."""
        self.answered = False
        """Any byte of a response has come since the request began."""
        self.write_paused = False
        self._owner = owner
        self._stream: UpstreamStream | None = None
        self._parts: list[bytes] = []
        self.on_body = self._parts.append  # the parser calls the list itself: no Python frame for a chunk
        self._parser = HttpResponseParser(self)
        self._reset(bodiless=False)
        self._deadline = Deadline(loop, self._late)
        self._end = math.inf
        self._unsent: float = math.inf

    def _reset(self, *, bodiless: bool) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._bodiless = bodiless
        self._interim = self._headed = self._complete = self._until_close = False
        self._keep_alive = True
        self._overhead = 0  # bytes since the last ones that were body: a head, chunk extensions, trailers

    def begin(self, deadlines: Deadlines, *, bodiless: bool) -> UpstreamStream:
        """Start a request; the response to it will be in the stream. `bodiless` is for HEAD."""
        self._reset(bodiless=bodiless)
        self.answered = False
        stream = self._stream = UpstreamStream(self, deadlines)
        self._end = self.loop.time() + deadlines.total
        self.expect(deadlines.head)
        return stream

    def send(self, head: bytes, body: bytes) -> None:
        if len(body) > READ_AHEAD // 8:
            self.transport.write(head)
            self.transport.write(body)
        else:
            self.transport.write(head + body)

    def expect(self, seconds: float) -> None:
        """Something must happen within so many seconds from now."""
        self._deadline.set(min(self.loop.time() + seconds, self._end))

    def close(self) -> None:
        """Close the socket at once. Whoever waits for a response must have been told before."""
        self._stream = None
        self._owner.lost(self)
        self.transport.abort()

    def fail(self, error: BaseException) -> None:
        """End the response, if one is under way, with an error and close."""
        stream = self._stream
        self.close()
        if stream is not None:
            stream.fail(error)

    # --- deadlines -------------------------------------------------------------------------------------------------

    def _late(self) -> None:
        if self._stream is None:
            self.close()
        else:
            self._overdue(self._stream, self.loop.time())

    def _overdue(self, stream: UpstreamStream, now: float) -> None:
        deadlines = stream.deadlines
        if now >= self._end:
            self.fail(httpx.ReadTimeout(f"the response did not end within {deadlines.total:g} s"))
        elif self.write_paused:
            self._check_writing(deadlines)
        elif not self._headed:
            self.fail(httpx.ReadTimeout(f"no response within {deadlines.head:g} s"))
        elif stream.waiting:
            self.fail(httpx.ReadTimeout(f"the response stood still for {deadlines.idle:g} s"))
        else:
            self.expect(deadlines.idle)  # it is the reader who is slow

    def _check_writing(self, deadlines: Deadlines) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent:
            self.fail(httpx.WriteTimeout(f"the upstream did not take the request for {deadlines.write:g} s"))
        else:
            self._unsent = unsent
            self.expect(deadlines.write)

    # --- called by the event loop ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one without being a subclass
        self._owner.opened(self)

    def pause_writing(self) -> None:
        self.write_paused = True
        self._unsent = self.transport.get_write_buffer_size()
        if self._stream is not None:
            self.expect(self._stream.deadlines.write)

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._stream is not None:
            self.expect(self._stream.deadlines.head)
            self._stream.wake()

    def data_received(self, data: bytes) -> None:
        stream = self._stream
        if stream is None:
            self.close()  # nothing was asked
            return
        self.answered = True
        self._overhead += len(data)
        fault = self._parse(data)
        if self._parts:
            self._pass_on(stream)
        elif self._overhead > MAX_HEAD_BYTES and not (fault or self._complete):
            fault = httpx.RemoteProtocolError("the response has too many bytes that are not its body")
        elif self._headed and stream.waiting:
            self.expect(stream.deadlines.idle)
        if self._complete:
            self._finish(stream, reusable=fault is None)
        elif fault is not None:
            self.fail(fault)
        elif self._headed and stream.waiting:
            stream.wake()

    def eof_received(self) -> None:
        stream = self._stream
        if stream is None:
            self.close()
        elif self._headed and self._until_close:
            self._finish(stream, reusable=False)
        else:
            where = "in the middle of the response" if self.answered else "without a response"
            self.fail(httpx.RemoteProtocolError(f"the upstream closed the connection {where}"))

    def connection_lost(self, exc: Exception | None) -> None:
        stream, self._stream = self._stream, None
        self._owner.lost(self)
        self._deadline.close()
        if stream is not None:
            error = httpx.WriteError if self.write_paused else httpx.ReadError
            stream.fail(error("the connection to the upstream broke"))
        del self._parser  # it refers back to this object

    # --- the response ----------------------------------------------------------------------------------------------

    def _parse(self, data: bytes) -> httpx.RemoteProtocolError | None:
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            ours = error.__context__
            if isinstance(ours, httpx.RemoteProtocolError):
                return ours
            return httpx.RemoteProtocolError(f"not a valid HTTP response: {error}")
        return None

    def _pass_on(self, stream: UpstreamStream) -> None:
        parts = self._parts
        chunk = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._overhead = 0
        if not self._bodiless:
            stream.feed(chunk)

    def _finish(self, stream: UpstreamStream, *, reusable: bool) -> None:
        self._stream = None
        stream.finish()
        if reusable and self._keep_alive and not self.sending and self.transport.get_write_buffer_size() == 0:
            self._end = math.inf
            self.expect(self._owner.idle_expiry)
            self._owner.freed(self)
        else:
            self.close()

    # --- called by the parser --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            raise httpx.RemoteProtocolError("more than one response came")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        headers, self._headers = self._headers, []
        self._check_size(headers)
        status = self._parser.get_status_code()
        if not 100 <= status <= 599 or status == 101:
            raise httpx.RemoteProtocolError(f"a response of status {status} was not asked for")
        self._interim = status < 200
        if self._interim or self._stream is None:
            return
        self._keep_alive = self._parser.should_keep_alive()
        self._until_close = not self._has_framing(headers)
        self._stream.headers = headers
        self._stream.status = status
        self._headed = True
        self._overhead = 0
        if self._bodiless:
            self._complete, self._keep_alive = True, False  # the parser cannot be told to expect no body

    def on_message_complete(self) -> None:
        self._complete = not self._interim

    def _check_size(self, headers: list[tuple[bytes, bytes]]) -> None:
        if len(headers) > MAX_HEAD_FIELDS:
            raise httpx.RemoteProtocolError(f"the response has more than {MAX_HEAD_FIELDS} header fields")
        # Only a long first read needs the exact sum: it may hold some of the body as well.
        if self._overhead > MAX_HEAD_BYTES and sum(len(n) + len(v) + 4 for n, v in headers) > MAX_HEAD_BYTES:
            raise httpx.RemoteProtocolError(f"the response's head is larger than {MAX_HEAD_BYTES} bytes")

    def _has_framing(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether the response says where its body ends; refuses what could be read in two ways."""
        chunked = sized = False
        for name, value in headers:
            lowered = name.lower()
            if lowered not in _FRAMING_FIELDS:
                continue
            coding = value.strip().lower()
            if lowered == b"content-length":
                sized = True
            elif lowered == b"content-encoding":
                if coding not in (b"", b"identity"):
                    shown = ascii(coding[:40].decode("latin-1"))
                    raise httpx.RemoteProtocolError(f"the response came in Content-Encoding {shown}, not asked for")
            elif chunked or coding != b"chunked" or self._parser.get_http_version() != "1.1":
                raise httpx.RemoteProtocolError("the response's Transfer-Encoding is not plain chunked")
            else:
                chunked = True
        return chunked or sized
