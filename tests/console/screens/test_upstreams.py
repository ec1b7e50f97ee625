"""The upstreams: picked, filled in, tested, changed and removed by keys."""

from pathlib import Path

import pytest
from house import open_house
from msgspec.structs import replace

from console.app import ConsoleApp
from console.screens.forms.upstream import credential_check, read_credential
from console.screens.upstream_lines import step_lines
from gateway import operations
from gateway.errors import BadRequest
from gateway.events import UpstreamHealthChanged
from gateway.operations import (
    AddUpstream,
    Candidate,
    Done,
    EditUpstream,
    FindCandidates,
    ListProviders,
    ListRoutes,
    ListUpstreams,
    ProviderView,
    RemoveUpstream,
    RouteView,
    SetUpstreamEnabled,
    TargetView,
    UpstreamAdded,
)
from gateway.price_operations import ListPrices, PriceView
from tests.console.direct import console_on, seen, typed
from tests.console.scripted import ScriptedLink, shown, upstream

REFUSED = operations.TestStep("auth", False, "It refuses the credential (HTTP 401). Was it copied whole?", 24_000)


def provider(id_: str, title: str, base_url: str = "https://example.org/v1") -> ProviderView:
    """A provider with a usual address."""
    return ProviderView(
        id_, title, ["openai_chat"], base_url, ["ITS_KEY"], "https://docs.example.org", False, not base_url, ""
    )


@pytest.fixture
def link() -> ScriptedLink:
    """One upstream in use; providers to choose from, one of them found in the environment."""
    link = ScriptedLink()
    used = replace(
        upstream("openai", ["gpt-5.1", "gpt-5.1-mini"]),
        requests_today=200,
        errors_today=76,
        health="shaky",
        health_why="its last request failed",
    )
    link.answers[ListUpstreams] = lambda op: [used]
    link.answers[ListProviders] = lambda op: [
        provider("openai", "OpenAI"),
        provider("mistral", "Mistral"),
        provider("vertex", "Google Vertex AI", "https://host/projects/{project}/locations/{location}"),
        provider("custom", "Any OpenAI-compatible", ""),
    ]
    link.answers[FindCandidates] = lambda op: [
        Candidate("mistral", "Mistral", "MISTRAL_API_KEY is set", "MISTRAL_API_KEY")
    ]
    link.answers[AddUpstream] = lambda op: UpstreamAdded(replace(used, id=2, name=op.name or op.provider_id), [])
    link.answers[operations.TestUpstream] = lambda op: UpstreamAdded(used, [REFUSED])
    link.answers[EditUpstream] = lambda op: replace(used, name=op.name or used.name)
    link.answers[SetUpstreamEnabled] = lambda op: replace(used, enabled=op.enabled)
    link.answers[RemoveUpstream] = lambda op: Done("removed upstream openai")
    link.answers[ListRoutes] = lambda op: [RouteView(1, 1, "default", "*", True, [TargetView("openai")], 0)]
    link.answers[ListPrices] = lambda op: [
        PriceView("openai", "gpt-5.1", {"input": 1_250_000, "output": 10_000_000}, "genai-prices")
    ]
    return link


async def test_state_is_said_by_glyph_and_word_with_its_reason_below(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        picture = await seen(pilot, "◐ shaky")
        assert "38%" in picture
        assert "shaky: its last request failed" in picture


async def test_what_was_found_on_this_machine_is_offered_first_and_filled_in(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await seen(pilot, "● MISTRAL_API_KEY is set")
        await pilot.press("enter")
        await seen(pilot, "Add Mistral")
        await pilot.press("enter")
        await seen(pilot, "It works")
        assert link.asked_for(AddUpstream) == [AddUpstream("mistral", credential_env="MISTRAL_API_KEY")]


async def test_a_provider_is_found_by_typing_and_asks_for_what_it_needs(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await seen(pilot, "type to search")
        await typed(pilot, "vertex")
        await pilot.press("enter")
        await seen(pilot, "Project")
        assert "Base URL" not in shown(app)


async def test_a_provider_without_a_usual_address_is_not_added_without_one(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await seen(pilot, "type to search")
        await typed(pilot, "any open")
        await pilot.press("enter")
        await seen(pilot, "Add Any OpenAI-compatible")
        await pilot.press("enter")
        await seen(pilot, "This provider has no usual address: give yours.")
        assert link.asked_for(AddUpstream) == []


async def test_a_typed_credential_is_never_on_screen_and_goes_before_a_variable(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await seen(pilot, "MISTRAL_API_KEY is set")
        await pilot.press("enter")
        await seen(pilot, "Add Mistral")
        await pilot.press("tab")
        await typed(pilot, "secret")
        assert "secret" not in shown(app)
        await pilot.press("enter")
        await seen(pilot, "It works")
        assert link.asked_for(AddUpstream) == [AddUpstream("mistral", credential="secret")]


def test_a_credential_of_several_lines_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text('{\n  "private_key_id": "1"\n}\n')
    assert read_credential(f"@{file}") == '{\n  "private_key_id": "1"\n}'
    assert credential_check(f"@{file}.not") == "This file cannot be read: No such file or directory."


async def test_a_failed_test_says_what_to_do_and_offers_it_by_one_letter(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await seen(pilot, "openai")
        await pilot.press("t")
        assert "✗ auth" in await seen(pilot, "it copied whole?")
        await pilot.pause(0.2)
        await pilot.press("e")
        await seen(pilot, "Empty keeps …9fQ2.")


async def test_only_what_was_changed_of_an_account_is_sent(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await seen(pilot, "openai")
        await pilot.press("e")
        await typed(pilot, "2")
        await pilot.press("enter")
        await seen(pilot, "changed upstream openai2; t tests it")
        assert link.asked_for(EditUpstream) == [EditUpstream(1, name="openai2")]


async def test_a_refused_address_is_told_at_its_field(app: ConsoleApp, link: ScriptedLink) -> None:
    def refuse(operation: EditUpstream) -> None:
        raise BadRequest("base_url must hold no query and no fragment.", param="base_url")

    link.answers[EditUpstream] = refuse
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await seen(pilot, "openai")
        await pilot.press("e", "enter")
        lines = (await seen(pilot, "must hold no query")).splitlines()
        below = next(y for y, line in enumerate(lines) if "must hold no query" in line)
        assert "Base URL" in lines[below - 1]


async def test_removing_one_in_use_names_the_routes_that_lose_it_and_wants_its_name(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await seen(pilot, "openai")
        await pilot.press("x")
        await seen(pilot, "Routes that send there lose it: default.")
        await pilot.pause(0.2)
        await pilot.press("enter", "y", "tab")
        await typed(pilot, "openai")
        assert link.asked_for(RemoveUpstream) == []
        await pilot.press("y")
        await seen(pilot, "removed upstream openai")


async def test_one_that_was_turned_off_says_so_and_how_to_turn_it_on(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await seen(pilot, "openai")
        await pilot.press("d")
        await seen(pilot, "d turns it on again")
        assert link.asked_for(SetUpstreamEnabled) == [SetUpstreamEnabled(1, False)]


async def test_its_models_are_listed_with_what_they_cost(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await seen(pilot, "openai")
        await pilot.press("enter")
        picture = await seen(pilot, "genai-prices")
        assert "$1.25" in picture
        assert "no price" in picture


async def test_news_of_its_health_reloads_the_list(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await seen(pilot, "◐ shaky")
        link.answers[ListUpstreams] = lambda op: [replace(upstream("openai", []), health="down", health_why="refuses")]
        link.news.append(UpstreamHealthChanged(1, "down", "refuses"))
        app.poll()
        await seen(pilot, "○ down")


def test_steps_of_a_test_keep_to_the_width_they_are_given() -> None:
    lines = step_lines([REFUSED], 40)
    assert all(sum(len(text) for text, _ in line) <= 40 for line in lines)


async def test_on_a_real_gateway_the_demo_is_added_tested_turned_off_and_removed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, console_on(house.service) as pilot:
        await pilot.press("3", "n")
        await seen(pilot, "built in, needs no account")
        await typed(pilot, "demo")
        await pilot.press("enter")
        await seen(pilot, "Add Demo")
        await pilot.press("enter")
        await seen(pilot, "✓ models")
        await pilot.pause(0.2)
        await pilot.press("escape")
        await seen(pilot, "● up")
        await pilot.press("d")
        await seen(pilot, "■ off")
        await pilot.press("x")
        await seen(pilot, "Remove this upstream?")
        await pilot.pause(0.2)
        await pilot.press("y")
        await seen(pilot, "No upstreams yet.")
