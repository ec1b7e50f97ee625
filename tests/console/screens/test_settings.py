"""The facts in force, to read and to copy."""

from pathlib import Path

from house import open_house
from textual.widgets import Button

from console.app import ConsoleApp
from console.widgets.form import ChoiceLine
from gateway.price_operations import ListPrices
from gateway.setting_operations import GetSettings
from tests.console.direct import console_on, seen
from tests.console.scripted import ScriptedLink, shown


async def test_the_facts_of_the_gateway_are_told_with_the_theme_in_use(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.action_go("settings")
        picture = await seen(pilot, "http://127.0.0.1:8400")
        assert "/home/me/gatehouse" in picture
        assert "gatehouse-dark" in picture


async def test_the_base_url_is_copied_by_one_key(app: ConsoleApp) -> None:
    copied: list[str] = []

    def keep(text: str) -> str:
        copied.append(text)
        return "tmux"

    async with app.run_test(size=(80, 24)) as pilot:
        app.session.copy = keep
        app.action_go("settings")
        await seen(pilot, "http://127.0.0.1:8400")
        await pilot.press("u")
        await seen(pilot, "base URL sent to the clipboard (tmux)")
        assert copied == ["http://127.0.0.1:8400"]


async def test_prices_are_one_key_away_and_their_absence_is_explained(app: ConsoleApp, link: ScriptedLink) -> None:
    link.answers[ListPrices] = lambda op: []
    async with app.run_test(size=(80, 24)) as pilot:
        app.action_go("settings")
        await seen(pilot, "data directory")
        await pilot.press("P")
        await seen(pilot, "No models yet.")
        assert "adds an upstream" in shown(app)


async def test_what_can_be_set_is_changed_in_a_form_and_shown_at_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, console_on(house.service) as pilot:
        assert isinstance(pilot.app, ConsoleApp)
        pilot.app.action_go("settings")
        await seen(pilot, "keep responses")
        await pilot.press("e")
        await seen(pilot, "Takes a whole number from 0 to 3650.")
        await pilot.press("backspace", "backspace", *"many", "enter")
        await seen(pilot, "must be a whole number from 0 to")
        await pilot.press(*["backspace"] * 4, "7")
        pilot.app.screen.query(ChoiceLine).first().focus()
        await pilot.press("right")
        pilot.app.screen.query(Button).first().press()
        await seen(pilot, "7 (usually 30)")
        now = {each.name: each.value for each in await house.service.ask(GetSettings())}
        assert (now["response_retention_days"], now["fetch_media"]) == ("7", "on")
        await pilot.app.workers.wait_for_complete()


async def test_on_a_real_gateway_the_directory_and_process_are_its_own(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, console_on(house.service) as pilot:
        assert isinstance(pilot.app, ConsoleApp)
        pilot.app.action_go("settings")
        picture = await seen(pilot, house.url)
        assert "running since" in picture
