"""What is worth telling an operator."""

import pytest

from gateway.alerts import Alert, Spell, Whose, balance_low, budget_used, burning, credential_refused, long_down

ANA = Whose("key:3", "Key ana")
HOUR = 3_600_000_000
DOLLAR = 1_000_000


def budget(spent: int, limit: int = 10 * DOLLAR, start: int = 0) -> Alert | None:
    return budget_used(ANA, "month", start, limit, spent)


@pytest.mark.parametrize(
    ("cents", "code"),
    [
        (0, None),
        (499, None),
        (500, "budget_50"),
        (799, "budget_50"),
        (800, "budget_80"),
        (989, "budget_80"),
        (990, "budget_100"),
        (2000, "budget_100"),
    ],
)
def test_a_budget_is_told_of_at_half_at_four_fifths_and_when_it_is_used_up(cents: int, code: str | None) -> None:
    alert = budget(cents * 10_000)
    assert (alert.code if alert else None) == code


def test_a_window_a_threshold_and_an_amount_have_a_name_of_their_own() -> None:
    alerts = (budget(5 * DOLLAR), budget(8 * DOLLAR), budget(5 * DOLLAR, start=HOUR), budget(9 * DOLLAR, 18 * DOLLAR))
    assert len({alert.name for alert in alerts if alert}) == 4


def test_a_budget_that_jumps_is_told_of_once_and_not_of_what_it_passed() -> None:
    half, most = budget(5 * DOLLAR), budget(9 * DOLLAR)
    assert half is not None
    assert most is not None
    assert half.name in most.covers


def test_a_budget_a_minute_and_a_budget_of_nothing_are_not_told_of() -> None:
    assert budget_used(ANA, "minute", 0, 10, 10) is None
    assert budget(0, limit=0) is None


@pytest.mark.parametrize(
    ("balance", "percent", "dollars", "told"),
    [
        (2 * DOLLAR, 10, 0, False),
        (1 * DOLLAR, 10, 0, True),
        (2 * DOLLAR, 0, 3, True),
        (2 * DOLLAR, 0, 1, False),
        (-1, 10, 0, True),
    ],
)
def test_a_balance_is_low_below_a_part_of_the_last_payment_or_below_a_sum(
    balance: int, percent: int, dollars: int, told: bool
) -> None:
    alert = balance_low(ANA, balance, 10 * DOLLAR, 7, percent, dollars)
    assert (alert is not None) is told


def test_a_new_payment_makes_a_low_balance_worth_telling_again() -> None:
    first, second = (balance_low(ANA, 0, DOLLAR, number, 10, 0) for number in (1, 2))
    assert first is not None
    assert second is not None
    assert first.name != second.name


@pytest.mark.parametrize(
    ("micros", "usual", "told"),
    [(6 * DOLLAR, 0, True), (5 * DOLLAR, 0, False), (6 * DOLLAR, 2 * DOLLAR, False), (11 * DOLLAR, 2 * DOLLAR, True)],
)
def test_money_burns_when_it_is_many_times_the_usual_and_no_trifle(micros: int, usual: int, told: bool) -> None:
    assert (burning(ANA, Spell(micros, usual), 0, factor=5, dollars=5) is not None) is told
    assert burning(ANA, Spell(micros, usual), 0, factor=0, dollars=5) is None


def test_burning_is_told_once_an_hour_and_a_refused_credential_once_a_day() -> None:
    def burn(at: int) -> Alert:
        alert = burning(ANA, Spell(9 * DOLLAR, 0), at, 5, 5)
        assert alert is not None
        return alert

    assert burn(0).name == burn(HOUR - 1).name != burn(HOUR).name
    refused = [credential_refused(4, "openai", at).name for at in (0, 23 * HOUR, 24 * HOUR)]
    assert refused[0] == refused[1] != refused[2]


def test_alerts_say_in_words_whom_they_are_about() -> None:
    alert = budget(8 * DOLLAR)
    assert alert is not None
    assert alert.text == "Key ana has spent $8.00 of its budget a month of $10.00."
    assert "Upstream openai" in long_down(4, "openai", 0, 10).text
