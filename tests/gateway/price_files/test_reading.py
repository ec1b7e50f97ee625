"""Which kind of file it is, and the place and reason of what cannot be."""

import json
from contextlib import suppress
from datetime import date

import pytest

from gateway.errors import BadRequest
from gateway.price_files.reading import read_file

TODAY = date(2026, 11, 28)
ROW = """
[[price]]
providers = ["openai"]
models = ["gpt-5"]
since = 2026-01-01
seen = 2026-11-01
source = "a letter"
prices = { input = "1.10", output = "9" }
"""


def test_rows_as_in_our_own_list_are_taken_as_they_are() -> None:
    found = read_file(ROW.encode(), TODAY)
    assert (found.kind, len(found.rows), found.passed_over) == ("rows", 1, 0)
    assert found.rows[0].prices == {"input": "1.10", "output": "9"}


def test_files_are_told_apart_by_what_is_in_them() -> None:
    assert read_file(b' [ {"id": "openai", "models": []}]', TODAY).kind == "genai-prices"
    assert read_file(b'\n{"gpt-5": {"litellm_provider": "openai"}}', TODAY).kind == "LiteLLM"


@pytest.mark.parametrize("price", ["-1", "NaN", "Infinity", "1e18", "1000000", "cheap", ""])
def test_a_price_that_cannot_be_is_refused_with_its_row_and_meter(price: str) -> None:
    content = ROW + ROW.replace("gpt-5", "gpt-6").replace('output = "9"', f'output = "{price}"')
    with pytest.raises(BadRequest) as refused:
        read_file(content.encode(), TODAY)
    assert f"row 2 (gpt-6): output is {json.dumps(price)}, and must be dollars" in refused.value.message


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (ROW.replace("input =", "minutes ="), 'row 1 (gpt-5): nothing is counted in "minutes"'),
        (ROW.replace('"openai"', '"nobody"'), 'row 1 (gpt-5): there is no provider "nobody"'),
        (ROW.replace('"openai"', ""), "row 1 (gpt-5) names no provider or no model"),
        (ROW.replace('"1.10"', "1.10"), "got `float` - at `row 1.prices"),
        (ROW.replace("2026-01-01", "soon"), "(at line 5"),
        (ROW + ROW.replace("source", "sauce"), "unknown field `sauce` - at `row 2`"),
        ("", "missing required field `price`"),
        ('{"gpt-5": {"litellm_provider": "openai",\n"input_cost_per_token": NaN}}', "line 2: JSON is malformed"),
        ('{"gpt-5": 3}', "the model 'gpt-5' is no object"),
        ('[{"id": "openai", "models": [{"id": "x", "prices": {"input_mtok": "?"}}]}]', "at `$[0].models[0].prices"),
        ("\udcff", "can't decode byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place_and_the_reason(content: str, why: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_file(content.encode(errors="surrogateescape"), TODAY)
    assert refused.value.code == "bad_price_file"
    assert why in refused.value.message


ODD = [None, True, "1", [], {}, -1, 1e308, 10**40, "sNaN", "1e-99999999", "1e99999999"]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_odd_values_anywhere_are_refused_or_passed_over_and_never_fail(odd: object) -> None:
    ranges = [{"range": odd, "input_cost_per_token": odd}, {"range": [odd], "input_cost_per_token": odd}, odd]
    fields = {"litellm_provider": "openai", "input_cost_per_token": odd, "tiered_pricing": ranges}
    tiered = {"base": odd, "tiers": [{"start": odd, "price": odd}]}
    models = [{"id": "m", "prices": {"input_mtok": odd}}, {"id": "n", "prices": {"input_mtok": tiered}}]
    for content in ({"m": fields}, {"m": fields | {"tiered_pricing": odd}}, [{"id": "openai", "models": models}]):
        with suppress(BadRequest):
            found = read_file(json.dumps(content).encode(), TODAY)
            assert all(0 <= float(price) < 10**6 for row in found.rows for price in row.prices.values())
