"""Numbers as people read them."""

import pytest

from console import units


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (418, "418"), (999, "999"), (8_112, "8.1k"), (9_960, "10k"), (402_000, "402k"), (7_100_000, "7.1M")],
)
def test_counts_take_at_most_four_cells(number: int, text: str) -> None:
    assert units.count(number) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (None, ""),
        (0, "$0.00"),
        (9, "$0.000009"),
        (400, "$0.0004"),
        (71_300, "$0.0713"),
        (2_100_000, "$2.10"),
        (14_200_000, "$14.20"),
        (1_314_200_000, "$1,314.20"),
    ],
)
def test_small_sums_of_money_get_more_decimals(micros: int | None, text: str) -> None:
    assert units.money(micros) == text


def test_durations_change_their_unit_with_their_size() -> None:
    assert [units.duration(n * 1_000_000) for n in (0, 14, 185, 7_800)] == ["0.0s", "14.0s", "3m05s", "2h10m"]
    assert [units.latency(n) for n in (606_000, 1_600_000, 12_400_000)] == ["606ms", "1.60s", "12.4s"]
    assert [units.age(n) for n in (-1, 4, 130, 7_300, 90_000)] == ["0s", "4s", "2m", "2h", "1d"]
