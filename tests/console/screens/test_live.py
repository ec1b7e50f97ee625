"""The stream of requests, driven by keys and news."""

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.screens.detail import DetailScreen
from console.screens.live import LiveScreen
from console.session import Session
from console.widgets.confirm import GRACE, ConfirmBar
from data.records import CUT, FAILED, RUNNING
from gateway.accounting import ApproveExchange
from gateway.canonical import Piece
from gateway.events import ExchangeEnded, ExchangeProgressed, ExchangeStarted, TextPassed
from gateway.operations import CloseTap, CutExchange, Done, OpenTap, Tap
from tests.console.scripted import Clock, ScriptedLink, exchange, shown


@pytest.fixture
def link() -> ScriptedLink:
    """Forty requests on record, the newest of which is running."""
    link = ScriptedLink()
    link.exchanges = [exchange(id_, model_served=f"model-{id_}") for id_ in range(1, 40)]
    link.exchanges.append(exchange(40, state=RUNNING, duration_us=None, model_served="model-40"))
    link.answers[CutExchange] = lambda operation: Done(f"#{operation.id} was cut")
    return link


def live(app: ConsoleApp) -> LiveScreen:
    """The screen under test."""
    assert isinstance(app.screen, LiveScreen)
    return app.screen


def arrive(app: ConsoleApp, link: ScriptedLink, clock: Clock, *ids: int) -> None:
    """Some requests begin."""
    clock.at += 1
    link.news += [ExchangeStarted(exchange(id_, state=RUNNING, model_served=f"model-{id_}")) for id_ in ids]
    app.poll()


async def settled(pilot: Pilot[Leaving], *keys: str) -> None:
    """Press keys and let what follows happen."""
    await pilot.press(*keys)
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_twenty_rows_of_requests_fit_a_small_terminal(app: ConsoleApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        lines = shown(app).split("\n")
        assert lines[3].split()[1:4] == ["▶", "web-prod", "model-40"]
        assert sum("web-prod" in line[:30] for line in lines) == size[1] - 4
        assert max(len(line) for line in lines) <= size[0]


async def test_newest_requests_appear_on_top_while_following(app: ConsoleApp, link: ScriptedLink, clock: Clock) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        arrive(app, link, clock, 41, 42)
        assert "model-42" in shown(app).split("\n")[3]


async def test_away_from_the_top_rows_stand_still_and_newcomers_are_counted(
    app: ConsoleApp, link: ScriptedLink, clock: Clock
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "j", "j")
        before = shown(app).split("\n")[3:]
        arrive(app, link, clock, *range(41, 61))
        app.tick()
        await pilot.pause()
        assert [line[28:48] for line in shown(app).split("\n")[3:23]] == [line[28:48] for line in before[:20]]
        assert "▲ 20 new  g follow" in shown(app)
        await settled(pilot, "g")
        assert "model-60" in shown(app).split("\n")[3]


async def test_a_held_list_counts_what_it_keeps_out(app: ConsoleApp, link: ScriptedLink, clock: Clock) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "space")
        arrive(app, link, clock, 41, 42, 43)
        app.tick()
        assert "held  3 new" in shown(app)
        assert "model-40" in shown(app).split("\n")[3]
        await settled(pilot, "space")
        assert "model-43" in shown(app).split("\n")[3]


async def test_a_running_row_counts_on_and_ends_in_place(app: ConsoleApp, link: ScriptedLink, clock: Clock) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        clock.at += 1
        link.news.append(ExchangeProgressed(40, "openai", "model-40", "default", 400_000, 777, 5_000))
        app.poll()
        assert "777" in shown(app).split("\n")[3]
        clock.at += 1
        link.news.append(ExchangeEnded(exchange(40, state=FAILED, http_status=529, error_message="overloaded")))
        app.poll()
        assert "529 overloaded" in shown(app).split("\n")[3]


async def test_cutting_asks_and_enter_does_not_answer(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "x")
        await pilot.pause(GRACE)
        await settled(pilot, "enter", "enter", "space", "x")
        assert isinstance(app.screen, ConfirmBar)
        await settled(pilot, "escape")
        assert link.asked_for(CutExchange) == []
        await settled(pilot, "x")
        await pilot.pause(GRACE + 0.05)
        await settled(pilot, "y")
        await pilot.pause()
        assert link.asked_for(CutExchange) == [CutExchange(40)]
        assert "#40 was cut" in shown(app)


async def test_a_request_that_is_over_cannot_be_cut_and_that_is_said(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "j", "x")
        assert "Only a running request can be cut" in shown(app)
        assert isinstance(app.screen, LiveScreen)


async def test_enter_opens_the_selected_request_and_escape_returns_to_it(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "j", "j", "j", "enter")
        assert isinstance(app.screen, DetailScreen)
        assert app.screen.record.id == 37
        await settled(pilot, "escape", "escape")
        selected = live(app).grid.selected
        assert selected is not None
        assert selected.id == 37


async def test_a_filter_works_while_typed_and_its_count_is_shown(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "/", *"model-3")
        assert "/model-3  11 of 40" in shown(app)
        await settled(pilot, "enter", "j")
        assert live(app).grid.has_focus
        assert len(live(app).index) == 11
        await settled(pilot, "escape")
        assert len(live(app).index) == 40


async def test_a_wrong_filter_keeps_the_last_good_result_and_says_why(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "/", *"model-3 modle:x")
        assert 'unknown field "modle"  did you mean model?' in shown(app)
        assert len(live(app).index) == 11


async def test_problems_and_running_are_filters_of_one_key(app: ConsoleApp, link: ScriptedLink, clock: Clock) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        link.news.append(ExchangeEnded(exchange(39, state=CUT)))
        app.poll()
        await settled(pilot, "!")
        assert [live(app).index.at(0).id, len(live(app).index)] == [39, 1]
        await settled(pilot, "!", "i")
        assert [live(app).index.at(0).id, len(live(app).index)] == [40, 1]


async def test_a_facet_filters_by_what_the_row_says(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot, "j", "f")
        await pilot.pause(GRACE + 0.05)
        await settled(pilot, "m")
        assert live(app).filter_text == 'model:"model-39"'
        assert len(live(app).index) == 1


async def test_the_pane_beside_the_list_follows_the_selection(app: ConsoleApp) -> None:
    async with app.run_test(size=(140, 40)) as pilot:
        await settled(pilot, "j", "j")
        assert "#38" in shown(app)
        await settled(pilot, "p")
        assert "#38" not in shown(app)


async def test_the_pane_shows_the_running_text_once_the_selection_rests(app: ConsoleApp, link: ScriptedLink) -> None:
    link.answers[OpenTap] = lambda operation: Tap([Piece("text", "Once upon a ")], True)
    link.answers[CloseTap] = lambda operation: Done("closed")
    async with app.run_test(size=(140, 40)) as pilot:
        await settled(pilot)
        assert link.asked_for(OpenTap) == []
        app.tick()
        app.tick()
        await pilot.pause()
        link.news.append(TextPassed(40, "text", "time"))
        app.poll()
        assert "Once upon a time" in shown(app)
        await settled(pilot, "j")
        await pilot.pause()
        assert "Once upon a time" not in shown(app)
        assert link.asked_for(CloseTap) == [CloseTap(40)]
        assert app.session.state.tapped == {}


async def test_no_text_is_tapped_for_a_pane_that_is_not_there(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        for _ in range(5):
            app.tick()
        assert link.asked_for(OpenTap) == []


@pytest.mark.parametrize("field", ["model_served", "upstream", "route", "error_message"])
async def test_hostile_names_are_drawn_as_signs(field: str, link: ScriptedLink) -> None:
    hostile = "\x1b]52;c;cm0gLXJm\x07\x1b[2J\u202e"
    link.exchanges.append(exchange(41, **{field: hostile, "state": FAILED if field == "error_message" else "done"}))
    app = ConsoleApp(Session(link), live=False)
    async with app.run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        assert not {"\x1b", "\x07", "\u202e"} & set(shown(app))
        assert "␛" in shown(app)


async def test_a_click_selects_a_row_and_a_second_one_opens_it(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.click("#exchanges", offset=(20, 6))
        selected = live(app).grid.selected
        assert selected is not None
        assert selected.id == 35
        await pilot.click("#exchanges", offset=(20, 6))
        await pilot.pause()
        assert isinstance(app.screen, DetailScreen)


async def test_what_waits_for_the_operator_says_so_and_is_approved_with_its_highest_cost_in_sight(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    waiting = exchange(41, state=RUNNING, progress="waits for approval", reserved_micros=1_250_000)
    link.exchanges.append(waiting)
    link.answers[ApproveExchange] = lambda op: Done(f"let #{op.id} go")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "waits for approval" in shown(app)
        await settled(pilot, "a")
        assert "Let #41 of web-prod go? It may cost up to $1.25." in shown(app)
        await pilot.pause(GRACE + 0.05)
        await settled(pilot, "enter", "y")
        assert link.asked_for(ApproveExchange) == [ApproveExchange(41)]
        await settled(pilot, "j", "a")
        assert "waits for nobody's approval" in shown(app)
