"""The record of what operators did, and taking it back."""

import asyncio
import os
import pwd
import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.json import encode
from msgspec.structs import replace

from data.database import Database
from data.limits import EVERYONE, Brake, Limits, key_holder, owner_holder
from gateway.accounting import (
    ActView,
    GetBlastRadius,
    ListActs,
    RemoveOwner,
    SaveOwner,
    SetBrake,
    SetLimits,
    TopUp,
    UndoAct,
)
from gateway.answers.asked import ACTOR
from gateway.errors import BadRequest, NotFound
from gateway.operations import (
    AddUpstream,
    CreateKey,
    EditKey,
    EditUpstream,
    ListAliases,
    ListKeys,
    ListRoutes,
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
    TargetView,
)
from gateway.operator import Operator
from gateway.price_operations import RemovePrice, SetPrice
from gateway.runtime import Runtime
from gateway.setting_operations import SaveSetting
from gateway.snapshot import Snapshot
from tests.gateway.answers.scripted import RunningExchange


async def newest(operator: Operator) -> ActView:
    return (await operator.ask(ListActs(limit=1)))[0]


async def test_what_is_changed_is_on_record_with_who_did_it_and_when(operator: Operator, runtime: Runtime) -> None:
    before = runtime.now()
    await operator.ask(CreateKey("mobile"))
    [act] = await operator.ask(ListActs())
    assert (act.code, act.text, act.undoable) == ("key_created", "created key mobile", True)
    assert act.actor == pwd.getpwuid(os.getuid()).pw_name
    assert before <= act.at <= runtime.now()


async def test_who_asks_from_elsewhere_is_named_as_what_they_are_there(operator: Operator) -> None:
    async def ask_as(name: str, operation: Operation[Any]) -> None:
        ACTOR.set(name)
        await operator.ask(operation)

    await asyncio.gather(ask_as("ann", SaveAlias("a", "x")), ask_as("bob", SaveAlias("b", "x")))
    acts = await operator.ask(ListActs())
    assert {act.text: act.actor for act in acts} == {"a now stands for x": "ann", "b now stands for x": "bob"}


async def test_asking_without_changing_anything_leaves_no_act(operator: Operator) -> None:
    await operator.ask(ListKeys())
    with pytest.raises(BadRequest):
        await operator.ask(CreateKey(""))
    assert await operator.ask(ListActs()) == []


async def test_what_leaves_everything_as_it_was_is_no_act(operator: Operator) -> None:
    await operator.ask(SaveAlias("fast", "small"))
    await operator.ask(SaveAlias("fast", "small"))
    assert len(await operator.ask(ListActs())) == 1


async def test_acts_come_in_pages_newest_first(operator: Operator) -> None:
    for number in range(5):
        await operator.ask(SaveAlias(f"alias-{number}", "model"))
    first = await operator.ask(ListActs(limit=2))
    rest = await operator.ask(ListActs(before=first[-1].id))
    assert [act.id for act in (*first, *rest)] == [5, 4, 3, 2, 1]
    with pytest.raises(BadRequest, match="limit must be"):
        await operator.ask(ListActs(limit=0))


async def test_an_act_is_taken_back_once_and_taking_it_back_is_an_act_that_can_be_taken_back(
    operator: Operator,
) -> None:
    await operator.ask(SaveAlias("fast", "old"))
    await operator.ask(SaveAlias("fast", "new"))
    assert (await operator.ask(UndoAct())).text == "took back: fast now stands for new"
    assert [alias.model for alias in await operator.ask(ListAliases())] == ["old"]
    with pytest.raises(BadRequest, match="undone already"):
        await operator.ask(UndoAct(2))
    assert (await operator.ask(UndoAct(3))).text == "did again: fast now stands for new"
    assert [alias.model for alias in await operator.ask(ListAliases())] == ["new"]
    assert [act.undone_at is None for act in await operator.ask(ListActs())] == [True, False, True, True]


async def test_undoing_again_and_again_goes_further_back(operator: Operator) -> None:
    await operator.ask(SaveAlias("one", "m"))
    await operator.ask(SaveAlias("two", "m"))
    await operator.ask(UndoAct())
    await operator.ask(UndoAct())
    assert await operator.ask(ListAliases()) == []
    with pytest.raises(BadRequest, match="nothing to undo"):
        await operator.ask(UndoAct())


async def test_one_act_that_two_take_back_at_once_is_taken_back_once(operator: Operator) -> None:
    await operator.ask(SaveAlias("one", "m"))
    both = await asyncio.gather(operator.ask(UndoAct(1)), operator.ask(UndoAct(1)), return_exceptions=True)
    assert [type(each).__name__ for each in both] == ["Done", "BadRequest"]


async def test_an_act_that_a_later_one_built_on_names_that_one(operator: Operator) -> None:
    await operator.ask(SaveAlias("fast", "old"))
    await operator.ask(SaveAlias("other", "m"))
    await operator.ask(SaveAlias("fast", "new"))
    with pytest.raises(BadRequest, match=r"act 3 \(fast now stands for new\) built on it"):
        await operator.ask(UndoAct(1))
    await operator.ask(UndoAct(2))
    assert [alias.name for alias in await operator.ask(ListAliases())] == ["fast"]


async def test_a_name_that_was_taken_meanwhile_is_not_taken_twice(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    await operator.ask(EditKey(key.id, name="laptop"))
    await operator.ask(CreateKey("mobile"))
    with pytest.raises(BadRequest) as refused:
        await operator.ask(UndoAct(2))
    assert refused.value.code == "changed_since"


async def test_a_created_key_is_taken_back_by_revoking_it_which_is_final(operator: Operator, runtime: Runtime) -> None:
    created = await operator.ask(CreateKey("mobile"))
    running = runtime.running[1] = RunningExchange(1, created.key.id)
    await operator.ask(UndoAct())
    assert [key.state for key in await operator.ask(ListKeys())] == ["revoked"]
    assert running.ended_by is not None
    act = await newest(operator)
    assert (act.text, act.undoable) == ("took back: created key mobile", False)


async def test_what_is_final_is_refused_with_what_it_was(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    await operator.ask(RevokeKey(key.id))
    assert not (await newest(operator)).undoable
    with pytest.raises(BadRequest, match="cannot be undone: revoked key mobile"):
        await operator.ask(UndoAct(2))
    with pytest.raises(NotFound, match="There is no act 9"):
        await operator.ask(UndoAct(9))


async def test_taking_back_that_a_key_was_switched_on_cuts_what_it_runs(operator: Operator, runtime: Runtime) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    await operator.ask(SetKeyEnabled(key.id, False))
    await operator.ask(SetKeyEnabled(key.id, True))
    running = runtime.running[1] = RunningExchange(1, key.id)
    await operator.ask(UndoAct())
    assert running.ended_by is not None
    assert [key.state for key in await operator.ask(ListKeys())] == ["off"]


async def test_all_that_adding_an_upstream_did_is_one_act(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(AddUpstream("demo"))
    assert len(await operator.ask(ListActs())) == 1
    assert runtime.snapshot.upstreams[1].models
    await operator.ask(UndoAct())
    assert (runtime.snapshot.upstreams, runtime.snapshot.routes) == ({}, ())


async def test_a_removed_upstream_comes_back_with_its_credential_models_and_places_in_routes(
    operator: Operator, runtime: Runtime, database: Database
) -> None:
    nowhere = AddUpstream("openai-compatible", "up", "sk-upstream-secret", base_url="http://127.0.0.1:1", models=["m"])
    number = (await operator.ask(nowhere)).upstream.id
    await operator.ask(SaveRoute("all", "*", [TargetView("up", "m", 2, 3)]))
    before = runtime.snapshot
    await operator.ask(RemoveUpstream(number))
    assert b"sk-upstream-secret" not in database.path.read_bytes()
    await operator.ask(UndoAct())
    assert runtime.snapshot.upstreams[number].credential == "sk-upstream-secret"
    assert replace(runtime.snapshot, version=before.version) == before


async def test_a_replaced_credential_comes_back(operator: Operator, runtime: Runtime) -> None:
    nowhere = AddUpstream("openai-compatible", "up", "sk-old-credential-1", base_url="http://127.0.0.1:1", models=["m"])
    number = (await operator.ask(nowhere)).upstream.id
    await operator.ask(EditUpstream(number, credential="sk-new-credential-2"))
    await operator.ask(UndoAct())
    assert runtime.snapshot.upstreams[number].credential == "sk-old-credential-1"


async def test_a_route_that_is_used_by_something_later_is_not_torn_out(operator: Operator) -> None:
    await operator.ask(AddUpstream("demo"))
    await operator.ask(SaveRoute("all", "*", [TargetView("demo")]))
    with pytest.raises(BadRequest, match=r"act 2 \(saved route all\) built on it"):
        await operator.ask(UndoAct(1))
    assert len(await operator.ask(ListRoutes())) == 1


async def test_an_act_of_long_ago_is_final_and_what_undoing_it_needs_is_forgotten(
    operator: Operator, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await operator.ask(SaveAlias("one", "m"))
    later = runtime.now() + 31 * 86_400_000_000
    monkeypatch.setattr(runtime, "now", lambda: later)
    await operator.ask(SaveAlias("two", "m"))
    assert [act.undoable for act in await operator.ask(ListActs())] == [True, False]


# --- whatever was done, in whatever order


def in_force(runtime: Runtime) -> tuple[object, ...]:
    """All that requests go by; keys that are revoked and prices that held once change nothing for them."""
    snapshot = runtime.snapshot
    keys = {key.id: key for key in snapshot.keys.values() if not key.revoked}
    prices = {(each.provider_id, each.pattern): each.prices for each in snapshot.prices if each.until is None}
    rest = replace(snapshot, version=0, keys={}, prices=())
    holders = [EVERYONE, *map(key_holder, keys), *map(owner_holder, snapshot.owners)]
    return keys, prices, rest, [runtime.budgets.account(holder).balance for holder in holders]


Step = Callable[[random.Random, Snapshot], Operation[Any] | None]


def any_of(draw: random.Random, things: Any, then: Callable[[Any], Operation[Any]]) -> Operation[Any] | None:
    things = list(things)
    return then(draw.choice(things)) if things else None


def live_keys(snapshot: Snapshot) -> list[Any]:
    return [key for key in snapshot.keys.values() if not key.revoked]


def holder(draw: random.Random, snapshot: Snapshot) -> str:
    """Whose limits and money; not what a key or owner that is gone has left."""
    keys = [key_holder(key.id) for key in live_keys(snapshot)]
    return draw.choice([EVERYONE, *keys, *(owner_holder(name) for name in snapshot.owners)])


def targets(draw: random.Random, snapshot: Snapshot) -> list[TargetView]:
    return [TargetView(up.name, weight=draw.randint(1, 9)) for up in snapshot.upstreams.values()]


STEPS: list[Step] = [
    lambda draw, _: CreateKey(f"key {draw.random()}"),
    lambda draw, s: any_of(draw, live_keys(s), lambda key: EditKey(key.id, name=f"k {draw.random()}", models=["a*"])),
    lambda draw, s: any_of(draw, live_keys(s), lambda key: SetKeyEnabled(key.id, not key.enabled)),
    lambda draw, s: any_of(draw, live_keys(s), lambda key: SetBrake(key.id, Brake(hold=not key.brake.hold))),
    lambda draw, s: any_of(draw, live_keys(s), lambda key: EditKey(key.id, owner=draw.choice("ab"), tags=["t"])),
    lambda draw, _: SaveOwner(draw.choice("xyz"), f"note {draw.random()}"),
    lambda draw, s: any_of(draw, s.owners, RemoveOwner),
    lambda draw, s: SetLimits(holder(draw, s), Limits(concurrent=draw.randint(1, 9), prepaid=draw.random() < 0.5)),
    lambda draw, s: TopUp(holder(draw, s), draw.randint(1, 99)),
    lambda draw, _: SaveSetting("fetch_media", draw.choice(["on", "off"])),
    lambda draw, _: SaveAlias(draw.choice("abc"), draw.choice(["small", "large"])),
    lambda draw, s: any_of(draw, s.aliases, RemoveAlias),
    lambda draw, _: SetPrice("demo", draw.choice(["a*", "b*"]), {"input": draw.randint(1, 99)}),
    lambda draw, s: any_of(
        draw, [p for p in s.prices if p.until is None], lambda p: RemovePrice(p.provider_id, p.pattern)
    ),
    lambda draw, s: AddUpstream("openai-compatible", credential="sk-1", base_url="http://127.0.0.1:1", models=["m"]),
    lambda draw, s: any_of(
        draw, s.upstreams.values(), lambda up: EditUpstream(up.id, weight=draw.randint(1, 9), credential="sk-2")
    ),
    lambda draw, s: any_of(draw, s.upstreams.values(), lambda up: SetUpstreamEnabled(up.id, not up.enabled)),
    lambda draw, s: any_of(draw, s.upstreams.values(), lambda up: RemoveUpstream(up.id)),
    lambda draw, s: SaveRoute(f"route {draw.random()}", "*", targets(draw, s)) if s.upstreams else None,
    lambda draw, s: any_of(draw, s.routes, lambda route: MoveRoute(route.id, draw.randint(1, 4))),
    lambda draw, s: any_of(draw, s.routes, lambda route: SetRouteEnabled(route.id, not route.enabled)),
    lambda draw, s: any_of(draw, s.routes, lambda route: RemoveRoute(route.id)),
]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_was_done_undoing_it_backwards_brings_everything_back(
    operator: Operator, runtime: Runtime, seed: int
) -> None:
    draw, states = random.Random(seed), []
    for number in range(24):
        state = in_force(runtime)
        operation = STEPS[number % len(STEPS) if number < 4 else draw.randrange(len(STEPS))](draw, runtime.snapshot)
        if operation is not None:
            said = await operator.ask(GetBlastRadius(type(operation).__name__, encode(operation).decode()))
            await operator.ask(operation)
            act = await newest(operator)
            if act.id == len(states):
                assert in_force(runtime) == state
            else:
                states.append(state)
                assert act.undoable is said.undoable
    acts = await operator.ask(ListActs())
    assert len(acts) == len(states)
    for act, state in zip(acts, reversed(states), strict=True):
        await operator.ask(UndoAct(act.id))
        assert in_force(runtime) == state
