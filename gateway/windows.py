"""When a budget's window begins and ends on the calendar of its zone. Pure: told of the time, in UTC microseconds."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from data.limits import Budget

SECOND = 1_000_000
LENGTHS = {"minute": 60 * SECOND, "hour": 3600 * SECOND}


def window(budget: Budget, at: int) -> tuple[int, int | None]:
    """The window that a moment falls into: its first microsecond, and the next one's; None where none follows."""
    if budget.per == "total":
        return 0, None
    zone = ZoneInfo(budget.zone)
    if length := LENGTHS.get(budget.per):
        return _short(zone, at, length)
    first = _first_day(budget, datetime.fromtimestamp(at // SECOND, zone).date())
    while (start := _begin(budget, zone, first)) > at:
        first = _first_day(budget, first - timedelta(days=1))
    return start, _begin(budget, zone, _next(budget, first))


def _short(zone: ZoneInfo, at: int, length: int) -> tuple[int, int]:
    """An hour or a minute, as long as it says whatever clocks do meanwhile. One that they move by half of it is cut."""
    start = at - (at + _offset(zone, at)) % length
    by_clock_before = at - (at + _offset(zone, start)) % length
    return max(start, by_clock_before), start + length


def _offset(zone: ZoneInfo, at: int) -> int:
    """How far ahead of UTC the clocks are."""
    return (datetime.fromtimestamp(at // SECOND, zone).utcoffset() or timedelta()) // timedelta(microseconds=1)


def _first_day(budget: Budget, day: date) -> date:
    """The first day of the period that a day is in."""
    if budget.per == "month":
        return day.replace(day=1)
    if budget.per == "week":
        return day - timedelta(days=(day.weekday() - budget.weekday) % 7)
    return day


def _next(budget: Budget, first: date) -> date:
    """The first day of the period after one."""
    if budget.per == "month":
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if budget.per == "week" else 1)


def _begin(budget: Budget, zone: ZoneInfo, day: date) -> int:
    """When a day begins. An hour that clocks skip is when it would have been had they not; one that comes twice is the
    first."""
    return int(datetime(day.year, day.month, day.day, budget.hour, tzinfo=zone).timestamp()) * SECOND
