"""genai-prices' list."""

import json
from datetime import date

from data.supplement import PriceTier
from gateway.price_files.genai import read

TODAY = date(2026, 11, 28)


def content(prices: object, provider: str = "google") -> bytes:
    return json.dumps([{"id": provider, "name": "n", "models": [{"id": "m", "match": {}, "prices": prices}]}]).encode()


def test_prices_are_those_of_all_our_providers_that_go_by_them() -> None:
    ((row,), _) = read(content({"input_mtok": 0.3, "output_mtok": "2.5", "web_searches_kcount": 35}), TODAY)
    assert row.providers == ["google", "vertex", "vertex-express"]
    assert row.prices == {"input": "0.3", "output": "2.5", "web_searches": "35"}


def test_other_units_become_ours() -> None:
    ((row,), _) = read(content({"audio_hours": 0.36, "requests_kcount": 12}), TODAY)
    assert row.prices == {"audio_seconds": "0.006", "request": "0.012"}


def test_tiers_price_everything_that_the_base_does() -> None:
    tiered = {"base": 1.25, "tiers": [{"start": 200000, "price": 2.5}]}
    ((row,), _) = read(content({"input_mtok": tiered, "output_mtok": 10}), TODAY)
    assert row.prices == {"input": "1.25", "output": "10"}
    assert row.tiers == [PriceTier(200_000, {"input": "2.5", "output": "10"})]


def test_of_several_prices_the_last_that_has_begun_counts_and_none_of_the_night() -> None:
    prices = [
        {"prices": {"input_mtok": 1}},
        {"constraint": {"start_date": "2026-11-28"}, "prices": {"input_mtok": 2}},
        {"constraint": {"start_date": "2026-11-29"}, "prices": {"input_mtok": 3}},
        {"constraint": {"start_time": "01:00:00Z", "end_time": "02:00:00Z"}, "prices": {"input_mtok": 4}},
    ]
    ((row,), _) = read(content(prices), TODAY)
    assert row.prices == {"input": "2"}


def test_what_we_do_not_count_or_know_is_passed_over() -> None:
    assert read(content({"input_document_kpages": 1}), TODAY) == ([], 1)
    assert read(content({"input_mtok": 1}, provider="aws"), TODAY) == ([], 1)
