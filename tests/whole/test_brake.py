"""What an operator does to a key that burns too much, short of taking it away."""

import asyncio
from collections.abc import Callable

import pytest
from house import House
from scripted_provider import ScriptedProvider, answer, sse

from data.limits import EVERYONE, Brake
from data.records import ExchangeRecord
from gateway.accounting import ApproveExchange, GetHolding, SetBrake
from gateway.operations import CutExchange
from gateway.price_operations import SetPrice
from tests.gateway.test_exchange import CHAT, DONE, HELLO, WHOLE, asking, chunk, usage_chunk

MODEL = "m-large"


@pytest.fixture
async def braked(house: House, provider: ScriptedProvider) -> Callable[..., object]:
    """Puts a brake on the key; a request costs a dollar."""
    provider.replies(answer(WHOLE))
    await house.add("openai-compatible", provider.url, models=(MODEL,))
    await house.service.ask(SetPrice("openai-compatible", "*", {"request": 1_000_000}))

    async def put(**brake: object) -> None:
        await house.service.ask(SetBrake(house.key.key.id, Brake(**brake)))  # type: ignore[arg-type]

    return put


async def waiting(house: House) -> ExchangeRecord:
    """The request that an operator sees wait, with the reason."""
    async with asyncio.timeout(10):
        while not (found := await house.exchanges()) or not found[0].progress:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert found[0].state == "running"
    return found[0]


def asked(provider: ScriptedProvider) -> int:
    return sum(request.method == "POST" for request in provider.received)


async def test_held_requests_are_seen_to_wait_and_go_on_when_released(
    house: House, provider: ScriptedProvider, braked: Callable[..., object]
) -> None:
    await braked(hold=True)
    response = asyncio.create_task(house.client.post(CHAT, json=asking()))
    assert (await waiting(house)).progress == "held back by the operator"
    assert asked(provider) == 0
    await braked()
    assert (await response).json() == WHOLE
    record = await house.settled()
    assert (record.state, record.progress, record.cost_micros) == ("done", "", 1_000_000)


async def test_a_dear_request_waits_for_approval(
    house: House, provider: ScriptedProvider, braked: Callable[..., object]
) -> None:
    await braked(approve_above_micros=999_999)
    response = asyncio.create_task(house.client.post(CHAT, json=asking()))
    record = await waiting(house)
    assert (record.progress, asked(provider)) == ("waiting for approval, may cost $1", 0)
    await house.service.ask(ApproveExchange(record.id))
    assert (await response).json() == WHOLE


async def test_a_dear_request_that_is_cut_instead_never_leaves_and_costs_nothing(
    house: House, provider: ScriptedProvider, braked: Callable[..., object]
) -> None:
    await braked(approve_above_micros=999_999)
    response = asyncio.create_task(house.client.post(CHAT, json=asking()))
    await house.service.ask(CutExchange((await waiting(house)).id))
    assert (await response).status_code == 503
    record = await house.settled()
    assert (record.state, record.cost_micros, asked(provider)) == ("cut", 0, 0)


async def test_a_held_request_whose_client_leaves_is_over_and_holds_nothing_back(
    house: House, provider: ScriptedProvider, braked: Callable[..., object]
) -> None:
    await braked(hold=True)
    response = asyncio.create_task(house.client.post(CHAT, json=asking()))
    await waiting(house)
    response.cancel()
    record = await house.settled()
    everyone = await house.service.ask(GetHolding(EVERYONE))
    assert (record.state, record.cost_micros, asked(provider)) == ("client_left", 0, 0)
    assert (everyone.reserved_micros, everyone.running) == (0, 0)


async def test_requests_up_to_that_amount_need_no_approval(house: House, braked: Callable[..., object]) -> None:
    await braked(approve_above_micros=1_000_000)
    assert (await house.client.post(CHAT, json=asking())).status_code == 200


async def test_a_slowed_stream_passes_at_once_when_it_is_freed(
    house: House, provider: ScriptedProvider, braked: Callable[..., object]
) -> None:
    words = [piece for _ in range(300) for piece in (chunk({"content": " tide"}), 0.001)]
    provider.replies(sse(HELLO[0], *words, HELLO[2], usage_chunk(1, 300), DONE))
    await braked(tokens_per_second=1)
    async with house.client.stream("POST", CHAT, json=asking(True)) as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        await asyncio.sleep(1)
        assert (await house.exchanges())[0].state == "running"
        await braked()
        passed = b"".join([each async for each in chunks])
    assert passed.endswith(DONE)
    assert (await house.settled()).output_tokens == 300


async def test_a_frozen_key_starts_nothing_new_and_what_runs_goes_on(
    house: House, provider: ScriptedProvider, braked: Callable[..., object]
) -> None:
    release = asyncio.Event()
    provider.replies(sse(*HELLO[:2], release, HELLO[2], usage_chunk(1, 1), DONE))
    async with house.client.stream("POST", CHAT, json=asking(True)) as running:
        await anext(chunks := running.aiter_raw())
        await braked(frozen=True)
        refused = await house.client.post(CHAT, json=asking())
        release.set()
        rest = b"".join([each async for each in chunks])
    assert rest.endswith(DONE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "key_frozen")
    assert (asked(provider), (await house.settled(1)).state) == (1, "done")
