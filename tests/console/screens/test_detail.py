"""One request in full."""

import pytest

from console.app import ConsoleApp
from console.ink import line_width, plain
from console.screens.detail import DetailScreen
from console.screens.detail_lines import detail_lines, phases
from data.records import FAILED, RUNNING, AttemptRecord, ExchangeRecord
from gateway.operations import ExchangeDetail, GetExchange
from tests.console.scripted import NOW, ScriptedLink, exchange, shown

TRIED = AttemptRecord(7, 1, 1, "anthropic-us", "claude", 2_000, 412_000, 529, "overloaded", "next target")
ANSWERED = AttemptRecord(7, 2, 2, "anthropic-eu", "claude", 420_000, 1_680_000, 200, "", "answered")
PRICES = '[{"meter":"cache_read","tokens":6144,"per_million":"125000","amount":"768.25","source":"genai-prices"}]'


def text(record: ExchangeRecord, *attempts: AttemptRecord, width: int = 100) -> str:
    lines = detail_lines(record, attempts, "web-prod", int(NOW * 1_000_000), width)
    return "\n".join(plain(line) for line in lines)


def test_it_tells_who_asked_where_it_went_and_what_each_try_came_to() -> None:
    told = text(exchange(7, client="10.0.4.17", model_asked="claude"), TRIED, ANSWERED)
    assert "web-prod   client 10.0.4.17" in told
    assert "asked for claude" in told
    assert "529   412ms  overloaded  next target" in told


def test_the_time_is_divided_between_tries_the_wait_and_the_stream() -> None:
    record = exchange(7, first_token_us=900_000, duration_us=2_100_000)
    named = [(phase.name, phase.start_us, phase.end_us) for phase in phases(record, [TRIED, ANSWERED], 0)]
    assert named == [
        ("anthropic-us", 2_000, 414_000),
        ("first token", 420_000, 900_000),
        ("stream", 900_000, 2_100_000),
    ]


def test_what_the_target_could_not_say_is_told_field_by_field() -> None:
    told = text(exchange(7, warnings='[{"field":"seed","why":"It has no seeds."}]'))
    assert "LOST ON THE WAY" in told
    assert "seed: It has no seeds." in told


def test_a_request_that_every_target_refused_has_no_stream() -> None:
    record = exchange(7, state=FAILED, first_token_us=None)
    assert [phase.name for phase in phases(record, [TRIED], 0)] == ["anthropic-us"]


def test_cost_is_told_line_by_line_with_its_source() -> None:
    told = text(exchange(7, price_lines=PRICES, cost_micros=768))
    assert "cache read" in told
    assert "6,144" in told
    assert "$0.125 per million" in told
    assert "$0.000768" in told
    assert "genai-prices" in told


@pytest.mark.parametrize("broken", ["{", "[1]", '[{"amount":"soon"}]', '{"a":{}}', "null"])
def test_records_that_cannot_be_read_do_not_break_the_page(broken: str) -> None:
    assert "$0.0031" in text(exchange(7, price_lines=broken, request_headers=broken))


def test_a_model_without_a_price_says_so() -> None:
    assert "no price is known" in text(exchange(7, cost_micros=None))


def test_tokens_that_we_counted_are_told_apart() -> None:
    assert "counted here" in text(exchange(7, usage_source="counted"))
    assert "counted here" not in text(exchange(7, usage_source="provider"))


@pytest.fixture
def detailed(link: ScriptedLink) -> ScriptedLink:
    """Three requests that can be asked for."""
    link.exchanges = [exchange(id_, model_served=f"model-{id_}") for id_ in (1, 2, 3)]
    link.answers[GetExchange] = lambda operation: ExchangeDetail(exchange(operation.id), [ANSWERED], "web-prod")
    return link


async def test_neighbours_are_reached_by_brackets_and_the_ends_are_told(
    app: ConsoleApp, detailed: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "[")
        await pilot.pause()
        assert "That is the newest." in shown(app)
        await pilot.press("]", "]")
        await pilot.pause()
        assert isinstance(app.screen, DetailScreen)
        assert app.screen.record.id == 1
        assert "#1 /v1/chat/completions" in shown(app)


async def test_the_page_shows_what_the_gateway_answers(app: ConsoleApp, detailed: ScriptedLink) -> None:
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "ATTEMPTS" in shown(app)
        assert "anthropic-eu" in shown(app)


async def test_hostile_headers_and_errors_are_drawn_as_signs(app: ConsoleApp, link: ScriptedLink) -> None:
    hostile = exchange(1, error_message="\x1b[2Jboom", error_code="bad", request_headers='{"x\\u001b[1m":"\\u0007"}')
    link.exchanges = [hostile]
    link.answers[GetExchange] = lambda operation: ExchangeDetail(hostile, [], "web-prod")
    async with app.run_test(size=(80, 40)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "␛[2Jboom" in shown(app)
        assert "\x1b" not in shown(app)


@pytest.mark.parametrize("width", [40, 78, 140, 300])
def test_the_waterfall_never_overflows_its_width(width: int) -> None:
    record = exchange(7, state=RUNNING, duration_us=None, first_token_us=900_000)
    lines = detail_lines(record, [TRIED, ANSWERED], "k", int(NOW * 1_000_000) + 9_000_000, width)
    start = next(at for at, line in enumerate(lines) if "TIME" in plain(line))
    assert all(line_width(line) <= max(width, 52) for line in lines[start : start + 4])
