"""The frame of the console, driven by keys."""

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.screens.frame import FrameScreen
from console.session import Session
from console.theme import CHOICES, starting_theme
from console.widgets import confirm
from console.widgets.confirm import GRACE, Dialog
from gateway.errors import Unavailable
from gateway.events import ExchangeStarted
from gateway.operations import GetStatus, Operation, Status
from tests.console.scripted import ScriptedLink, exchange, shown, status


async def press(pilot: Pilot[Leaving], *keys: str) -> None:
    """Press keys as a person does: each a moment after the one before."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause(GRACE + 0.05)


async def test_the_status_line_names_the_address_of_the_gateway(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "gatehouse  ● 127.0.0.1:8400" in shown(app)


async def test_a_gateway_that_does_not_answer_is_the_status_line_itself(app: ConsoleApp, link: ScriptedLink) -> None:
    def refuse(operation: Operation[Status]) -> Status:
        raise Unavailable("the port is taken by process 812")

    link.answers[GetStatus] = refuse
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "○ the port is taken by process 812" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (50, 10)])
async def test_every_main_screen_opens_by_its_number(app: ConsoleApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        for number, mode in enumerate(("live", "keys", "upstreams", "routes", "usage", "logs"), 1):
            await pilot.press(str(number))
            await pilot.pause()
            assert app.current_mode == mode
        await pilot.press("minus")
        assert app.current_mode == "usage"


async def test_a_click_on_a_tab_goes_there(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click("TabLine", offset=(10, 0))
        await pilot.pause()
        assert app.current_mode == "keys"


async def test_escape_and_enter_never_leave_the_console(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "escape", "escape", "q", "enter", "enter")
        assert isinstance(app.screen, Dialog)
        await press(pilot, "escape")
        assert isinstance(app.screen, FrameScreen)
        assert app.return_value is None
        assert app.is_running


@pytest.mark.parametrize(("key", "leaving"), [("d", "detach"), ("s", "stop"), ("S", "stop_now")])
async def test_leaving_asks_and_tells_how_the_operator_left(app: ConsoleApp, key: str, leaving: Leaving) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "q", key)
    assert app.return_value == leaving


async def test_the_question_how_to_leave_counts_what_is_running(app: ConsoleApp, link: ScriptedLink) -> None:
    link.exchanges = [exchange(1)]
    async with app.run_test(size=(80, 24)) as pilot:
        link.news.append(ExchangeStarted(exchange(2, state="running")))
        app.poll()
        await press(pilot, "q")
        assert "cut 1 running" in shown(app)


async def test_an_attached_console_can_only_be_left(link: ScriptedLink) -> None:
    app = ConsoleApp(Session(link, attached=True), live=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "q", "s", "S")
        assert app.is_running
        await press(pilot, "d")
    assert app.return_value == "leave"


async def test_a_held_key_does_not_walk_through_a_question(app: ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "GRACE", 60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q", "d")
        assert app.is_running
        assert isinstance(app.screen, Dialog)


async def test_help_lists_the_keys_of_the_screen_and_finds_them_by_typing(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("?")
        await pilot.pause()
        assert "End this running answer" in shown(app)
        await pilot.press(*"theme")
        await pilot.pause()
        assert "Change to the next theme" in shown(app)
        assert "End this running answer" not in shown(app)


async def test_the_palette_runs_a_command_by_its_name(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":")
        await pilot.pause()
        await pilot.press(*"usage and cost")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.3)
        assert app.current_mode == "usage"


async def test_an_error_stays_until_escape_and_a_warning_until_any_key(app: ConsoleApp, link: ScriptedLink) -> None:
    link.exchanges = [exchange(1), exchange(2)]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, FrameScreen)
        screen.tell("it broke", "error")
        await pilot.press("j", "k")
        assert "✗ it broke" in shown(app)
        await pilot.press("escape")
        assert "it broke" not in shown(app)
        screen.tell("mind this", "warning")
        await pilot.press("j")
        await pilot.pause()
        assert "mind this" not in shown(app)


async def test_every_theme_can_draw_every_tone(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for theme in (*CHOICES[1:], CHOICES[0]):
            await pilot.press("T")
            await pilot.pause()
            assert app.theme == theme
            assert "127.0.0.1:8400" in shown(app)


def test_a_terminal_of_few_colours_keeps_its_own_palette() -> None:
    assert starting_theme("", {"TERM": "linux"}) == "ansi-dark"
    assert starting_theme("", {"TERM": "xterm-256color"}) == "gatehouse-dark"
    assert starting_theme("ansi-light", {"COLORTERM": "truecolor"}) == "ansi-light"


async def test_a_plain_terminal_gets_no_glyph_outside_ascii(link: ScriptedLink) -> None:
    link.exchanges = [exchange(1), exchange(2, state="failed"), exchange(3, attempts=2), exchange(4, state="cut")]
    app = ConsoleApp(Session(link), ascii_only=True, live=False)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        assert painted(app).isascii()


def painted(app: ConsoleApp) -> str:
    """What goes to the terminal, after all filters."""
    screen = app.screen
    filters = app.get_line_filters()
    lines = []
    for strip in screen._compositor.render_strips():
        segments = list(strip)
        for line_filter in filters:
            segments = line_filter.apply(segments, screen.background_colors[1])
        lines.append("".join(segment.text for segment in segments))
    return "\n".join(lines)


async def test_no_widget_of_textual_can_let_an_escape_through(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("/")
        screen = app.screen
        assert isinstance(screen, FrameScreen)
        screen.set_filter("\x1b]52;c;cm0=\x07")
        await pilot.pause()
        assert "\x1b" not in painted(app)
        assert "\x07" not in painted(app)


async def test_the_status_tells_that_the_gateway_drains(app: ConsoleApp, link: ScriptedLink) -> None:
    link.answers[GetStatus] = lambda operation: status(draining=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "◐ draining" in shown(app)
