"""The bottom line: the keys of this screen, or a message until it has been read."""

from collections.abc import Callable, Sequence
from typing import Literal

from textual.timer import Timer

from console.commands import Command
from console.ink import Line, Span, Tone, clip, width_of
from console.widgets.canvas import Canvas

Level = Literal["info", "success", "warning", "error"]

SECONDS_SHOWN = 4.0
SIGNS: dict[Level, Span] = {
    "info": (" · ", "accent"),
    "success": (" ✓ ", "good"),
    "warning": (" ! ", "warning"),
    "error": (" ✗ ", "bad"),
}
TONES: dict[Level, Tone] = {"info": "plain", "success": "plain", "warning": "warning", "error": "bad"}


def key_spans(commands: Sequence[Command], width: int) -> Line:
    """As many keys as fit; help always does."""
    help_span: list[Span] = [("?", "key"), (" help ", "muted")]
    room = width - sum(width_of(text) for text, _ in help_span)
    spans: list[Span] = [(" ", "plain")]
    used = 1
    for command in commands:
        piece: list[Span] = [(command.key, "key"), (f" {command.label}  ", "muted")]
        size = sum(width_of(text) for text, _ in piece)
        if command.shown and used + size <= room:
            spans.extend(piece)
            used += size
    return (*spans, *help_span)


class KeyLine(Canvas):
    """Shows a message instead of the keys: passing ones for some seconds, warnings until a key, errors until Esc."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"

    def __init__(self, commands: Callable[[], Sequence[Command]]) -> None:
        super().__init__()
        self._commands = commands
        self._message = ""
        self._level: Level = "info"
        self._timer: Timer | None = None

    def tell(self, message: str, level: Level) -> None:
        """Show a message."""
        self._stop_timer()
        self._message, self._level = message, level
        if level in ("info", "success"):
            self._timer = self.set_timer(SECONDS_SHOWN, self.clear)
        self.paint()

    def clear(self) -> bool:
        """Show the keys again; tells whether there was a message."""
        self._stop_timer()
        had = bool(self._message)
        self._message = ""
        self.paint()
        return had

    def key_pressed(self) -> None:
        """A warning has been seen once a key is pressed."""
        if self._level == "warning" and self._message:
            self.clear()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The message or the keys."""
        if not self._message:
            return [key_spans(self._commands(), width)]
        tail: Line = (("  Esc", "key"),) if self._level == "error" else ()
        return [(*clip((SIGNS[self._level], (self._message, TONES[self._level])), width - 6), *tail)]

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = None
