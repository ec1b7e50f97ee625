"""Prices as they are written on a command line."""

import pytest
import typer

from console.cli.prices import read_price


def test_a_price_in_dollars_is_kept_to_the_last_micro_unit() -> None:
    assert read_price("input=0.270001") == ("input", 270_001)
    assert read_price("output=15") == ("output", 15_000_000)


@pytest.mark.parametrize(
    "text", ["input", "input=", "input=cheap", "input=NaN", "input=-Infinity", "input=-1", "input=1e6", "input=1e18"]
)
def test_what_is_no_price_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"input=0\.27"):
        read_price(text)
