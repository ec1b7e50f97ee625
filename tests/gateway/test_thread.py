"""The gateway on a thread of its own, and a console's hold on it from another event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from data.errors import DataError
from gateway.errors import NotFound, PortTaken, Unavailable
from gateway.events import ConfigurationChanged
from gateway.operations import AddUpstream, CreateKey, GetExchange, GetStatus, Shutdown
from gateway.service import ServiceOptions
from gateway.thread import GatewayThread


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayThread]:
    thread = GatewayThread(ServiceOptions(directory=tmp_path / "data", port=0))
    thread.start()
    yield thread
    thread.stop(drain=0)


async def test_operations_are_answered_across_the_threads(gateway: GatewayThread) -> None:
    link = gateway.link()
    status = await link.ask(GetStatus())
    assert status.base_url == gateway.base_url
    with pytest.raises(NotFound):
        await link.ask(GetExchange(4711))


async def test_news_cross_the_threads_without_being_asked_for(gateway: GatewayThread) -> None:
    link = gateway.link()
    await link.ask(CreateKey("mobile"))
    assert ConfigurationChanged("keys") in link.drain()
    link.close()
    await link.ask(CreateKey("desktop"))
    assert link.drain() == []


def test_what_keeps_the_gateway_from_starting_is_raised_where_it_was_started(
    gateway: GatewayThread, tmp_path: Path
) -> None:
    port = int(gateway.base_url.rpartition(":")[2])
    with pytest.raises(DataError, match="in use by pid"):
        GatewayThread(ServiceOptions(directory=tmp_path / "data", port=0)).start()
    with pytest.raises(PortTaken, match=r"taken by .*--port"):
        GatewayThread(ServiceOptions(directory=tmp_path / "other", port=port)).start()


async def test_a_gateway_that_was_shut_down_ends_its_thread_and_says_so(tmp_path: Path) -> None:
    ended = threading.Event()
    gateway = GatewayThread(ServiceOptions(directory=tmp_path / "data", port=0), on_end=ended.set)
    gateway.start()
    link = gateway.link()
    await link.ask(Shutdown())
    assert await asyncio.to_thread(ended.wait, 20)
    gateway.join()
    assert gateway.failure is None
    with pytest.raises(Unavailable, match="stopped"):
        await link.ask(GetStatus())


async def test_a_gateway_that_is_draining_can_be_told_to_hurry(gateway: GatewayThread) -> None:
    link = gateway.link()
    async with answering(gateway, words=40_000) as pieces:
        gateway.leave(600)
        while not (await link.ask(GetStatus())).draining:  # noqa: ASYNC110 (another thread's state has no event here)
            await asyncio.sleep(0.01)
        gateway.leave(0)
        rest = b"".join([piece async for piece in pieces])
    await asyncio.to_thread(gateway.join)
    assert b'"error"' in rest


async def test_a_gateway_that_leaves_lets_running_answers_end(gateway: GatewayThread) -> None:
    async with answering(gateway, words=30) as pieces:
        gateway.leave(600)
        rest = b"".join([piece async for piece in pieces])
    await asyncio.to_thread(gateway.join)
    assert rest.endswith(b"data: [DONE]\n\n")


@asynccontextmanager
async def answering(gateway: GatewayThread, words: int) -> AsyncIterator[AsyncIterator[bytes]]:
    """An answer of the demo provider that is running, and what comes of it."""
    link = gateway.link()
    await link.ask(AddUpstream("demo"))
    secret = (await link.ask(CreateKey("tests"))).secret
    question = [{"role": "user", "content": f"[demo words {words}]"}]
    body = {"model": "demo-1", "stream": True, "messages": question}
    headers = {"authorization": f"Bearer {secret}"}
    url = f"{gateway.base_url}/v1/chat/completions"
    async with httpx.AsyncClient() as client, client.stream("POST", url, json=body, headers=headers) as response:
        pieces = response.aiter_bytes()
        await anext(pieces)
        yield pieces
