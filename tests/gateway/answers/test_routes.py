"""Routes and aliases: what can be saved, in which order they hold, and why a request goes where it goes."""

from typing import Any

import pytest

from gateway.errors import BadRequest, NotFound, UpstreamFailed
from gateway.operations import (
    AddUpstream,
    ExplainRoute,
    ListAliases,
    ListRoutes,
    MoveRoute,
    Operation,
    PlannedTarget,
    RemoveAlias,
    RemoveRoute,
    RemoveUpstream,
    SaveAlias,
    SaveRoute,
    SetRouteEnabled,
    SetUpstreamEnabled,
    TargetView,
)
from gateway.operator import Operator
from gateway.runtime import Runtime

TO_ONE = [TargetView("one")]


@pytest.fixture(autouse=True)
async def upstreams(operator: Operator) -> None:
    """Two accounts to send to."""
    await operator.ask(AddUpstream("demo", name="one"))
    await operator.ask(AddUpstream("demo", name="two"))


async def test_routes_are_saved_at_the_end_and_hold_at_once(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(SaveRoute("first", "gpt-*,o3", TO_ONE))
    saved = await operator.ask(SaveRoute("second", "*", [TargetView("two", "demo-fast", 2, 3)]))
    assert (saved.position, saved.targets) == (2, [TargetView("two", "demo-fast", 2, 3)])
    assert [route.name for route in await operator.ask(ListRoutes())] == ["first", "second"]
    assert [route.patterns for route in runtime.snapshot.routes] == [("gpt-*", "o3"), ("*",)]


async def test_saving_under_a_number_replaces_the_route_in_its_place(operator: Operator) -> None:
    route = await operator.ask(SaveRoute("first", "a", TO_ONE))
    await operator.ask(SaveRoute("second", "b", TO_ONE))
    changed = await operator.ask(SaveRoute("renamed", "c", [TargetView("two")], id=route.id, enabled=False))
    assert (changed.position, changed.name, changed.pattern, changed.enabled) == (1, "renamed", "c", False)
    assert changed.targets == [TargetView("two")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (SaveRoute("", "*", TO_ONE), "name"),
        (SaveRoute("direct", "*", TO_ONE), "name"),
        (SaveRoute("taken", "*", TO_ONE), "name"),
        (SaveRoute("new", " , ", TO_ONE), "pattern"),
        (SaveRoute("new", "a b", TO_ONE), "pattern"),
        (SaveRoute("new", "*", []), "targets"),
        (SaveRoute("new", "*", [TargetView("nowhere")]), "targets"),
        (SaveRoute("new", "*", [TargetView("one", priority=0)]), "priority"),
        (SaveRoute("new", "*", [TargetView("one", weight=0)]), "weight"),
    ],
)
async def test_a_route_that_cannot_be_is_refused_with_the_name_of_the_field(
    operator: Operator, wrong: SaveRoute, field: str
) -> None:
    await operator.ask(SaveRoute("taken", "x", TO_ONE))
    with pytest.raises(BadRequest) as refused:
        await operator.ask(wrong)
    assert refused.value.param == field
    [route] = await operator.ask(ListRoutes())
    assert route.name == "taken"


async def test_a_route_that_is_moved_up_is_followed_first(operator: Operator) -> None:
    await operator.ask(SaveRoute("first", "*", TO_ONE))
    second = await operator.ask(SaveRoute("second", "*", [TargetView("two")]))
    assert (await operator.ask(ExplainRoute("m"))).targets[0].upstream == "one"
    await operator.ask(MoveRoute(second.id, 1))
    assert (await operator.ask(ExplainRoute("m"))).targets[0].upstream == "two"


async def test_a_route_switched_off_is_passed_over_and_one_removed_is_gone(operator: Operator) -> None:
    first = await operator.ask(SaveRoute("first", "*", TO_ONE))
    await operator.ask(SaveRoute("second", "*", [TargetView("two")]))
    assert not (await operator.ask(SetRouteEnabled(first.id, False))).enabled
    assert (await operator.ask(ExplainRoute("m"))).targets[0].upstream == "two"
    await operator.ask(RemoveRoute(first.id))
    assert [(route.position, route.name) for route in await operator.ask(ListRoutes())] == [(1, "second")]


async def test_an_upstream_that_is_removed_leaves_its_routes(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(SaveRoute("both", "*", [TargetView("one"), TargetView("two")]))
    number = next(upstream.id for upstream in runtime.snapshot.upstreams.values() if upstream.name == "one")
    await operator.ask(RemoveUpstream(number))
    [route] = await operator.ask(ListRoutes())
    assert route.targets == [TargetView("two")]


async def test_an_explanation_names_what_is_tried_and_what_is_left_out_and_why(
    operator: Operator, runtime: Runtime
) -> None:
    await operator.ask(SaveRoute("both", "m", [TargetView("one"), TargetView("two", priority=2)]))
    number = next(upstream.id for upstream in runtime.snapshot.upstreams.values() if upstream.name == "one")
    await operator.ask(SetUpstreamEnabled(number, False))
    explained = await operator.ask(ExplainRoute("m"))
    assert explained.reason == "route 1 (both) fits m"
    assert [target.taken for target in explained.targets] == [True, False]
    assert explained.targets[1] == PlannedTarget("one", "m", False, "switched off by the operator")


async def test_an_explanation_says_where_a_request_would_be_translated(operator: Operator) -> None:
    await operator.ask(AddUpstream("vllm", name="three", base_url="http://127.0.0.1:9/v1"))
    await operator.ask(SaveRoute("first", "*", [TargetView("three")]))
    [target] = (await operator.ask(ExplainRoute("m", "gemini"))).targets
    assert target.taken
    assert "translated to OpenAI Responses" in target.reason


async def test_an_explanation_leaves_out_an_upstream_that_was_set_aside(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(SaveRoute("both", "m", [TargetView("one"), TargetView("two")]))
    number = next(upstream.id for upstream in runtime.snapshot.upstreams.values() if upstream.name == "one")
    for _ in range(5):
        runtime.health.failed(number, UpstreamFailed("It broke off."), runtime.clock())
    left_out = (await operator.ask(ExplainRoute("m"))).targets[-1]
    assert (left_out.upstream, left_out.taken) == ("one", False)
    assert "set aside after 5 failures" in left_out.reason


async def test_that_nothing_serves_a_model_is_an_explanation_too(operator: Operator) -> None:
    explained = await operator.ask(ExplainRoute("unheard-of"))
    assert "'unheard-of' does not exist here" in explained.reason
    assert explained.targets == []


async def test_an_alias_stands_for_its_model_until_it_is_removed(operator: Operator) -> None:
    await operator.ask(SaveAlias("fast", "two:demo"))
    assert (await operator.ask(ExplainRoute("fast"))).targets[0].upstream == "two"
    assert [alias.model for alias in await operator.ask(ListAliases())] == ["two:demo"]
    await operator.ask(RemoveAlias("fast"))
    assert await operator.ask(ListAliases()) == []


async def test_an_alias_of_itself_and_what_does_not_exist_are_refused(operator: Operator) -> None:
    with pytest.raises(BadRequest, match="another name than the alias itself"):
        await operator.ask(SaveAlias("fast", "fast"))
    attempts: list[Operation[Any]] = [RemoveAlias("fast"), RemoveRoute(9), MoveRoute(9, 1), SetRouteEnabled(9, True)]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await operator.ask(attempt)
