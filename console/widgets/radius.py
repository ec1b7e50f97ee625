"""Whom a change would touch, asked for while the operator reads on: nothing waits for the answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from textual import work
from textual.message import Message

from console.ink import Line, Span, wrap
from console.radius import touched
from console.scrub import scrub
from console.session import Refused, Session
from console.widgets.page import Page
from gateway.accounting import BlastRadius, GetBlastRadius
from gateway.errors import BadRequest
from gateway.operations import Operation

SENTENCES = 3
"""Lines that they may take."""
Change = Callable[[Mapping[str, str]], Operation[Any] | None]
"""The operation that is about to be asked for, of what was typed by field. Raises `ValueError` where that is none."""


def radius_lines(radius: BlastRadius, width: int) -> list[Line]:
    """Whom it touches and whether it can be taken back; then what would happen."""
    told = touched(radius)
    head: Span = (f" ! touches {told}" if told else " · touches nothing in use", "warning" if told else "muted")
    undo: Span = ("   z undoes it", "muted") if radius.undoable else ("   cannot be undone", "warning")
    texts = [line for sentence in radius.sentences for line in wrap(scrub(sentence), width - 4)]
    return [(head, undo), *(((f"   {text}", "plain"),) for text in texts[:SENTENCES])]


class Radius(Page):
    """A few lines in a form or a question; none until they are known."""

    class Told(Message):
        """It is known now."""

    def __init__(self, session: Session, change: Change) -> None:
        super().__init__(self._write, focusable=False)
        self._session = session
        self._change = change
        self._asked: Operation[Any] | None = None
        self._answer: BlastRadius | None = None
        self._trouble = ""

    def look(self, values: Mapping[str, str]) -> None:
        """Ask anew if what was typed comes to another change."""
        try:
            change = self._change(values)
        except ValueError:
            return  # the field says what is wrong
        if change is not None and change != self._asked:
            self._asked = change
            self._ask(change)

    @work(exclusive=True, exit_on_error=False)
    async def _ask(self, change: Operation[Any]) -> None:
        fields = msgspec.json.encode(change).decode()
        try:
            self._answer, self._trouble = await self._session.ask(GetBlastRadius(type(change).__name__, fields)), ""
        except Refused as refusal:
            # What is wrong with a value is told at its field, once it is sent.
            wrong_value = isinstance(refusal.__cause__, BadRequest)
            self._answer, self._trouble = None, "" if wrong_value else str(refusal)
        self.refresh(layout=True)
        self.paint()
        self.post_message(self.Told())

    @property
    def needs(self) -> int:
        """How many lines it takes, with the blank one above it."""
        lines = self._write(self.size.width)
        return len(lines) + 1 if lines else 0

    def _write(self, width: int) -> Sequence[Line]:
        if self._answer:
            return radius_lines(self._answer, width)
        if self._trouble:
            return [((f" ? whom it touches is not known: {self._trouble}", "muted"),)]
        return []
