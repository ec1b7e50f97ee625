"""What clients paste: snippets in every language, and the one look at a new key's secret."""

import re
from collections.abc import Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from console.commands import Command, bindings, key_name
from console.files import write_private
from console.ink import Line, Span, width_of
from console.scrub import scrub, scrub_lines
from console.session import Session
from console.widgets.page import Page
from gateway.operations import KeyCreated, Snippet

UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def file_name(key_name: str) -> str:
    """A file name for a key's environment."""
    return (UNSAFE_IN_NAMES.sub("-", key_name).strip(".-") or "key") + ".env"


def language_lines(snippets: Sequence[Snippet], chosen: int, width: int) -> list[Line]:
    """The titles of all snippets on as many lines as they need, the chosen one marked."""
    lines: list[list[Span]] = [[]]
    used = 0
    for place, snippet in enumerate(snippets):
        size = width_of(snippet.title) + 3
        if used + size > width:
            lines.append([])
            used = 0
        lines[-1].extend([(" ", "plain"), (snippet.title, "chosen" if place == chosen else "muted"), ("  ", "plain")])
        used += size
    return [tuple(line) for line in lines]


class SnippetsScreen(ModalScreen[None]):
    """Snippets without a secret: what a client needs beside its key."""

    KEYS: tuple[Command, ...] = (
        Command("snippets.next", "tab,l,right", "language", "Show the next language or tool.", "turn(1)", shown=True),
        Command("snippets.before", "shift+tab,h,left", "before", "Show the language before.", "turn(-1)"),
        Command("snippets.copy", "y", "copy snippet", "Copy the snippet.", "copy_snippet", shown=True),
        Command("snippets.close", "escape,q", "close", "Close.", "close", shown=True),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session, title: str, snippets: Sequence[Snippet]) -> None:
        super().__init__()
        self._session = session
        self._title = title
        self._snippets = tuple(snippets)
        self._chosen = 0
        self._said: Span = ("", "plain")

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="form snippets") as box:
            box.border_title = Content(scrub(self._title))
            yield Page(self._write_head, focusable=False, classes="form-text", id="head")
            yield Page(self._write_snippet, id="snippet")
            yield Page(self._write_end, focusable=False, id="end")

    def on_mount(self) -> None:
        """Keys that scroll go to the snippet."""
        self.query_one("#snippet", Page).focus()

    def about(self) -> list[Line]:
        """What is said before the snippets."""
        return []

    def take(self, snippets: Sequence[Snippet]) -> None:
        """Show these, as far as the screen is still there."""
        self._snippets = tuple(snippets)
        if self.is_attached:
            self.query_one("#head", Page).refresh(layout=True)
            self._paint()

    def _write_head(self, width: int) -> Sequence[Line]:
        return [*self.about(), *language_lines(self._snippets, self._chosen, width), (("─" * width, "rule"),)]

    def _write_snippet(self, width: int) -> Sequence[Line]:
        if not self._snippets:
            return [((" No snippets.", "muted"),)]
        return [((f" {line}", "plain"),) for line in scrub_lines(self._snippets[self._chosen].text).split("\n")]

    def _write_end(self, width: int) -> Sequence[Line]:
        keys: list[Span] = []
        for command in self.KEYS:
            if command.shown:
                keys.extend([(f" {key_name(command.keys)}", "key"), (f" {command.label} ", "muted")])
        return [(("─" * width, "rule"),), ((" ", "plain"), self._said), tuple(keys)]

    def say(self, text: str, good: bool = True) -> None:
        """Tell what came of a key."""
        self._said = (f"✓ {text}" if good else f"! {text}", "good" if good else "warning")
        self._paint()

    def _paint(self) -> None:
        for page in self.query(Page):
            page.paint()

    def action_turn(self, by: int) -> None:
        """Another language."""
        self._chosen = (self._chosen + by) % max(1, len(self._snippets))
        self.query_one("#snippet", Page).action_scroll_top()
        self._paint()

    def copy(self, text: str, what: str) -> bool:
        """Send a text to the clipboard and say how."""
        way = self._session.copy(text)
        self.say(
            f"{what} sent to the clipboard ({way})" if way else f"{what} could not be sent to a clipboard", bool(way)
        )
        return bool(way)

    def action_copy_snippet(self) -> None:
        """Copy what is shown."""
        if self._snippets:
            self.copy(self._snippets[self._chosen].text, f"{self._snippets[self._chosen].title} snippet")

    def action_close(self) -> None:
        """Back to the list."""
        self.dismiss(None)


class CreatedScreen(SnippetsScreen):
    """A new key: the only place its secret is ever shown."""

    KEYS = (
        Command("created.copy", "c", "copy key", "Copy the secret.", "copy_key", shown=True),
        Command("created.write", "w", "write file", "Write it to a file that only you may read.", "write", shown=True),
        *SnippetsScreen.KEYS,
    )
    BINDINGS = bindings(KEYS[:2])

    def __init__(self, session: Session, created: KeyCreated, what: str) -> None:
        super().__init__(session, f"Key {created.key.name} {what}", ())
        self._created = created
        self._kept = False
        """Whether it was copied or written anywhere, or the operator was asked."""

    def about(self) -> list[Line]:
        """The secret."""
        return [
            (),
            ((f"  {self._created.secret}", "strong"),),
            (),
            (("  Shown once. Only a hash of it is stored; nobody can show it again.", "warning"),),
            (),
        ]

    def action_copy_key(self) -> None:
        """Copy the secret alone."""
        self._kept = self.copy(self._created.secret, "key") or self._kept

    def action_copy_snippet(self) -> None:
        """Copy what is shown; the secret is in it."""
        super().action_copy_snippet()
        self._kept = True

    def action_write(self) -> None:
        """Write the environment with the secret into a new file."""
        env = next((snippet.text for snippet in self._snippets if snippet.id == "env"), self._created.secret)
        path = Path(file_name(self._created.key.name))
        try:
            write_private(path, env.rstrip("\n") + "\n")
        except FileExistsError:
            self.say(f"{path} is there already and was left alone", good=False)
        except OSError as error:
            self.say(f"{path} cannot be written: {error.strerror}", good=False)
        else:
            self._kept = True
            self.say(f"written with mode 0600: {path.absolute()}")

    def action_close(self) -> None:
        """Close; but not by one stray key while the secret is nowhere else."""
        if self._kept:
            self.dismiss(None)
        else:
            self._kept = True
            self.say("It was not copied or written yet. Esc again forgets it for good.", good=False)
