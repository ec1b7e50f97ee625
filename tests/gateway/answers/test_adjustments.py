"""Pricing a time again: looked at first, booked on demand, and taken back."""

import pytest
from msgspec.structs import replace

from data.records import DONE, FAILED
from gateway.accounting import CheckLedger, ListAdjustments, Reprice, RepricedModel, ReverseAdjustment, UndoAct
from gateway.errors import BadRequest, NotFound
from gateway.journal import Journal
from gateway.operations import AddUpstream, GetExchange, UpstreamView
from gateway.operator import Operator
from gateway.price_operations import SetPrice
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import begun

PERIOD = Reprice(1, 100)


@pytest.fixture
async def served(operator: Operator, journal: Journal) -> UpstreamView:
    """Ten tokens of two models each at an account, charged 50 and at no price, and one request that went nowhere."""
    upstream = (await operator.ask(AddUpstream("demo"))).upstream
    for number, cost, model in ((1, 50, "large"), (2, None, "small"), (3, 50, "large"), (200, 50, "large")):
        record = replace(begun(number, at=number, key_id=3), upstream_id=upstream.id, upstream="demo")
        journal.start(record)
        journal.end(replace(record, state=DONE, model_served=model, output_tokens=10, cost_micros=cost))
    journal.end(replace(begun(4, at=4), state=FAILED))
    await operator.ask(SetPrice("demo", "*", {"output": 2_000_000}, since=0))
    return upstream


async def test_pricing_again_shows_the_difference_and_changes_nothing(operator: Operator, served: UpstreamView) -> None:
    told = await operator.ask(PERIOD)
    assert told.models == [
        RepricedModel("large", "demo", 2, 100, 40, 0, 0),
        RepricedModel("small", "demo", 1, 0, 20, 1, 0),
    ]
    assert (told.looked_at, told.difference_micros, told.adjustment_id) == (4, -40, None)
    assert (await operator.ask(GetExchange(1))).record.cost_micros == 50


async def test_pricing_again_can_be_for_some_models_alone(operator: Operator, served: UpstreamView) -> None:
    told = await operator.ask(replace(PERIOD, model="SM*"))
    assert [each.model for each in told.models] == ["small"]


async def test_the_difference_is_booked_and_reversed(operator: Operator, served: UpstreamView) -> None:
    told = await operator.ask(replace(PERIOD, book=True, note="prices fell"))
    assert told.adjustment_id is not None
    record = (await operator.ask(GetExchange(1))).record
    assert (record.cost_micros, "set by the operator" in record.price_lines) == (20, True)
    (adjustment,) = await operator.ask(ListAdjustments())
    assert (adjustment.exchanges, adjustment.micros, adjustment.note) == (3, -40, "prices fell")
    assert (await operator.ask(CheckLedger())).findings == []
    assert (await operator.ask(PERIOD)).models == []
    await operator.ask(ReverseAdjustment(told.adjustment_id))
    assert (await operator.ask(GetExchange(1))).record.cost_micros == 50
    assert (await operator.ask(CheckLedger())).findings == []
    assert await operator.ask(PERIOD) == replace(told, adjustment_id=None)
    with pytest.raises(BadRequest, match="it was reversed before"):
        await operator.ask(ReverseAdjustment(told.adjustment_id))


async def test_limits_count_what_requests_cost_now(operator: Operator, served: UpstreamView, runtime: Runtime) -> None:
    before = runtime.budgets.account("key:3").cost
    await operator.ask(replace(PERIOD, book=True))
    assert runtime.budgets.account("key:3").cost - before == -40
    await operator.ask(UndoAct())
    assert runtime.budgets.account("key:3").cost == before


async def test_booking_is_an_act_that_can_be_undone(operator: Operator, served: UpstreamView) -> None:
    await operator.ask(replace(PERIOD, book=True))
    await operator.ask(UndoAct())
    (adjustment,) = await operator.ask(ListAdjustments())
    assert adjustment.reversed_at is not None
    assert adjustment.actor != ""


async def test_where_nothing_changes_nothing_is_booked(operator: Operator, served: UpstreamView) -> None:
    told = await operator.ask(Reprice(300, 400, book=True))
    assert (told.models, told.adjustment_id) == ([], None)
    assert await operator.ask(ListAdjustments()) == []


async def test_an_empty_time_and_an_unknown_adjustment_are_refused(operator: Operator) -> None:
    with pytest.raises(BadRequest, match="until must be later"):
        await operator.ask(Reprice(5, 5))
    with pytest.raises(NotFound):
        await operator.ask(ReverseAdjustment(9))
