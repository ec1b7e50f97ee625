"""The gateway is killed in the middle of things: what reached an upstream is on record, and nothing hangs."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from scripted_provider import Received, Reply, ScriptedProvider, answer, sse
from shell import Shell

STREAMS = 50


def chunk(content: str) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-large", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def unhurried(request: Received) -> Reply:
    if request.method == "GET":
        return answer({"data": [{"id": "m-large"}]})
    return sse(chunk("Hello"), *(piece for _ in range(600) for piece in (0.05, chunk(" there"))))


async def ask(client: httpx.AsyncClient, heard: asyncio.Event) -> None:
    """Read a stream for as long as it lasts."""
    body = {"model": "m-large", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with suppress(httpx.HTTPError):
        async with client.stream("POST", "/v1/chat/completions", json=body) as response:
            async for _ in response.aiter_raw():
                heard.set()


@pytest.mark.timeout(120)
async def test_every_request_of_a_killed_gateway_that_reached_an_upstream_has_one_row(
    provider: ScriptedProvider, tmp_path: Path
) -> None:
    shell = Shell(tmp_path / "data")
    provider.script = unhurried
    with shell.serving() as process:
        added = ("provider", "add", "openai-compatible", "--name", "up", "--base-url", provider.url, "--allow-unpriced")
        await asyncio.to_thread(shell.run, *added)
        key = (await asyncio.to_thread(shell.json, "key", "create", "tests"))["secret"]
        headers = {"authorization": f"Bearer {key}"}
        heard = [asyncio.Event() for _ in range(STREAMS)]
        async with httpx.AsyncClient(base_url=shell.url, headers=headers, timeout=30) as client:
            streams = [asyncio.create_task(ask(client, each)) for each in heard]
            async with asyncio.timeout(60):
                await asyncio.gather(*(each.wait() for each in heard))
            process.kill()
            await asyncio.gather(*streams)
    with shell.serving():
        rows = await asyncio.to_thread(shell.json, "exchange", "list")
    asked = [request for request in provider.received if request.method == "POST"]
    assert len(asked) == STREAMS
    assert len({row["id"] for row in rows}) == len(rows) == STREAMS
    assert {row["state"] for row in rows} == {"interrupted"}
