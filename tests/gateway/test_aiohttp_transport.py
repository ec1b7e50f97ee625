"""What both transports must do alike, so that either can be chosen."""

import asyncio

import httpx
import pytest

from gateway.transport import abort, new_transport


async def echo(peer) -> None:
    """Answers with the request as it came."""
    while True:
        request = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request), request))


async def fetch(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> bytes:
    return await (await transport.handle_async_request(request)).aread()


@pytest.fixture(params=["own", "aiohttp"])
async def either(request):
    if request.param == "aiohttp":
        pytest.importorskip("httpx_aiohttp", reason="the extra `aiohttp` is not installed")
    transport = new_transport(request.param)
    yield transport
    await transport.aclose()


async def test_either_transport_sends_reads_and_reuses(serve, either):
    upstream = await serve(echo)
    for body in (b"one", b"two"):
        assert (await fetch(either, upstream.request(body))).endswith(b"\r\n\r\n" + body)
    assert upstream.connections == 1


async def test_either_transports_answer_can_be_cut_while_it_is_read(serve, either):
    async def start_only(peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await peer.gone()

    upstream = await serve(start_only)
    response = await either.handle_async_request(upstream.request())
    chunks = aiter(response.stream)
    assert await anext(chunks) == b"hello"
    asyncio.get_running_loop().call_later(0.02, abort, response.stream, LookupError("cut"))
    with pytest.raises(LookupError, match="cut"):
        await anext(chunks)
    await upstream.emptied()


async def test_a_transport_of_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="no transport 'carrier pigeon'"):
        new_transport("carrier pigeon")
