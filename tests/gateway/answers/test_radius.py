"""Whom a change would touch, told before it is made."""

from typing import Any

import pytest
from msgspec.json import encode
from msgspec.structs import replace

from data.database import Database
from data.exchanges import save_exchanges
from data.limits import Brake, Limits
from data.records import DONE, RUNNING
from gateway.accounting import (
    BlastRadius,
    GetBlastRadius,
    RemoveOwner,
    RotateKey,
    SaveOwner,
    SetBrake,
    SetLimits,
    TopUp,
    UndoAct,
)
from gateway.answers.radius import CHANGES
from gateway.errors import BadRequest, NotFound
from gateway.operations import (
    AddUpstream,
    CreateKey,
    CutExchange,
    EditKey,
    EditUpstream,
    GetStatus,
    ListKeys,
    MoveRoute,
    Operation,
    RemoveAlias,
    RemoveRoute,
    RemoveUpstream,
    RevokeKey,
    SaveAlias,
    SaveRoute,
    SetKeyEnabled,
    SetRouteEnabled,
    SetUpstreamEnabled,
    Shutdown,
    TargetView,
)
from gateway.operator import Operator
from gateway.price_operations import SetPrice
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import RunningExchange, begun

QUESTIONS = ("Get", "List", "Find", "Explain", "Check", "Compare", "Open", "Close", "Try", "Undo")


async def radius(operator: Operator, operation: Operation[Any]) -> BlastRadius:
    return await operator.ask(GetBlastRadius(type(operation).__name__, encode(operation).decode()))


def test_of_everything_that_changes_something_it_can_be_told() -> None:
    kinds = {kind for kind in Operation.__subclasses__() if not kind.__name__.startswith(QUESTIONS)}
    assert kinds <= set(CHANGES)


async def test_revoking_tells_what_is_cut_what_the_key_spends_and_that_it_is_final(
    operator: Operator, runtime: Runtime, database: Database
) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    runtime.running |= {1: RunningExchange(1, key.id), 2: RunningExchange(2, key.id + 1)}
    async with database.write() as session:
        done = replace(begun(3, runtime.now(), key.id), state=DONE, cost_micros=500_000)
        await save_exchanges(session, [done, replace(done, id=4, request_id="r4", key_id=99)])
    told = await radius(operator, RevokeKey(key.id))
    assert (told.running, told.keys, told.undoable) == (1, 1, False)
    assert 0 < told.micros_per_hour <= 500_000
    assert told.sentences[0] == "1 running answer is cut."
    assert "cannot be undone" in told.sentences[-1]
    assert [key.state for key in await operator.ask(ListKeys())] == ["on"]


async def test_what_was_used_long_ago_does_not_count(operator: Operator, runtime: Runtime, database: Database) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    async with database.write() as session:
        long_ago = begun(3, runtime.now() - 2 * 3_600_000_000, key.id)
        await save_exchanges(session, [replace(long_ago, state=DONE, cost_micros=5)])
    told = await radius(operator, SetKeyEnabled(key.id, False))
    assert (told.running, told.keys, told.micros_per_hour, told.undoable) == (0, 0, 0, True)


async def test_changes_of_a_key_say_what_becomes_of_its_clients(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile", owner="ann"))).key
    said = {
        RotateKey(key.id, 3600): "refused in 1 h",
        RotateKey(key.id, 0): "refused from now on",
        SetBrake(key.id, Brake(frozen=True)): "refused until it is unfrozen",
        SetBrake(key.id, Brake()): "is lifted",
    }
    for operation, words in said.items():
        assert words in " ".join((await radius(operator, operation)).sentences)
    edited = await radius(operator, EditKey(key.id, owner="bob", models=["gpt-*"]))
    assert "counts for bob" in edited.sentences[0]
    assert "ask for gpt-* alone" in edited.sentences[1]


async def test_who_becomes_prepaid_is_told_that_requests_end_with_the_money(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    holder = f"key:{key.id}"
    assert "begins with nothing" in (await radius(operator, SetLimits(holder, Limits(prepaid=True)))).sentences[0]
    assert "prepaid from then on" in (await radius(operator, TopUp(holder, 5))).sentences[0]
    await operator.ask(TopUp(holder, 5))
    assert (await radius(operator, TopUp(holder, 5))).sentences == ["Undoing it books the opposite."]
    assert "sooner" in (await radius(operator, TopUp(holder, -5))).sentences[0]


async def test_an_owners_radius_is_that_of_its_keys(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(SaveOwner("ann"))
    created = await operator.ask(CreateKey("mobile", owner="ann"))
    running = runtime.running[1] = RunningExchange(1, created.key.id)
    running.key = runtime.snapshot.keys[created.key.public_id]
    told = await radius(operator, RemoveOwner("ann"))
    assert (told.running, told.sentences) == (1, ["It is refused as long as keys name it: mobile."])


async def test_an_upstream_that_goes_names_the_routes_and_models_that_go_with_it(
    operator: Operator, runtime: Runtime
) -> None:
    for name, models in (("one", ["small", "large"]), ("two", ["small"])):
        nowhere = AddUpstream("openai-compatible", name, "sk-1", base_url="http://127.0.0.1:1", models=models)
        await operator.ask(nowhere)
    await operator.ask(SaveRoute("alone", "a*", [TargetView("one")]))
    await operator.ask(SaveRoute("both", "b*", [TargetView("one"), TargetView("two")]))
    runtime.running[1] = RunningExchange(1, upstream_id=1)
    told = await radius(operator, SetUpstreamEnabled(1, False))
    assert told.running == 1
    assert told.sentences == [
        "Route alone loses its only target: what it takes is refused.",
        "Route both goes on with two.",
        "No other provider lists large.",
        "Running answers on it go on.",
    ]
    assert "stays sealed" in (await radius(operator, RemoveUpstream(1))).sentences[-1]
    assert "new credential" in (await radius(operator, EditUpstream(1, credential="sk-2"))).sentences[0]


async def test_a_route_that_changes_tells_where_its_requests_go(
    operator: Operator, runtime: Runtime, database: Database
) -> None:
    await operator.ask(AddUpstream("demo"))
    for name, pattern in (("first", "gpt-*"), ("second", "claude-*"), ("all", "*")):
        await operator.ask(SaveRoute(name, pattern, [TargetView("demo")]))
    runtime.running[7] = RunningExchange(7)
    async with database.write() as session:
        await save_exchanges(session, [replace(begun(7, runtime.now()), state=RUNNING, route="first")])
    told = await radius(operator, RemoveRoute(1))
    assert (told.running, told.sentences) == (1, ["What it takes (gpt-*) goes to route all."])
    assert (await radius(operator, SetRouteEnabled(2, False))).running == 0
    assert (await radius(operator, MoveRoute(1, 3))).sentences == ["It is tried after second, all from now on."]
    assert (await radius(operator, MoveRoute(3, 1))).sentences == ["It is tried before first, second from now on."]
    assert "providers that list the model" in (await radius(operator, RemoveRoute(3))).sentences[0]


async def test_aliases_prices_and_single_answers_have_theirs(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(SaveAlias("fast", "small"))
    runtime.running[1] = RunningExchange(1)
    assert "instead of small" in (await radius(operator, SaveAlias("fast", "large"))).sentences[0]
    assert "refused unless" in (await radius(operator, RemoveAlias("fast"))).sentences[0]
    assert "on record stays" in (await radius(operator, SetPrice("demo", "*", {"input": 1}))).sentences[0]
    cut = await radius(operator, CutExchange(1))
    assert (cut.running, cut.undoable) == (1, False)
    assert (await radius(operator, Shutdown(now=True))).sentences[0] == "1 running answer is cut."


async def test_undoing_tells_what_it_takes_back_and_whether_that_is_final(operator: Operator) -> None:
    await operator.ask(CreateKey("mobile"))
    told = await radius(operator, UndoAct())
    assert (told.sentences[0], told.undoable) == ("Takes back: created key mobile.", False)
    await operator.ask(SaveAlias("fast", "small"))
    assert (await radius(operator, UndoAct())).undoable


async def test_what_changes_nothing_or_is_not_there_is_refused(operator: Operator) -> None:
    with pytest.raises(BadRequest, match="GetStatus changes nothing"):
        await radius(operator, GetStatus())
    with pytest.raises(NotFound, match="no key 9"):
        await radius(operator, RevokeKey(9))
    with pytest.raises(BadRequest, match="not understood"):
        await operator.ask(GetBlastRadius("RevokeKey", "{}"))
