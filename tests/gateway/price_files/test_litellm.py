"""LiteLLM's list of model prices."""

import json
from datetime import date

import pytest

from data.supplement import PriceRow, PriceTier, PriceVariant
from gateway.price_files.litellm import read

LONG_FLEX = "input_cost_per_token_above_200k_tokens_flex"
TODAY = date(2026, 11, 28)


def row_of(name: str, provider: str = "openai", **fields: object) -> PriceRow:
    ((row,), passed_over) = read(json.dumps({name: {"litellm_provider": provider, **fields}}).encode(), TODAY)
    assert not passed_over
    return row


def test_costs_of_a_single_token_are_prices_of_a_million_to_the_last_digit() -> None:
    row = row_of("gpt-5", input_cost_per_token=1.25e-06, output_cost_per_token=1e-05, cache_read_input_token_cost=3e-09)
    assert row.prices == {"input": "1.25", "output": "10", "cache_read": "0.003"}


def test_the_providers_name_before_the_models_is_taken_off_and_the_provider_is_one_of_ours() -> None:
    row = row_of("dashscope/qwen-max", "dashscope", input_cost_per_token=1.6e-06)
    assert (row.providers, row.models) == (["dashscope-intl"], ["qwen-max"])


def test_tiers_are_read_from_both_ways_to_say_them() -> None:
    above = row_of("a", input_cost_per_token=1e-06, input_cost_per_token_above_200k_tokens=2e-06)
    ranges = row_of(
        "b",
        tiered_pricing=[
            {"range": [0, 32000.0], "input_cost_per_token": 1e-06},
            {"range": [32000.0, 64000.0], "input_cost_per_token": 2e-06},
        ],
    )
    assert above.tiers == [PriceTier(200_000, {"input": "2"})]
    assert (ranges.prices, ranges.tiers) == ({"input": "1"}, [PriceTier(32_000, {"input": "2"})])


def test_service_tiers_and_resolutions_are_variants() -> None:
    row = row_of("a", input_cost_per_token=1e-06, input_cost_per_token_flex=5e-07, input_cost_per_token_batches=4e-07)
    assert row.variants == [
        PriceVariant({"service_tier": "flex"}, {"input": "0.5"}),
        PriceVariant({"processing": "batch"}, {"input": "0.4"}),
    ]
    both = row_of("b", input_cost_per_token=1e-06, input_cost_per_token_flex=5e-07, **{LONG_FLEX: 7e-07})
    assert both.variants == [
        PriceVariant({"service_tier": "flex"}, {"input": "0.5"}, [PriceTier(200_000, {"input": "0.7"})])
    ]
    film = row_of("v", mode="video_generation", output_cost_per_second=0.1, output_cost_per_second_1080p=0.3)
    assert film.prices == {"video_seconds": "0.1"}
    assert film.variants == [PriceVariant({"resolution": "1080p"}, {"video_seconds": "0.3"})]


def test_a_search_costs_what_one_of_medium_size_does() -> None:
    search = {"search_context_size_low": 0.01, "search_context_size_medium": 0.025}
    row = row_of("a", input_cost_per_token=1e-06, search_context_cost_per_query=search)
    assert row.prices["web_searches"] == "25"


def test_seconds_are_of_what_the_model_does() -> None:
    row = row_of("whisper-1", mode="audio_transcription", input_cost_per_second=0.0001, output_cost_per_second=0.0001)
    assert row.prices == {"audio_seconds": "0.006"}


@pytest.mark.parametrize(
    "fields",
    [
        {"litellm_provider": "bedrock", "input_cost_per_token": 1e-06},
        {"litellm_provider": "openai", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        {"litellm_provider": "openai", "output_cost_per_image": 0.04},
        {},
    ],
    ids=["another provider", "nobody looked", "sold by the image", "nothing"],
)
def test_what_has_no_price_for_us_is_passed_over(fields: dict[str, object]) -> None:
    assert read(json.dumps({"a": fields}).encode(), TODAY) == ([], 1)
