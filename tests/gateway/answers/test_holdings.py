"""Limits and balances as operators set them: on keys, owners and everyone, through bad values, undoing and restarts."""

from typing import Any

import pytest
from msgspec.structs import replace

from data.database import Database
from data.limits import FREE, Budget, Limits
from data.records import DONE
from gateway.accounting import (
    ApproveExchange,
    CheckLedger,
    GetHolding,
    Holding,
    ListHoldings,
    SetLimits,
    TopUp,
    UndoAct,
)
from gateway.answers.limits import MOST_MICROS
from gateway.budgets import Budgets
from gateway.errors import BadRequest, InsufficientQuota, NotFound
from gateway.journal import Journal
from gateway.operations import CreateKey, RevokeKey
from gateway.operator import Operator
from gateway.runtime import Runtime
from gateway.service import seed
from tests.gateway.answers.scripted import RunningExchange, begun

DAY = Budget("day", 100)
ALL = Limits(
    prepaid=True,
    budgets=(DAY, Budget("week", 10**15, "Asia/Kathmandu", 6, 3)),
    requests_per_minute=60,
    tokens_per_minute=10**6,
    tokens_per_day=10**9,
    concurrent=8,
    wait_seconds=30,
    max_output_tokens=4096,
    models=("gpt-*",),
    protocols=("gemini",),
    endpoints=("generate", "embed"),
    networks=("10.0.0.0/8", "2001:db8::/32"),
)
HOLDERS = ("key:1", "owner:ann", "everyone")


@pytest.fixture(autouse=True)
async def mobile(operator: Operator) -> None:
    """ann's key."""
    await operator.ask(CreateKey("mobile", owner="ann"))


def reserve(runtime: Runtime, micros: int) -> int:
    return runtime.budgets.reserve(1, "ann", micros, lambda: micros, runtime.now())


# --- setting them


@pytest.mark.parametrize("holder", HOLDERS)
async def test_limits_hold_at_once_and_are_what_was_set(operator: Operator, holder: str) -> None:
    holding = await operator.ask(SetLimits(holder, ALL))
    assert holding.limits == (await operator.ask(GetHolding(holder))).limits == ALL
    assert [(window.per, window.limit_micros) for window in holding.windows] == [("day", 100), ("week", 10**15)]
    await operator.reload()
    assert (await operator.ask(GetHolding(holder))).limits == ALL


@pytest.mark.parametrize("holder", HOLDERS)
async def test_limits_are_lifted_and_that_is_undone(operator: Operator, holder: str) -> None:
    await operator.ask(SetLimits(holder, ALL))
    assert (await operator.ask(SetLimits(holder, FREE))).limits == FREE
    await operator.ask(UndoAct())
    assert (await operator.ask(GetHolding(holder))).limits == ALL


@pytest.mark.parametrize("holder", HOLDERS)
async def test_whoever_is_limited_a_request_is_refused_for(operator: Operator, runtime: Runtime, holder: str) -> None:
    await operator.ask(SetLimits(holder, Limits(budgets=(DAY,))))
    reserve(runtime, 60)
    with pytest.raises(InsufficientQuota):
        reserve(runtime, 60)
    assert (await operator.ask(GetHolding(holder))).windows[0].used_micros == 60


async def test_all_holders_are_listed_everyone_first(operator: Operator) -> None:
    await operator.ask(SetLimits("owner:bob", ALL))
    assert [each.holder for each in await operator.ask(ListHoldings())] == [
        "everyone",
        "owner:ann",
        "owner:bob",
        "key:1",
    ]


@pytest.mark.parametrize("holder", ["key:7", "key:x", "owner:", "team:a", "", "Everyone"])
async def test_a_holder_that_there_is_not_is_refused(operator: Operator, holder: str) -> None:
    for operation in (SetLimits(holder, ALL), TopUp(holder, 1), GetHolding(holder)):
        with pytest.raises(NotFound, match="There is no holder"):
            await operator.ask(operation)


async def test_a_revoked_key_has_no_limits_any_more(operator: Operator) -> None:
    await operator.ask(RevokeKey(1))
    with pytest.raises(NotFound):
        await operator.ask(SetLimits("key:1", ALL))


# --- what is refused


async def test_a_limit_that_cannot_be_changes_nothing(operator: Operator) -> None:
    with pytest.raises(BadRequest):
        await operator.ask(SetLimits("key:1", replace(ALL, networks=("10.0.0.1/8",))))
    assert (await operator.ask(GetHolding("key:1"))).limits == FREE


@pytest.mark.parametrize("micros", [0, MOST_MICROS + 1, -MOST_MICROS - 1, 10**18, 10**30])
async def test_a_payment_that_cannot_be_is_refused(operator: Operator, micros: int) -> None:
    with pytest.raises(BadRequest) as refused:
        await operator.ask(TopUp("key:1", micros))
    assert refused.value.param == "micros"
    assert not (await operator.ask(GetHolding("key:1"))).limits.prepaid


# --- money


async def test_who_becomes_prepaid_starts_at_nothing_whatever_was_spent(
    operator: Operator, journal: Journal, runtime: Runtime
) -> None:
    spend(journal, runtime, 40)
    holding = await operator.ask(SetLimits("key:1", Limits(prepaid=True)))
    assert (holding.balance_micros, holding.cost_micros) == (0, 40)
    with pytest.raises(InsufficientQuota):
        reserve(runtime, 1)
    assert (await operator.ask(CheckLedger())).findings == []


@pytest.mark.parametrize("holder", HOLDERS)
async def test_a_payment_makes_prepaid_and_may_be_taken_out_and_undone(operator: Operator, holder: str) -> None:
    paid = await operator.ask(TopUp(holder, 500, "invoice 7"))
    assert (paid.balance_micros, paid.limits.prepaid) == (500, True)
    assert (await operator.ask(TopUp(holder, -200))).balance_micros == 300
    await operator.ask(UndoAct())
    assert (await operator.ask(GetHolding(holder))).balance_micros == 500
    assert (await operator.ask(CheckLedger())).findings == []


async def test_a_payment_by_the_same_word_is_booked_once_for_each_holder(operator: Operator) -> None:
    for _ in range(3):
        assert (await operator.ask(TopUp("key:1", 500, once="invoice 7"))).balance_micros == 500
    assert (await operator.ask(TopUp("owner:ann", 500, once="invoice 7"))).balance_micros == 500


async def test_what_runs_is_paid_from_what_is_paid_in(operator: Operator, journal: Journal, runtime: Runtime) -> None:
    reserved = reserve(runtime, 30)
    record = begun(1, runtime.now(), key_id=1)
    journal.start(replace_money(record, reserved))
    assert (await operator.ask(TopUp("key:1", 100))).balance_micros == 70
    ended = replace_money(record, reserved, cost=10)
    journal.end(ended)
    runtime.budgets.settle(ended)
    assert (await operator.ask(GetHolding("key:1"))).balance_micros == 90
    assert (await operator.ask(CheckLedger())).findings == []


async def test_a_request_that_waits_for_leave_is_let_go(operator: Operator, runtime: Runtime) -> None:
    running: Any = RunningExchange(5)
    runtime.running[5] = running
    await operator.ask(ApproveExchange(5))
    assert running.approved
    with pytest.raises(NotFound, match="No request 6 is running"):
        await operator.ask(ApproveExchange(6))


# --- restarts


def replace_money(record: Any, reserved: int, cost: int | None = None) -> Any:
    """A record of ann's with its money, ended where it has a cost."""
    record = replace(record, owner="ann", reserved_micros=reserved)
    return record if cost is None else replace(record, state=DONE, cost_micros=cost)


def spend(journal: Journal, runtime: Runtime, cost: int, age: int = 0, number: int = 1) -> None:
    """A request of so long ago that is over."""
    record = begun(number, runtime.now() - age, key_id=1)
    journal.start(replace_money(record, cost))
    journal.end(replace_money(record, cost, cost))
    runtime.budgets.settle(replace_money(record, 0, cost))


WINDOWS = Limits(
    budgets=(
        Budget("minute", 10**6),
        Budget("hour", 10**6),
        Budget("day", 10**6, "Asia/Kathmandu"),
        Budget("week", 10**6, "Europe/Berlin", 6),
        Budget("month", 10**6),
        Budget("total", 10**6),
    )
)


async def test_after_a_restart_there_is_left_what_was_left_before(
    operator: Operator, database: Database, journal: Journal, runtime: Runtime
) -> None:
    for holder in HOLDERS:
        await operator.ask(TopUp(holder, 10**6))
        await operator.ask(SetLimits(holder, replace(WINDOWS, prepaid=True)))
    minute = 60_000_000
    for number, age in enumerate((0, 1, 14, 45, 300, 2_000, 9_000, 50_000), 1):
        spend(journal, runtime, number, age * minute, number)
    before = await operator.ask(ListHoldings())
    await journal.flush()
    runtime.budgets = Budgets()
    await seed(runtime, database)
    await operator.reload()
    after = await operator.ask(ListHoldings())
    assert [standing(each) for each in after] == [standing(each) for each in before]
    assert after[0].windows[-1].used_micros == 36


def standing(holding: Holding) -> Any:
    """What is left, but for a minute that may have passed meanwhile."""
    windows = [window.used_micros for window in holding.windows if window.per != "minute"]
    return holding.holder, holding.balance_micros, holding.reserved_micros, holding.cost_micros, windows
