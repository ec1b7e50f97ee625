"""One key: what it cost by day, and its requests."""

from collections.abc import Sequence

from console.ink import Line
from console.periods import TimeSpan, local_offset, span_of
from console.screens.key_lines import STATES, expires, last_use, models_of, today
from console.screens.requests import RequestsScreen
from console.session import Session
from console.units import count, money
from console.widgets.timechart import time_chart
from gateway.operations import ExchangeFilter, GetUsage, KeyView

DAYS = 14
CHART_HEIGHT = 5


class KeyScreen(RequestsScreen):
    """Opened from the list of keys."""

    MODE = "keys"
    TITLE_IN_HELP = "Key"

    def __init__(self, session: Session, key: KeyView) -> None:
        super().__init__(session, key.name, ExchangeFilter(key_id=key.id), lambda row: row.key_id == key.id)
        self._key = key
        now = session.now_micros()
        self._span: TimeSpan = span_of(DAYS, now, local_offset(now))
        self._costs: list[float] = []
        self._requests: list[float] = []

    def above(self, width: int) -> Sequence[Line]:
        """The key, and its cost by day."""
        key, now = self._key, self.session.now_micros()
        used = f"last used {last_use(key, now)} ago" if key.last_used_at else "never used"
        return [
            (
                (f" {key.name}", "strong"),
                (f"  …{key.tail}  ", "muted"),
                STATES[key.state],
                (f"   {key.owner}", "plain"),
            ),
            ((" models ", "muted"), (models_of(key), "plain"), ("   expires ", "muted"), (expires(key, now), "plain")),
            ((f" {today(key)} today, {used}", "plain"),),
            *self._chart(width),
            (("─" * width, "rule"),),
        ]

    def _chart(self, width: int) -> Sequence[Line]:
        """Money by day, or requests as long as they cost nothing."""
        labels = self._span.labels()
        if any(self._costs):
            title = f" cost by day, {DAYS} days: {money(round(sum(self._costs)))}"
            chart = time_chart(self._costs, labels, width, CHART_HEIGHT, lambda top: money(round(top)))
        else:
            title = f" requests by day, {DAYS} days: {count(sum(self._requests))}"
            chart = time_chart(self._requests, labels, width, CHART_HEIGHT, count)
        return [((title, "heading"),), *chart]

    async def load(self) -> None:
        """Its requests, and what they cost."""
        await super().load()
        span = self._span
        usage = GetUsage(span.since, span.until, every=span.every, utc_offset=span.offset, key_id=self._key.id)
        rows = await self.ask(usage)
        if rows is not None:
            self._requests = span.spread({row.start: float(row.requests) for row in rows})
            self._costs = span.spread({row.start: float(row.cost_micros) for row in rows})
            self._paint()
