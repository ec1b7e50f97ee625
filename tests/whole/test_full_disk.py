"""There is no space left on the disk: what cannot be put on record is not sent, and takes neither money nor a place."""

from full_disk import full_disk
from harbour import MODEL
from house import House
from openai_upstream import OPENAI
from scripted_provider import ScriptedProvider

from data.limits import Limits, key_holder
from gateway.accounting import CheckLedger, GetHolding, SetLimits, TopUp
from gateway.price_operations import SetPrice

HI = [{"role": "user", "content": "hi"}]
REQUESTS = [
    ("/v1/chat/completions", {"model": MODEL, "messages": HI}),
    ("/v1/responses", {"model": MODEL, "input": "hi", "stream": True}),
    ("/v1/messages", {"model": MODEL, "max_tokens": 9, "messages": HI}),
    (f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}),
]


async def limited(house: House, provider: ScriptedProvider) -> str:
    """The account of a key with money for ten requests, of which one may run at a time."""
    provider.script = OPENAI
    await house.add("openai", provider.url, models=(MODEL,))
    await house.service.ask(SetPrice("openai", "*", {"request": 1}))
    holder = key_holder(house.key.key.id)
    await house.service.ask(SetLimits(holder, Limits(prepaid=True, concurrent=1, requests_per_minute=10)))
    await house.service.ask(TopUp(holder, 10))
    return holder


async def test_nothing_leaves_a_house_with_a_full_disk_and_all_goes_on_once_there_is_space(
    house: House, provider: ScriptedProvider
) -> None:
    holder = await limited(house, provider)
    with full_disk(0):
        answers = [await house.client.post(path, json=body) for path, body in 3 * REQUESTS]
    assert [answer.status_code for answer in answers] == 3 * [503, 503, 529, 503]
    assert all("retry-after" in answer.headers and "error" in answer.json() for answer in answers)
    assert not [request for request in provider.received if request.method == "POST"]
    holding = await house.service.ask(GetHolding(holder))
    assert (holding.balance_micros, holding.reserved_micros, holding.running) == (10, 0, 0)
    for path, body in REQUESTS[:2]:
        assert (await house.client.post(path, json=body)).status_code == 200
    holding = await house.service.ask(GetHolding(holder))
    assert (holding.balance_micros, holding.reserved_micros, holding.running) == (8, 0, 0)
    assert (await house.service.ask(CheckLedger())).findings == []
