"""Budgets as operators type them."""

from console.budgets import read_budgets, write_budget
from data.limits import Budget


def test_budgets_are_written_one_to_a_line_and_read_back_as_they_were() -> None:
    text = "20 day\n400.50 month Europe/Berlin\n90 week UTC 06:00 wed\n0.01 minute"
    budgets = read_budgets(text)
    assert budgets == (
        Budget("day", 20_000_000),
        Budget("month", 400_500_000, "Europe/Berlin"),
        Budget("week", 90_000_000, "UTC", 6, 2),
        Budget("minute", 10_000),
    )
    assert "\n".join(write_budget(budget) for budget in budgets) == text.replace("400.50", "400.5")
