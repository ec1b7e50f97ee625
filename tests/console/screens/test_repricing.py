"""Re-pricing a period: a preview, a booking with a note, and its reversal."""

import pytest

from console.app import ConsoleApp
from console.ink import plain
from console.screens.repricing import repriced_lines, repricing
from console.widgets.confirm import GRACE
from gateway.accounting import (
    AdjustmentView,
    GetBlastRadius,
    ListAdjustments,
    Reprice,
    Repriced,
    RepricedModel,
    ReverseAdjustment,
)
from gateway.operations import Done, GetUsage
from gateway.price_operations import ListPrices
from tests.console.direct import seen, typed
from tests.console.money import DOLLAR, HOUR, radius
from tests.console.scripted import NOW, ScriptedLink

NOW_MICROS = int(NOW * DOLLAR)
MODELS = [
    RepricedModel("gpt-5.1", "openai", 4_102, 71_550_000, 69_020_000, 0, 0),
    RepricedModel("llama", "local", 9, 0, 2_730_000, 9, 0),
]


@pytest.fixture
def link() -> ScriptedLink:
    """A period that would cost something else."""
    link = ScriptedLink()
    link.answers[GetUsage] = lambda op: []
    link.answers[ListPrices] = lambda op: []
    link.answers[GetBlastRadius] = lambda op: radius()
    link.answers[Reprice] = lambda op: Repriced(op.since, op.until, 18_204, MODELS, 200_000, 3 if op.book else None)
    link.answers[ListAdjustments] = lambda op: [AdjustmentView(3, NOW_MICROS, "kim", "November", 4_111, 200_000, None)]
    link.answers[ReverseAdjustment] = lambda op: Done("reversed adjustment 3")
    return link


def test_a_preview_lists_each_model_that_changes_and_the_sum() -> None:
    lines = [plain(line) for line in repriced_lines(Repriced(0, NOW_MICROS, 18_204, MODELS, 200_000, None))]
    assert any("gpt-5.1" in line and "$71.55" in line and "-$2.53" in line for line in lines)
    assert any("llama" in line and "+$2.73" in line and "9 unpriced" in line for line in lines)
    assert "+$0.2000" in lines[-1]
    unchanged = repriced_lines(Repriced(0, NOW_MICROS, 3, [], 0, None))
    assert "Nothing changes" in plain(unchanged[-1])


def test_a_period_is_typed_as_a_span_or_as_dates() -> None:
    asked = repricing({"since": "30d", "until": "now", "model": "gpt-5.1"}, NOW_MICROS)
    assert asked == Reprice(NOW_MICROS - 30 * 24 * HOUR, NOW_MICROS, "gpt-5.1")


async def test_the_difference_is_booked_only_after_a_preview_and_can_be_reversed(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5", "P")
        await seen(pilot, "No models yet.")
        await pilot.press("r")
        await seen(pilot, "Re-price a period")
        await pilot.press("enter")
        await seen(pilot, "18,204 requests were looked at")
        await pilot.press("b")
        await seen(pilot, "Book +$0.2000?")
        await typed(pilot, "November")
        await pilot.press("enter")
        await seen(pilot, "booked as adjustment 3")
        booked = [asked for asked in link.asked_for(Reprice) if isinstance(asked, Reprice)]
        assert [(asked.book, asked.note) for asked in booked] == [(False, ""), (True, "November")]
        await pilot.press("A")
        await seen(pilot, "✓ booked")
        await pilot.press("x")
        await seen(pilot, "Reverse this adjustment?")
        await pilot.pause(GRACE + 0.05)
        await pilot.press("y")
        await seen(pilot, "reversed adjustment 3")
