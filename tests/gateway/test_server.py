"""The HTTP front gives slow clients a time and no more, and stops without leaving anything behind."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway import server
from gateway.intake import ON_LOST
from gateway.server import Front

App = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
REQUEST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n"


async def echo(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    else:
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[tuple[Front, int]]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    front = Front(app)
    await front.listen(listener)
    try:
        yield front, listener.getsockname()[1]
    finally:
        await front.close(0)


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server hangs up, be it by a reset."""
    said = b""
    async with asyncio.timeout(5):
        try:
            while chunk := await reader.read(65536):
                said += chunk
        except ConnectionError:
            pass
    return said


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nhost: a\r\n", REQUEST, REQUEST + b"x"])
async def test_a_request_that_never_comes_whole_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.1)
    async with serving(echo) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await until_closed(reader) == b""
        writer.close()


async def test_a_second_request_on_the_same_connection_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    async with serving(echo) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(REQUEST + b"hi")
            assert (await reader.readuntil(b"hi")).endswith(b"hi")
            await asyncio.sleep(0.3)
        writer.write(b"POST / HT")
        assert await until_closed(reader) == b""
        writer.close()


async def test_a_client_that_takes_nothing_is_cut_off_and_its_request_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STALL_SECONDS", 0.2)
    lost = asyncio.Event()

    async def flood(
        scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        scope[ON_LOST] = lost.set
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not lost.is_set():
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})

    async with serving(flood) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"hi")
        async with asyncio.timeout(5):
            await lost.wait()
        writer.close()


async def test_a_client_that_leaves_is_told_to_its_request_at_once() -> None:
    lost, begun = asyncio.Event(), asyncio.Event()

    async def wait(
        scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        scope[ON_LOST] = lost.set
        begun.set()
        await lost.wait()

    async with serving(wait) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"hi")
        async with asyncio.timeout(5):
            await begun.wait()
            writer.close()
            await lost.wait()


async def test_closing_breaks_off_what_does_not_end_by_itself() -> None:
    async def endless(
        scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.Event().wait()

    async with serving(endless) as (front, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"hi")
        await reader.readuntil(b"begun")
        await front.close(0)
        assert b"0\r\n\r\n" not in await until_closed(reader)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
