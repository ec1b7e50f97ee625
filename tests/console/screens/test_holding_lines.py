"""What a holder may use and has used, in words."""

import time

from console.ink import line_width, plain
from console.screens.holding_lines import budget_cell, holding_lines, narrow_lines, tightest
from data.limits import Limits
from tests.console.money import DOLLAR, HOUR, budgeted, holding, window
from tests.console.scripted import NOW

NOW_MICROS = int(NOW * DOLLAR)


def test_the_budget_shown_is_the_one_of_which_the_most_is_used() -> None:
    held = budgeted("key:1", window("day", 4, 20), window("month", 372, 400))
    assert tightest(held) == held.windows[1]
    assert budget_cell(held) == ("███▊  93% mo  ! high", "warning")


def test_a_budget_that_is_used_up_is_said_by_glyph_and_word_too() -> None:
    assert budget_cell(budgeted("key:1", window("total", 50, 50, None)))[0].endswith("100% all ✗ out")
    assert budget_cell(budgeted("key:1", window("day", 0, 0)))[0].endswith("✗ out")
    assert budget_cell(holding("key:1")) == ("no budget", "muted")


def test_each_window_says_what_is_used_what_is_left_and_when_it_resets_by_the_operator_s_clock() -> None:
    held = budgeted("key:1", window("day", 15, 20, 2))
    line = plain(holding_lines(held, "this key", NOW_MICROS, 120)[0])
    at = time.strftime("%H:%M", time.localtime((NOW_MICROS + 2 * HOUR) / DOLLAR))
    assert "$15.00 of $20.00, $5.00 left" in line
    assert f"resets {at}, in 2h" in line


def test_balance_rates_and_rules_stand_under_one_label() -> None:
    limits = Limits(prepaid=True, requests_per_minute=60, concurrent=8, wait_seconds=30, networks=("10.0.0.0/8",))
    held = holding("key:1", limits=limits, balance_micros=12_400_000, reserved_micros=310_000)
    lines = [plain(line) for line in holding_lines(held, "this key", NOW_MICROS, 120)]
    assert lines == [
        " this key balance $12.40, $0.3100 held back by what runs",
        "          60 requests a minute,  8 at once,  waits up to 30 s for a place,  from 10.0.0.0/8",
    ]
    assert plain(holding_lines(holding("everyone"), "everyone", NOW_MICROS, 80)[0]) == " everyone no limits"


def test_nothing_is_wider_than_its_room() -> None:
    held = budgeted("key:1", window("month", 372, 400, 24 * 20), window("total", 9, 10, None))
    for line in holding_lines(held, "this key", NOW_MICROS, 80):
        assert line_width(line) <= 80
    for line in narrow_lines("may use", held, NOW_MICROS, 40):
        assert line_width(line) <= 40
