"""Rows laid out in columns."""

import pytest

from console.exchanges import reason_instead
from console.ink import line_width, plain
from console.screens.live import live_columns
from console.session import Session
from console.widgets.columns import fit_columns, heading, lay_out
from data.records import FAILED
from tests.console.scripted import exchange


@pytest.mark.parametrize("width", [46, 50, 59, 67, 73, *range(78, 321, 11)])
def test_the_live_columns_fill_but_never_overflow_any_width(width: int, session: Session) -> None:
    fitted = fit_columns(live_columns(session), width)
    long = exchange(1, model_served="世" * 80, upstream="u" * 80, route="r" * 80, cost_micros=10**9)
    assert line_width(heading(fitted)) == line_width(lay_out(long, fitted, None)) <= width


def test_wider_lists_show_more_columns_without_losing_any(session: Session) -> None:
    shown = [[column.id for column, _ in fit_columns(live_columns(session), width)] for width in (79, 100, 140)]
    assert "upstream" not in shown[0]
    assert set(shown[0]) < set(shown[1]) < set(shown[2])


def test_a_failed_row_spends_its_number_columns_on_the_reason(session: Session) -> None:
    row = exchange(1, state=FAILED, http_status=429, error_message="rate limited")
    line = plain(lay_out(row, fit_columns(live_columns(session), 79), reason_instead(row)))
    assert "429 rate limited" in line
    assert "402ms" not in line
