"""How usage reads: measures, the chart with its totals, the table's columns, and exports. Pure."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from console.ink import Line, Span
from console.periods import TimeSpan
from console.units import count, money, percent
from console.widgets.charts import bar
from console.widgets.columns import Column
from console.widgets.timechart import time_chart
from gateway.operations import UsageRow

NAMELESS = {
    "key": "no key",
    "owner": "no owner",
    "tag": "no tag",
    "model": "no model",
    "upstream": "no upstream",
    "none": "all",
}


def tokens_in(row: UsageRow) -> int:
    """All input, cached or not."""
    return row.input_tokens + row.cache_read_tokens + row.cache_write_tokens


def tokens(row: UsageRow) -> int:
    """All tokens, in and out."""
    return tokens_in(row) + row.output_tokens


class Measure(Struct, frozen=True):
    """What is counted."""

    name: str
    of: Callable[[UsageRow], int]
    text: Callable[[float], str]


MEASURES = (
    Measure("cost", lambda row: row.cost_micros, lambda value: money(round(value))),
    Measure("tokens", tokens, count),
    Measure("requests", lambda row: row.requests, count),
    Measure("errors", lambda row: row.errors, count),
)


class Usage(Struct, frozen=True):
    """What the screen shows at one time."""

    span: TimeSpan
    measure: Measure
    by: str
    periods: Sequence[UsageRow] = ()
    """Of everything together, by period."""
    groups: Sequence[UsageRow] = ()
    """Of the whole time, by group."""

    @property
    def total(self) -> int:
        """Of the measure, over all."""
        return sum(self.measure.of(row) for row in self.groups)

    def share(self, row: UsageRow) -> float:
        """Of a group in the whole."""
        return self.measure.of(row) / self.total if self.total else 0.0

    def label(self, row: UsageRow) -> str:
        """The group's name, or that it has none."""
        return row.label or NAMELESS[self.by]


def choice_line(names: Sequence[str], chosen: str) -> list[Span]:
    """Names side by side, the chosen one marked."""
    spans: list[Span] = []
    for name in names:
        spans += [(" ", "plain"), (name, "chosen" if name == chosen else "muted"), (" ", "plain")]
    return spans


def chart_lines(usage: Usage, width: int, height: int) -> list[Line]:
    """The measure over time, and what it comes to."""
    values = usage.span.spread({row.start: float(usage.measure.of(row)) for row in usage.periods})
    chart = time_chart(values, usage.span.labels(), width, height, usage.measure.text)
    return [*chart, (), totals_line(usage)]


def totals_line(usage: Usage) -> Line:
    """The whole in figures, and what could not be priced."""
    rows = usage.groups
    taken_in = sum(map(tokens_in, rows))
    requests, given_out = sum(row.requests for row in rows), sum(row.output_tokens for row in rows)
    spans: list[Span] = [
        (" total ", "muted"),
        (money(sum(row.cost_micros for row in rows)), "strong"),
        (f"  {count(requests)} requests  {count(taken_in)} in  {count(given_out)} out", "plain"),
    ]
    if taken_in:
        spans.append((f"  {percent(sum(row.cache_read_tokens for row in rows) / taken_in)} cached", "plain"))
    if unpriced := sum(row.unpriced for row in rows):
        spans += [(f"  ! {count(unpriced)} unpriced ", "warning"), ("P", "key"), (" prices", "muted")]
    return tuple(spans)


def usage_columns(usage: Callable[[], Usage]) -> Sequence[Column[UsageRow]]:
    """The table's columns; what it is grouped by stands on the chart's first line."""
    return (
        Column(
            "label", "NAME", 18, lambda row: (usage().label(row), "plain" if row.label else "muted"), grows=2, most=50
        ),
        Column("requests", "REQ", 6, lambda row: count(row.requests), right=True),
        Column("errors", "ERR", 5, _errors, right=True),
        Column("input", "IN", 6, lambda row: count(tokens_in(row)), right=True),
        Column("cached", "CACHED", 6, lambda row: count(row.cache_read_tokens), right=True, from_width=96),
        Column("written", "WRITTEN", 7, lambda row: count(row.cache_write_tokens), right=True, from_width=106),
        Column("output", "OUT", 6, lambda row: count(row.output_tokens), right=True),
        Column("reasoning", "REASON", 6, lambda row: count(row.reasoning_tokens), right=True, from_width=114),
        Column("cost", "COST", 9, _cost, right=True),
        Column("share", "%", 4, lambda row: f"{usage().share(row) * 100:.0f}", right=True),
        Column("bar", "", 10, lambda row: (bar(usage().share(row), 10), "accent")),
    )


def _errors(row: UsageRow) -> Span:
    return (count(row.errors) if row.errors else "", "bad")


def _cost(row: UsageRow) -> Span:
    if row.unpriced and not row.cost_micros:
        return ("no price", "warning")
    return (money(row.cost_micros), "plain")
