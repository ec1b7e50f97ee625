"""A key that has less than its requests would cost all together: what was paid for is served, and nothing more."""

import asyncio
from collections import Counter
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import errors, types
from harbour import MODEL
from house import House
from openai_upstream import OPENAI
from scripted_provider import ScriptedProvider

from data.limits import Budget, Limits, key_holder
from gateway.accounting import CheckLedger, GetHolding, SetLimits, TopUp
from gateway.price_operations import SetPrice

HI: Any = [{"role": "user", "content": "hi"}]
PRICE = 1
"""Micro-units for each request, whatever is in it."""


async def served_at_a_price(house: House, provider: ScriptedProvider, provider_id: str = "openai") -> None:
    """A provider whose every answer costs the same."""
    await house.add(provider_id, provider.url, models=(MODEL,))
    await house.service.ask(SetPrice(provider_id, "*", {"request": PRICE}))


async def paid(house: House, micros: int) -> None:
    """The key may spend so much, and no more."""
    await house.service.ask(SetLimits(key_holder(house.key.key.id), Limits(prepaid=True)))
    await house.service.ask(TopUp(key_holder(house.key.key.id), micros))


def served(provider: ScriptedProvider) -> int:
    return sum(request.method == "POST" for request in provider.received)


async def ask_all(house: House, requests: int) -> Counter[int]:
    """The statuses of so many requests at once, in two protocols, half of them streamed."""
    port = httpx.URL(house.url).port

    async def ask(number: int) -> int:
        path, words = (("responses", {"input": "hi"}), ("chat/completions", {"messages": HI}))[number % 2]
        body = {"model": MODEL, "stream": number % 4 < 2, **words}
        request = house.client.build_request("POST", f"/v1/{path}", json=body, headers={"connection": "close"})
        head = b"".join(b"%s: %s\r\n" % field for field in request.headers.raw)
        # Thousands of httpx's connections would keep this loop, which is the gateway's too, busy for too long.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST %s HTTP/1.1\r\n%s\r\n%s" % (request.url.raw_path, head, request.content))
        answer = await reader.read()
        writer.close()
        return int(answer.split(maxsplit=2)[1])

    return Counter(await asyncio.gather(*(ask(number) for number in range(requests))))


@pytest.mark.parametrize(
    ("requests", "balance"),
    [(300, 60), pytest.param(5000, 1000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])],
)
async def test_of_a_burst_exactly_as_many_are_served_as_were_paid_for(
    house: House, provider: ScriptedProvider, requests: int, balance: int
) -> None:
    provider.script = OPENAI
    await served_at_a_price(house, provider)
    await paid(house, balance)
    assert await ask_all(house, requests) == {200: balance, 429: requests - balance}
    holding = await house.service.ask(GetHolding(key_holder(house.key.key.id)))
    assert (holding.balance_micros, holding.reserved_micros, holding.cost_micros) == (0, 0, balance)
    assert served(provider) == balance
    assert (await house.service.ask(CheckLedger())).findings == []


async def test_one_over_its_budget_raises_in_every_sdk_what_nobody_tries_again(
    house: House, provider: ScriptedProvider
) -> None:
    provider.script = OPENAI
    await served_at_a_price(house, provider)
    await house.service.ask(SetLimits(key_holder(house.key.key.id), Limits(budgets=(Budget("day", 0),))))
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret) as sdk:
        with pytest.raises(openai.RateLimitError, match="budget per day") as told:
            await sdk.chat.completions.create(model=MODEL, messages=HI)
        assert told.value.code == "insufficient_quota"
        with pytest.raises(openai.RateLimitError):
            await sdk.responses.create(model=MODEL, input="hi", stream=True)
    async with anthropic.AsyncAnthropic(base_url=house.url, api_key=house.secret) as claude:
        with pytest.raises(anthropic.APIStatusError, match="budget per day") as billing:
            await claude.messages.create(model=MODEL, max_tokens=9, messages=HI)
        assert (billing.value.status_code, billing.value.type) == (402, "billing_error")
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=house.url, httpx_async_client=http)
        with pytest.raises(errors.ClientError, match="budget per day") as exhausted:
            await genai.Client(api_key=house.secret, http_options=options).aio.models.generate_content(
                model=MODEL, contents="hi"
            )
        assert (exhausted.value.code, exhausted.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert len(await house.exchanges()) == 4
    assert served(provider) == 0
