"""What operators should know is told once, also across restarts."""

import asyncio

import pytest
from msgspec.structs import replace
from scripted_provider import ScriptedProvider, answer

from data import ledger
from data.database import Database
from data.exchanges import save_exchanges
from data.limits import Budget, Limits
from data.records import DONE, ExchangeRecord
from data.usage import DAY, QUARTER
from gateway.alert_operations import AddWebhook
from gateway.answers.desk import Desk
from gateway.errors import UpstreamFailed
from gateway.operations import AddUpstream, CreateKey
from gateway.operator import Operator
from gateway.runtime import Runtime
from gateway.watch import Watch
from gateway.webhooks import Webhooks
from tests.gateway.answers.scripted import begun

DOLLAR = 1_000_000
BUDGET = Budget("month", 10 * DOLLAR)
NOW = 20_000 * DAY + DAY // 2


@pytest.fixture
async def watch(runtime: Runtime, database: Database, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A watch at noon."""
    monkeypatch.setattr(runtime, "now", lambda: NOW)
    made = Watch(runtime, database, Webhooks(runtime, database))
    await made.open()
    return made


@pytest.fixture
async def key_id(operator: Operator, watch: Watch) -> int:
    """A key called ana."""
    return (await operator.ask(CreateKey("ana"))).key.id


def codes(runtime: Runtime) -> list[str]:
    """What the event list holds of alerts."""
    return [note.code for note in runtime.bus.notes if note.level != "info"]


def spent(number: int, at: int, micros: int, key_id: int) -> ExchangeRecord:
    return replace(begun(number, at=at), key_id=key_id, state=DONE, cost_micros=micros)


def put_under(runtime: Runtime, limits: Limits) -> None:
    """Limits for every key."""
    keys = {public_id: replace(key, limits=limits) for public_id, key in runtime.snapshot.keys.items()}
    runtime.put_in_force(replace(runtime.snapshot, keys=keys))


async def test_a_low_balance_is_told_once_until_more_is_paid_in(
    watch: Watch, runtime: Runtime, database: Database, key_id: int
) -> None:
    put_under(runtime, Limits(prepaid=True))
    account = runtime.budgets.account(f"key:{key_id}")
    expected: list[str] = []
    for _ in range(2):
        async with database.write() as session:
            await ledger.pay_in(session, account.holder, 10 * DOLLAR, NOW, "root")
        runtime.budgets.paid_in(account.holder, 10 * DOLLAR)
        await watch.look()
        assert codes(runtime) == expected
        account.settle(0, 95 * DOLLAR // 10, NOW)
        expected.append("balance_low")
        for _ in range(2):
            await watch.look()
        assert codes(runtime) == expected


async def test_each_part_of_a_budget_is_told_of_once(watch: Watch, runtime: Runtime, key_id: int) -> None:
    put_under(runtime, Limits(budgets=(BUDGET,)))
    account = runtime.budgets.account(f"key:{key_id}")
    for dollars, told in (
        (4, []),
        (1, ["budget_50"]),
        (4, ["budget_50", "budget_80"]),
        (1, ["budget_50", "budget_80", "budget_100"]),
    ):
        account.settle(0, dollars * DOLLAR, NOW)
        for _ in range(2):
            await watch.look()
        assert codes(runtime) == told


async def test_a_budget_that_runs_out_at_once_is_told_of_once(watch: Watch, runtime: Runtime, key_id: int) -> None:
    put_under(runtime, Limits(budgets=(BUDGET,)))
    runtime.budgets.account(f"key:{key_id}").settle(0, 10 * DOLLAR, NOW)
    await watch.look()
    await watch.look()
    assert codes(runtime) == ["budget_100"]


async def test_money_that_burns_is_told_of_its_key_and_of_all(
    watch: Watch, runtime: Runtime, database: Database, key_id: int
) -> None:
    async with database.write() as session:
        await save_exchanges(session, [spent(1, NOW - QUARTER, 6 * DOLLAR, key_id)])
    await watch.look()
    texts = [note.text for note in runtime.bus.notes if note.code == "burn_rate"]
    assert sorted(text.partition(" spent")[0] for text in texts) == ["Key ana", "This gateway"]


async def test_what_is_usual_at_this_time_of_day_is_not_told(
    watch: Watch, runtime: Runtime, database: Database, key_id: int
) -> None:
    usual = [spent(day, NOW - day * DAY, 40 * DOLLAR, key_id) for day in range(1, 8)]
    async with database.write() as session:
        await save_exchanges(session, [*usual, spent(9, NOW - QUARTER, 6 * DOLLAR, key_id)])
    await watch.look()
    assert codes(runtime) == []


async def test_a_refused_credential_and_a_long_failure_are_told(
    watch: Watch, runtime: Runtime, operator: Operator
) -> None:
    upstream = (await operator.ask(AddUpstream("demo"))).upstream
    clock = 1_000.0
    runtime.clock = lambda: clock
    for _ in range(5):
        runtime.health.failed(upstream.id, UpstreamFailed("No.", code="upstream_auth"), clock)
    await watch.look()
    assert codes(runtime) == ["upstream_auth"]
    clock += 601
    await watch.look()
    assert codes(runtime) == ["upstream_auth", "upstream_down"]
    runtime.health.succeeded(upstream.id)
    await watch.look()
    assert codes(runtime) == ["upstream_auth", "upstream_down"]


async def test_a_restart_tells_nothing_again(
    watch: Watch, runtime: Runtime, database: Database, desk: Desk, key_id: int
) -> None:
    async with database.write() as session:
        await save_exchanges(session, [spent(1, NOW, 6 * DOLLAR, key_id)])
    await watch.look()
    told = codes(runtime)
    again = Watch(runtime, database, Webhooks(runtime, database))
    await again.open()
    await again.look()
    assert codes(runtime) == told == ["burn_rate", "burn_rate"]


async def test_what_is_told_goes_to_webhooks(
    runtime: Runtime, database: Database, operator: Operator, provider: ScriptedProvider, watch: Watch, key_id: int
) -> None:
    provider.script = lambda _: answer({})
    await operator.ask(AddWebhook(f"{provider.url}/x"))
    async with database.write() as session:
        await save_exchanges(session, [spent(1, NOW, 6 * DOLLAR, key_id)])
    await watch.look()
    await wait_for(provider, 2)
    assert {got.json["data"]["about"] for got in provider.received} == {f"key:{key_id}", "everyone"}


async def wait_for(provider: ScriptedProvider, number: int) -> None:
    async with asyncio.timeout(10):
        while len(provider.received) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
