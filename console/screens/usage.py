"""Usage and cost: over time, and by key, model, upstream or owner."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from msgspec.structs import replace
from textual.app import ComposeResult

from console.commands import Command, bindings
from console.exports import as_csv, as_json
from console.files import write_private
from console.ink import Line, justify
from console.periods import TimeSpan, local_offset, span_of
from console.screens.loading import LoadingScreen
from console.screens.prices import PricesScreen
from console.screens.requests import RequestsScreen
from console.screens.usage_lines import MEASURES, Usage, chart_lines, choice_line, usage_columns
from console.session import Session
from console.units import MICROS
from console.widgets.confirm import Choice
from console.widgets.grid import Grid
from console.widgets.page import Page
from data.records import ExchangeRecord
from gateway.operations import ExchangeFilter, GetUsage, KeyView, ListKeys, UsageRow

Group = Literal["key", "model", "upstream", "owner", "tag"]

GROUPS: tuple[Group, ...] = ("key", "model", "upstream", "owner", "tag")
DAYS = {"today": 1, "7 d": 7, "14 d": 14, "30 d": 30}
CHART_HEIGHT = 6
HIGH_CHART = 12
HIGH_SCREEN = 36
EMPTY: Sequence[Line] = (
    (("  Nothing was used in this time.", "plain"),),
    (("  l", "key"), (" looks further back.", "muted")),
)


class UsageScreen(LoadingScreen):
    """A chart above, the groups below."""

    MODE = "usage"
    TITLE_IN_HELP = "Usage"
    KEYS = (
        Command("usage.longer", "l,right", "longer", "Look further back.", "stretch(1)", shown=True),
        Command("usage.shorter", "h,left", "shorter", "Look at less time.", "stretch(-1)", shown=True),
        Command("usage.measure", "m", "measure", "Count cost, tokens, requests or errors.", "measure", shown=True),
        Command("usage.by", "b", "by", "Group by key, model, upstream, owner or tag.", "by", shown=True),
        Command("usage.prices", "P", "prices", "Show and set what models cost.", "prices", shown=True),
        Command("usage.export", "e", "export", "Write the usage by period and group to a file.", "export", shown=True),
    )
    BINDINGS = bindings(KEYS)
    WATCHED = frozenset({"keys", "prices"})
    RELOAD_SECONDS = 5.0

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._by: Group = "model"
        self._range = "14 d"
        self._usage = Usage(self._span(), MEASURES[0], self._by)
        self._keys: list[KeyView] = []

    def body(self) -> ComposeResult:
        """The page with the chart, and the table."""
        yield Page(self._write, focusable=False, classes="above", id="chart")
        columns = usage_columns(lambda: self._usage)
        yield Grid(columns, key_of=lambda row: row.label, empty=EMPTY, id="groups")

    def _write(self, width: int) -> Sequence[Line]:
        high = self.app.size.height >= HIGH_SCREEN
        left = choice_line([measure.name for measure in MEASURES], self._usage.measure.name)
        right = (
            [(" by", "muted"), *choice_line(GROUPS, self._by)]
            if width >= 100
            else [("by ", "muted"), (self._by, "chosen")]
        )
        ranges = choice_line(list(DAYS), self._range)
        head = justify((*left,), (*right, ("  │ ", "rule"), *ranges), width)
        return [head, *chart_lines(self._usage, width, HIGH_CHART if high else CHART_HEIGHT), (("─" * width, "rule"),)]

    @property
    def grid(self) -> Grid[UsageRow]:
        """The table."""
        return self.query_one("#groups", Grid)

    def _span(self) -> TimeSpan:
        now = self.session.now_micros()
        return span_of(DAYS[self._range], now, local_offset(now))

    def echo(self) -> Line:
        """From when to when."""
        return ((self._usage.span.words(), "muted"),)

    # --- loading

    async def load(self) -> None:
        """Add up anew."""
        span, by = self._span(), self._by
        asked = GetUsage(span.since, span.until, utc_offset=span.offset)
        periods = await self.ask(replace(asked, every=span.every))
        groups = await self.ask(replace(asked, by=by))
        keys = await self.ask(ListKeys())
        if periods is None or groups is None or keys is None or by != self._by:
            return
        self._keys = keys
        self._usage = replace(self._usage, span=span, by=by, periods=periods, groups=groups)
        self._paint()

    def _paint(self) -> None:
        self.grid.show(sorted(self._usage.groups, key=self._usage.measure.of, reverse=True))
        self.grid.paint()
        self.query_one("#chart", Page).paint()
        self.refresh_frame()

    # --- looking otherwise

    def action_stretch(self, by: int) -> None:
        """More or less time."""
        ranges = list(DAYS)
        place = ranges.index(self._range) + by
        if 0 <= place < len(ranges):
            self._range = ranges[place]
            self.enter()
        else:
            self.tell("That is the longest time." if by > 0 else "That is the shortest time.")

    def action_measure(self) -> None:
        """The next measure."""
        place = (MEASURES.index(self._usage.measure) + 1) % len(MEASURES)
        self._usage = replace(self._usage, measure=MEASURES[place])
        self._paint()

    def action_by(self) -> None:
        """The next way to group."""
        self._by = GROUPS[(GROUPS.index(self._by) + 1) % len(GROUPS)]
        self.enter()

    def action_prices(self) -> None:
        """What models cost."""
        self.app.push_screen(PricesScreen(self.session))

    # --- the requests behind a row

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """The requests that were added up."""
        row = self.grid.selected
        if row is None:
            return
        narrowing, belongs = self._behind(row)
        title = f"{self._usage.by} {self._usage.label(row)}, {self._usage.span.words()}"
        self.app.push_screen(RequestsScreen(self.session, title, narrowing, belongs))

    def _behind(self, row: UsageRow) -> tuple[ExchangeFilter, Callable[[ExchangeRecord], bool]]:
        span, label = self._usage.span, row.label
        groups_of = self._groups_of(self._usage.by)
        narrowing = ExchangeFilter(since=span.since, until=span.until)
        if self._usage.by == "model":
            narrowing = replace(narrowing, model=label)
        elif self._usage.by == "key":
            ids = [key.id for key in self._keys if key.name == label]
            narrowing = replace(narrowing, key_id=ids[0] if len(ids) == 1 else None)
        return narrowing, lambda record: span.since <= record.started_at < span.until and label in groups_of(record)

    def _groups_of(self, by: str) -> Callable[[ExchangeRecord], Sequence[str]]:
        if by == "model":
            return lambda record: [record.model_served or record.model_asked]
        if by == "upstream":
            return lambda record: [record.upstream]
        if by == "tag":
            tags = {key.id: key.tags or [""] for key in self._keys}
            return lambda record: tags.get(record.key_id or 0, [""])
        names = {key.id: key.owner if by == "owner" else key.name for key in self._keys}
        return lambda record: [names.get(record.key_id or 0, "")]

    # --- export

    def action_export(self) -> None:
        """Ask in which form."""
        choices = [
            Choice("csv", "c", "CSV", "for a spreadsheet"),
            Choice("json", "j", "JSON", "as the gateway tells it"),
        ]
        what: list[Line] = [((f"  by {self._by} and {self._usage.span.every}, {self._usage.span.words()}", "plain"),)]
        self.ask_operator("Export usage", what, choices, lambda form: self.do(self._export(form)), no="nothing")

    async def _export(self, form: str) -> None:
        span = self._usage.span
        rows = await self.ask(GetUsage(span.since, span.until, self._by, span.every, span.offset))
        if rows is not None:
            self._save(rows, form)

    def _save(self, rows: Sequence[UsageRow], form: str) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.session.now_micros() / MICROS))
        path = Path(f"usage-by-{self._by}-{stamp}.{form}").absolute()
        try:
            write_private(path, as_csv(UsageRow, rows) if form == "csv" else as_json(rows))
        except OSError as error:
            self.tell(f"{path} cannot be written: {error.strerror}", "error")
        else:
            self.tell(f"{len(rows)} rows written with mode 0600: {path}", "success")
