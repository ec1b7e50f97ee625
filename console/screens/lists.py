"""What screens with one list have in common: what is known of the selected row is told beside it, or below."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic

from textual.app import ComposeResult
from textual.containers import Horizontal

from console.commands import Command
from console.ink import Line
from console.screens.loading import LoadingScreen
from console.session import Session
from console.widgets.grid import Grid
from console.widgets.page import Page
from console.widgets.rows import Row

PEEK_WIDTH = 130

PEEK = Command("list.peek", "p", "peek", "Show or hide the pane beside the list.", "peek")


class ListScreen(LoadingScreen, Generic[Row]):
    """Rows with what is known of the selected one."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.rows: list[Row] = []
        self._passes: Callable[[Row], bool] | None = None
        self._go_to: Hashable | None = None

    # --- for subclasses

    def grid(self) -> Grid[Row]:
        """The list."""
        raise NotImplementedError

    def about(self, width: int) -> Sequence[Line]:
        """All that is known of the selected row."""
        raise NotImplementedError

    def in_short(self, width: int) -> Sequence[Line]:
        """The same in three lines."""
        raise NotImplementedError

    # --- what they share

    def body(self) -> ComposeResult:
        """The list, with room for the selected row's particulars."""
        with Horizontal(classes="listed"):
            yield self.grid()
            yield Page(self.about, focusable=False, classes="peek")
        yield Page(self.in_short, focusable=False, classes="strip")

    @property
    def listing(self) -> Grid[Row]:
        """The list on screen."""
        return self.query(Grid).first()

    @property
    def selected(self) -> Row | None:
        """The row that keys act on."""
        row = self.listing.selected
        if row is None:
            self.tell("Nothing is selected here.")
        return row

    def put(self, rows: Sequence[Row]) -> None:
        """Show these rows, as far as they pass the filter."""
        self.rows = [*rows]
        passes = self._passes
        self.listing.show(row for row in self.rows if passes is None or passes(row))
        if self._go_to is not None and self.listing.select(self._go_to):
            self._go_to = None
        self._paint_panes()
        self.refresh_frame()

    def go_to(self, key: Hashable) -> None:
        """Load again, and select this row once it is there."""
        self._go_to = key
        self.enter()

    def keep(self, passes: Callable[[Row], bool] | None) -> None:
        """Filter the rows."""
        self._passes = passes
        self.put(self.rows)

    def _paint_panes(self) -> None:
        for page in self.query(Page):
            page.paint()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """The panes follow the selection."""
        self._paint_panes()
        self.refresh_frame()

    def action_peek(self) -> None:
        """The pane beside the list."""
        self.toggle_class("no-peek")
        if self.app.size.width < PEEK_WIDTH:
            self.tell(f"The pane needs {PEEK_WIDTH} columns; here are {self.app.size.width}.")

    def echo(self) -> Line:
        """The filter, with how many rows pass it."""
        told = super().echo()
        if not told or self.filter_error:
            return told
        return (*told, (f"  {self.listing.row_count:,} of {len(self.rows):,}", "muted"))
