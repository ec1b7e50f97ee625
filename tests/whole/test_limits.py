"""Rates and places as clients meet them: what is refused takes nothing, and places are free however clients go."""

import asyncio
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic_upstream import ANTHROPIC
from harbour import MODEL
from house import House
from openai_upstream import OPENAI
from scripted_provider import Received, Reply, ScriptedProvider, answer, sse

from data.limits import Limits, key_holder
from gateway.accounting import GetHolding, SetLimits
from tests.gateway.test_exchange import CHAT, DONE, HELLO, asking, usage_chunk

HI: Any = [{"role": "user", "content": "hi"}]


async def limited(house: House, **limits: Any) -> None:
    await house.service.ask(SetLimits(key_holder(house.key.key.id), Limits(**limits)))


async def until(house: House, running: int, waiting: int = 0) -> None:
    """Wait until so many run, and so many wait for a place."""

    async def now() -> tuple[int, int]:
        holding = await house.service.ask(GetHolding(key_holder(house.key.key.id)))
        return holding.running, holding.waiting

    async with asyncio.timeout(20):
        while await now() != (running, waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def dies_in_the_middle(port: int, request: httpx.Request) -> None:
    """A client that reads something of its stream, and whose connection is then torn down."""
    head = b"".join(b"%s: %s\r\n" % field for field in request.headers.raw)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST %s HTTP/1.1\r\n%s\r\n%s" % (request.url.raw_path, head, request.content))
    await reader.readuntil(b"Hello")
    writer.transport.abort()


@pytest.mark.parametrize("clients", [50, pytest.param(1000, marks=pytest.mark.slow)])
async def test_clients_that_die_in_the_middle_leave_no_place_taken(
    house: House, provider: ScriptedProvider, clients: int
) -> None:
    provider.replies(sse(*HELLO[:2], asyncio.Event()))
    await house.add("openai-compatible", provider.url, models=(MODEL,))
    await limited(house, concurrent=clients)
    request = house.client.build_request("POST", CHAT, json=asking(True))
    port = int(request.url.port or 0)
    await asyncio.gather(*(dies_in_the_middle(port, request) for _ in range(clients)))
    await until(house, 0)
    provider.replies(sse(*HELLO, usage_chunk(1, 1), DONE))
    answers = await asyncio.gather(*(house.client.post(CHAT, json=asking(True)) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}


async def test_requests_wait_for_a_place_and_are_served_in_the_order_in_which_they_came(
    house: House, provider: ScriptedProvider
) -> None:
    releases = {name: asyncio.Event() for name in "abc"}

    def script(request: Received) -> Reply:
        if request.method == "GET":
            return answer({"data": []})
        return sse(*HELLO[:2], releases[request.json["user"]], HELLO[2], usage_chunk(1, 1), DONE)

    provider.script = script
    await house.add("openai-compatible", provider.url, models=(MODEL,))
    await limited(house, concurrent=1, wait_seconds=60)
    answers = []
    for number, name in enumerate("abc"):
        answers.append(asyncio.create_task(house.client.post(CHAT, json=asking(True, user=name))))
        await until(house, 1, number)
    for name in "abc":
        releases[name].set()
    assert {(await answer).status_code for answer in answers} == {200}
    assert [request.json["user"] for request in provider.received if request.method == "POST"] == ["a", "b", "c"]
    await until(house, 0)


async def test_a_client_that_leaves_while_it_waits_leaves_its_turn(house: House, provider: ScriptedProvider) -> None:
    release = asyncio.Event()
    provider.replies(sse(*HELLO[:2], release, HELLO[2], usage_chunk(1, 1), DONE))
    await house.add("openai-compatible", provider.url, models=(MODEL,))
    await limited(house, concurrent=1, wait_seconds=60)
    clients = []
    for number in range(3):
        clients.append(asyncio.create_task(house.client.post(CHAT, json=asking(True))))
        await until(house, 1, number)
    clients[1].cancel()
    await until(house, 1, 1)
    release.set()
    assert [(await client).status_code for client in (clients[0], clients[2])] == [200, 200]
    await until(house, 0)


@pytest.mark.parametrize("wait_seconds", [0, 1])
async def test_who_finds_no_place_in_time_is_told_when_to_come_again_and_has_taken_nothing(
    house: House, provider: ScriptedProvider, wait_seconds: int
) -> None:
    release = asyncio.Event()
    provider.replies(sse(*HELLO[:2], release, HELLO[2], usage_chunk(1, 1), DONE))
    await house.add("openai-compatible", provider.url, models=(MODEL,))
    await limited(house, concurrent=1, wait_seconds=wait_seconds, requests_per_minute=2)
    async with house.client.stream("POST", CHAT, json=asking(True)) as first:
        refused = await asyncio.gather(*(house.client.post(CHAT, json=asking(True)) for _ in range(5)))
        release.set()
        await first.aread()
    assert {answer.status_code for answer in refused} == {429}
    assert {answer.json()["error"]["code"] for answer in refused} == {"concurrency_limit"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    await until(house, 0)
    second, third = [await house.client.post(CHAT, json=asking(True)) for _ in range(2)]
    assert (second.status_code, third.status_code) == (200, 429)
    assert third.json()["error"]["code"] == "rate_limit_exceeded"


async def test_openais_sdk_reads_the_rates_and_raises_at_their_end(house: House, provider: ScriptedProvider) -> None:
    provider.script = OPENAI
    await house.add("openai", provider.url, models=(MODEL,))
    await limited(house, requests_per_minute=2, tokens_per_minute=100_000)
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret, max_retries=0) as sdk:
        for left in ("1", "0"):
            told = (await sdk.chat.completions.with_raw_response.create(model=MODEL, messages=HI)).headers
            assert (told["x-ratelimit-limit-requests"], told["x-ratelimit-remaining-requests"]) == ("2", left)
            assert (told["x-ratelimit-limit-tokens"], told["x-ratelimit-reset-requests"][:2]) == ("100000", "1m")
        with pytest.raises(openai.RateLimitError, match="2 requests a minute") as limit:
            await sdk.responses.create(model=MODEL, input="hi")
    assert 1 <= int(limit.value.response.headers["retry-after"]) <= 60


async def test_anthropics_sdk_reads_the_rates_and_raises_at_their_end(house: House, provider: ScriptedProvider) -> None:
    provider.script = ANTHROPIC
    await house.add("anthropic", provider.url, models=(MODEL,))
    await limited(house, requests_per_minute=1, tokens_per_day=1000)
    async with anthropic.AsyncAnthropic(base_url=house.url, api_key=house.secret, max_retries=0) as sdk:
        raw = sdk.messages.with_raw_response
        told = (await raw.create(model=MODEL, max_tokens=9, messages=HI)).headers
        assert told["anthropic-ratelimit-requests-limit"] == "1"
        assert told["anthropic-ratelimit-requests-remaining"] == "0"
        assert told["anthropic-ratelimit-requests-reset"].endswith("Z")
        with pytest.raises(anthropic.RateLimitError, match="1 requests a minute") as limit:
            await raw.create(model=MODEL, max_tokens=9, messages=HI)
    assert 1 <= int(limit.value.response.headers["retry-after"]) <= 60


async def test_a_wait_for_hours_is_told_as_a_minute(house: House, provider: ScriptedProvider) -> None:
    provider.script = OPENAI
    await house.add("openai", provider.url, models=(MODEL,))
    await limited(house, tokens_per_day=150)
    body = {"model": MODEL, "messages": HI}
    assert (await house.client.post(CHAT, json=body)).status_code == 200  # takes 168
    refused = await house.client.post(CHAT, json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
