"""How a charge is explained, and how few keys that takes."""

from console.app import ConsoleApp
from console.ink import plain
from console.screens.charge import charge_lines
from gateway.accounting import ChargeExplained, ChargeLine, EntryView, ExplainCharge
from gateway.operations import ExchangeDetail, GetExchange
from tests.console.direct import seen
from tests.console.scripted import ScriptedLink, exchange

ROW = "genai-prices 0.2.3, gpt-5.1, 2026-11-02"


def entry(id_: int, kind: str, balance: int, reserved: int, cost: int = 0) -> EntryView:
    return EntryView(id_, 0, kind, 7, 1, "", balance, reserved, cost, 0, None, "", "")


CHARGE = ChargeExplained(
    exchange_id=7,
    model="gpt-5.1",
    provider_id="openai",
    usage_source="provider",
    lines=[
        ChargeLine("input", 1_512, "1250000", "1890", ROW),
        ChargeLine("cache_read", 3, "125000", "0.375", ROW),
        ChargeLine("audio_seconds", 90, "100000000000", "9000", ROW),
    ],
    total_micros=10_890,
    reserved_micros=4_000,
    overrun=True,
    entries=[entry(211, "reserve", -4_000, 4_000), entry(214, "settle", -6_890, -4_000, 10_890)],
)


def test_a_charge_is_meters_times_price_rows_then_the_sum_then_ledger_entries() -> None:
    text = "\n".join(plain(line) for line in charge_lines(CHARGE, 80))
    assert "1,512   $1.25 per million tokens" in text
    assert "$0.000000375" in text
    assert "90   $6 per minute" in text
    assert text.count(ROW) == 3
    assert "$0.01089" in text
    assert "the lines add up to $0.010890375; charges are whole millionths of a dollar" in text
    assert "! overrun: it cost $0.0069 more than that" in text
    assert "#214" in text
    assert "balance -$0.0069, held -$0.0040, cost +$0.0109" in text


def test_a_model_without_a_price_is_explained_as_that() -> None:
    unpriced = ChargeExplained(7, "llama", "local", "counted", [], None, 0, False, [])
    text = "\n".join(plain(line) for line in charge_lines(unpriced, 80))
    assert "no price is known for this model" in text
    assert "counted here, the provider did not say" in text


async def test_from_live_a_charge_is_two_keys_away(app: ConsoleApp, link: ScriptedLink) -> None:
    link.exchanges = [exchange(7)]
    link.answers[GetExchange] = lambda op: ExchangeDetail(exchange(7), [], "web-prod")
    link.answers[ExplainCharge] = lambda op: CHARGE
    async with app.run_test(size=(80, 24)) as pilot:
        await seen(pilot, "gpt-5.1")
        await pilot.press("enter", "c")
        await seen(pilot, ROW)
        assert link.asked_for(ExplainCharge) == [ExplainCharge(7)]
