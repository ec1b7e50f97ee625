"""The event list: seen, narrowed, opened and copied."""

from pathlib import Path

import pytest
from house import open_house

from console.app import ConsoleApp
from gateway.events import Noted
from gateway.operations import NotedEvent, SetKeyEnabled
from tests.console.direct import console_on, seen, typed
from tests.console.scripted import NOW, ScriptedLink, shown

AT = int(NOW * 1_000_000)
LONG = "upstream anthropic-us cannot be reached: no connection; " * 4


@pytest.fixture
def link() -> ScriptedLink:
    """One event of each level."""
    link = ScriptedLink()
    link.events = [
        NotedEvent(AT + 2, "error", "journal_full", LONG + "the very end"),
        NotedEvent(AT + 1, "warning", "upstream_shaky", "upstream anthropic-us was set aside"),
        NotedEvent(AT, "info", "key_created", "created key mobile"),
    ]
    return link


async def test_levels_are_said_by_sign_and_word_and_left_out_one_after_another(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        picture = await seen(pilot, "created key mobile")
        assert "✗ error" in picture
        assert "! warning" in picture
        await pilot.press("l")
        assert "created key mobile" not in await seen(pilot, "warning and up  2 of 3")
        await pilot.press("l", "l")
        await seen(pilot, "3 of 3")


async def test_unseen_problems_are_counted_on_the_tab_until_the_list_is_looked_at(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        link.news.append(Noted(AT + 3, "error", "x", "something broke"))
        app.poll()
        app.tick()
        await seen(pilot, "Logs ●1")
        await pilot.press("6")
        assert "●1" not in await seen(pilot, "something broke")


async def test_enter_shows_the_whole_text_of_an_event(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        assert "the very end" not in await seen(pilot, "✗ error")
        await pilot.press("enter")
        await seen(pilot, "the very end")
        assert "journal_full" in shown(app)


async def test_events_are_filtered_by_words(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6", "slash")
        await typed(pilot, "aside")
        assert "created key" not in await seen(pilot, "1 of 3")


async def test_on_a_real_gateway_what_an_operator_does_is_noted_at_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, console_on(house.service) as pilot:
        await pilot.press("6")
        await seen(pilot, "created key tests")
        await house.service.ask(SetKeyEnabled(house.key.key.id, False))
        await seen(pilot, "switched key tests off")


async def test_alerts_have_a_badge_of_their_own_until_they_were_looked_at(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await seen(pilot, "Logs")
        link.news.append(Noted(AT + 3, "warning", "budget_80", "key batch has used 80 % of $400 a month"))
        app.poll()
        app.tick()
        await seen(pilot, "Logs ▲1")
        await pilot.press("6", "a")
        picture = await seen(pilot, "1 of 4")
        assert "▲ alert   key batch has used 80 %" in picture
        assert "▲1" not in picture
