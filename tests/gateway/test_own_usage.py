"""A key's holder asks what it has used and has left."""

import httpx
import pytest
from house import House
from openai_upstream import OPENAI
from scripted_provider import ScriptedProvider

from data.limits import Budget, Limits
from gateway.balance_shapes import SHAPES
from gateway.operations import CreateKey

HI = {"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
async def spent(house: House, provider: ScriptedProvider) -> House:
    """A house in which two keys have asked something: `tests` once, `other` twice."""
    provider.script = OPENAI
    await house.add("openai", provider.url, models=("gpt-5",))
    other = await house.service.ask(CreateKey(name="other"))
    for headers in ({}, {"authorization": f"Bearer {other.secret}"}, {"authorization": f"Bearer {other.secret}"}):
        (await house.client.post("/v1/chat/completions", json=HI, headers=headers)).raise_for_status()
    for index in range(3):
        await house.settled(index)
    return house


async def test_a_holder_sees_its_own_usage_by_day_and_by_model_and_nothing_of_others(spent: House) -> None:
    said = (await spent.client.get("/v1/usage")).json()
    assert (said["name"], said["cost_micros"], said["remaining"], said["balance_micros"]) == ("tests", 558, None, None)
    (day,), (model,) = said["days"], said["models"]
    assert (day["requests"], day["cost_micros"]) == (model["requests"], model["cost_micros"]) == (1, 558)
    assert (model["model"], day["day"]) == ("gpt-5", said["until"][:10])
    assert "other" not in str(said)


async def test_a_holder_sees_its_budgets_and_its_pace(house: House, provider: ScriptedProvider) -> None:
    provider.script = OPENAI
    await house.add("openai", provider.url, models=("gpt-5",))
    limits = Limits(budgets=(Budget("month", 20_000_000), Budget("total", 10_000_000)), requests_per_minute=60)
    limited = await house.service.ask(CreateKey(name="limited", limits=limits))
    theirs = {"authorization": f"Bearer {limited.secret}"}
    (await house.client.post("/v1/chat/completions", json=HI, headers=theirs)).raise_for_status()
    await house.settled()
    said = (await house.client.get("/v1/usage", headers=theirs)).json()
    assert [(window["per"], window["used_micros"], window["left_micros"]) for window in said["windows"]] == [
        ("month", 558, 19_999_442),
        ("total", 558, 9_999_442),
    ]
    assert [window["resets_at"] is None for window in said["windows"]] == [False, True]
    assert said["rates"] == [{"of": "requests", "per": "minute", "limit": 60, "used": 1, "left": 59}]
    assert said["remaining"] == 9.999442
    openrouter = (await house.client.get("/api/v1/key", headers=theirs)).json()["data"]
    assert (openrouter["limit"], openrouter["limit_remaining"], openrouter["usage_monthly"]) == (10, 9.999442, 0.000558)


@pytest.mark.parametrize("base", ["/v1", "", "/openai/v1", "/api/v1"])
async def test_usage_is_found_at_the_base_urls_that_clients_have(house: House, base: str) -> None:
    assert (await house.client.get(f"{base}/usage")).json()["object"] == "usage"


@pytest.mark.parametrize("path", [f"/v1/{path}" for path in SHAPES] + ["/user/balance", "/api/usage/token/"])
async def test_balances_are_found_where_clients_poll_them(house: House, path: str) -> None:
    answered = await house.client.get(path, params={"start_date": "2026-11-01", "end_date": "2026-11-29"})
    assert (answered.status_code, answered.headers["content-type"]) == (200, "application/json")


async def test_every_place_for_a_key_serves_here_too(spent: House) -> None:
    bare = httpx.AsyncClient(base_url=spent.url)
    async with bare:
        for headers in ({"x-api-key": spent.secret}, {"api-key": spent.secret}, {"x-goog-api-key": spent.secret}):
            assert (await bare.get("/v1/usage", headers=headers)).json()["cost_micros"] == 558
        assert (await bare.get("/v1/usage", params={"key": spent.secret})).json()["cost_micros"] == 558


async def test_a_bad_key_gets_the_answer_that_it_gets_everywhere(house: House) -> None:
    bad = {"authorization": "Bearer sk-gh-nobody"}
    expected = (await house.client.get("/v1/models", headers=bad)).json()
    for path in ("/v1/usage", "/user/balance"):
        refused = await house.client.get(path, headers=bad)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, expected["error"]["code"])
        assert refused.json()["error"]["message"] == expected["error"]["message"]


async def test_a_range_can_be_asked_for(spent: House) -> None:
    said = (await spent.client.get("/v1/usage", params={"since": "2026-01-01", "until": "2026-02-01T00:00:00Z"})).json()
    assert (said["since"], said["until"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert (said["days"], said["models"], said["cost_micros"]) == ([], [], 558)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "9" * 30}, "until"),
        ({"since": "1960-01-01"}, "since"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "since"),
        ({"since": "2020-01-01"}, "since"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(house: House, query: dict[str, str], param: str) -> None:
    refused = await house.client.get("/v1/usage", params=query)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


async def test_refusals_are_in_the_callers_own_protocol(house: House) -> None:
    refused = await house.client.get("/v1/usage", params={"since": "x"}, headers={"anthropic-version": "2023-06-01"})
    assert refused.json()["error"]["type"] == "invalid_request_error"
    assert refused.json()["request_id"] == refused.headers["request-id"]


async def test_it_is_asked_for_with_get_alone(house: House) -> None:
    assert (await house.client.post("/v1/usage", json={})).status_code == 405
