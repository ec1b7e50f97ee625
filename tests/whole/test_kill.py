"""The gateway is killed in the middle of things: what reached an upstream is on record, and nothing hangs."""

import asyncio
import itertools
import json
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from anthropic_upstream import ANTHROPIC
from google_upstream import GOOGLE
from openai_upstream import OPENAI
from scripted_provider import Received, Reply, ScriptedProvider, answer, sse
from shell import Shell

from data.directory import locate
from data.limits import Limits
from gateway.accounting import SetLimits, TopUp
from gateway.operations import AddUpstream, CreateKey
from gateway.price_operations import SetPrice
from gateway.remote import RemoteLink

STREAMS = 50
WORKERS = 12
PAID_IN = 10**9
PRICES = {"input": 1_000_000, "output": 2_000_000}
"""A token that goes in costs one micro-unit, one that comes out two."""
HI = [{"role": "user", "content": "hi"}]
SCRIPTS = {"openai": OPENAI, "anthropic": ANTHROPIC, "google": GOOGLE}


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


async def paid_key(shell: Shell, url: str) -> str:
    """A key that may spend what was paid in, with priced models of three providers."""
    link = RemoteLink(locate(shell.directory).socket)
    for provider in SCRIPTS:
        models = [f"m-{provider}"]
        await link.ask(AddUpstream(provider, credential="sk-upstream-secret", base_url=url, models=models))
        await link.ask(SetPrice(provider, "*", PRICES))
    key = await link.ask(CreateKey("tests"))
    await link.ask(SetLimits("key:1", Limits(prepaid=True)))
    await link.ask(TopUp("key:1", PAID_IN))
    await link.close()
    return key.secret


class Row(NamedTuple):
    """What is on record of a request."""

    title: str
    state: str
    source: str
    cost: int


def rows(shell: Shell) -> list[Row]:
    """All that is on record, from the file."""
    title = "json_extract(request_headers, '$.\"x-title\"')"
    query = f"SELECT {title}, state, usage_source, cost_micros FROM exchanges"  # noqa: S608
    with closing(sqlite3.connect(shell.directory / "gatehouse.db")) as database:
        return [Row(*row) for row in database.execute(query)]


def account(shell: Shell) -> tuple[int, int]:
    """Balance of the key, and what is held back for it."""
    with closing(sqlite3.connect(shell.directory / "gatehouse.db")) as database:
        query = "SELECT balance_micros, reserved_micros FROM accounts WHERE holder = 'key:1'"
        balance, reserved = database.execute(query).fetchone()
        return balance, reserved


async def asks_on(client: httpx.AsyncClient, titles: "itertools.count[int]", whole: set[str]) -> None:
    """A client that asks again and again until the gateway dies, and notes which answers it has had to their end."""
    with suppress(httpx.HTTPError):
        while True:
            title = str(next(titles))
            body = {"model": "m-openai", "messages": HI, "stream": random.random() < 0.5}
            response = await client.post("/v1/chat/completions", json=body, headers={"x-title": title})
            assert response.status_code == 200, response.text
            whole.add(title)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_fifty_kills_under_load_lose_no_request_and_bill_each_once(
    provider: ScriptedProvider, tmp_path: Path
) -> None:
    shell, titles, whole, secret = Shell(tmp_path / "data"), itertools.count(), set[str](), ""
    provider.script = OPENAI
    for kill in range(50):
        with shell.serving() as process:
            secret = secret or await paid_key(shell, provider.url)
            checked = await asyncio.to_thread(shell.json, "ledger", "check")
            assert (checked["findings"], checked["open_reservations"]) == ([], 0), kill
            headers = {"authorization": f"Bearer {secret}"}
            async with httpx.AsyncClient(base_url=shell.url, headers=headers, timeout=30) as client:
                load = [asyncio.create_task(asks_on(client, titles, whole)) for _ in range(WORKERS)]
                await asyncio.sleep(random.random())
                process.kill()
                await asyncio.gather(*load)
    with shell.serving():
        found = {row.title: row for row in await asyncio.to_thread(rows, shell)}
        balance, reserved = await asyncio.to_thread(account, shell)
    reached = {request.headers["x-title"] for request in provider.received if request.method == "POST"}
    assert len(whole) > 50
    assert reached <= set(found)
    assert len(found) == len(await asyncio.to_thread(rows, shell))
    assert {(found[title].state, found[title].cost) for title in whole} == {("done", 216)}  # 120 in and 48 out
    assert {row.state for row in found.values()} == {"done", "interrupted"}
    assert (balance, reserved) == (PAID_IN - sum(row.cost for row in found.values()), 0)


CONTENTS = [{"parts": [{"text": "hi"}]}]
ASKED = {
    # path, request, and what it costs: input as told or else estimated, and twice the output that is estimated so far
    "/v1/chat/completions": ({"model": "m-openai", "messages": HI, "stream": True}, 26 + 2 * 12),
    "/v1/responses": ({"model": "m-openai", "input": "hi", "stream": True}, 15 + 2 * 6),
    "/v1/messages": ({"model": "m-anthropic", "max_tokens": 999, "messages": HI, "stream": True}, 404 + 2 * 7),
    "/v1beta/models/m-google:streamGenerateContent?alt=sse": ({"contents": CONTENTS}, 120 + 2 * 12),
    "/v1beta/models/m-google:generateContent": ({"contents": CONTENTS}, 13),
}


def half(request: Received) -> Reply:
    """Half of a stream, or nothing of a whole answer, and then silence."""
    if request.method == "GET":
        return answer({"data": []})
    name = next(name for name in SCRIPTS if f"m-{name}" in request.path or f"m-{name}".encode() in request.body)
    reply: Reply = SCRIPTS[name](request)
    reply.chunks[len(reply.chunks) // 2 :] = [asyncio.Event()]
    return reply


@pytest.mark.slow
async def test_what_was_running_at_a_kill_costs_what_was_last_known_of_it(
    provider: ScriptedProvider, tmp_path: Path
) -> None:
    shell = Shell(tmp_path / "data")
    provider.script = half
    with shell.serving() as process:
        headers = {"authorization": f"Bearer {await paid_key(shell, provider.url)}"}
        async with httpx.AsyncClient(base_url=shell.url, headers=headers, timeout=30) as client:
            asked = [client.post(path, json=body, headers={"x-title": path}) for path, (body, _) in ASKED.items()]
            running = [asyncio.create_task(each) for each in asked]
            await asyncio.sleep(3)  # running streams are noted every second
            process.kill()
            await asyncio.gather(*running, return_exceptions=True)
    with shell.serving():
        found = {row.title: row for row in await asyncio.to_thread(rows, shell)}
        balance, reserved = await asyncio.to_thread(account, shell)
    assert {(row.state, row.source) for row in found.values()} == {("interrupted", "estimated")}
    assert {path: row.cost for path, row in found.items()} == {path: cost for path, (_, cost) in ASKED.items()}
    assert (balance, reserved) == (PAID_IN - sum(row.cost for row in found.values()), 0)
