"""Points in time as people type them."""

import pytest

from console.moments import expiry, written
from tests.console.scripted import NOW

NOW_MICROS = int(NOW * 1_000_000)
DAY = 86_400_000_000


@pytest.mark.parametrize(("text", "days"), [("30d", 30), ("2w", 14), ("24h", 1), (" 1440m ", 1)])
def test_a_span_of_time_counts_from_now(text: str, days: int) -> None:
    assert expiry(text, NOW_MICROS) == NOW_MICROS + days * DAY


@pytest.mark.parametrize("text", ["", "never", "  "])
def test_nothing_and_never_both_mean_no_end(text: str) -> None:
    assert expiry(text, NOW_MICROS) is None


@pytest.mark.parametrize("text", ["soon", "30", "30 days", "2026-13-01", "-1d", "99999d"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write 30d"):
        expiry(text, NOW_MICROS)


@pytest.mark.parametrize("text", ["2020-01-01", "0d"])
def test_a_time_gone_by_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a time to come"):
        expiry(text, NOW_MICROS)


def test_a_date_is_written_as_it_is_read() -> None:
    at = expiry("2031-05-06T07:08", NOW_MICROS)
    assert written(at) == "2031-05-06T07:08"
    assert written(None) == "never"
