"""Usage: added up by period and group, looked at otherwise by keys, and exported."""

import stat
from pathlib import Path

import pytest
from house import open_house

from console.app import ConsoleApp
from console.periods import DAY, span_of
from gateway.operations import AddUpstream, GetUsage, UsageRow
from gateway.price_operations import ListPrices, PriceView, RemovePrice, SetPrice
from tests.console.direct import console_on, seen, typed
from tests.console.scripted import NOW, ScriptedLink, exchange, shown

NOON = int(NOW * 1_000_000)


def row(label: str, start: int = 0, **figures: int) -> UsageRow:
    """A row of usage; give the figures that matter."""
    names = UsageRow.__struct_fields__[2:]
    return UsageRow(label, start, *(figures.get(name, 0) for name in names))


def files_in(directory: Path) -> dict[str, int]:
    """The mode of each file by its suffix."""
    return {file.suffix: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}


def usage(operation: GetUsage) -> list[UsageRow]:
    """Two groups, and all of it on the last day."""
    if operation.every != "all":
        return [row("", operation.until - DAY, requests=10, cost_micros=4_000_000)]
    return [
        row("claude-opus-4.5", requests=2, errors=1, input_tokens=400, output_tokens=90, cost_micros=3_000_000),
        row("llama-4-70b", requests=8, input_tokens=9_000, cache_read_tokens=1_000, unpriced=8),
    ]


@pytest.fixture
def link() -> ScriptedLink:
    """Some usage, one model of which has no price."""
    link = ScriptedLink()
    link.answers[GetUsage] = usage
    link.answers[ListPrices] = lambda op: [
        PriceView(
            "anthropic", "claude-opus-4.5", {"input": 5_000_000, "output": 25_000_000, "request": 10}, "genai-prices"
        ),
        PriceView("ollama", "llama-4-70b", {}, ""),
    ]
    link.answers[SetPrice] = lambda op: PriceView(op.provider_id, op.model, op.prices, "operator")
    return link


async def test_groups_come_with_their_share_and_what_has_no_price_is_said(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        picture = await seen(pilot, "claude-opus-4.5")
        assert picture.index("claude-opus-4.5") < picture.index("llama-4-70b")
        assert "$3.00  100" in picture
        assert "no price" in picture
        assert "8 unpriced P prices" in picture


async def test_another_measure_sorts_the_groups_anew(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await seen(pilot, "claude-opus-4.5")
        await pilot.press("m", "m")
        await pilot.pause()
        picture = shown(app)
        assert picture.index("llama-4-70b") < picture.index("claude-opus-4.5")


async def test_the_range_goes_from_today_by_hours_to_thirty_days(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await seen(pilot, "claude-opus-4.5")
        await pilot.press("h", "h", "h")
        await seen(pilot, "shortest time")
        asked = [operation for operation in link.asked_for(GetUsage) if isinstance(operation, GetUsage)]
        assert (asked[-2].every, asked[-2].until - asked[-2].since) == ("hour", DAY)


async def test_the_group_is_asked_for_by_the_key_b(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("5")
        await seen(pilot, "claude-opus-4.5")
        await pilot.press("b", "b")
        await pilot.pause(0.1)
        by = [operation.by for operation in link.asked_for(GetUsage) if isinstance(operation, GetUsage)]
        assert by[-1] == "owner"


async def test_enter_shows_the_requests_that_were_added_up(app: ConsoleApp, link: ScriptedLink) -> None:
    mine = exchange(1, model_served="claude-opus-4.5")
    link.exchanges = [mine, exchange(2, model_served="llama-4-70b"), exchange(3, model_served="claude-opus-4.5-old")]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await seen(pilot, "$3.00")
        await pilot.press("enter")
        assert "llama" not in await seen(pilot, "1 request")


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_an_export_is_a_new_file_for_its_owner_alone(
    app: ConsoleApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await seen(pilot, "$3.00")
        await pilot.press("e")
        await seen(pilot, "Export usage")
        await pilot.pause(0.2)
        await pilot.press(form[0])
        await seen(pilot, "rows written with mode 0600")
    assert files_in(tmp_path) == {f".{form}": 0o600}


def test_days_are_cut_at_the_operator_s_own_midnight() -> None:
    span = span_of(7, NOON, 2 * 3_600)
    assert (span.until - span.since, (span.since + 7_200_000_000) % DAY, span.until > NOON) == (7 * DAY, 0, True)
    assert len(span.labels()) == 7


async def test_a_price_is_typed_in_dollars_and_keeps_meters_the_form_does_not_show(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5", "P")
        await seen(pilot, "genai-prices")
        await pilot.press("e")
        await seen(pilot, "Price of claude-opus-4.5")
        await typed(pilot, ".5")
        await pilot.press("enter")
        await seen(pilot, "set the price of claude-opus-4.5")
        prices = {"input": 5_500_000, "output": 25_000_000, "request": 10}
        assert link.asked_for(SetPrice) == [SetPrice("anthropic", "claude-opus-4.5", prices)]


async def test_what_is_no_price_is_told_at_its_field(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5", "P")
        await seen(pilot, "genai-prices")
        await pilot.press("j", "e")
        await seen(pilot, "Price of llama-4-70b")
        await typed(pilot, "cheap")
        await pilot.press("enter")
        await seen(pilot, "is no sum of money: write dollars")
        assert "A price is needed" in shown(app)
        assert link.asked_for(SetPrice) == []


async def test_a_price_is_only_removed_after_a_question(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5", "P")
        await seen(pilot, "genai-prices")
        await pilot.press("x")
        await seen(pilot, "Remove your price?")
        await pilot.pause(0.2)
        await pilot.press("enter", "escape")
        assert link.asked_for(RemovePrice) == []


async def test_on_a_real_gateway_a_request_is_added_up_and_opened(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, console_on(house.service) as pilot:
        await house.service.ask(AddUpstream("demo"))
        body = {"model": "demo-1-mini", "messages": [{"role": "user", "content": "hi"}]}
        assert (await house.client.post("/v1/chat/completions", json=body)).status_code == 200
        await house.settled()
        await pilot.press("5")
        await seen(pilot, "demo-1-mini")
        await pilot.press("enter")
        await seen(pilot, "model demo-1-mini, ")
        await seen(pilot, "1 request")
