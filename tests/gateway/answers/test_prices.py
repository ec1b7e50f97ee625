"""Prices that the operator may overrule, from a moment on."""

import pytest

from gateway.errors import BadRequest, NotFound
from gateway.operations import AddUpstream
from gateway.operator import Operator
from gateway.price_operations import ListPrices, ListSetPrices, RemovePrice, SetPrice
from gateway.runtime import Runtime


async def test_a_price_that_the_operator_sets_holds_for_the_next_request(operator: Operator, runtime: Runtime) -> None:
    known = runtime.prices.view("openai", "openai", "gpt-4o", runtime.now())
    set_to = await operator.ask(SetPrice("openai", "gpt-4*", {"input": 7, "output": 9}))
    assert (set_to.prices["input"], set_to.prices["output"]) == (7, 9)
    assert runtime.prices.view("openai", "openai", "gpt-4o", runtime.now()).prices["input"] == 7
    await operator.ask(RemovePrice("openai", "gpt-4*"))
    assert runtime.prices.view("openai", "openai", "gpt-4o", runtime.now()) == known


async def test_prices_are_listed_for_every_listed_model_and_every_priced_pattern(operator: Operator) -> None:
    upstream = (await operator.ask(AddUpstream("demo"))).upstream
    await operator.ask(SetPrice("openai", "gpt-unlisted", {"input": 1}))
    listed = {(price.provider_id, price.model): price for price in await operator.ask(ListPrices())}
    assert set(listed) == {("demo", model) for model in upstream.models} | {("openai", "gpt-unlisted")}
    assert listed["openai", "gpt-unlisted"].source.startswith("set by the operator")


@pytest.mark.parametrize(
    "wrong",
    [{}, {"minutes": 1}, {"input": -1}, {"output": 1, "input": 10**12}, {"input": 10**18}],
    ids=["none", "unknown", "negative", "too much", "much too much"],
)
async def test_a_price_that_cannot_be_is_refused(operator: Operator, wrong: dict[str, int]) -> None:
    with pytest.raises(BadRequest, match=r"^prices(\.input)? must"):
        await operator.ask(SetPrice("openai", "gpt-5", wrong))


async def test_prices_of_nobody_and_prices_never_set_are_not_found(operator: Operator) -> None:
    with pytest.raises(NotFound, match="no provider nobody"):
        await operator.ask(SetPrice("nobody", "gpt-5", {"input": 1}))
    with pytest.raises(NotFound, match="no price of yours for gpt-5 at openai"):
        await operator.ask(RemovePrice("openai", "gpt-5"))


async def test_a_price_from_tomorrow_on_leaves_todays_requests_alone(operator: Operator, runtime: Runtime) -> None:
    now, day = runtime.now(), 86_400_000_000
    told = await operator.ask(SetPrice("openai", "gpt-5", {"input": 7}, since=now + day))
    assert told.prices["input"] == 7
    assert runtime.prices.view("openai", "openai", "gpt-5", now).prices["input"] == 1_250_000
    assert runtime.prices.view("openai", "openai", "gpt-5", now + day).prices["input"] == 7


@pytest.mark.parametrize("since", [-1, 10**17, 10**30])
async def test_a_price_from_no_moment_there_is_is_refused(operator: Operator, since: int) -> None:
    with pytest.raises(BadRequest, match="since must be"):
        await operator.ask(SetPrice("openai", "gpt-5", {"input": 7}, since=since))


async def test_what_was_set_stays_on_record_when_it_is_replaced_or_removed(operator: Operator) -> None:
    for micros in (7, 8):
        await operator.ask(SetPrice("openai", "gpt-5", {"input": micros}))
    await operator.ask(RemovePrice("openai", "gpt-5"))
    first, second = await operator.ask(ListSetPrices())
    assert (first.prices, second.prices) == ({"input": 7}, {"input": 8})
    assert first.until == second.since
    assert second.until is not None
