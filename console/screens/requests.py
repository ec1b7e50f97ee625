"""Requests of one kind, under a page about what they have in common."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult

from console.commands import FILTER, Command, bindings
from console.exchanges import reason_instead, vocabulary
from console.filter import compile_filter
from console.ink import Line
from console.screens.detail import DetailScreen
from console.screens.live import live_columns
from console.screens.loading import LoadingScreen
from console.session import Session
from console.state import Changes, ExchangeIndex
from console.units import day_time
from console.widgets.columns import Column
from console.widgets.grid import Grid
from console.widgets.page import Page
from data.records import ExchangeRecord
from gateway.operations import ExchangeFilter, ListExchanges

ASKED_FOR = 1_000
DAY: Column[ExchangeRecord] = Column(
    "day", "DAY", 5, lambda row: (day_time(row.started_at)[5:10], "muted"), from_width=90
)


class RequestsScreen(LoadingScreen):
    """The newest of them, from the record and as they come in."""

    MODE = "usage"
    TITLE_IN_HELP = "Requests"
    KEYS: ClassVar[tuple[Command, ...]] = (FILTER,)
    BINDINGS = bindings(KEYS)

    def __init__(
        self,
        session: Session,
        title: str,
        narrowing: ExchangeFilter,
        belongs: Callable[[ExchangeRecord], bool],
    ) -> None:
        super().__init__(session)
        self._heading = title
        self._narrowing = narrowing
        self._belongs = belongs
        self._index = ExchangeIndex(session.state)
        self._index.narrow(belongs)
        self._vocabulary = vocabulary(session.state, session.now_micros)

    def body(self) -> ComposeResult:
        """The page above, the requests below."""
        yield Page(self.above, focusable=False, classes="above")
        yield Grid(
            [DAY, *live_columns(self.session)],
            key_of=lambda row: row.id,
            spanning=reason_instead,
            empty=[((" No requests.", "muted"),)],
            id="requests",
        )

    def above(self, width: int) -> Sequence[Line]:
        """What they have in common."""
        return [((f" {self._heading}", "strong"),), (("─" * width, "rule"),)]

    @property
    def grid(self) -> Grid[ExchangeRecord]:
        """The list."""
        return self.query_one("#requests", Grid)

    async def load(self) -> None:
        """Those at hand at once, then those on record."""
        self._paint()
        records = await self.ask(ListExchanges(self._narrowing, limit=ASKED_FOR))
        if records is not None:
            self.session.state.take_exchanges(records)
            self._index.rebuild()
            self._paint()

    def _paint(self) -> None:
        self.grid.show_rows(self._index)
        self.query_one(".above", Page).paint()
        self.refresh_frame()

    def receive(self, changes: Changes) -> None:
        """Those among the news."""
        self._index.update(changes.exchanges)

    def tick(self) -> None:
        """Clocks and newcomers."""
        self.grid.show_rows(self._index)

    def narrow(self, text: str) -> None:
        """A filter within them."""
        passes, belongs = compile_filter(text, self._vocabulary), self._belongs
        self._index.narrow(lambda row: belongs(row) and (passes is None or passes(row)))
        self._paint()

    def echo(self) -> Line:
        """The filter, and how many there are."""
        number = len(self._index)
        what = "request" if number == 1 else "newest requests" if number >= ASKED_FOR else "requests"
        return (*super().echo(), (f"  {number:,} {what}", "muted"))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """One in full."""
        row = self.grid.selected
        if row is not None:
            self.app.push_screen(DetailScreen(self.session, row, self._index))
