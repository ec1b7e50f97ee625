"""Which price applies, and exact arithmetic on it."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import genai_prices
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import Details, Usage
from gateway.meters import BUCKETS, UNITS
from gateway.price_sources import supplement
from gateway.pricing import PriceBook
from gateway.rates import Charge, Origin, PriceLine, Rate, charge, charge_for
from gateway.snapshot import PriceOverrideFacts

NOW = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1_000_000)
YEAR = 365 * 86_400 * 1_000_000
MODELS = [
    ("openai", "gpt-5"),
    ("openai", "gpt-4.1-mini"),
    ("openai", "text-embedding-3-small"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-5-5"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("deepseek", "deepseek-chat"),
    ("openrouter", "qwen/qwen3-coder-flash"),
    ("openrouter", "perplexity/sonar-deep-research"),
    ("mistral", "mistral-large-latest"),
    ("x-ai", "grok-4"),
    ("groq", "llama-3.3-70b-versatile"),
    ("moonshotai", "kimi-k2-0905-preview"),
    ("zai", "glm-4.6"),
]
USAGES = [
    Usage(input=1, output=1),
    Usage(input=1234, output=567, reasoning=89),
    Usage(input=100, cache_read=90_000, cache_write_5m=4_000, output=700),
    Usage(input=150_000, cache_read=60_000, output=10),
    Usage(input=30_001, cache_write_5m=2_000, tool_prompt=400, output=9_999, reasoning=3),
    Usage(input=1_000_000, cache_read=1, output=64_000),
]
counts = st.integers(0, 10_000_000)
usages = st.builds(Usage, **dict.fromkeys(BUCKETS, counts))
prices = st.decimals(0, 10**9, places=4)
rates = st.builds(Rate, origin=st.just(Origin("test")), prices=st.fixed_dictionaries(dict.fromkeys(BUCKETS, prices)))


def override(pattern: str, since: int = 0, until: int | None = None, **prices: int) -> PriceOverrideFacts:
    return PriceOverrideFacts(3, "openai", pattern, prices, since, until)


def rate_of(provider: str, price_id: str | None, model: str, at: int = NOW) -> Rate:
    rate = PriceBook().rate(provider, price_id, model, at)
    assert rate is not None
    return rate


def theirs(price_id: str, model: str, usage: Usage) -> Decimal:
    counted = genai_prices.Usage(
        input_tokens=usage.input + usage.cache_read + usage.cache_write_5m + usage.tool_prompt,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_5m,
        output_tokens=usage.output + usage.reasoning,
        output_reasoning_tokens=usage.reasoning,
        output_citation_tokens=0,
    )
    moment = datetime.fromtimestamp(NOW / 1_000_000, UTC)
    return genai_prices.calc_price(counted, model, provider_id=price_id, genai_request_timestamp=moment).total_price


@pytest.mark.parametrize("usage", USAGES, ids=str)
@pytest.mark.parametrize(("price_id", "model"), MODELS)
def test_our_total_is_what_genai_prices_works_out(price_id: str, model: str, usage: Usage) -> None:
    ours = charge(rate_of(price_id, price_id, model), usage).total_micros
    exact = theirs(price_id, model, usage) * 1_000_000
    assert ours == int(exact.to_integral_value(ROUND_HALF_UP))


@given(rates, usages)
def test_only_the_total_is_rounded_and_only_once(rate: Rate, usage: Usage) -> None:
    charged = charge(rate, usage)
    exact = sum((line.amount for line in charged.lines), Decimal())
    assert abs(exact - charged.total_micros) <= Decimal("0.5")
    assert all(line.amount == line.count * line.per_million / 1_000_000 for line in charged.lines)


@given(rates, usages)
def test_a_charge_survives_being_written_down_as_json(rate: Rate, usage: Usage) -> None:
    charged = charge(rate, usage)
    assert msgspec.json.decode(msgspec.json.encode(charged), type=Charge) == charged


def test_half_a_micro_unit_is_rounded_up_and_less_is_not() -> None:
    rate = Rate(origin=Origin("test"), prices=dict.fromkeys(BUCKETS, Decimal(500_000)))
    assert charge(rate, Usage(input=1)).total_micros == 1
    assert charge(rate, Usage(input=1, output=2)).total_micros == 2
    cheaper = Rate(origin=Origin("test"), prices=dict.fromkeys(BUCKETS, Decimal(499_999)))
    assert charge(cheaper, Usage(input=1)).total_micros == 0


def test_small_lines_that_round_to_nothing_alone_still_add_up() -> None:
    rate = Rate(origin=Origin("test"), prices=dict.fromkeys(BUCKETS, Decimal(300_000)))
    charged = charge(rate, Usage(input=1, output=1))
    assert [line.amount for line in charged.lines] == [Decimal("0.3"), Decimal("0.3")]
    assert charged.total_micros == 1


def test_a_long_prompt_pays_the_upper_tier_for_everything() -> None:
    rate = rate_of("dashscope-intl", None, "qwen3-max")
    short = charge(rate, Usage(input=32_000, output=1000))
    long = charge(rate, Usage(input=32_000, cache_read=1, output=1000))
    assert short.total_micros == 32_000 * 1.2 + 1000 * 6
    assert long.total_micros == round(32_000 * 2.4 + 0.48 + 1000 * 12)


def test_cached_input_counts_towards_the_tier_threshold() -> None:
    rate = rate_of("google", "google", "gemini-2.5-pro")
    assert rate.prices_for(Usage(cache_read=200_000)) == rate.prices
    assert rate.prices_for(Usage(input=1, cache_read=200_000)) == rate.tiers[0].prices


def test_claude_hour_writes_without_a_price_cost_twice_the_input_and_say_so() -> None:
    rate = rate_of("openrouter", "openrouter", "anthropic/claude-3.7-sonnet")
    line = charge(rate, Usage(cache_write_1h=1000)).lines[0]
    assert line.per_million == 2 * rate.prices["input"]
    assert "twice the input price" in line.note


def test_claude_hour_writes_with_a_price_of_their_own_take_it() -> None:
    rate = rate_of("anthropic", "anthropic", "claude-sonnet-4-5")
    assert charge(rate, Usage(cache_write_1h=1000)).lines == [
        PriceLine(
            meter="cache_write_1h",
            count=1000,
            per_million=Decimal(6_000_000),
            amount=Decimal(6000),
            source="genai-prices",
            version=genai_prices.__version__,
            row="anthropic/claude-sonnet-4-5",
        )
    ]


def test_reasoning_is_priced_as_output_and_tool_prompts_as_input() -> None:
    rate = rate_of("google", "google", "gemini-2.5-pro")
    assert rate.prices["reasoning"] == rate.prices["output"]
    assert rate.prices["tool_prompt"] == rate.prices["input"]


def test_the_operators_price_comes_before_all_others() -> None:
    book = PriceBook((override("gpt-*", NOW, input=7, output=9),))
    rate = book.rate("openai", "openai", "gpt-5", NOW)
    assert rate is not None
    assert [rate.prices[meter] for meter in ("input", "cache_read", "output")] == [Decimal(7), Decimal(7), Decimal(9)]
    assert rate.origin == Origin("set by the operator", "#3", "gpt-*", "2026-11-20")


def test_a_request_pays_the_override_that_held_when_it_started() -> None:
    early, late = override("gpt-5", NOW - 10, NOW, input=1), override("gpt-5", NOW, NOW + 10, input=2)
    book = PriceBook((early, late))
    paid = {at: book.view("openai", "openai", "gpt-5", NOW + at).prices["input"] for at in (-11, -10, -1, 0, 9, 10)}
    assert paid == {-11: 1_250_000, -10: 1, -1: 1, 0: 2, 9: 2, 10: 1_250_000}


def test_of_several_overrides_the_most_specific_wins() -> None:
    book = PriceBook((override("gpt-5", input=1), override("gpt-*", input=2), override("*", input=3)))
    assert book.view("openai", "openai", "gpt-5", NOW).prices["input"] == 1
    assert book.view("openai", "openai", "gpt-5-mini", NOW).prices["input"] == 2
    assert book.view("openai", "openai", "o3", NOW).prices["input"] == 3


def test_an_override_of_one_provider_leaves_the_others_alone() -> None:
    book = PriceBook((override("*", input=1),))
    assert book.view("openrouter", "openrouter", "openai/gpt-5", NOW).source.startswith("genai-prices")


def test_our_supplement_prices_what_genai_prices_lacks_with_source_and_date() -> None:
    view = PriceBook().view("mimo", None, "mimo-v2.6-pro", NOW)
    assert view.prices["input"] == 435_000
    assert "models.dev" in view.source
    assert "seen 2026-11-20" in view.source


def test_a_row_does_not_hold_before_its_date() -> None:
    assert PriceBook().rate("mimo", None, "mimo-v2.6-pro", NOW - YEAR) is None


def test_a_price_that_changed_is_the_one_of_the_requests_day() -> None:
    early, late = (rate_of("openrouter", "openrouter", "qwen/qwen3.7-max", at) for at in (NOW - YEAR, NOW))
    assert early.prices["input"] == Decimal(1_250_000)
    assert late.prices["input"] == Decimal(1_475_000)


@pytest.mark.parametrize("provider", ["ollama", "vllm", "lmstudio", "demo"])
def test_local_models_cost_nothing_and_are_priced(provider: str) -> None:
    charged = charge(rate_of(provider, None, "llama3.2:3b"), Usage(input=1000, output=1000))
    assert charged.total_micros == 0
    assert charged.lines[0].source.startswith("local")


@pytest.mark.parametrize(
    ("provider", "price_id", "model"),
    [
        ("openai", "openai", "no-such-model"),
        ("mistral", "mistral", "mistral-ocr-2503"),
        ("siliconflow", None, "deepseek-ai/DeepSeek-V3"),
        ("openai-compatible", None, "gpt-5"),
    ],
)
def test_a_model_that_nobody_prices_is_unpriced_not_free(provider: str, price_id: str | None, model: str) -> None:
    assert PriceBook().rate(provider, price_id, model, NOW) is None
    assert PriceBook().view(provider, price_id, model, NOW).prices == {}


def test_a_free_model_of_openrouter_is_free() -> None:
    assert charge(rate_of("openrouter", "openrouter", "qwen/qwen3-coder:free"), Usage(input=10)).total_micros == 0


def test_a_view_tells_that_long_prompts_cost_otherwise() -> None:
    assert "above 200,000 input tokens" in PriceBook().view("google", "google", "models/gemini-2.5-pro", NOW).source


def test_the_book_forgets_rather_than_growing_without_end() -> None:
    book = PriceBook((override("*", input=5),))
    for number in range(9000):
        assert book.rate("openai", "openai", f"made-up-{number}", NOW) is not None
    assert len(book._found) <= 4096


def test_everything_in_our_supplement_is_counted_in_something() -> None:
    for row in supplement():
        tables = (row.prices, *(tier.prices for tier in row.tiers), *(variant.prices for variant in row.variants))
        assert all(set(prices) <= set(UNITS) for prices in tables)


@pytest.mark.parametrize(
    ("terms", "micros"),
    [
        ({"resolution": "720p"}, 6_827_950),
        ({"resolution": "1080p"}, 7_570_120),
        ({"resolution": "480p", "source": "video"}, 4_156_150),
        ({"resolution": "1080p", "source": "video"}, 4_601_450),
    ],
)
def test_a_film_of_seedance_costs_what_its_resolution_and_source_do(terms: dict[str, str], micros: int) -> None:
    rate = rate_of("volcengine", None, "doubao-seedance-2-0-260128")
    assert charge(rate, Usage(output=1_000_000, details=Details(terms=terms))).total_micros == micros


def test_a_second_of_sora_costs_what_its_resolution_does_and_an_unknown_one_has_no_price() -> None:
    rate = rate_of("openai", "openai", "sora-2-pro")
    of = {
        size: Usage(details=Details(video_seconds=8, terms={"resolution": size})) for size in ("720p", "1024p", "1080p")
    }
    charged = {size: charge_for(rate, usage, "sora-2-pro") for size, usage in of.items()}
    assert {size: each and each.total_micros for size, each in charged.items()} == {
        "720p": 2_400_000,
        "1024p": 4_000_000,
        "1080p": None,
    }


def test_a_model_that_only_has_prices_on_terms_is_shown_with_them() -> None:
    view = PriceBook().view("openai", "openai", "sora-2-pro", NOW)
    assert view.prices == {"video_seconds": 300_000}
    assert "other prices for 720p, 1024p" in view.source


def test_what_another_model_did_for_an_answer_is_paid_at_its_own_price() -> None:
    advised = Usage(input=100, output=10, details=Details(others={"gpt-5-nano": {"input": 1000, "output": 100}}))
    charged = PriceBook().charge("openai", "openai", "gpt-5", advised, NOW)
    assert charged is not None
    assert [(line.model, line.meter, line.amount) for line in charged.lines] == [
        ("gpt-5", "input", 125),
        ("gpt-5", "output", 100),
        ("gpt-5-nano", "input", 50),
        ("gpt-5-nano", "output", 40),
    ]
    assert charged.total_micros == 315


def test_what_a_model_without_a_price_did_is_told_and_not_charged() -> None:
    advised = Usage(input=100, details=Details(others={"mystery": {"input": 1000}}))
    charged = PriceBook().charge("openai", "openai", "gpt-5", advised, NOW)
    assert charged is not None
    assert (charged.total_micros, charged.lines[-1].model) == (125, "mystery")
    assert "no price is known" in charged.lines[-1].note
