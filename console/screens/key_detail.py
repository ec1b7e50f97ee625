"""One key: what it may use and has used, what it cost by day, and its requests."""

from collections.abc import Sequence

from console.captures import capture
from console.commands import FILTER, bindings
from console.ink import Line
from console.periods import TimeSpan, local_offset, span_of
from console.screens.holder_acts import KEY_ACTS, KeyActs
from console.screens.holding_lines import activity, but_models, holding_lines, limits_anything
from console.screens.key_lines import STATES, braking, expires, last_use, models_of, rotation, standing, today
from console.screens.requests import RequestsScreen
from console.session import Session
from console.units import count, money
from console.widgets.timechart import time_chart
from data.limits import EVERYONE, key_holder, owner_holder
from gateway.accounting import GetHolding, Holding
from gateway.operations import ExchangeFilter, GetUsage, KeyView, ListKeys

DAYS = 14
CHART_HEIGHT = 5
CHART_FROM = 30
"""Lines of the terminal; in a lower one what it may use goes before what it cost."""


class KeyScreen(KeyActs, RequestsScreen):
    """Opened from the list of keys."""

    MODE = "keys"
    TITLE_IN_HELP = "Key"
    WATCHED = frozenset({"keys"})
    KEYS = (*KEY_ACTS, FILTER)
    BINDINGS = bindings(KEY_ACTS)

    def __init__(self, session: Session, key: KeyView) -> None:
        super().__init__(session, key.name, ExchangeFilter(key_id=key.id), lambda row: row.key_id == key.id)
        self._key = key
        now = session.now_micros()
        self._span: TimeSpan = span_of(DAYS, now, local_offset(now))
        self._costs: list[float] = []
        self._requests: list[float] = []
        self._holdings: dict[str, Holding] = {}
        """By the label they are shown under."""

    def key(self) -> KeyView | None:
        """This one, as long as it was not revoked."""
        if self._key.state == "revoked":
            self.tell(f"{self._key.name} was revoked for good.", "warning")
            return None
        return self._key

    def above(self, width: int) -> Sequence[Line]:
        """The key, what it may use, and its cost by day."""
        now = self.session.now_micros()
        return [
            *self._particulars(),
            *(line for label, holding in self._holdings.items() for line in holding_lines(holding, label, now, width)),
            *(self._chart(width) if self.app.size.height >= CHART_FROM or not self._holdings else ()),
            (("─" * width, "rule"),),
        ]

    def _particulars(self) -> list[Line]:
        key, now = self._key, self.session.now_micros()
        used = f"used {last_use(key, now)} ago" if key.last_used_at else "never used"
        own = self._holdings.get("this key")
        running = f", {activity(own)}" if own else ""
        tags = f"   {' '.join(f'#{tag}' for tag in key.tags)}" if key.tags else ""
        lines: list[Line] = [
            (
                (f" {key.name}", "strong"),
                (f"  …{key.tail}  ", "muted"),
                STATES[standing(key, now)],
                (f"   {key.owner}", "plain"),
                (tags, "accent"),
            ),
            ((" models ", "muted"), (models_of(key), "plain"), ("   expires ", "muted"), (expires(key, now), "plain")),
            ((f" {today(key)} today, {used}{running}", "plain"),),
        ]
        unusual = {"◉ capture:": capture(key, now), "brake:": braking(key), "↻ rotating:": rotation(key, now)}
        return [*lines, *(((f" {what} {text}", "warning"),) for what, text in unusual.items() if text)]

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
        """Its requests, what they cost, and what it may use."""
        await super().load()
        keys = await self.ask(ListKeys())
        self._key = next((key for key in keys or () if key.id == self._key.id), self._key)
        await self._load_holdings()
        span = self._span
        usage = GetUsage(span.since, span.until, every=span.every, utc_offset=span.offset, key_id=self._key.id)
        rows = await self.ask(usage)
        if rows is not None:
            self._requests = span.spread({row.start: float(row.requests) for row in rows})
            self._costs = span.spread({row.start: float(row.cost_micros) for row in rows})
        self._paint()

    async def _load_holdings(self) -> None:
        """Its own, and those of its owner and of everyone where they limit anything."""
        owner = {"owner": owner_holder(self._key.owner)} if self._key.owner else {}
        holders = {"this key": key_holder(self._key.id), **owner, "everyone": EVERYONE}
        found: dict[str, Holding] = {}
        for label, holder in holders.items():
            holding = await self.ask(GetHolding(holder))
            if holding is not None and (label == "this key" or limits_anything(holding)):
                found[label] = but_models(holding) if label == "this key" else holding
        self._holdings = found
