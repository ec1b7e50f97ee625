"""Ranges of time cut into hours or days at the operator's own midnight. Pure."""

import time
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from console.units import MICROS

HOUR = 3_600 * MICROS
DAY = 24 * HOUR


class TimeSpan(Struct, frozen=True):
    """A range of time in equal periods."""

    since: int
    until: int
    every: Literal["hour", "day"]
    offset: int
    """Seconds east of UTC: periods are cut there."""

    @property
    def starts(self) -> range:
        """When each period begins."""
        return range(self.since, self.until, HOUR if self.every == "hour" else DAY)

    def labels(self) -> list[str]:
        """Each period in two characters: the hour, or the day of the month."""
        form = "%H" if self.every == "hour" else "%d"
        return [time.strftime(form, self._local(start)) for start in self.starts]

    def spread(self, values: Mapping[int, float]) -> list[float]:
        """Values by the start of their period, for every period."""
        return [values.get(start, 0.0) for start in self.starts]

    def words(self) -> str:
        """From when to when."""
        first, last = self._local(self.since), self._local(self.until - 1)
        if self.every == "hour":
            return time.strftime("%d %b %Y", first)
        return f"{time.strftime('%d %b', first)} - {time.strftime('%d %b %Y', last)}"

    def _local(self, at: int) -> time.struct_time:
        return time.gmtime(at // MICROS + self.offset)


def local_offset(now_micros: int) -> int:
    """Seconds east of UTC here and now."""
    return time.localtime(now_micros / MICROS).tm_gmtoff


def span_of(days: int, now_micros: int, offset: int) -> TimeSpan:
    """The last days, today included; a single day is cut into hours."""
    shift = offset * MICROS
    midnight = (now_micros + shift) // DAY * DAY - shift
    return TimeSpan(midnight - (days - 1) * DAY, midnight + DAY, "hour" if days == 1 else "day", offset)
