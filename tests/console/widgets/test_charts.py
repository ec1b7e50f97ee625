"""Charts as text."""

from console.ink import line_width
from console.widgets.charts import Phase, bar, column_chart, sparkline, waterfall


def test_a_sparkline_shows_the_newest_values_and_its_top_at_full_height() -> None:
    assert sparkline([9, 0, 1, 2, 4], 4) == "▁▂▄█"
    assert sparkline([0, 0, 0], 3) == "▁▁▁"


def test_a_bar_is_as_wide_as_asked_and_full_at_one() -> None:
    assert [bar(share, 4) for share in (0, 0.5, 1, 7)] == ["    ", "██  ", "████", "████"]


def test_columns_are_as_high_as_asked() -> None:
    lines = column_chart([1, 2], height=2)
    assert [line[0][0] for line in lines] == ["   ██ ", "██ ██ "]


def test_a_waterfall_starts_each_phase_where_the_one_before_ended() -> None:
    lines = waterfall([Phase("wait", 0, 500), Phase("stream", 500, 1_000)], 80)
    assert len(lines[0][1][0].rstrip()) == len(lines[1][1][0]) - len(lines[1][1][0].lstrip())
    assert all(line_width(line) <= 80 for line in lines)
