"""Points in time as people type them."""

from datetime import datetime

import pytest
import typer

from console.cli.moments import ago, ahead, now

DAY = 86_400_000_000


def test_a_span_counts_from_now_in_the_direction_that_is_meant() -> None:
    before = now()
    assert before + 30 * DAY <= ahead("30d") <= now() + 30 * DAY
    assert before - 2 * DAY <= ago("48h") <= now() - 2 * DAY


def test_a_date_is_midnight_where_the_operator_is() -> None:
    assert ahead("2027-01-31") == int(datetime(2027, 1, 31).timestamp()) * 1_000_000


@pytest.mark.parametrize("text", ["soon", "30", "5y", "2027-13-01", "", "99999999999w"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="12h"):
        ahead(text)
