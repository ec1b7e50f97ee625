"""Columns over time with their axis."""

import pytest

from console.ink import line_width, plain
from console.units import count
from console.widgets.timechart import time_chart


@pytest.mark.parametrize("width", [24, 40, 80, 140])
@pytest.mark.parametrize("periods", [1, 7, 24, 30])
def test_no_line_is_wider_than_the_room_there_is(width: int, periods: int) -> None:
    labels = [f"{place:02}" for place in range(periods)]
    lines = time_chart([float(place) for place in range(periods)], labels, max(width, periods + 12), 6, count)
    assert max(map(line_width, lines)) <= max(width, periods + 12)


def test_the_highest_value_reaches_the_top_and_is_named_there() -> None:
    lines = [plain(line) for line in time_chart([1, 800], ["01", "02"], 40, 4, count)]
    assert "800 ┤" in lines[0]
    assert "█" in lines[0]


def test_a_value_too_small_to_see_is_drawn_all_the_same() -> None:
    lines = [plain(line) for line in time_chart([1, 100_000], ["01", "02"], 40, 4, count)]
    assert "▁" in lines[-2]


def test_no_values_at_all_leave_the_room_blank() -> None:
    assert time_chart([], [], 40, 4, count) == [()] * 5
