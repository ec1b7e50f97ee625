"""Budgets' windows on the calendar: where they begin and end when months, weeks and clocks do as they like."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.limits import Budget, Per
from gateway.windows import window

BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU, APIA = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
ZONES = ("UTC", BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU, APIA, "Antarctica/Troll", "America/Havana", "Africa/Casablanca")
SECOND = 1_000_000


def micros(text: str) -> int:
    """A moment given with its offset from UTC."""
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def cut(per: Per, zone: str, at: str, hour: int = 0, weekday: int = 0) -> tuple[str, str]:
    """A window as the clocks on its walls show it."""
    start, end = window(Budget(per, 1, zone, hour, weekday), micros(at))
    assert end is not None
    assert start <= micros(at) < end
    return shown(start, zone), shown(end, zone)


def shown(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at // SECOND, ZoneInfo(zone)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("per", "starts", "ends"),
    [
        ("minute", "2026-11-28T13:47+01:00", "2026-11-28T13:48+01:00"),
        ("hour", "2026-11-28T13:00+01:00", "2026-11-28T14:00+01:00"),
        ("day", "2026-11-28T00:00+01:00", "2026-11-29T00:00+01:00"),
        ("week", "2026-11-23T00:00+01:00", "2026-11-30T00:00+01:00"),
        ("month", "2026-11-01T00:00+01:00", "2026-12-01T00:00+01:00"),
    ],
)
def test_every_kind_of_window_begins_where_its_zone_says(per: Per, starts: str, ends: str) -> None:
    assert cut(per, BERLIN, "2026-11-28T13:47:31+01:00") == (starts, ends)


def test_a_budget_in_total_never_begins_anew() -> None:
    assert window(Budget("total", 1), micros("2026-11-28T13:47+00:00")) == (0, None)


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        (BERLIN, "2026-03-29T12:00+02:00", 23),
        (BERLIN, "2026-10-25T12:00+01:00", 25),
        (NEW_YORK, "2026-03-08T12:00-04:00", 23),
        (NEW_YORK, "2026-11-01T12:00-05:00", 25),
        (LORD_HOWE, "2026-10-04T12:00+11:00", 23.5),
        (LORD_HOWE, "2026-04-05T12:00+10:30", 24.5),
        (KATHMANDU, "2026-03-29T12:00+05:45", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_of_its_zone_make_it(zone: str, at: str, hours: float) -> None:
    start, end = window(Budget("day", 1, zone), micros(at))
    assert end is not None
    assert (end - start) / SECOND == hours * 3600
    assert shown(start, zone)[11:16] == shown(end, zone)[11:16] == "00:00"


def test_a_day_may_begin_at_an_hour_that_clocks_skip_or_that_comes_twice() -> None:
    assert cut("day", BERLIN, "2026-03-29T01:59+01:00", hour=2)[1] == "2026-03-29T03:00+02:00"
    assert cut("day", BERLIN, "2026-10-25T02:30+01:00", hour=2)[0] == "2026-10-25T02:00+02:00"
    assert cut("day", BERLIN, "2026-10-25T01:30+02:00", hour=2)[0] == "2026-10-24T02:00+02:00"


def test_a_start_hour_moves_days_weeks_and_months() -> None:
    at = "2026-06-01T05:59+02:00"
    assert cut("day", BERLIN, at, hour=6) == ("2026-05-31T06:00+02:00", "2026-06-01T06:00+02:00")
    assert cut("week", BERLIN, at, hour=6) == ("2026-05-25T06:00+02:00", "2026-06-01T06:00+02:00")
    assert cut("month", BERLIN, at, hour=6) == ("2026-05-01T06:00+02:00", "2026-06-01T06:00+02:00")


@pytest.mark.parametrize("weekday", range(7))
def test_a_week_begins_on_its_day(weekday: int) -> None:
    start, _ = cut("week", NEW_YORK, "2026-11-03T12:00-05:00", weekday=weekday)
    assert datetime.fromisoformat(start).weekday() == weekday


@pytest.mark.parametrize(
    ("at", "days"), [("2028-02-29T23:59+00:00", 29), ("2027-02-28T12:00+00:00", 28), ("2026-12-31T23:59+00:00", 31)]
)
def test_a_month_has_its_own_number_of_days(at: str, days: int) -> None:
    start, end = cut("month", "UTC", at)
    assert datetime.fromisoformat(end) - datetime.fromisoformat(start) == timedelta(days=days)


def test_an_hour_lasts_an_hour_when_clocks_are_set_back_and_comes_twice() -> None:
    assert cut("hour", BERLIN, "2026-10-25T02:30+02:00") == ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00")
    assert cut("hour", BERLIN, "2026-10-25T02:30+01:00") == ("2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00")


def test_hours_follow_clocks_that_are_moved_by_half_of_one() -> None:
    assert cut("hour", LORD_HOWE, "2026-10-04T02:40+11:00") == ("2026-10-04T02:30+11:00", "2026-10-04T03:00+11:00")
    assert cut("hour", LORD_HOWE, "2026-04-05T01:40+10:30") == ("2026-04-05T01:30+10:30", "2026-04-05T02:00+10:30")
    assert cut("hour", KATHMANDU, "2026-04-05T01:40+05:45")[0] == "2026-04-05T01:00+05:45"


def test_a_day_that_a_zone_leaves_out_is_no_window() -> None:
    assert cut("day", APIA, "2011-12-29T23:00-10:00") == ("2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00")
    assert cut("day", APIA, "2011-12-31T01:00+14:00", hour=6) == ("2011-12-29T06:00-10:00", "2011-12-31T06:00+14:00")


budgets = st.builds(
    Budget,
    per=st.sampled_from(["minute", "hour", "day", "week", "month"]),
    micros=st.just(1),
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    weekday=st.integers(0, 6),
)
MOVED = ["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-10-03T15:30"]
"""When clocks of these zones are moved, in UTC."""
around = st.sampled_from([datetime.fromisoformat(f"{at}+00:00") for at in [*MOVED, "2026-04-04T15:00"]])
ever = st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))
moments = ever | st.builds(datetime.__add__, around, st.timedeltas(timedelta(hours=-3), timedelta(hours=3)))
LONGEST = {"minute": 60, "hour": 3600, "day": 26 * 3600, "week": 170 * 3600, "month": 746 * 3600}


@given(budgets, moments)
def test_windows_tile_time_without_gap_or_overlap(budget: Budget, moment: datetime) -> None:
    at = int(moment.timestamp() * SECOND)
    start, end = window(budget, at)
    assert end is not None
    assert start <= at < end <= start + LONGEST[budget.per] * SECOND
    assert window(budget, start) == window(budget, end - 1) == (start, end)
    assert window(budget, start - 1)[1] == start
    assert window(budget, end)[0] == end
