"""Asking before something cannot be taken back: a bar for what interrupts, a dialog for what is one-way.

Enter never says yes, and nothing is heard for a moment after opening, so that a held key cannot walk through.
"""

import time
from collections.abc import Sequence

from msgspec import Struct
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from console.ink import Line, Span, fit, justify, wrap
from console.scrub import scrub
from console.widgets.page import Page
from console.widgets.radius import Radius

GRACE = 0.15
"""Seconds after opening in which keys are not heard."""


class Choice(Struct, frozen=True):
    """One way to answer a dialog."""

    id: str
    key: str
    label: str
    text: str = ""
    """What it would do."""


class Asking(ModalScreen[str]):
    """A question answered by one letter; Esc answers with nothing."""

    AUTO_FOCUS = ""
    """A letter answers: it must not land in a field that nobody went to."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.choices = tuple(choices)
        self._opened = time.monotonic()

    def available(self) -> Sequence[Choice]:
        """The answers that can be given now."""
        return self.choices

    def on_key(self, event: events.Key) -> None:
        """Answer by a choice's letter or by Esc; everything else but the way to a field is ignored."""
        if event.key == "tab":
            return
        event.stop()
        event.prevent_default()
        if time.monotonic() - self._opened < GRACE:
            return
        if event.key == "escape":
            self.dismiss("")
        for choice in self.available():
            if event.character == choice.key:
                self.dismiss(choice.id)


class ConfirmBar(Asking):
    """A question on the two bottom lines, with the screen still running above."""

    def __init__(self, question: str, yes: str, no: str, radius: Radius | None = None) -> None:
        super().__init__([Choice("yes", "y", yes)])
        self._question = question
        self._no = no
        self._radius = radius

    def compose(self) -> ComposeResult:
        """A rule, the question and the two keys; whom it touches above."""
        if self._radius:
            yield self._radius
        yield Page(self._write, focusable=False, id="bar")

    def on_mount(self) -> None:
        """See whom it touches."""
        if self._radius:
            self._radius.look({})

    def _write(self, width: int) -> Sequence[Line]:
        rule: Line = (("─" * width, "rule"),)
        return [
            *(() if self._radius else (rule,)),
            *(((f" {line}", "warning"),) for line in wrap(scrub(self._question), width - 2)),
            ((" y", "key"), (f" {self.choices[0].label}   ", "plain"), ("Esc", "key"), (f" {self._no}", "plain")),
        ]


class Dialog(Asking):
    """A question in a box, with what follows from each answer; the gravest answer may want a word typed first."""

    def __init__(
        self,
        title: str,
        text: Sequence[Line],
        choices: Sequence[Choice],
        *,
        no: str = "stay",
        grave: Choice | None = None,
        word: str = "",
        radius: Radius | None = None,
    ) -> None:
        super().__init__(choices)
        self._title = title
        self._text = tuple(text)
        self._no = no
        self._grave = grave
        self._word = word
        self._radius = radius

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="dialog") as box:
            box.border_title = self._title
            yield Page(self._write, focusable=False, id="question")
            if self._radius:
                yield self._radius
            if self._grave:
                yield Input(placeholder=f"type {self._word} to {self._grave.label}", id="word", compact=True)
            yield Page(self._write_no, focusable=False, id="no")

    def available(self) -> Sequence[Choice]:
        """The grave answer is only there once the word has been typed."""
        typing = self._grave and isinstance(self.focused, Input)
        if typing:
            return ()
        ready = self._grave and self.query_one(Input).value == self._word
        return (*self.choices, self._grave) if self._grave and ready else self.choices

    def on_input_changed(self, event: Input.Changed) -> None:
        """Once the word is right, a letter is asked for: typing it on is not yet an answer."""
        if event.value == self._word:
            self.set_focus(None)
        self.query_one("#question", Page).paint()
        self.query_one("#no", Page).paint()

    def on_mount(self) -> None:
        """As high as its text; a letter answers unless one goes to the field by Tab."""
        self.set_focus(None)
        width = 66
        self.query_one("#question", Page).styles.height = len(self._write(width))
        if self._radius:
            self._radius.look({})

    def _write(self, width: int) -> Sequence[Line]:
        lines: list[Line] = [(), *self._text, *([()] if self._text else [])]
        for choice in self.choices:
            lines.extend(_choice_lines(choice, width))
        return [*lines, ()]

    def _write_no(self, width: int) -> Sequence[Line]:
        left: tuple[Span, ...] = ()
        if self._grave and self.query_one(Input).value == self._word:
            left = ((f"  {self._grave.key}", "key"), (f"  {self._grave.label}", "bad"))
        elif self._grave:
            left = (("  Tab", "key"), ("  to the field", "muted"))
        return [justify(left, (("Esc", "key"), (f"  {self._no}  ", "plain")), width)]


def _choice_lines(choice: Choice, width: int) -> list[Line]:
    texts = wrap(choice.text, width - 18)
    first: Line = ((f"  {choice.key}", "key"), (f"  {fit(choice.label, 11)}", "strong"), (texts[0], "plain"))
    return [first, *(((" " * 16 + text, "plain"),) for text in texts[1:])]
