"""A list in a box from which one is picked; typing narrows it."""

from collections.abc import Sequence

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from console.ink import Line, Tone
from console.widgets.columns import Column
from console.widgets.grid import Grid
from console.widgets.page import Page


class Pick(Struct, frozen=True):
    """Something that can be picked."""

    id: str
    title: str
    text: str = ""
    tone: Tone = "muted"


COLUMNS: Sequence[Column[Pick]] = (
    Column("title", "", 24, lambda pick: pick.title, grows=1, most=34),
    Column("text", "", 20, lambda pick: (pick.text, pick.tone), grows=2, most=80),
)


class Picker(ModalScreen[str]):
    """Closes with the id of what was picked, or with nothing."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
        Binding("escape", "cancel", "cancel", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("up", "move(-1)", "up", show=False),
        Binding("pagedown", "move(10)", "page down", show=False),
        Binding("pageup", "move(-10)", "page up", show=False),
    ]

    def __init__(self, title: str, picks: Sequence[Pick]) -> None:
        super().__init__()
        self._title = title
        self._picks = tuple(picks)

    def compose(self) -> ComposeResult:
        """The box, with a field to search by."""
        with Vertical(classes="form picker") as box:
            box.border_title = Content(self._title)
            yield Input(placeholder="type to search", compact=True)
            nothing: list[Line] = [(("  Nothing fits.", "muted"),)]
            yield Grid(COLUMNS, key_of=lambda pick: pick.id, empty=nothing)
            yield Page(self._write_end, focusable=False, classes="form-end")

    def _write_end(self, width: int) -> Sequence[Line]:
        keys: Line = ((" Enter", "key"), (" take   ", "muted"), ("Up Down", "key"), (" move   ", "muted"))
        return [(*keys, ("Esc", "key"), (" cancel", "muted"))]

    def on_mount(self) -> None:
        """All of them, and typing goes to the field."""
        self.query_one(Grid).show(self._picks)
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Those that hold every word typed."""
        words = event.value.lower().split()
        self.query_one(Grid).show(
            pick for pick in self._picks if all(word in f"{pick.id} {pick.title} {pick.text}".lower() for word in words)
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the marked one."""
        self._take()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Take the one clicked."""
        self._take()

    def _take(self) -> None:
        pick = self.query_one(Grid).selected
        if isinstance(pick, Pick):
            self.dismiss(pick.id)

    def action_move(self, by: int) -> None:
        """Mark another one."""
        self.query_one(Grid).action_move(by)

    def action_cancel(self) -> None:
        """Take none."""
        self.dismiss("")
