"""A page of lines that scrolls: details, help, guides and peek panes."""

from collections.abc import Callable, Sequence

from textual import events
from textual.geometry import Size

from console.commands import PAGES, bindings
from console.ink import Line
from console.widgets.canvas import Canvas

WHEEL_LINES = 3


class Page(Canvas):
    """Shows the lines that a function gives for a width; keeps its place when they change."""

    BINDINGS = bindings(PAGES)

    def __init__(
        self,
        write: Callable[[int], Sequence[Line]],
        *,
        focusable: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.can_focus = focusable
        self._write = write
        self._top = 0
        self._length = 0

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The part of the page that is in view."""
        written = self._write(width)
        self._length = len(written)
        self._top = max(0, min(self._top, self._length - height))
        return written[self._top : self._top + height]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Where the height is left to the page: all of it."""
        return len(self._write(width))

    def action_scroll_by(self, by: int) -> None:
        """Scroll some lines."""
        self._top = max(0, min(self._top + by, self._length - self.size.height))
        self.paint()

    def action_scroll_page(self, pages: int) -> None:
        """Scroll a page."""
        self.action_scroll_by(pages * max(1, self.size.height - 1))

    def action_scroll_top(self) -> None:
        """Go to the top."""
        self.action_scroll_by(-self._length)

    def action_scroll_bottom(self) -> None:
        """Go to the end."""
        self.action_scroll_by(self._length)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls."""
        self.action_scroll_by(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls."""
        self.action_scroll_by(-WHEEL_LINES)
