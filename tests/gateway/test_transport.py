"""Connecting, reuse, and requests as bytes of the client to upstreams. On asyncio's loop and on uvloop."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from typing import Protocol

import httpx
import pytest

from gateway.transport import UpstreamTransport

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Peer(Protocol):
    async def request(self) -> bytes: ...
    async def send(self, data: bytes) -> None: ...
    def reset(self) -> None: ...
    async def gone(self) -> None: ...


async def hello(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(HELLO)


async def hello_once(peer: Peer) -> None:
    await peer.request()
    await peer.send(HELLO)


async def hello_then_close_on_the_next(peer: Peer) -> None:
    await hello_once(peer)
    await peer.request()


async def hello_then_reset_on_the_next(peer: Peer) -> None:
    await hello_then_close_on_the_next(peer)
    peer.reset()


async def hello_then_half_a_head(peer: Peer) -> None:
    await hello_then_close_on_the_next(peer)
    await peer.send(b"HTTP/1.1 200")


async def reset_at_once(peer: Peer) -> None:
    peer.reset()


async def close_at_once(peer: Peer) -> None:
    await peer.request()


async def close_before_reading(peer: Peer) -> None:
    pass


async def silent(peer: Peer) -> None:
    await peer.gone()


async def echo(peer: Peer) -> None:
    """Answers with the request as it came."""
    while True:
        request = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request), request))


async def fetch(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> bytes:
    return await (await transport.handle_async_request(request)).aread()


# --- reuse ------------------------------------------------------------------------------------------------------------


async def test_a_thousand_requests_in_a_row_use_one_connection(serve, transport):
    upstream = await serve(hello)
    for turn in range(1000):
        response = await transport.handle_async_request(upstream.request())
        assert response.extensions["reused"] is (turn > 0)
        assert (response.extensions["connect_us"] > 0) is (turn == 0)
        assert await response.aread() == b"hello"
    assert upstream.connections == transport.open_connections == transport.idle_connections == 1


async def test_a_hundred_requests_at_once_each_get_their_own_answer(serve, transport):
    upstream = await serve(echo)
    for _ in range(2):
        bodies = [b"%d" % turn for turn in range(100)]
        answers = await asyncio.gather(*(fetch(transport, upstream.request(body)) for body in bodies))
        assert [answer.rpartition(b"\r\n")[2] for answer in answers] == bodies
    assert upstream.connections == transport.idle_connections == 100


async def test_the_connection_that_was_used_last_is_taken_first(serve, transport):
    async def told(peer: Peer) -> None:
        place = upstream.connections
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % place)

    upstream = await serve(told)
    await asyncio.gather(*(fetch(transport, upstream.request()) for _ in range(5)))
    last = {await fetch(transport, upstream.request()) for _ in range(20)}
    assert (upstream.connections, len(last)) == (5, 1)


async def test_origins_do_not_share_connections_but_paths_do(serve, transport):
    one, other = await serve(hello), await serve(hello)
    for upstream in (one, other, one, other):
        assert await fetch(transport, upstream.request()) == b"hello"
    assert await fetch(transport, httpx.Request("GET", f"http://127.0.0.1:{one.port}/other?x=1")) == b"hello"
    assert (one.connections, other.connections) == (1, 1)


async def test_an_idle_connection_is_closed_after_its_time(serve):
    transport = UpstreamTransport(idle_expiry=0.05)
    upstream = await serve(hello)
    assert await fetch(transport, upstream.request()) == b"hello"
    await upstream.emptied()
    assert transport.open_connections == transport.idle_connections == 0


async def test_a_connection_that_the_upstream_closed_while_idle_is_not_used(serve, transport):
    upstream = await serve(hello_once)
    for _ in range(3):
        assert await fetch(transport, upstream.request()) == b"hello"
        await upstream.emptied()
        await asyncio.sleep(0.02)
        assert transport.idle_connections == 0


@pytest.mark.parametrize("stale", [hello_once, hello_then_close_on_the_next, hello_then_reset_on_the_next])
async def test_a_request_that_met_a_stale_connection_is_sent_again_unseen(serve, transport, stale):
    upstream = await serve(stale, hello)
    assert await fetch(transport, upstream.request()) == b"hello"
    response = await transport.handle_async_request(upstream.request())
    assert not response.extensions["reused"]
    assert await response.aread() == b"hello"
    assert upstream.connections == 2


async def test_a_request_is_not_sent_again_once_any_byte_has_come(serve, transport):
    upstream = await serve(hello_then_half_a_head, hello)
    assert await fetch(transport, upstream.request()) == b"hello"
    with pytest.raises(httpx.RemoteProtocolError, match="in the middle"):
        await fetch(transport, upstream.request())
    assert upstream.connections == 1


async def test_a_request_is_sent_again_only_once(serve, transport):
    upstream = await serve(hello_then_close_on_the_next, close_at_once)
    assert await fetch(transport, upstream.request()) == b"hello"
    with pytest.raises(httpx.RemoteProtocolError, match="without a response"):
        await fetch(transport, upstream.request())
    assert upstream.connections == 2


async def test_a_fresh_connection_that_closes_is_an_error_at_once(serve, transport):
    upstream = await serve(close_at_once)
    with pytest.raises(httpx.RemoteProtocolError):
        await fetch(transport, upstream.request())
    assert upstream.connections == 1


async def test_closing_the_transport_ends_everything_that_is_open(serve):
    transport = UpstreamTransport()
    upstream = await serve(hello, silent)
    idle = await transport.handle_async_request(upstream.request())
    assert await idle.aread() == b"hello"
    first = asyncio.create_task(fetch(transport, upstream.request()))
    second = asyncio.create_task(fetch(transport, httpx.Request("GET", upstream.url)))
    await asyncio.sleep(0.05)
    await transport.aclose()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert sum(isinstance(outcome, httpx.ReadError) for outcome in outcomes) == 1
    await upstream.emptied()


# --- connecting -------------------------------------------------------------------------------------------------------


async def test_a_refused_connection_is_told_without_the_host(transport):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}/?key=secret"
        with pytest.raises(httpx.ConnectError) as caught:
            await fetch(transport, httpx.Request("GET", url))
    assert str(caught.value) == "no connection: Connection refused"


async def test_a_name_that_does_not_resolve_is_a_connect_error(transport):
    with pytest.raises(httpx.ConnectError, match="host name was not found"):
        await fetch(transport, httpx.Request("GET", "http://nowhere.invalid/"))


@pytest.mark.parametrize("url", ["ftp://host/", "/path-only", "unix:///run/x"])
async def test_only_http_and_https_addresses_are_reached(transport, url):
    with pytest.raises(httpx.UnsupportedProtocol):
        await fetch(transport, httpx.Request("GET", url))


async def test_a_connection_that_ended_before_the_request_began_is_an_error_at_once(serve):
    class Dawdling(UpstreamTransport):
        async def _connect(self, origin, limit):
            connection = await super()._connect(origin, limit)
            await asyncio.sleep(0.05)
            return connection

    upstream = await serve(close_before_reading)
    with pytest.raises(httpx.ReadError):
        await fetch(Dawdling(), upstream.request())


async def test_a_reset_right_after_accepting_is_a_read_error(serve, transport):
    upstream = await serve(reset_at_once)
    with pytest.raises((httpx.ReadError, httpx.ConnectError)):
        await fetch(transport, upstream.request())
    assert transport.open_connections == 0


@pytest.fixture
def deaf_port():
    """A port whose queue is full: connecting to it neither works nor fails."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_connecting_is_given_up_at_its_limit(transport, deaf_port):
    request = httpx.Request("GET", f"http://127.0.0.1:{deaf_port}/", extensions={"timeout": {"connect": 0.05}})
    with pytest.raises(httpx.ConnectTimeout):
        await fetch(transport, request)
    assert transport.open_connections == 0


@pytest.mark.parametrize("after", [0.0, 0.05])
async def test_connecting_can_be_cancelled_without_a_trace(serve, transport, deaf_port, after):
    task = asyncio.create_task(fetch(transport, httpx.Request("GET", f"http://127.0.0.1:{deaf_port}/")))
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert transport.open_connections == 0
    assert await fetch(transport, (await serve(hello)).request()) == b"hello"


@pytest.mark.parametrize("ticks", range(16))
async def test_a_request_cancelled_after_any_number_of_ticks_leaks_nothing(serve, transport, ticks):
    upstream = await serve(hello)
    task = asyncio.create_task(fetch(transport, upstream.request()))
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert transport.open_connections == transport.idle_connections
    assert await fetch(transport, upstream.request()) == b"hello"
    assert transport.open_connections == transport.idle_connections == 1
    await upstream.emptied(but=1)


async def test_no_answer_reaches_another_request_while_many_are_cancelled(serve, transport):
    upstream = await serve(echo)
    chance = random.Random(7)

    async def ask(nonce: bytes) -> None:
        assert (await fetch(transport, upstream.request(nonce))).endswith(b"\r\n\r\n" + nonce)

    for turn in range(40):
        tasks = [asyncio.create_task(ask(b"%d-%d" % (turn, place))) for place in range(20)]
        for task in tasks:
            await asyncio.sleep(0)
            if chance.random() < 0.5:
                asyncio.get_running_loop().call_later(chance.random() / 100, task.cancel)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert transport.open_connections == transport.idle_connections


# --- requests ---------------------------------------------------------------------------------------------------------


async def test_a_request_goes_out_with_our_framing_and_the_callers_fields(serve, transport):
    upstream = await serve(echo)
    headers = [("X-One", "1"), ("Host", "evil"), ("Content-Length", "999"), ("Transfer-Encoding", "chunked")]
    headers += [("Accept-Encoding", "gzip"), ("Connection", "close, X-One"), ("x-one", "2")]
    stream = httpx.ByteStream(b"{}")
    sent = await fetch(transport, httpx.Request("POST", f"{upstream.url}?a=b%20c", headers=headers, stream=stream))
    assert sent == (
        b"POST /v1/chat?a=b%%20c HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\n"
        b"X-One: 1\r\nx-one: 2\r\nContent-Length: 2\r\n\r\n{}" % upstream.port
    )


@pytest.mark.parametrize(("method", "declares"), [("GET", False), ("DELETE", False), ("POST", True), ("PUT", True)])
async def test_an_empty_body_is_declared_only_where_one_is_expected(serve, transport, method, declares):
    upstream = await serve(echo)
    sent = await fetch(transport, upstream.request(b"", method))
    assert (b"Content-Length: 0\r\n" in sent) is declares


async def test_a_large_body_arrives_whole(serve, transport):
    upstream = await serve(echo)
    body = bytes(range(256)) * 8192
    assert (await fetch(transport, upstream.request(body))).endswith(b"\r\n\r\n" + body)
    assert transport.idle_connections == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((b"X", value) for value in (b"a\r\nY: b", b"a\nb", b"a\rb", b"a\0")),
        *((name, b"b") for name in (b"", b"X ", b"X:", b"X\r\nY", b"Transfer-Encoding\t")),
    ],
)
async def test_a_header_cannot_smuggle_anything_into_the_request(serve, transport, name, value):
    upstream = await serve(echo)
    request = httpx.Request("POST", upstream.url, headers=[(name, value)], stream=httpx.ByteStream(b""))
    with pytest.raises(httpx.LocalProtocolError):
        await fetch(transport, request)
    assert upstream.connections == 0


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nX:", "GET /x"])
async def test_a_method_cannot_smuggle_anything_into_the_request(serve, transport, method):
    upstream = await serve(echo)
    with pytest.raises(httpx.LocalProtocolError):
        await fetch(transport, httpx.Request(method, upstream.url))
    assert upstream.connections == 0


class Parts(httpx.AsyncByteStream):
    """A request body that is made while it is sent."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            await asyncio.sleep(0)
            yield part


async def test_a_body_that_is_made_while_sent_goes_in_chunks(serve, transport):
    upstream = await serve(echo)
    request = httpx.Request("POST", upstream.url, stream=Parts(b"he", b"", b"llo" * 100_000))
    sent = await fetch(transport, request)
    assert b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n493e0\r\nllollo" in sent
    assert sent.endswith(b"llo\r\n0\r\n\r\n")
    assert transport.idle_connections == 1


async def test_a_body_that_cannot_be_sent_twice_begins_on_a_fresh_connection(serve, transport):
    upstream = await serve(hello_then_close_on_the_next, hello)
    assert await fetch(transport, upstream.request()) == b"hello"
    assert await fetch(transport, httpx.Request("POST", upstream.url, stream=Parts(b"x"))) == b"hello"
    assert upstream.connections == 2


async def test_a_body_of_declared_length_must_keep_to_it(serve, transport):
    upstream = await serve(echo)
    headers = {"Content-Length": "5"}
    sent = await fetch(transport, httpx.Request("POST", upstream.url, headers=headers, stream=Parts(b"he", b"llo")))
    assert sent.endswith(b"Content-Length: 5\r\n\r\nhello")
    for wrong in (Parts(b"he"), Parts(b"hello", b"GET / HTTP/1.1")):
        with pytest.raises(httpx.LocalProtocolError):
            await fetch(transport, httpx.Request("POST", upstream.url, headers=headers, stream=wrong))
    assert transport.open_connections == transport.idle_connections == 1


async def test_a_body_beside_any_stream_may_be_given_as_an_extension(serve, transport):
    upstream = await serve(echo)
    request = httpx.Request("POST", upstream.url, stream=Parts(), extensions={"body": b"hello"})
    assert (await fetch(transport, request)).endswith(b"Content-Length: 5\r\n\r\nhello")


async def test_an_answer_before_the_whole_body_was_sent_is_given_and_the_connection_dropped(serve, transport):
    async def too_large(peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    upstream = await serve(too_large)
    response = await transport.handle_async_request(
        httpx.Request("POST", upstream.url, stream=Parts(*[b"x" * 65536] * 2000))
    )
    assert response.status_code == 413
    await response.aclose()
    assert transport.open_connections == 0


async def test_a_body_whose_making_fails_closes_the_connection(serve, transport):
    class Failing(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"x"
            raise LookupError

    upstream = await serve(hello)
    with pytest.raises(LookupError):
        await fetch(transport, httpx.Request("POST", upstream.url, stream=Failing()))
    await upstream.emptied()


async def test_the_transport_serves_an_httpx_client_with_forms_and_files(serve, transport):
    upstream = await serve(echo)
    async with httpx.AsyncClient(transport=transport, timeout=5) as client:
        sent = (await client.post(upstream.url, files={"file": ("a.txt", b"hello")}, data={"model": "m"})).content
        async with client.stream("GET", upstream.url) as response:
            streamed = [chunk async for chunk in response.aiter_bytes()]
    assert b'filename="a.txt"' in sent
    assert b"Accept-Encoding: identity\r\n" in streamed[0]
