"""The one list widget: a virtual table that lays out only the visible rows and redraws only those that changed."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic

from textual import events
from textual.message import Message
from textual.widget import Widget

from console.commands import LISTS, bindings
from console.ink import Line, Tone
from console.widgets.canvas import Canvas
from console.widgets.columns import Column, Spanning, fit_columns, heading, lay_out
from console.widgets.rows import ListedRows, Row, Rows, Selection

WHEEL_LINES = 3


class Grid(Canvas, Generic[Row], can_focus=True):
    """A list of rows in columns, with a selection that stays with its row."""

    BINDINGS = bindings(LISTS)

    class Opened(Message):
        """Enter on a row, or a click on the selected one."""

        def __init__(self, grid: Widget) -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> Widget:
            """The grid it came from."""
            return self.grid

    class Moved(Message):
        """Another row is selected."""

        def __init__(self, grid: Widget) -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> Widget:
            """The grid it came from."""
            return self.grid

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key_of: Callable[[Row], Hashable],
        *,
        spanning: Callable[[Row], Spanning | None] | None = None,
        follows: bool = False,
        empty: Sequence[Line] = (),
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.empty = empty
        """What to say when there are no rows: what would be here, and the key that makes it happen."""
        self.selection = Selection(follows)
        self._key_of = key_of
        self._spanning = spanning
        self._rows: Rows[Row] = ListedRows([], key_of)

    def show(self, rows: Iterable[Row]) -> int:
        """Replace all rows; the selection stays with its row. Tells how many lines changed."""
        return self.show_rows(ListedRows(rows, self._key_of))

    def show_rows(self, rows: Rows[Row]) -> int:
        """The same for rows that know their own order, or that changed within."""
        self._rows = rows
        before = self.selection.key
        self.selection.settle(rows, self.page_height)
        if self.selection.key != before:
            self.post_message(self.Moved(self))
        return self.paint()

    @property
    def page_height(self) -> int:
        """How many rows are visible."""
        return max(1, self.size.height - 1)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def selected(self) -> Row | None:
        """The selected row."""
        return self._rows.at(self.selection.index) if len(self._rows) else None

    def select(self, key: Hashable) -> bool:
        """Select the row of a key, if it is there."""
        index = self._rows.find(key)
        if index is not None:
            self._go(index)
        return index is not None

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The titles and the visible rows."""
        if not len(self._rows):
            return [(), *self.empty]
        fitted = fit_columns(self.columns, width - 1)
        self.selection.settle(self._rows, height - 1)
        top = self.selection.top
        drawn: list[Line] = [heading(fitted)]
        for index in range(top, min(top + height - 1, len(self._rows))):
            row = self._rows.at(index)
            drawn.append(lay_out(row, fitted, self._spanning(row) if self._spanning else None, self._tone(index)))
        return drawn

    def _tone(self, index: int) -> Tone | None:
        if index != self.selection.index:
            return None
        return "cursor" if self.has_focus else "resting"

    def _go(self, index: int) -> None:
        before = self.selection.key
        self.selection.go(self._rows, index, self.page_height)
        self.paint()
        if self.selection.key != before:
            self.post_message(self.Moved(self))

    def action_move(self, by: int) -> None:
        """Select a row some lines away."""
        self._go(self.selection.index + by)

    def action_page(self, pages: int) -> None:
        """Select a row a page away."""
        self._go(self.selection.index + pages * self.page_height)

    def action_first(self) -> None:
        """Select the first row."""
        self._go(0)

    def action_last(self) -> None:
        """Select the last row."""
        self._go(len(self._rows) - 1)

    def action_open(self) -> None:
        """Tell the screen that the selected row is to be opened."""
        if len(self._rows):
            self.post_message(self.Opened(self))

    def watch_has_focus(self, focus: bool) -> None:
        """The selected row shows whether keys go to it."""
        super().watch_has_focus(focus)
        self.paint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the selection, so that a view that is not on top holds still."""
        self.action_move(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the selection."""
        self.action_move(-WHEEL_LINES)

    def on_click(self, event: events.Click) -> None:
        """A click selects; one on the selected row opens it."""
        index = self.selection.top + event.y - 1
        if event.y < 1 or index >= len(self._rows):
            return
        if index == self.selection.index:
            self.action_open()
        else:
            self._go(index)
