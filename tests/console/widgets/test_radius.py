"""Whom a change would touch, in words."""

from console.ink import plain
from console.widgets.radius import radius_lines
from tests.console.money import radius


def test_what_is_touched_is_counted_and_what_cannot_be_undone_says_so_first() -> None:
    lines = radius_lines(radius(undoable=False, sentences=["6 answers are cut.", "One.", "Two.", "Three."]), 66)
    assert [plain(line) for line in lines] == [
        " ! touches 6 running answers, 1 key, $3.02/h   cannot be undone",
        "   6 answers are cut.",
        "   One.",
        "   Two.",
    ]


def test_a_change_that_touches_nobody_says_that() -> None:
    idle = radius(running=0, keys=0, micros_per_hour=0)
    assert plain(radius_lines(idle, 66)[0]) == " · touches nothing in use   z undoes it"
