"""A form in a box: labelled fields, what is wrong at the field it is wrong with, and one way to send it."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Label, TextArea
from textual.worker import Worker, WorkerState

from console.ink import Line, Span, Tone, wrap
from console.scrub import scrub
from console.session import Refused
from console.widgets.canvas import Canvas
from console.widgets.page import Page
from console.widgets.radius import Radius
from gateway.errors import GatewayError

log = logging.getLogger("gatehouse.console")

FRAME_HEIGHT = 6
"""Lines of a form beside its fields: the border, and the button with room for an error."""
Result = TypeVar("Result")
Values = Mapping[str, str]
"""What was typed, by field."""


def anything(text: str) -> str:
    """Every value will do."""
    return ""


class Field(Struct, frozen=True):
    """One thing to fill in."""

    id: str
    """As the gateway names it when it refuses a value."""
    label: str
    value: str = ""
    hint: str = ""
    """What to write, shown below the field until something is wrong with it."""
    check: Callable[[str], str] = anything
    """What is wrong with a value, in words; empty when nothing is."""
    secret: bool = False
    lines: int = 1
    choices: tuple[str, ...] = ()
    """Where only these can be chosen."""


class ChoiceLine(Canvas, can_focus=True):
    """One of a few values, all of them in sight."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
        Binding("left,h", "turn(-1)", "before", show=False),
        Binding("right,l,space", "turn(1)", "next", show=False),
        Binding("enter", "submit", "send", show=False),
    ]

    class Changed(Message):
        """Another one was chosen."""

    class Submitted(Message):
        """It shall be sent as it is."""

    def __init__(self, choices: Sequence[str], value: str) -> None:
        super().__init__()
        self._choices = tuple(choices)
        self.value = value if value in choices else choices[0]

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The values, the chosen one marked."""
        chosen: Tone = "cursor" if self.has_focus else "chosen"
        spans = [(f" {choice} ", chosen if choice == self.value else "muted") for choice in self._choices]
        return [(*spans, ("", "plain"))]

    def action_turn(self, by: int) -> None:
        """Choose a neighbour."""
        place = (self._choices.index(self.value) + by) % len(self._choices)
        self.value = self._choices[place]
        self.paint()
        self.post_message(self.Changed())

    def action_submit(self) -> None:
        """Enter means here what it means in a field of text."""
        self.post_message(self.Submitted())

    def on_click(self) -> None:
        """A click goes on to the next."""
        self.action_turn(1)

    def watch_has_focus(self, focus: bool) -> None:
        """The chosen value shows whether keys go to it."""
        super().watch_has_focus(focus)
        self.paint()


Editor = Input | TextArea | ChoiceLine


class FormField(Vertical):
    """A field with its label, and the hint or the error below."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self.error = ""
        self.editor = self._new_editor()
        self.note = Page(self._write, focusable=False, classes="form-note")

    def _new_editor(self) -> Editor:
        field = self.field
        if field.choices:
            return ChoiceLine(field.choices, field.value)
        if field.lines > 1:
            area = TextArea(field.value, compact=True, highlight_cursor_line=False)
            area.styles.height = field.lines
            return area
        return Input(field.value, password=field.secret, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Label and field on one line, the note below."""
        with Horizontal(classes="form-row"):
            yield Label(self.field.label, markup=False, classes="form-label")
            yield self.editor
        yield self.note

    def _write(self, width: int) -> Sequence[Line]:
        tone: Tone = "bad" if self.error else "muted"
        text = self.error or self.field.hint
        return [((line, tone),) for line in wrap(scrub(text), width)] if text else []

    @property
    def value(self) -> str:
        """What is in the field."""
        return self.editor.text if isinstance(self.editor, TextArea) else self.editor.value

    def blame(self, error: str) -> None:
        """Say what is wrong with the value; nothing takes the complaint back."""
        if error != self.error:
            self.error = error
            self.note.refresh(layout=True)
            self.note.paint()


class Form(ModalScreen[Result], Generic[Result]):
    """Asks for some values and sends them; closes with what came of it, or with nothing."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
        Binding("escape", "cancel", "cancel", show=False),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "field before", show=False),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        send: Callable[[Values], Awaitable[Result]],
        *,
        text: Sequence[Span] = (),
        preview: Callable[[Values, int], Sequence[Line]] | None = None,
        save: str = "save",
        busy: str = "saving",
        radius: Radius | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._fields = [FormField(field) for field in fields]
        self._send = send
        self._text = tuple(text)
        self._preview = preview
        self._save = save
        self._busy = busy
        self._radius = radius
        self._sending = False
        self._error = ""

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="form") as box:
            box.border_title = Content(scrub(self._title))
            with VerticalScroll(can_focus=False, classes="form-body"):
                yield Page(self._write_text, focusable=False, classes="form-text")
                yield from self._fields
            yield Page(self._write_preview, focusable=False, classes="form-text", id="preview")
            if self._radius:
                yield self._radius
            with Horizontal(classes="form-end"):
                yield Button(self._save, compact=True, variant="primary")
                yield Page(self._write_end, focusable=False)

    def on_mount(self) -> None:
        """Typing goes to the first field."""
        self._fields[0].editor.focus()
        self._look()

    def on_resize(self, event: events.Resize) -> None:
        """In a low window the fields scroll, so that their end stays in sight."""
        self._fit()

    def on_radius_told(self, event: Radius.Told) -> None:
        """Whom it touches takes its lines."""
        self._fit()

    def _fit(self) -> None:
        beside = FRAME_HEIGHT + len(self._write_preview(self.size.width)) + (self._radius.needs if self._radius else 0)
        self.query_one(".form-body").styles.max_height = max(4, self.size.height - beside)

    def _look(self) -> None:
        if self._radius:
            self._radius.look(self.values)

    @property
    def values(self) -> Values:
        """What is in the fields."""
        return {field.field.id: field.value.strip() for field in self._fields}

    def _write_text(self, width: int) -> Sequence[Line]:
        lines: list[Line] = [
            ((f" {line}", tone),) for text, tone in self._text for line in wrap(scrub(text), width - 2)
        ]
        return [*lines, ()] if lines else []

    def _write_preview(self, width: int) -> Sequence[Line]:
        return self._preview(self.values, width) if self._preview else []

    def _write_end(self, width: int) -> Sequence[Line]:
        if self._sending:
            return [((f"  {self._busy} …", "accent"),)]
        if self._error:
            return [((f"  {line}", "bad"),) for line in wrap(scrub(self._error), width - 3)]
        several = any(field.field.lines > 1 for field in self._fields)
        save = "Tab to here, Enter" if several else "Enter"
        return [(("  " + save, "key"), (f" {self._save}   ", "muted"), ("Esc", "key"), (" cancel", "muted"))]

    def _paint(self) -> None:
        for page in self.query(Page):
            page.refresh(layout=True)
            page.paint()

    # --- while it is filled in

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was typed is looked at at once."""
        self._changed(event.input)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """What was typed is looked at at once."""
        self._changed(event.text_area)

    def on_choice_line_changed(self, event: ChoiceLine.Changed) -> None:
        """Something else was chosen."""
        self._look()
        self._paint()

    def _changed(self, editor: Widget) -> None:
        for field in self._fields:
            if field.editor is editor and (field.error or field.value.strip()):
                field.blame(field.field.check(field.value.strip()))
        self._error = ""
        self._look()
        self._fit()
        self._paint()

    # --- sending it

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field sends the form."""
        self._submit()

    def on_choice_line_submitted(self, event: ChoiceLine.Submitted) -> None:
        """Where one of a few is chosen, too."""
        self._submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """So does the button."""
        self._submit()

    def action_cancel(self) -> None:
        """Forget it."""
        self.dismiss(None)

    def _submit(self) -> None:
        if self._sending or not self._acceptable():
            return
        self._sending = True
        self._paint()
        self.run_worker(self._work(), exit_on_error=False)

    def _acceptable(self) -> bool:
        for field in self._fields:
            field.blame(field.field.check(field.value.strip()))
        wrong = [field for field in self._fields if field.error]
        if wrong:
            wrong[0].editor.focus()
        return not wrong

    async def _work(self) -> None:
        try:
            result = await self._send(self.values)
        except Refused as refusal:
            self._sending = False
            self._blame(refusal)
        else:
            self.dismiss(result)

    def _blame(self, refusal: Refused) -> None:
        cause = refusal.__cause__
        named = (cause.param or "").partition(".")[0] if isinstance(cause, GatewayError) else ""
        blamed = [field for field in self._fields if field.field.id == named]
        for field in blamed:
            field.blame(str(refusal))
            field.editor.focus()
        self._error = "" if blamed else str(refusal)
        self._paint()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Sending that broke is told, not fatal; what was typed stays."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            log.error("a form of the console broke", exc_info=error)
            self._sending = False
            self._error = f"That broke inside the console: {type(error).__name__}. The log tells more."
            self._paint()
