"""The help overlay: every key that works here, from the one registry; typing searches."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from console.commands import Command
from console.ink import Line, fit, wrap
from console.widgets.page import Page

Section = tuple[str, Sequence[Command]]

KEYS_WIDTH = 16


def help_lines(sections: Sequence[Section], sought: str, width: int) -> list[Line]:
    """The sections with the commands that hold the sought text."""
    lines: list[Line] = []
    for title, commands in sections:
        found = [command for command in commands if _holds(command, sought)]
        if not found:
            continue
        lines.append(((f" {title}", "heading"),))
        for command in found:
            lines.extend(_command_lines(command, width))
        lines.append(())
    return lines or [((" No key does that.", "muted"),)]


def _holds(command: Command, sought: str) -> bool:
    return sought.lower() in f"{command.label} {command.help} {command.all_keys}".lower()


def _command_lines(command: Command, width: int) -> list[Line]:
    texts = wrap(command.help, width - KEYS_WIDTH - 3)
    first: Line = ((f" {fit(command.all_keys, KEYS_WIDTH)} ", "key"), (texts[0], "plain"))
    return [first, *(((" " * (KEYS_WIDTH + 2) + text, "plain"),) for text in texts[1:])]


class HelpScreen(ModalScreen[None]):
    """Keys of the screen below."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
        Binding("escape", "dismiss", "close", show=False),
        Binding("down,pagedown", "scroll(1)", "down", show=False),
        Binding("up,pageup", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        """A box with a search field."""
        with Vertical(id="help") as box:
            box.border_title = "Keys"
            box.border_subtitle = "type to search   ↑↓ scroll   Esc close"
            yield Input(placeholder="search", compact=True, id="search")
            yield Page(self._write, focusable=False)

    def _write(self, width: int) -> Sequence[Line]:
        return help_lines(self._sections, self.query_one(Input).value, width)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while typing."""
        self.query_one(Page).paint()

    def action_scroll(self, pages: int) -> None:
        """Scroll the keys."""
        self.query_one(Page).action_scroll_by(pages * 5)
