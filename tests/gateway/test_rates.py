"""Arithmetic on what is not plain tokens: parts of a bucket, other units, terms with prices of their own."""

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest

from data.supplement import PriceRow, PriceTier, PriceVariant
from gateway.canonical import Details, Usage
from gateway.price_sources import row_rate
from gateway.pricing import PriceBook
from gateway.rates import Charge, Origin, Rate, charge, charge_for, make_rate, whole

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TERMS = {"usual": {}, "flex": {"service_tier": "flex"}, "batch": {"processing": "batch"}}


def rate_of(provider: str, model: str) -> Rate:
    rate = PriceBook().rate(provider, provider, model, int(NOW.timestamp() * 1_000_000))
    assert rate is not None
    return rate


def lines(charged: Charge) -> dict[str, tuple[int, Decimal]]:
    return {line.meter: (line.count, line.amount) for line in charged.lines}


def test_a_part_with_its_own_price_is_paid_once_and_the_rest_of_its_bucket_as_usual() -> None:
    usage = Usage(input=1000, output=100, details=Details(input_audio=300, output_audio=70))
    assert lines(charge(rate_of("openai", "gpt-audio"), usage)) == {
        "input": (700, Decimal(1750)),
        "input_audio": (300, Decimal(9600)),
        "output": (30, Decimal(300)),
        "output_audio": (70, Decimal(4480)),
    }


def test_a_part_without_a_price_of_its_own_costs_what_its_bucket_does() -> None:
    rate = rate_of("openai", "gpt-5")
    plain, seen = Usage(input=1000, cache_read=50), Usage(input=1000, cache_read=50, details=Details(input_image=900))
    assert charge(rate, seen).total_micros == charge(rate, plain).total_micros


def test_cached_audio_without_a_price_costs_what_fresh_audio_does_if_nothing_cached_has_one() -> None:
    rate = make_rate(Origin("test"), {"input": Decimal(1), "input_audio": Decimal(9), "output": Decimal(2)})
    assert rate.prices["cache_read_audio"] == 9
    assert make_rate(Origin("test"), rate.prices | {"cache_read": Decimal(3)}).prices["cache_read_image"] == 1


@pytest.mark.parametrize("model", ["gpt-realtime", "gpt-4o-mini-realtime-preview", "gpt-audio-mini"])
def test_audio_comes_to_what_genai_prices_works_out(model: str) -> None:
    cached = 40 if "realtime" in model else 0
    details = Details(input_audio=300, cache_read_audio=cached, output_audio=70)
    ours = charge(rate_of("openai", model), Usage(input=1000, cache_read=cached, output=100, details=details))
    counted = genai_prices.Usage(
        input_tokens=1000 + cached,
        input_audio_tokens=300 + cached,
        input_image_tokens=0,
        cache_read_tokens=cached,
        cache_audio_read_tokens=cached,
        cache_image_read_tokens=0,
        output_tokens=100,
        output_audio_tokens=70,
    )
    theirs = genai_prices.calc_price(counted, model, provider_id="openai", genai_request_timestamp=NOW)
    assert ours.total_micros == whole(theirs.total_price * 1_000_000)


@pytest.mark.parametrize(
    ("provider", "model", "terms"),
    [
        ("openai", "gpt-5.1", {"service_tier": "flex"}),
        ("openai", "gpt-5.4", {"service_tier": "priority"}),
        ("anthropic", "claude-sonnet-4-5", {"processing": "batch"}),
        ("anthropic", "claude-opus-4-8", {"speed": "fast"}),
        ("google", "gemini-2.5-pro", {"processing": "batch"}),
    ],
)
@pytest.mark.parametrize("taken_in", [1000, 300_000])
def test_terms_come_to_what_genai_prices_works_out(
    provider: str, model: str, terms: dict[str, str], taken_in: int
) -> None:
    usage = Usage(input=taken_in, output=500, details=Details(terms=terms))
    charged = charge(rate_of(provider, model), usage)
    counted = genai_prices.Usage(input_tokens=taken_in, output_tokens=500)
    theirs = genai_prices.calc_price(
        counted, model, provider_id=provider, genai_request_timestamp=NOW, price_context=terms
    )
    assert charged.total_micros == whole(theirs.total_price * 1_000_000)
    assert charged.lines[0].note == f"price for {next(iter(terms.values()))}"


def test_terms_that_nobody_has_a_price_for_are_said() -> None:
    charged = charge(rate_of("openai", "gpt-4o"), Usage(input=1000, details=Details(terms={"service_tier": "flex"})))
    assert charged.total_micros == 2500
    assert charged.lines[0].note == "no price is known for flex, so it is the usual one"


@pytest.mark.parametrize(
    ("model", "details", "micros"),
    [
        ("whisper-1", Details(audio_seconds=90), 9_000),
        ("tts-1", Details(characters=2_000), 30_000),
        ("gpt-5", Details(web_searches=3), 30_000),
        ("gpt-4o", Details(file_searches=2), 5_000),
    ],
)
def test_what_is_not_counted_in_tokens_is_paid_by_its_unit(model: str, details: Details, micros: int) -> None:
    assert charge(rate_of("openai", model), Usage(details=details)).total_micros == micros


def test_what_was_used_and_has_no_price_is_a_line_that_says_so() -> None:
    searched = charge(rate_of("openai", "gpt-4-turbo"), Usage(input=1, details=Details(web_searches=2))).lines[-1]
    assert (searched.meter, searched.count, searched.amount) == ("web_searches", 2, 0)
    assert searched.note == "no price is known for it, so it is not charged"


def test_usage_of_which_nothing_has_a_price_is_unpriced_and_not_free() -> None:
    assert charge_for(rate_of("openai", "whisper-1"), Usage(input=900, output=80), "whisper-1") is None
    assert charge_for(rate_of("openai", "gpt-5"), Usage(), "gpt-5") is None
    assert charge_for(None, Usage(input=1), "gpt-5") is None


def test_a_line_says_as_what_the_request_was_priced_and_by_which_row() -> None:
    line = charge(rate_of("openai", "gpt-5-2025-08-07"), Usage(input=1), "gpt-5-2025-08-07").lines[0]
    assert (line.source, line.version) == ("genai-prices", genai_prices.__version__)
    assert (line.row, line.model) == ("openai/gpt-5", "gpt-5-2025-08-07")


def test_a_variant_has_tiers_of_its_own_or_its_price_holds_in_all_of_the_rows() -> None:
    tiers = [PriceTier(100, {"input": "4"})]
    flex = PriceVariant({"service_tier": "flex"}, {"input": "1"}, [PriceTier(100, {"input": "2"})])
    batch = PriceVariant({"processing": "batch"}, {"input": "1"})
    day = NOW.date()
    row = PriceRow(["openai"], ["m"], day, day, "", {"input": "3", "output": "9"}, tiers, [flex, batch])
    rate = row_rate(row, Origin("test"))
    paid = {
        name: charge(rate, Usage(input=101, details=Details(terms=terms))).total_micros for name, terms in TERMS.items()
    }
    assert paid == {"usual": 404, "flex": 202, "batch": 101}
