"""Running text as it arrives: wraps only what is new, and scrolls in jumps because a scrolled line is sent again."""

from collections.abc import Iterable, Sequence

from textual import events

from console.commands import PAGES, bindings
from console.ink import Line, Tone, wrap
from console.scrub import scrub_lines
from console.widgets.canvas import Canvas
from gateway.canonical import Piece, TextKind

LONGEST_LINE = 4_000
"""Characters after which a line without an end is broken, so that wrapping it stays cheap."""
LINES_KEPT = 20_000
TONES: dict[TextKind, Tone] = {"text": "plain", "reasoning": "muted", "tool": "accent"}
MARKS: dict[TextKind, str] = {"text": "", "reasoning": "thinking ", "tool": "call "}
WHEEL_LINES = 3


class TailText:
    """Pieces of text as lines of a width. Only the last line is ever laid out again."""

    def __init__(self) -> None:
        self.characters = 0
        self._kind: TextKind = "text"
        self._lines: list[tuple[Tone, str]] = [("plain", "")]
        self._width = 0
        self._laid_out: list[Line] = []
        self._finished = 0

    def append(self, piece: Piece) -> None:
        """Take a piece; another kind of text begins on a new line with its name."""
        self.characters += len(piece.text)
        if piece.kind != self._kind:
            self._begin(piece.kind)
        first, *more = scrub_lines(piece.text).split("\n")
        tone, text = self._lines[-1]
        self._lines[-1] = (tone, text + first)
        for line in more:
            self._lines.append((TONES[piece.kind], line))
        if len(self._lines[-1][1]) > LONGEST_LINE:
            self._lines.append((TONES[piece.kind], ""))

    def _begin(self, kind: TextKind) -> None:
        self._kind = kind
        if self._lines[-1][1]:
            self._lines.append(("plain", ""))
        if len(self._lines) > 1 and self._lines[-2][1]:
            self._lines.append(("plain", ""))
        if MARKS[kind]:
            self._lines[-1] = ("heading", MARKS[kind])
            self._lines.append((TONES[kind], ""))
        else:
            self._lines[-1] = (TONES[kind], "")

    def lay_out(self, width: int) -> list[Line]:
        """All lines in a width, the last one open."""
        if width != self._width:
            self._width, self._laid_out, self._finished = width, [], 0
        for tone, text in self._lines[self._finished : -1]:
            self._laid_out.extend(((" " + part, tone),) for part in wrap(text, width - 2))
        self._finished = len(self._lines) - 1
        if len(self._laid_out) > LINES_KEPT:
            del self._laid_out[: LINES_KEPT // 4]
        tone, text = self._lines[-1]
        return [*self._laid_out, *(((" " + part, tone),) for part in wrap(text, width - 2))]


class Tail(Canvas, can_focus=True):
    """Shows the end of a growing text and stays there, until one scrolls up."""

    BINDINGS = bindings(PAGES)

    def __init__(self) -> None:
        super().__init__(id="tail")
        self.following = True
        self._text = TailText()
        self._top = 0
        self._length = 0

    @property
    def characters(self) -> int:
        """How much text there is."""
        return self._text.characters

    def extend(self, pieces: Iterable[Piece]) -> None:
        """Take pieces and draw."""
        for piece in pieces:
            self._text.append(piece)
        self.paint()

    def clear(self) -> None:
        """Start again with nothing."""
        self._text = TailText()
        self._top = 0
        self.paint()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The part in view."""
        laid_out = self._text.lay_out(width)
        self._length = len(laid_out)
        if self.following and self._length > self._top + height:
            self._top = self._length - height + height // 3
        return laid_out[self._top : self._top + height]

    def action_scroll_by(self, by: int) -> None:
        """Scroll some lines; back at the end it follows again."""
        last = max(0, self._length - self.size.height)
        self._top = max(0, min(self._top + by, last))
        self.following = self._top >= last
        self.paint()

    def action_scroll_page(self, pages: int) -> None:
        """Scroll a page."""
        self.action_scroll_by(pages * max(1, self.size.height - 1))

    def action_scroll_top(self) -> None:
        """Go to the beginning."""
        self.action_scroll_by(-self._length)

    def action_scroll_bottom(self) -> None:
        """Go to the end and follow."""
        self.action_scroll_by(self._length)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls."""
        self.action_scroll_by(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls."""
        self.action_scroll_by(-WHEEL_LINES)
