"""The routes: written, ordered, explained and deleted by keys."""

from pathlib import Path

import pytest
from house import open_house

from console.app import ConsoleApp
from console.screens.forms.route import in_order, read_target, read_targets, write_target
from gateway.operations import (
    AddUpstream,
    AliasView,
    Done,
    ExplainRoute,
    ListAliases,
    ListRoutes,
    ListUpstreams,
    MoveRoute,
    PlannedTarget,
    RemoveAlias,
    RemoveRoute,
    RouteExplained,
    RouteView,
    SaveAlias,
    SaveRoute,
    SetRouteEnabled,
    TargetView,
)
from tests.console.direct import console_on, seen, typed
from tests.console.scripted import ScriptedLink, upstream

SHARED = [TargetView("openai", "", 1, 90), TargetView("azure", "", 1, 10), TargetView("demo", "demo-1", 2)]


@pytest.fixture
def link() -> ScriptedLink:
    """Two routes and an alias."""
    link = ScriptedLink()
    routes = [
        RouteView(7, 1, "claude", "claude-*", True, [TargetView("openai")], 4_200),
        RouteView(8, 2, "default", "*", True, SHARED, 0),
    ]
    link.answers[ListRoutes] = lambda op: routes
    link.answers[ListAliases] = lambda op: [AliasView("fast", "gpt-5.1-mini")]
    link.answers[ListUpstreams] = lambda op: [upstream(name, []) for name in ("openai", "azure", "demo")]
    link.answers[SaveRoute] = lambda op: RouteView(9, 3, op.name, op.pattern, op.enabled, op.targets, 0)
    link.answers[MoveRoute] = lambda op: Done(f"moved route to place {op.position}")
    link.answers[RemoveRoute] = lambda op: Done("removed route claude")
    link.answers[SetRouteEnabled] = lambda op: routes[0]
    link.answers[SaveAlias] = lambda op: AliasView(op.name, op.model)
    link.answers[RemoveAlias] = lambda op: Done("removed alias fast")
    link.answers[ExplainRoute] = lambda op: RouteExplained(
        f"route 2 (default) fits {op.model} in {op.protocol}",
        [
            PlannedTarget("openai", op.model, True, "priority 1"),
            PlannedTarget("azure", op.model, False, "its circuit is open"),
        ],
    )
    return link


def test_equals_stand_side_by_side_and_the_next_behind_an_arrow() -> None:
    assert in_order(SHARED) == "openai 90 : azure 10 → demo:demo-1"


def test_a_target_is_read_as_it_is_written() -> None:
    for target in [*SHARED, TargetView("a", "b:c", 3, 1)]:
        assert read_target(write_target(target)) == target


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "At least one"),
        ("nobody", "no upstream “nobody”. There are: openai"),
        ("openai soon", "whole numbers"),
        ("openai 1 2 3", "whole numbers"),
        (":model", "names no upstream"),
    ],
)
def test_what_is_wrong_with_targets_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        read_targets(text, ["openai"])


async def test_routes_are_listed_in_order_with_their_targets(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        picture = await seen(pilot, "claude-*")
        assert picture.index("claude-*") < picture.index("openai 90 : azure")
        assert "→ gpt-5.1-mini" in picture


async def test_a_route_is_written_with_a_preview_of_what_it_does(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "n")
        await seen(pilot, "New route")
        await typed(pilot, "gpt")
        await pilot.press("tab")
        await typed(pilot, "gpt-*")
        await pilot.press("tab")
        await typed(pilot, "openai")
        await pilot.press("enter")
        await typed(pilot, "demo:demo-1 2")
        await seen(pilot, "→ openai → demo:demo-1")
        await pilot.press("tab", "enter")
        await seen(pilot, "saved route gpt")
        assert link.asked_for(SaveRoute) == [
            SaveRoute("gpt", "gpt-*", [TargetView("openai"), TargetView("demo", "demo-1", 2)])
        ]


async def test_a_target_that_is_no_upstream_is_told_while_it_is_typed(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "n")
        await seen(pilot, "New route")
        await pilot.press("tab", "tab")
        await typed(pilot, "opena")
        await seen(pilot, "There is no upstream “opena”.")
        await pilot.press("tab", "enter")
        await seen(pilot, "A name is needed.")
        assert link.asked_for(SaveRoute) == []


async def test_enter_edits_a_route_and_keeps_what_was_not_touched(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await seen(pilot, "claude-*")
        await pilot.press("j", "enter")
        await seen(pilot, "Route default")
        await pilot.press("enter")
        await seen(pilot, "saved route default")
        assert link.asked_for(SaveRoute) == [SaveRoute("default", "*", SHARED, 8, True)]


async def test_a_route_moves_by_capital_letters_and_not_beyond_the_ends(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await seen(pilot, "claude-*")
        await pilot.press("K")
        await seen(pilot, "tried first already")
        await pilot.press("J")
        await seen(pilot, "moved route to place 2")
        assert link.asked_for(MoveRoute) == [MoveRoute(7, 2)]


async def test_where_a_request_would_go_follows_what_is_typed(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await seen(pilot, "claude-*")
        await pilot.press("w")
        await typed(pilot, "gpt-5.1")
        picture = await seen(pilot, "fits gpt-5.1 in openai_chat")
        assert "its circuit is open" in picture
        await pilot.press("tab", "right")
        await seen(pilot, "in openai_responses")


async def test_deleting_a_route_says_what_follows_and_offers_turning_it_off(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await seen(pilot, "claude-*")
        await pilot.press("x")
        picture = await seen(pilot, "4.2k requests took it today.")
        assert "next route that fits" in picture
        assert picture.index("disable") < picture.index("delete")
        await pilot.pause(0.2)
        await pilot.press("enter")
        assert link.asked_for(RemoveRoute) == []
        await pilot.press("y")
        await seen(pilot, "removed route claude")


async def test_the_delete_key_is_about_the_alias_once_that_list_has_the_focus(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await seen(pilot, "claude-*")
        await pilot.press("tab", "x")
        await seen(pilot, "Remove this alias?")
        await pilot.pause(0.2)
        await pilot.press("y")
        await seen(pilot, "removed alias fast")
        assert link.asked_for(RemoveRoute) == []


async def test_an_alias_is_added_by_a_form(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "a")
        await typed(pilot, "best")
        await pilot.press("tab")
        await typed(pilot, "gpt-5.1")
        await pilot.press("enter")
        await seen(pilot, "best now stands for gpt-5.1")


async def test_on_a_real_gateway_a_route_is_written_explained_and_deleted(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.service.ask(AddUpstream("demo"))
        async with console_on(house.service) as pilot:
            await pilot.press("4", "n")
            await seen(pilot, "New route")
            await typed(pilot, "all")
            await pilot.press("tab")
            await typed(pilot, "*")
            await pilot.press("tab", "tab", "enter")
            await seen(pilot, "● on")
            await pilot.press("w")
            await typed(pilot, "demo-1")
            assert "all" in await seen(pilot, "demo:demo-1")
            await pilot.press("escape", "x")
            await seen(pilot, "Delete this route?")
            await pilot.pause(0.2)
            await pilot.press("y")
            await seen(pilot, "No routes:")
