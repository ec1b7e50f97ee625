"""Usage and prices: totals that include what just ended, and prices that the operator may overrule."""

import pytest
from msgspec.structs import replace

from data.records import DONE
from gateway.errors import BadRequest, NotFound
from gateway.journal import Journal
from gateway.operations import AddUpstream, GetUsage, ListPrices, RemovePrice, SetPrice
from gateway.operator import Operator
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import begun

HOUR = 3_600_000_000


async def test_usage_is_summed_by_group_and_holds_what_has_just_ended(operator: Operator, journal: Journal) -> None:
    for number, model in enumerate(("small", "large", "small"), 1):
        record = begun(number, at=number, model=model)
        journal.start(record)
        journal.end(replace(record, state=DONE, input_tokens=10, output_tokens=1, cost_micros=number))
    rows = await operator.ask(GetUsage(0, HOUR, by="model"))
    assert [(row.label, row.requests, row.input_tokens, row.cost_micros) for row in rows] == [
        ("small", 2, 20, 4),
        ("large", 1, 10, 2),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (GetUsage(5, 5), "until"),
        (GetUsage(0, HOUR * 20_000, every="hour"), "every"),
        (GetUsage(0, HOUR, utc_offset=90_000), "utc_offset"),
    ],
)
async def test_a_time_that_cannot_be_summed_is_refused(operator: Operator, wrong: GetUsage, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await operator.ask(wrong)
    assert refused.value.param == field


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
    "wrong", [{}, {"minutes": 1}, {"input": -1}, {"input": 10**12}], ids=["none", "unknown", "negative", "too much"]
)
async def test_a_price_that_cannot_be_is_refused(operator: Operator, wrong: dict[str, int]) -> None:
    with pytest.raises(BadRequest, match=r"^prices must"):
        await operator.ask(SetPrice("openai", "gpt-5", wrong))


async def test_prices_of_nobody_and_prices_never_set_are_not_found(operator: Operator) -> None:
    with pytest.raises(NotFound, match="no provider nobody"):
        await operator.ask(SetPrice("nobody", "gpt-5", {"input": 1}))
    with pytest.raises(NotFound, match="no price of yours for gpt-5 at openai"):
        await operator.ask(RemovePrice("openai", "gpt-5"))
