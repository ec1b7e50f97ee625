"""From nothing to a first request, by keys."""

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.session import Session
from data.records import RUNNING
from gateway.events import ExchangeEnded, ExchangeStarted
from gateway.operations import (
    AddUpstream,
    Candidate,
    CreateKey,
    FindCandidates,
    GetSnippets,
    GetStatus,
    KeyCreated,
    ListUpstreams,
    Snippet,
    Tried,
    TryRequest,
    UpstreamAdded,
)
from tests.console.scripted import ScriptedLink, exchange, key, shown, status, upstream

SECRET = "gh-4hT9wQmZ0b7Lr2XyPq8sVn3KdJ6c"


@pytest.fixture
def link() -> ScriptedLink:
    """A gateway on which nothing was ever set up."""
    link = ScriptedLink()
    link.keys = []
    found = [
        Candidate("demo", "Demo", "built in: no account, no network"),
        Candidate("openai", "OpenAI", "OPENAI_API_KEY is set", "OPENAI_API_KEY"),
    ]
    link.answers[GetStatus] = lambda operation: status(exchanges=0, upstreams=0, keys=0)
    link.answers[ListUpstreams] = lambda operation: []
    link.answers[FindCandidates] = lambda operation: found
    link.answers[GetSnippets] = snippets
    link.answers[AddUpstream] = lambda operation: UpstreamAdded(upstream(operation.provider_id, ["m-mini"]), [])
    link.answers[CreateKey] = lambda operation: KeyCreated(key(1, operation.name), SECRET)
    link.answers[TryRequest] = lambda operation: answer(link)
    return link


def snippets(operation: GetSnippets) -> list[Snippet]:
    told = f"{operation.secret or 'YOUR_KEY'} {operation.model}"
    return [Snippet(id_, id_, "text", f"{id_} {told}") for id_ in ("curl", "python")]


def answer(link: ScriptedLink) -> Tried:
    link.news += [ExchangeStarted(exchange(1, state=RUNNING)), ExchangeEnded(exchange(1))]
    return Tried(True, "Hello there!", 1)


async def settled(app: ConsoleApp, pilot: Pilot[Leaving], *keys: str) -> str:
    """Press keys, let what follows happen, and look."""
    await pilot.pause()
    for each in keys:
        await pilot.press(each)
        await pilot.pause(0.05)
    app.poll()
    app.tick()
    await pilot.pause()
    return shown(app)


async def test_the_guide_offers_what_is_on_this_machine(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(app, pilot)
        assert "> OPENAI_API_KEY is set" in screen
        assert "built in: no account, no network" in screen
        assert "Enter do all" in screen


async def test_enter_does_all_three_steps_and_the_request_appears(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(app, pilot, "enter")
        assert link.asked_for(AddUpstream) == [AddUpstream("openai", credential_env="OPENAI_API_KEY")]
        assert link.asked_for(TryRequest) == [TryRequest(SECRET, "m-mini")]
        assert "✓  Upstream openai" in screen
        assert SECRET in screen
        assert "✓ Hello there!" in screen
        assert "gpt-5.1" in screen.split("\n")[3]


async def test_each_step_has_a_key_of_its_own(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot, "d", "k")
        assert link.asked_for(AddUpstream) == [AddUpstream("demo")]
        assert len(link.asked_for(CreateKey)) == 1
        assert link.asked_for(TryRequest) == []
        screen = await settled(app, pilot, "t")
        assert "✓ Hello there!" in screen


async def test_the_mark_moves_and_what_it_marks_is_used(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot, "down", "u")
        assert link.asked_for(AddUpstream) == [AddUpstream("demo")]


async def test_sending_without_a_key_says_what_is_missing(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(app, pilot, "t")
        assert "Create a key first: k." in screen
        assert link.asked_for(TryRequest) == []


async def test_tab_turns_to_the_snippet_of_the_next_language(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert "curl YOUR_KEY" in await settled(app, pilot)
        assert "python YOUR_KEY" in await settled(app, pilot, "tab")
        assert "curl YOUR_KEY" in await settled(app, pilot, "shift+tab")


async def test_key_and_snippet_are_copied_whole(app: ConsoleApp, session: Session) -> None:
    copied: list[str] = []

    def copy(text: str) -> str:
        copied.append(text)
        return "terminal"

    async with app.run_test(size=(80, 24)) as pilot:
        session.copy = copy
        screen = await settled(app, pilot, "enter", "c", "y")
        assert copied == [SECRET, f"curl {SECRET} m-mini"]
        assert "snippet sent to the clipboard (terminal)" in screen


async def test_a_hidden_key_is_nowhere_on_screen_any_more(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(app, pilot, "enter", "h")
        assert SECRET not in screen


async def test_escape_gives_the_list_its_place_and_the_guide_can_be_called_back(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(app, pilot, "escape")
        assert "Three steps" not in screen
        assert "No requests yet." in screen
        assert "Three steps" in await settled(app, pilot, "F")
