"""One response on one connection: framing, faults, limits, deadlines, cuts. On asyncio's loop and on uvloop."""

import asyncio
from typing import Protocol

import httpx
import pytest

from gateway.connection import MAX_HEAD_BYTES, READ_AHEAD, UpstreamStream
from gateway.transport import UpstreamTransport

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Peer(Protocol):
    async def request(self) -> bytes: ...
    async def send(self, data: bytes) -> None: ...
    def reset(self) -> None: ...
    async def gone(self) -> None: ...


def answering(*answers: bytes, then_close: bool = False):
    """A script that gives one answer to each request on a connection."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(answer)
        if not then_close:
            await peer.gone()

    return script


def pieces(*parts: bytes, pause: float = 0.01):
    """A script that gives one answer in parts, far enough from each other to arrive alone."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)
            await asyncio.sleep(pause)
        await peer.gone()

    return script


async def stream_of(transport: UpstreamTransport, request: httpx.Request) -> UpstreamStream:
    stream = (await transport.handle_async_request(request)).stream
    assert isinstance(stream, UpstreamStream)
    return stream


async def body_of(transport: UpstreamTransport, request: httpx.Request) -> bytes:
    return await (await transport.handle_async_request(request)).aread()


@pytest.mark.parametrize(
    "answer",
    [
        HELLO,
        OK + b"Content-Length: 5\r\nContent-Encoding: identity\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"2\r\nhe\r\n3;extension=1\r\nllo\r\n0\r\nTrailer: ignored\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + HELLO,
    ],
)
async def test_every_sound_framing_gives_its_body_and_keeps_the_connection(serve, transport, answer):
    upstream = await serve(answering(answer, answer))
    for _ in range(2):
        response = await transport.handle_async_request(upstream.request())
        assert (response.status_code, await response.aread()) == (200, b"hello")
    assert upstream.connections == transport.idle_connections == 1


@pytest.mark.parametrize("answer", [HELLO, CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n"])
async def test_an_answer_that_comes_byte_by_byte_is_read_like_any_other(serve, transport, answer):
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer
    upstream = await serve(pieces(*(answer[i : i + 1] for i in range(len(answer))), pause=0))
    response = await transport.handle_async_request(upstream.request())
    assert response.headers.get("Link") is None
    assert await response.aread() == b"hello"


async def test_a_chunked_body_may_be_split_at_any_place(serve, transport):
    answer = CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n"
    upstream = await serve(*(pieces(answer[:at], answer[at:], pause=0.001) for at in range(1, len(answer))))
    for _ in range(len(answer) - 1):
        stream = await stream_of(transport, upstream.request())
        assert b"".join([chunk async for chunk in stream]) == b"hello"
        await transport.aclose()


@pytest.mark.parametrize("head", [OK + b"\r\n", b"HTTP/1.0 200 OK\r\n\r\n", OK + b"Connection: close\r\n\r\n"])
async def test_a_body_without_a_length_ends_where_the_connection_ends(serve, transport, head):
    upstream = await serve(answering(head + b"hello", then_close=True))
    assert await body_of(transport, upstream.request()) == b"hello"
    assert transport.open_connections == 0


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n"]
)
async def test_a_status_without_a_body_leaves_the_connection_usable(serve, transport, answer):
    upstream = await serve(answering(answer, HELLO))
    assert await body_of(transport, upstream.request()) == b""
    assert await body_of(transport, upstream.request()) == b"hello"
    assert upstream.connections == 1


async def test_the_answer_to_head_has_no_body_whatever_it_declares(serve, transport):
    upstream = await serve(answering(OK + b"Content-Length: 500\r\n\r\n"))
    assert await body_of(transport, upstream.request(b"", "HEAD")) == b""
    await upstream.emptied()


async def test_a_redirect_is_an_answer_like_any_other(serve, transport):
    upstream = await serve(answering(b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n"))
    response = await transport.handle_async_request(upstream.request())
    assert (response.status_code, response.headers["Location"]) == (302, "http://x/")
    await response.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/2.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 999 Strange\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        OK + b"Content-Length: 5, 5\r\n\r\nhello",
        OK + b"Content-Length: -5\r\n\r\nhello",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"X: folded\r\n  line\r\n\r\n",
        OK + b"X : space\r\n\r\n",
        OK + b"X: nul\0\r\n\r\n",
        OK + b"X: bare\rreturn\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
        OK + b"X: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        OK + b"X: y\r\n" * 201 + b"\r\n",
        b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 3000,
    ],
)
async def test_a_head_that_is_not_sound_is_refused_and_the_connection_closed(serve, transport, answer):
    upstream = await serve(answering(answer))
    with pytest.raises(httpx.RemoteProtocolError):
        await transport.handle_async_request(upstream.request())
    await upstream.emptied()
    assert transport.open_connections == 0


async def test_a_coded_answer_is_refused_by_the_name_of_its_coding(serve, transport):
    upstream = await serve(answering(OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"))
    with pytest.raises(httpx.RemoteProtocolError, match="Content-Encoding 'br'"):
        await transport.handle_async_request(upstream.request())


@pytest.mark.parametrize("size", [1000, 60_000])
async def test_a_head_without_end_is_given_up_at_its_limit(serve, transport, size):
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"X: ")
        while True:
            await peer.send(b"x" * size)

    upstream = await serve(script)
    with pytest.raises(httpx.RemoteProtocolError):
        await transport.handle_async_request(upstream.request())
    await upstream.emptied()


async def test_a_head_at_its_limits_passes_together_with_a_long_body(serve, transport):
    fields = b"".join(b"X-%03d: %b\r\n" % (i, b"x" * 300) for i in range(199))
    body = b"y" * 300_000
    upstream = await serve(answering(OK + fields + b"Content-Length: 300000\r\n\r\n" + body))
    response = await transport.handle_async_request(upstream.request())
    assert (len(response.headers), await response.aread()) == (200, body)


@pytest.mark.parametrize(
    "body",
    [b"xyz\r\n", b"-1\r\n", b"5\r\nhelloXX", b"5\nhello\n", b"ffffffffffffffffff\r\n", b"0\r\nX: " + b"x" * 600_000],
)
async def test_a_broken_chunked_body_ends_in_an_error_never_cleanly(serve, transport, body):
    upstream = await serve(answering(CHUNKED + body))
    stream = await stream_of(transport, upstream.request())
    with pytest.raises(httpx.RemoteProtocolError):
        [chunk async for chunk in stream]
    assert not stream.ended
    await upstream.emptied()


@pytest.mark.parametrize("answer", [OK + b"Content-Length: 9\r\n\r\nhello", CHUNKED + b"5\r\nhello\r\n"])
async def test_what_came_before_a_premature_end_is_given_and_then_an_error(serve, transport, answer):
    upstream = await serve(answering(answer, then_close=True))
    stream = await stream_of(transport, upstream.request())
    assert await anext(stream) == b"hello"
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError, match="in the middle"):
            await anext(stream)


async def test_a_reset_in_the_middle_of_a_body_is_a_read_error(serve, transport):
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nhello\r\n")
        await asyncio.sleep(0.05)
        peer.reset()

    upstream = await serve(script)
    stream = await stream_of(transport, upstream.request())
    with pytest.raises(httpx.ReadError):
        [chunk async for chunk in stream]
    assert transport.open_connections == 0


@pytest.mark.parametrize("surplus", [b"x", HELLO, b"\0" * 70_000])
async def test_bytes_after_the_answer_spoil_the_connection_but_not_the_answer(serve, transport, surplus):
    upstream = await serve(answering(HELLO + surplus))
    assert await body_of(transport, upstream.request()) == b"hello"
    assert transport.idle_connections == 0
    await upstream.emptied()


async def test_bytes_that_arrive_on_an_idle_connection_close_it(serve, transport):
    upstream = await serve(pieces(HELLO, HELLO, pause=0.03))
    assert await body_of(transport, upstream.request()) == b"hello"
    await upstream.emptied()
    assert transport.open_connections == 0


async def test_all_bytes_of_one_arrival_come_as_one_chunk(serve, transport):
    upstream = await serve(pieces(CHUNKED, b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n", b"1\r\nd\r\n0\r\n\r\n", pause=0.05))
    stream = await stream_of(transport, upstream.request())
    assert [chunk async for chunk in stream] == [b"abc", b"d"]


async def test_taking_gives_what_has_arrived_without_waiting_for_more(serve, transport):
    upstream = await serve(pieces(CHUNKED, b"5\r\nhello\r\n", b"1\r\n!\r\n0\r\n\r\n", pause=0.05))
    stream = await stream_of(transport, upstream.request())
    assert stream.take() == b""
    assert await anext(stream) == b"hello"
    assert not stream.ended
    await upstream_end(stream)
    assert stream.take() == b"!"
    assert stream.ended


async def upstream_end(stream: UpstreamStream) -> None:
    async with asyncio.timeout(10):
        while not stream.over:  # noqa: ASYNC110  # nothing tells; that is what is tested
            await asyncio.sleep(0.002)


async def test_a_slow_reader_holds_no_more_than_the_read_ahead_and_one_read(serve, transport):
    size = 8 * 1024 * 1024
    upstream = await serve(answering(OK + b"Content-Length: %d\r\n\r\n" % size + b"x" * size, HELLO))
    stream = await stream_of(transport, upstream.request())
    most = read = 0
    async for chunk in stream:
        most = max(most, stream.buffered + len(chunk))
        read += len(chunk)
        await asyncio.sleep(0.001)
    assert read == size
    assert most <= READ_AHEAD + 256 * 1024
    assert await body_of(transport, upstream.request()) == b"hello"
    assert upstream.connections == 1


async def test_a_body_that_was_left_unread_past_the_read_ahead_is_still_whole(serve, transport):
    size = READ_AHEAD * 4
    upstream = await serve(answering(OK + b"Content-Length: %d\r\n\r\n" % size + b"x" * size))
    stream = await stream_of(transport, upstream.request())
    async with asyncio.timeout(10):
        while stream.buffered <= READ_AHEAD:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.002)
    taken = len(stream.take())
    assert taken + sum([len(chunk) async for chunk in stream]) == size


async def test_an_answer_that_nobody_has_read_yet_does_not_hold_its_connection(serve, transport):
    size = READ_AHEAD + 40_000
    upstream = await serve(answering(OK + b"Content-Length: %d\r\n\r\n" % size + b"x" * size, HELLO))
    unread = await stream_of(transport, upstream.request())
    await upstream_end(unread)
    assert await body_of(transport, upstream.request()) == b"hello"
    assert len(unread.take()) == size
    assert upstream.connections == 1


# --- deadlines --------------------------------------------------------------------------------------------------------


async def test_an_upstream_that_sends_no_head_is_given_up(serve, transport):
    upstream = await serve(pieces())
    with pytest.raises(httpx.ReadTimeout, match="no response within"):
        await transport.handle_async_request(upstream.request(head=0.05))
    await upstream.emptied()


async def test_a_body_that_stands_still_is_given_up_after_what_came(serve, transport):
    upstream = await serve(pieces(CHUNKED + b"5\r\nhello\r\n"))
    stream = await stream_of(transport, upstream.request(idle=0.05))
    assert await anext(stream) == b"hello"
    with pytest.raises(httpx.ReadTimeout, match="stood still"):
        await anext(stream)
    await upstream.emptied()


async def test_a_reader_who_is_slow_is_not_taken_for_an_idle_upstream(serve, transport):
    upstream = await serve(pieces(CHUNKED + b"5\r\nhello\r\n", b"0\r\n\r\n", pause=0.3))
    stream = await stream_of(transport, upstream.request(head=0.1, idle=0.1))
    await asyncio.sleep(0.4)
    assert [chunk async for chunk in stream] == [b"hello"]


async def test_an_endless_body_is_ended_by_the_total_limit(serve, transport):
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        while True:
            await peer.send(b"5\r\nhello\r\n")
            await asyncio.sleep(0.01)

    upstream = await serve(script)
    stream = await stream_of(transport, upstream.request(total=0.2))
    with pytest.raises(httpx.ReadTimeout, match="did not end"):
        [chunk async for chunk in stream]
    await upstream.emptied()


async def test_an_upstream_that_takes_no_more_of_the_request_is_given_up(serve, transport):
    async def script(peer: Peer) -> None:
        await asyncio.sleep(1.5)

    upstream = await serve(script)
    with pytest.raises(httpx.WriteTimeout):
        await transport.handle_async_request(upstream.request(b"x" * 32_000_000, write=0.3))
    assert transport.open_connections == 0


async def test_httpx_own_read_timeout_stands_for_head_and_idle(serve, transport):
    upstream = await serve(pieces(), pieces(CHUNKED))
    with pytest.raises(httpx.ReadTimeout):
        await transport.handle_async_request(upstream.request(read=0.05))
    stream = await stream_of(transport, upstream.request(read=0.05))
    with pytest.raises(httpx.ReadTimeout):
        await anext(stream)


async def test_a_limit_of_none_is_no_limit(serve, transport):
    upstream = await serve(answering(HELLO))
    request = upstream.request(connect=None, write=None, head=None, idle=None, total=None)
    assert await body_of(transport, request) == b"hello"


# --- cuts -------------------------------------------------------------------------------------------------------------


class Cut(Exception):
    pass


async def test_aborting_ends_a_read_under_way_with_the_given_error(serve, transport):
    upstream = await serve(pieces(CHUNKED))
    stream = await stream_of(transport, upstream.request())
    asyncio.get_running_loop().call_later(0.02, stream.abort, Cut("by the operator"))
    for _ in range(2):
        with pytest.raises(Cut, match="by the operator"):
            await anext(stream)
    await upstream.emptied()


async def test_aborting_drops_what_is_not_yet_read(serve, transport):
    upstream = await serve(answering(HELLO))
    stream = await stream_of(transport, upstream.request())
    await upstream_end(stream)
    stream.abort(Cut())
    assert stream.take() == b""
    with pytest.raises(Cut):
        await anext(stream)


async def test_aborting_after_the_end_leaves_the_next_request_on_the_connection_alone(serve, transport):
    upstream = await serve(answering(HELLO, HELLO))
    first = await stream_of(transport, upstream.request())
    assert [chunk async for chunk in first] == [b"hello"]
    second = asyncio.create_task(body_of(transport, upstream.request()))
    await asyncio.sleep(0)
    first.abort(Cut())
    await first.aclose()
    assert await second == b"hello"
    assert upstream.connections == 1


async def test_closing_before_the_end_closes_the_socket_at_once(serve, transport):
    upstream = await serve(pieces(CHUNKED + b"5\r\nhello\r\n"))
    stream = await stream_of(transport, upstream.request())
    await anext(stream)
    await stream.aclose()
    assert transport.open_connections == 0
    await upstream.emptied()


@pytest.mark.parametrize("after", [0.0, 0.001, 0.03])
async def test_a_cancelled_wait_for_the_head_closes_the_socket(serve, transport, after):
    upstream = await serve(pieces(OK), answering(HELLO))
    task = asyncio.create_task(transport.handle_async_request(upstream.request()))
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.emptied()
    assert transport.open_connections == 0


async def test_a_cancelled_read_closes_the_socket_and_the_next_request_works(serve, transport):
    upstream = await serve(pieces(CHUNKED + b"5\r\nhello\r\n"), answering(HELLO))
    stream = await stream_of(transport, upstream.request())
    assert await anext(stream) == b"hello"
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.02)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await upstream.emptied()
    assert await body_of(transport, upstream.request()) == b"hello"


async def test_a_cancel_that_meets_the_answer_in_one_tick_is_not_lost(serve, transport):
    upstream = await serve(answering(*[HELLO] * 50))
    cancelled = 0
    for _ in range(50):
        task = asyncio.create_task(transport.handle_async_request(upstream.request()))
        while transport.idle_connections == 0 and not task.done():  # until the answer has come, before the task sees it
            await asyncio.sleep(0)
            if transport.idle_connections:
                cancelled += task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled() or task.exception() is None
        assert transport.open_connections == transport.idle_connections
    assert cancelled
