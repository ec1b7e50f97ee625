"""The text of a request as it passes."""

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.screens.live import LiveScreen
from console.screens.tap import TapScreen
from console.widgets.confirm import GRACE
from console.widgets.tail import Tail
from data.records import RUNNING
from gateway.canonical import Piece
from gateway.errors import NotFound
from gateway.events import ExchangeEnded, TextPassed
from gateway.operations import CloseTap, CutExchange, Done, OpenTap, Operation, Tap
from tests.console.scripted import ScriptedLink, exchange, shown


@pytest.fixture
def link() -> ScriptedLink:
    """A running request that has said something already."""
    link = ScriptedLink()
    link.exchanges = [exchange(7, state=RUNNING, duration_us=None)]
    link.answers[OpenTap] = lambda operation: Tap([Piece("text", "Once upon a ")], True)
    link.answers[CloseTap] = lambda operation: Done("closed")
    link.answers[CutExchange] = lambda operation: Done("#7 was cut")
    return link


async def open_tap(pilot: Pilot[Leaving]) -> None:
    """Watch the newest request."""
    await pilot.press("v")
    await pilot.pause()


async def test_text_from_before_and_after_opening_is_one_text(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        link.news.append(TextPassed(7, "text", "time"))
        app.poll()
        assert "Once upon a time" in shown(app)


async def test_text_that_came_while_another_screen_was_open_is_not_lost(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        await pilot.press("5")
        link.news.append(TextPassed(7, "text", "time"))
        app.poll()
        await pilot.press("1")
        await pilot.pause()
        assert "Once upon a time" in shown(app)


async def test_thinking_and_calls_are_told_from_the_answer(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        link.news += [TextPassed(7, "reasoning", "hm"), TextPassed(7, "tool", "look_up()")]
        app.poll()
        assert "thinking\n hm" in shown(app)
        assert "call\n look_up()" in shown(app)


async def test_text_from_a_model_cannot_speak_to_the_terminal(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        link.news.append(TextPassed(7, "text", "\x1b]52;c;cm0=\x07 [bold]not markup[/bold]"))
        app.poll()
        assert "␛]52;c;cm0=␇ [bold]not markup[/bold]" in shown(app)


async def test_long_text_is_followed_until_one_scrolls_up(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        link.news.append(TextPassed(7, "text", "\n".join(f"line {n}" for n in range(100))))
        app.poll()
        assert "line 99" in shown(app)
        await pilot.press("g")
        link.news.append(TextPassed(7, "text", "\nthe end"))
        app.poll()
        assert "Once upon a line 0" in shown(app)
        assert "the end" not in shown(app)
        await pilot.press("G")
        assert "the end" in shown(app)


async def test_leaving_closes_the_tap_and_forgets_its_text(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, LiveScreen)
        assert link.asked_for(CloseTap) == [CloseTap(7)]
        assert app.session.state.tapped == {}


async def test_a_tap_stays_open_while_asking_whether_to_cut(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        await pilot.press("x")
        await pilot.pause(GRACE + 0.05)
        link.news.append(TextPassed(7, "text", "time"))
        app.poll()
        await pilot.pause(0.1)
        assert "Once upon a time" in shown(app)
        await pilot.press("y")
        await pilot.pause()
        assert link.asked_for(CutExchange) == [CutExchange(7)]
        assert link.asked_for(CloseTap) == []


async def test_the_end_of_the_request_is_seen_in_the_title(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        assert "▶ streaming" in shown(app)
        link.news.append(ExchangeEnded(exchange(7)))
        app.poll()
        assert "✓ 200" in shown(app)


async def test_a_tap_that_is_refused_says_why(app: ConsoleApp, link: ScriptedLink) -> None:
    def refuse(operation: Operation[Tap]) -> Tap:
        raise NotFound("its text was not kept")

    link.answers[OpenTap] = refuse
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tap(pilot)
        assert isinstance(app.screen, TapScreen)
        assert "✗ its text was not kept" in shown(app)
        assert app.screen.query_one(Tail).characters == 0
