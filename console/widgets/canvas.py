"""A widget that shows lines of spans and repaints only those that changed; all that ticks is drawn through it."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.ink import FILLING, TONES, Line, clip


class Canvas(Widget):
    """Subclasses say what lines there are; `paint` draws the difference to what is on screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"ink--{tone}" for tone in TONES}

    DEFAULT_CSS = """
    Canvas > .ink--strong { text-style: bold; }
    Canvas > .ink--muted { color: $text-muted; }
    Canvas > .ink--accent { color: $text-accent; }
    Canvas > .ink--good { color: $text-success; }
    Canvas > .ink--warning { color: $text-warning; }
    Canvas > .ink--bad { color: $text-error; text-style: bold; }
    Canvas > .ink--key { color: $text-accent; text-style: bold; }
    Canvas > .ink--rule { color: $rule; }
    Canvas > .ink--heading { color: $text-muted; text-style: bold; }
    Canvas > .ink--alarm { color: $text-error; text-style: bold reverse; }
    Canvas > .ink--chosen { color: $foreground; text-style: bold underline; }
    Canvas > .ink--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: $block-cursor-text-style;
    }
    Canvas > .ink--resting {
        background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground;
        text-style: $block-cursor-blurred-text-style;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._painted: list[Line] = []

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """What to show in so much room, from the top; fewer lines leave the rest blank."""
        raise NotImplementedError

    def paint(self) -> int:
        """Draw the lines that changed and tell how many those were."""
        width, height = self.size
        if not width or not height:
            return 0
        fresh = list(self.lines(width, height))[:height]
        before = self._painted
        self._painted = fresh
        changed = [
            y
            for y in range(max(len(fresh), len(before)))
            if (fresh[y] if y < len(fresh) else None) != (before[y] if y < len(before) else None)
        ]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))
        return len(changed)

    def text(self) -> str:
        """What was painted last, as plain text."""
        return "\n".join("".join(text for text, _ in line) for line in self._painted)

    def on_resize(self, event: events.Resize) -> None:
        """The room changed: everything is laid out anew."""
        self.paint()

    def on_mount(self) -> None:
        """The first picture."""
        self.paint()

    def render_line(self, y: int) -> Strip:
        """The finished line for the compositor."""
        line = self._painted[y] if y < len(self._painted) else ()
        width = self.size.width
        segments = [Segment(text, self.get_component_rich_style(f"ink--{tone}")) for text, tone in clip(line, width)]
        last = line[-1][1] if line and line[-1][1] in FILLING else "plain"
        return Strip(segments).adjust_cell_length(width, self.get_component_rich_style(f"ink--{last}"))
