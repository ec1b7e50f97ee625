"""A provider's figures held against our own."""

from datetime import date
from decimal import Decimal

import pytest

from console.provider_files import Stated, Statement
from console.reconciling import Reconciled, common_name, reconcile
from gateway.operations import UsageRow

FIRST, SECOND, END = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)


def used(model: str, tokens: int, micros: int) -> UsageRow:
    return UsageRow(model, 0, 1, 0, tokens, 0, 0, 0, 0, micros, 0)


def stated(day: date, model: str, tokens: int, dollars: str) -> Stated:
    return Stated(day, model, {"input": Decimal(tokens), "cost": Decimal(dollars)})


def held(theirs: list[Stated], ours: list[tuple[date, UsageRow]], percent: str = "1") -> Reconciled:
    statement = Statement("a file", ("input", "cost"), theirs)
    return reconcile(statement, ours, FIRST, END, Decimal(percent))


def test_what_agrees_is_not_over_and_has_no_difference() -> None:
    found = held([stated(FIRST, "gpt-5", 100, "1")], [(FIRST, used("gpt-5", 100, 1_000_000))])
    assert not found.over
    assert [row.difference for row in (*found.rows, *found.totals)] == [0, 0, 0, 0]


def test_differences_are_told_by_day_model_and_measure_and_in_all() -> None:
    found = held(
        [stated(FIRST, "gpt-5", 120, "2"), stated(SECOND, "gpt-5", 5, "0")], [(FIRST, used("gpt-5", 100, 1_000_000))]
    )
    assert [(row.day, row.measure, row.ours, row.theirs, row.difference) for row in found.rows] == [
        ("2026-11-01", "input", 100, 120, 20),
        ("2026-11-01", "cost", 1_000_000, 2_000_000, 1_000_000),
        ("2026-11-02", "input", 0, 5, 5),
        ("2026-11-02", "cost", 0, 0, 0),
    ]
    assert [row.difference for row in found.totals] == [25, 1_000_000]
    assert found.over


def test_models_and_days_of_one_side_alone_are_named() -> None:
    found = held([stated(FIRST, "gpt-5", 1, "1")], [(SECOND, used("gpt-4o", 1, 1))])
    assert (found.only_ours, found.only_theirs) == (["gpt-4o", "2026-11-02"], ["gpt-5", "2026-11-01"])


@pytest.mark.parametrize(("percent", "over"), [("0", True), ("1", True), ("10", False)])
def test_a_difference_within_the_tolerance_is_none(percent: str, over: bool) -> None:
    found = held([stated(FIRST, "m", 105, "1")], [(FIRST, used("m", 100, 1_000_000))], percent)
    assert found.over is over


def test_a_cent_is_what_providers_round_to_and_no_difference() -> None:
    assert not held([stated(FIRST, "m", 0, "0.01")], [(FIRST, used("m", 0, 4_000))]).over
    assert held([stated(FIRST, "m", 0, "0.03")], [(FIRST, used("m", 0, 4_000))]).over


def test_a_file_without_models_is_compared_day_by_day() -> None:
    found = held([stated(FIRST, "", 3, "0")], [(FIRST, used("a", 1, 0)), (FIRST, used("b", 2, 0))])
    assert not found.over
    assert found.only_ours == found.only_theirs == []


def test_days_that_were_not_asked_for_are_left_out_and_counted() -> None:
    assert held([stated(END, "m", 9, "9")], []).outside == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Claude Haiku 3.5", "claude-3-5-haiku-20241022"),
        ("Claude Sonnet 4.5", "claude-sonnet-4-5@20250929"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
    ],
)
def test_one_model_under_two_names_is_one(one: str, other: str) -> None:
    assert common_name(one) == common_name(other)


def test_different_models_stay_apart() -> None:
    names = ("gpt-4o", "gpt-4", "gpt-4o-mini", "claude-opus-4-5", "claude-opus-5-4", "o4-mini", "gpt-4.1", "")
    assert len({common_name(name) for name in names}) == len(names)
