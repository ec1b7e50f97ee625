"""What holders have left: put aside, settled, given back, and counted in windows whatever the clock does."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from data.limits import EVERYONE, FREE, Budget, Limits
from data.records import DONE, ExchangeRecord
from gateway.budgets import DAY, MINUTE, PLENTY, QUARTER, Budgets, dollars
from gateway.errors import InsufficientQuota
from gateway.windows import window

HOUR = 4 * QUARTER
NOON = 20_000 * DAY + 12 * HOUR
HOLDERS = ("key:1", "owner:ann", EVERYONE)


def ended(reserved: int, cost: int | None, at: int = NOON) -> ExchangeRecord:
    """An exchange of ann's key that is over."""
    return ExchangeRecord(
        id=1,
        request_id="req_1",
        started_at=at,
        state=DONE,
        protocol="openai_chat",
        operation="generate",
        path="/",
        key_id=1,
        owner="ann",
        model_asked="m",
        reserved_micros=reserved,
        cost_micros=cost,
    )


def under(key: Limits = FREE, owner: Limits = FREE, everyone: Limits = FREE) -> Budgets:
    budgets = Budgets()
    budgets.put_under([(1, key)], [("ann", owner)], everyone)
    return budgets


def per(length: str, micros: int) -> Limits:
    return Limits(budgets=(Budget(length, micros),))  # type: ignore[arg-type]


def reserve(budgets: Budgets, estimate: int, most: int | None = None, now: int = NOON) -> int:
    return budgets.reserve(1, "ann", estimate, lambda: estimate if most is None else most, now)


def spend(budgets: Budgets, cost: int, at: int = NOON) -> None:
    """A request that runs from beginning to end."""
    budgets.settle(ended(reserve(budgets, cost, now=at), cost, at))


def left(budgets: Budgets, holder: str = "key:1", now: int = NOON) -> int:
    found = budgets.account(holder).left(now)
    assert found is not None
    return found[0]


# --- put aside, settled, given back


def test_what_is_put_aside_counts_for_the_key_its_owner_and_everyone() -> None:
    budgets = under(per("day", 100), per("day", 200), per("day", 300))
    assert reserve(budgets, 30) == 30
    assert [left(budgets, holder) for holder in HOLDERS] == [70, 170, 270]
    budgets.settle(ended(30, 10))
    assert [left(budgets, holder) for holder in HOLDERS] == [90, 190, 290]
    assert [budgets.account(holder).reserved for holder in HOLDERS] == [0, 0, 0]


@pytest.mark.parametrize("poor", range(3))
def test_a_request_that_one_of_them_cannot_pay_takes_nothing_from_any(poor: int) -> None:
    limits = [per("day", 1000)] * 3
    limits[poor] = per("day", 29)
    budgets = under(*limits)
    with pytest.raises(InsufficientQuota, match=r"has \$0\.000029 left of its budget per day"):
        reserve(budgets, 30)
    assert [budgets.account(holder).reserved for holder in HOLDERS] == [0, 0, 0]


def test_a_reservation_that_came_to_nothing_is_given_back() -> None:
    budgets = under(per("day", 100), owner=Limits(prepaid=True))
    budgets.paid_in("owner:ann", 50)
    budgets.release(1, "ann", reserve(budgets, 30))
    assert (left(budgets), left(budgets, "owner:ann")) == (100, 50)


def test_a_correction_moves_what_is_left_of_the_window_it_falls_in() -> None:
    budgets = under(Limits(prepaid=True, budgets=(Budget("day", 100),)))
    budgets.paid_in("key:1", 1000)
    spend(budgets, 40)
    budgets.adjusted(1, "ann", -15, NOON)
    budgets.adjusted(1, "ann", 7, NOON - DAY)
    account = budgets.account("key:1")
    assert (left(budgets), account.balance, account.cost) == (75, 968, 32)


def test_a_request_without_a_price_costs_nothing_when_it_is_over() -> None:
    budgets = under(per("day", 100))
    budgets.settle(ended(reserve(budgets, 30), None))
    assert left(budgets) == 100


# --- how much


def asked_of(budgets: Budgets, estimate: int, most: int) -> tuple[int, int]:
    """What is put aside, and how often the most that it can be was worked out."""
    asked = count()

    def work_out() -> int:
        next(asked)
        return most

    return budgets.reserve(1, "ann", estimate, work_out, NOON), next(asked)


def test_an_estimate_will_do_where_there_is_twenty_times_as_much_left() -> None:
    assert asked_of(under(per("day", PLENTY * 10 + 1)), 10, 50) == (10, 0)
    assert asked_of(under(per("day", PLENTY * 10)), 10, 50) == (50, 1)
    assert asked_of(under(), 10, 50) == (10, 0)


def test_the_most_it_can_be_is_put_aside_everywhere_as_soon_as_one_is_short() -> None:
    budgets = under(per("day", 10_000), everyone=per("day", 60))
    assert reserve(budgets, 10, most=50) == 50
    assert (left(budgets), left(budgets, EVERYONE)) == (9_950, 10)
    with pytest.raises(InsufficientQuota, match="This gateway has"):
        reserve(budgets, 10, most=50)


def test_what_costs_nothing_is_let_in_even_by_those_in_debt() -> None:
    budgets = under(Limits(prepaid=True))
    budgets.paid_in("key:1", -5)
    assert reserve(budgets, 0) == 0
    with pytest.raises(InsufficientQuota, match=r"has \$0 left of its balance"):
        reserve(budgets, 1)


def test_a_client_is_told_that_a_shorter_answer_may_be_affordable() -> None:
    with pytest.raises(InsufficientQuota, match="Asking for fewer output tokens may help"):
        reserve(under(per("total", 20)), 30)
    with pytest.raises(InsufficientQuota) as refused:
        reserve(under(per("total", 0)), 30)
    assert "fewer" not in refused.value.message


# --- prepaid, total


def test_prepaid_starts_at_nothing_and_ends_there() -> None:
    budgets = under(Limits(prepaid=True))
    with pytest.raises(InsufficientQuota):
        reserve(budgets, 1)
    budgets.paid_in("key:1", 3)
    for _ in range(3):
        reserve(budgets, 1)
    with pytest.raises(InsufficientQuota):
        reserve(budgets, 1)


def test_a_budget_in_total_counts_what_was_spent_before_it_was_set() -> None:
    budgets = under()
    spend(budgets, 40, NOON - 400 * DAY)
    budgets.put_under([(1, per("total", 100))], [], FREE)
    assert left(budgets) == 60


# --- windows


@pytest.mark.parametrize("length", ["minute", "hour", "day", "week", "month"])
def test_a_budget_is_whole_again_in_its_next_window(length: str) -> None:
    budgets = under(per(length, 100))
    spend(budgets, 60)
    _, end = window(Budget(length, 100), NOON)  # type: ignore[arg-type]
    assert end is not None
    assert (left(budgets, now=end - 1), left(budgets, now=end)) == (40, 100)


def test_of_several_windows_the_tightest_decides() -> None:
    budgets = under(Limits(budgets=(Budget("minute", 50), Budget("day", 100))))
    for minutes in range(2):
        spend(budgets, 45, NOON + minutes * MINUTE)
    with pytest.raises(InsufficientQuota, match="budget per day"):
        reserve(budgets, 11, now=NOON + 2 * MINUTE)
    assert [span.spent for span in budgets.account("key:1").windows(NOON + 2 * MINUTE)] == [0, 90]


def test_a_request_counts_for_the_window_it_began_in_and_holds_back_from_the_next_while_it_runs() -> None:
    budgets = under(per("day", 100))
    midnight = NOON + 12 * HOUR
    reserved = reserve(budgets, 30, now=midnight - 1)
    assert left(budgets, now=midnight + 1) == 70
    budgets.settle(ended(reserved, 25, midnight - 1))
    assert left(budgets, now=midnight + 1) == 100
    assert left(budgets, now=midnight - 1) == 75


@pytest.mark.parametrize("length", ["minute", "hour", "day", "month", "total"])
@pytest.mark.parametrize("jump", [MINUTE, HOUR, DAY, 31 * DAY])
def test_a_clock_that_jumps_ahead_and_back_lets_nobody_spend_a_budget_twice(length: str, jump: int) -> None:
    budgets = under(per(length, 100))
    spend(budgets, 60)
    if length != "total":
        spend(budgets, 5, NOON + jump)
    assert left(budgets) <= 40
    with pytest.raises(InsufficientQuota):
        reserve(budgets, 41)


def test_a_clock_set_back_across_midnight_still_counts_what_was_spent_after_it() -> None:
    budgets = under(per("day", 100))
    spend(budgets, 60, NOON)
    assert left(budgets, now=NOON - DAY) == 40


def test_changed_limits_count_what_the_window_has_seen() -> None:
    budgets = under(per("day", 100))
    spend(budgets, 60)
    budgets.put_under([(1, per("month", 100))], [], FREE)
    assert left(budgets) == 40
    budgets.put_under([(1, FREE)], [], FREE)
    assert budgets.account("key:1").left(NOON) is None


def test_costs_are_forgotten_only_after_the_longest_window() -> None:
    budgets = under(per("month", 10**9))
    month_begins = window(Budget("month", 1), NOON)[0]
    for quarter in range(31 * 96):
        budgets.remember(1, "ann", month_begins + quarter * QUARTER, 1)
    for quarter in range(100 * 96):
        budgets.adjusted(1, "ann", 1, month_begins - (quarter + 1) * QUARTER)
    assert left(budgets) == 10**9 - 31 * 96


# --- against a slow reference


class Till(RuleBasedStateMachine):
    """Everything that was ever spent in a list, beside the accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = {
            "key:1": Limits(budgets=(Budget("minute", 300), Budget("day", 2_000, "Europe/Berlin", 6))),
            "owner:ann": Limits(prepaid=True, budgets=(Budget("hour", 900), Budget("week", 4_000, weekday=3))),
            EVERYONE: Limits(budgets=(Budget("month", 6_000, "Asia/Kathmandu"), Budget("total", 20_000))),
        }
        self.budgets = under(*self.limits.values())
        self.now = NOON
        self.paid = 0
        self.spent: list[tuple[int, int]] = []
        self.running: list[tuple[int, int]] = []

    def left_of(self, holder: str) -> int:
        """What is left, added up from the beginning."""
        held = sum(micros for _, micros in self.running)
        lefts = [self.paid - sum(cost for _, cost in self.spent) - held] if self.limits[holder].prepaid else []
        for budget in self.limits[holder].budgets:
            start, _ = window(budget, self.now)
            lefts.append(budget.micros - held - sum(cost for at, cost in self.spent if at >= start))
        return min(lefts)

    @rule(seconds=st.integers(0, 90) | st.sampled_from([3_600, 40_000, 90_000, 700_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * 1_000_000

    @rule(micros=st.integers(1, 3_000))
    def pay_in(self, micros: int) -> None:
        self.budgets.paid_in("owner:ann", micros)
        self.paid += micros

    @rule(estimate=st.integers(0, 200), factor=st.integers(1, 4))
    def begin(self, estimate: int, factor: int) -> None:
        least = min(map(self.left_of, self.limits))
        needed = estimate if least > PLENTY * estimate else estimate * factor
        if needed > max(least, 0):
            with pytest.raises(InsufficientQuota):
                reserve(self.budgets, estimate, estimate * factor, self.now)
        else:
            assert reserve(self.budgets, estimate, estimate * factor, self.now) == needed
            self.running.append((self.now, needed))

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 10**6), share=st.integers(0, 120))
    def end(self, which: int, share: int) -> None:
        at, reserved = self.running.pop(which % len(self.running))
        cost = reserved * share // 100
        self.budgets.settle(ended(reserved, cost, at))
        self.spent.append((at, cost))

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 10**6))
    def give_back(self, which: int) -> None:
        self.budgets.release(1, "ann", self.running.pop(which % len(self.running))[1])

    @precondition(lambda self: self.spent)
    @rule(which=st.integers(0, 10**6), micros=st.integers(-100, 100))
    def correct(self, which: int, micros: int) -> None:
        at, _ = self.spent[which % len(self.spent)]
        self.budgets.adjusted(1, "ann", micros, at)
        self.spent.append((at, micros))

    @rule()
    def look(self) -> None:
        assert [left(self.budgets, holder, self.now) for holder in self.limits] == [*map(self.left_of, self.limits)]


def test_whatever_happens_there_is_left_what_a_slow_sum_says() -> None:
    run_state_machine_as_test(Till)


@given(st.integers(-(10**15), 10**15))
def test_an_amount_is_told_to_the_millionth(micros: int) -> None:
    whole, _, rest = dollars(abs(micros)).removeprefix("$").partition(".")
    assert int(whole) * 1_000_000 + int(rest.ljust(6, "0") or 0) == abs(micros)
