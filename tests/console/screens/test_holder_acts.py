"""Limits, payments, rotation, brake and capture by keys, each saying whom it would touch before it is done."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from house import House, open_house
from msgspec.structs import replace
from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.widgets.confirm import GRACE
from data.limits import Budget, Limits
from gateway.accounting import (
    Captured,
    GetBlastRadius,
    GetCapture,
    GetHolding,
    RotateKey,
    SetLimits,
    StartCapture,
    StopCapture,
    TopUp,
    WipeCaptures,
)
from gateway.errors import BadRequest
from gateway.operations import (
    AddUpstream,
    Done,
    ExchangeDetail,
    GetExchange,
    GetSnippets,
    GetUsage,
    KeyCreated,
    ListUpstreams,
)
from tests.console.direct import console_on, seen, typed
from tests.console.money import DOLLAR, HOUR, budgeted, holding, radius, window
from tests.console.scripted import NOW, ScriptedLink, exchange, key, shown


@pytest.fixture
def link() -> ScriptedLink:
    """Two keys, the first with a budget nearly used up."""
    link = ScriptedLink()
    link.keys = [key(1, "batch"), key(2, "web-prod")]
    link.holdings = [
        holding("everyone"),
        budgeted("key:1", window("month", 372, 400, 24 * 10)),
        holding("key:2", limits=Limits(prepaid=True), balance_micros=2_500_000),
    ]
    link.answers[GetBlastRadius] = lambda op: radius()
    link.answers[GetUsage] = lambda op: []
    link.answers[ListUpstreams] = lambda op: []
    return link


async def reply(pilot: Pilot[Leaving], question: str, answer: str) -> None:
    """Answer a question with a key, once it takes one."""
    await seen(pilot, question)
    await pilot.pause(GRACE + 0.05)
    await pilot.press(answer)


async def test_limits_are_filled_in_with_whom_they_touch_in_sight_and_refusals_at_their_field(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    def refuse(operation: SetLimits) -> None:
        raise BadRequest("budgets must not name a window twice.", param="budgets")

    link.answers[SetLimits] = refuse
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        lines = (await seen(pilot, "BALANCE")).splitlines()
        assert "93% mo  ! high" in lines[3]
        assert "$2.50" in lines[4]
        await pilot.press("l")
        await seen(pilot, "! touches 6 running answers, 1 key, $3.02/h   z undoes it")
        await pilot.press("tab", "tab")
        await typed(pilot, "60")
        await pilot.press("enter")
        await seen(pilot, "budgets must not name a window twice.")
        wanted = Limits(budgets=(Budget("month", 400 * DOLLAR),), requests_per_minute=60)
        assert link.asked_for(SetLimits) == [SetLimits("key:1", wanted)]


async def test_a_payment_carries_a_word_of_its_own_so_that_sending_it_again_books_nothing(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    link.answers[TopUp] = lambda op: holding("key:2", "web-prod", balance_micros=22_500_000)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "batch")
        await pilot.press("j", "plus")
        await seen(pilot, "Top up")
        await typed(pilot, "20")
        await seen(pilot, "balance $2.50  → $22.50")
        await pilot.press("enter")
        await seen(pilot, "booked: web-prod has $22.50 now")
        [paid] = link.asked_for(TopUp)
        assert isinstance(paid, TopUp)
        assert (paid.micros, bool(paid.once)) == (20_000_000, True)


async def test_a_rotated_key_s_secret_is_shown_once(app: ConsoleApp, link: ScriptedLink) -> None:
    link.answers[RotateKey] = lambda op: KeyCreated(key(op.id, "batch"), "sk-gh-another")
    link.answers[GetSnippets] = lambda op: []
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "batch")
        await pilot.press("r")
        await seen(pilot, "Another secret for batch")
        await pilot.press("enter")
        assert "Key batch has another secret" in await seen(pilot, "sk-gh-another")
        assert link.asked_for(RotateKey) == [RotateKey(1, 86_400)]


async def test_a_capture_is_started_seen_while_on_stopped_and_wiped(app: ConsoleApp, link: ScriptedLink) -> None:
    def start(operation: StartCapture) -> object:
        link.keys[0] = replace(key(1, "batch"), capture_until=int(NOW * DOLLAR) + HOUR, capture_left=20)
        return link.keys[0]

    link.answers[StartCapture] = start
    link.answers[StopCapture] = lambda op: key(1, "batch")
    link.answers[WipeCaptures] = lambda op: Done("deleted what was kept of 3 requests")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "batch")
        await pilot.press("c")
        await reply(pilot, "Nothing is being kept.", "s")
        await seen(pilot, "Prompts and answers are stored, sealed.")
        await pilot.press("enter")
        await seen(pilot, "◉ capture ")
        assert "what its next 20 requests and their answers say is kept" in shown(app)
        await pilot.press("c")
        await reply(pilot, "keep no more", "w")
        await reply(pilot, "Delete what was kept of batch?", "y")
        await seen(pilot, "deleted what was kept of 3 requests")


async def test_looking_at_a_capture_says_first_that_the_look_goes_on_record(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    link.exchanges = [exchange(7)]
    link.answers[GetExchange] = lambda op: ExchangeDetail(exchange(7), [], "batch")
    link.answers[GetCapture] = lambda op: Captured(7, int(NOW * DOLLAR), '{"model":"gpt-5.1"}', "Hello \x1b[2J")
    async with app.run_test(size=(80, 24)) as pilot:
        await seen(pilot, "gpt-5.1")
        await pilot.press("enter", "C")
        await seen(pilot, "The look goes on record.")
        assert link.asked_for(GetCapture) == []
        await pilot.pause(GRACE + 0.05)
        await pilot.press("y")
        picture = await seen(pilot, "Hello ␛[2J")
        assert '"model": "gpt-5.1"' in picture


async def test_the_detail_of_a_key_shows_its_own_its_owner_s_and_everyone_s_limits(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    link.keys = [replace(key(1, "batch"), owner="data", tags=["nightly"])]
    link.holdings += [budgeted("owner:data", window("day", 40, 50)), holding("key:2")]
    link.holdings[0] = holding("everyone", limits=Limits(requests_per_minute=900))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "batch")
        await pilot.press("enter")
        picture = await seen(pilot, "everyone 900 requests a minute")
        assert "#nightly" in picture
        assert "this key month   93% ! high  $372.00/$400.00  $28.00 left  until" in picture
        assert "owner    day     80%" in picture


async def test_on_a_real_gateway_limits_are_set_shown_and_taken_back(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, console_on(house.service) as pilot:
        await pilot.press("2")
        await seen(pilot, "tests")
        await pilot.press("l")
        await seen(pilot, "Limits of tests")
        await typed(pilot, "20 day")
        await pilot.press("tab", "enter")
        await seen(pilot, "0.0% day")
        await pilot.press("z")
        await reply(pilot, "Undo: set the limits of tests", "y")
        await seen(pilot, "no budget")
        assert (await house.service.ask(GetHolding("key:1"))).limits == Limits()


@contextlib.asynccontextmanager
async def demo_house(directory: Path, body: object) -> AsyncIterator[House]:
    """A gateway that has answered its first request."""
    async with open_house(directory) as house:
        await house.service.ask(AddUpstream("demo", unpriced=True))
        await house.client.post("/v1/chat/completions", json=body)
        await house.settled()
        yield house


async def test_on_a_real_gateway_a_capture_is_started_seen_in_the_list_looked_at_and_wiped(tmp_path: Path) -> None:
    body = {"model": "demo-1", "messages": [{"role": "user", "content": "canary"}]}
    async with demo_house(tmp_path, body) as house, console_on(house.service) as pilot:
        await pilot.press("2")
        await seen(pilot, "tests")
        await pilot.press("c")
        await reply(pilot, "Nothing is being kept.", "s")
        await seen(pilot, "Prompts and answers are stored, sealed.")
        await pilot.press("enter")
        await seen(pilot, "◉ capture ")
        assert (await house.client.post("/v1/chat/completions", json=body)).status_code == 200
        number = (await house.settled()).id
        await pilot.press("1")
        await seen(pilot, "demo-1")
        await pilot.press("enter", "C")
        await reply(pilot, "The look goes on record.", "y")
        assert '"content": "canary"' in await seen(pilot, "this look is on record")
        await pilot.press("escape", "2")
        await seen(pilot, "what its next 19 requests and their answers say is kept")
        await pilot.press("c")
        await reply(pilot, "keep no more", "w")
        await reply(pilot, "Delete what was kept of tests?", "y")
        await seen(pilot, "deleted what was kept of 1 requests")
        with pytest.raises(BadRequest, match="Nothing is kept"):
            await house.service.ask(GetCapture(number))
