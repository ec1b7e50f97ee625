"""What every screen has: status line, tab line, body, filter line and key line, and a way to ask the gateway."""

import logging
from collections.abc import Callable, Coroutine, Sequence
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from console.commands import LISTS, PAGES, Command
from console.filter import FilterError
from console.ink import Line, Span
from console.session import Refused, Session
from console.state import Changes
from console.widgets.confirm import Choice, ConfirmBar, Dialog
from console.widgets.form import Field, Form, Values
from console.widgets.grid import Grid
from console.widgets.keyline import KeyLine, Level
from console.widgets.page import Page
from console.widgets.radius import Radius
from console.widgets.status import StatusLine, Tab, TabLine
from gateway.operations import Answer, Operation

log = logging.getLogger("gatehouse.console")

TABS = (
    Tab("1", "live", "Live"),
    Tab("2", "keys", "Keys"),
    Tab("3", "upstreams", "Upstreams"),
    Tab("4", "routes", "Routes"),
    Tab("5", "usage", "Usage"),
    Tab("6", "logs", "Logs"),
    Tab("7", "settings", "Settings"),
)


def close_unstarted(work: Coroutine[None, None, None] | None) -> None:
    """Work that was replaced before it began would otherwise be reported as forgotten."""
    if work is not None and getcoroutinestate(work) == CORO_CREATED:
        work.close()


class FrameScreen(Screen[None]):
    """Subclasses give a body and the commands that work on it."""

    MODE: ClassVar[str] = ""
    """The main screen it belongs to, as the tab line marks it."""
    TITLE_IN_HELP: ClassVar[str] = ""
    KEYS: ClassVar[tuple[Command, ...]] = ()
    """Its own keys; put `BINDINGS = bindings(KEYS)` beside them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.filter_text = ""
        self.filter_error = ""
        self._work: dict[str, Coroutine[None, None, None]] = {}
        self.composed = False
        """Whether its widgets are there: a screen is on the stack before that, and for a moment after."""

    @property
    def in_place(self) -> bool:
        """Whether its widgets can be drawn: while it goes away they are gone before it has heard of that."""
        return self.composed and bool(self.query(StatusLine))

    def compose(self) -> ComposeResult:
        """The frame around the body."""
        yield StatusLine(self.session)
        yield TabLine(TABS, self.MODE, self.session, self.echo)
        yield from self.body()
        yield Input(id="filter", placeholder="filter", compact=True)
        yield KeyLine(self.key_commands)

    # --- for subclasses

    def body(self) -> ComposeResult:
        """What is between tab line and key line."""
        raise NotImplementedError

    def receive(self, changes: Changes) -> None:
        """News came in while this screen is on show."""

    def tick(self) -> None:
        """Called about four times a second while this screen is on show."""

    def enter(self) -> None:
        """The screen is on show (again): load what news does not bring."""

    def narrow(self, text: str) -> None:
        """The filter was changed; may raise `FilterError`, which is shown while the last good filter stays."""

    def echo(self) -> Line:
        """What the right end of the tab line says."""
        if self.filter_error:
            return ((self.filter_error, "bad"),)
        return ((f"/{self.filter_text}", "accent"),) if self.filter_text else ()

    def set_filter(self, text: str) -> None:
        """Filter as if the operator had typed it."""
        self.query_one("#filter", Input).value = text

    # --- asking, telling, doing

    async def ask(self, operation: Operation[Answer], timeout: float = 30.0) -> Answer | None:  # noqa: ASYNC109
        """Have an operation answered; a refusal is shown as an error and gives None."""
        try:
            return await self.session.ask(operation, timeout)
        except Refused as refusal:
            self.tell(str(refusal), "error")
            return None

    def tell(self, message: str, level: Level = "info") -> None:
        """Show a message on the bottom line."""
        if self.composed:
            self.query_one(KeyLine).tell(message, level)

    def do(self, work: Coroutine[None, None, None], group: str = "act") -> None:
        """Let something that asks the gateway run beside the screen; one at a time in each group."""
        replaced = self._work.get(group)
        self._work[group] = work
        self.run_worker(work, group=group, exclusive=True, exit_on_error=False)
        close_unstarted(replaced)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Work that broke is told, not fatal; the process keeps the particulars in its log."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            log.error("work of the console broke", exc_info=error)
            self.tell(f"That broke inside the console: {type(error).__name__}. The log tells more.", "error")

    def copy(self, text: str, what: str) -> None:
        """Send a text to the operator's clipboard and say how."""
        way = self.session.copy(text)
        if way:
            self.tell(f"{what} sent to the clipboard ({way})", "success")
        else:
            self.tell(f"{what} could not be sent to a clipboard", "warning")

    def confirm(
        self, question: str, yes: str, no: str, then: Callable[[], None], change: Operation[Any] | None = None
    ) -> None:
        """Ask on the bottom lines before interrupting something; whom a change would touch is told there."""
        bar = ConfirmBar(question, yes, no, self._radius_of(change))
        self.app.push_screen(bar, lambda answer: then() if answer == "yes" else None)

    def _radius_of(self, change: Operation[Any] | None) -> Radius | None:
        return Radius(self.session, lambda values: change) if change else None

    def ask_operator(
        self,
        title: str,
        text: Sequence[Line],
        choices: Sequence[Choice],
        then: Callable[[str], None],
        *,
        no: str = "stay",
        grave: Choice | None = None,
        word: str = "",
        change: Operation[Any] | None = None,
    ) -> None:
        """Ask in a dialog; `then` gets the id of the choice, and is not called when the operator stays."""
        radius = self._radius_of(change)
        dialog = Dialog(title, text, choices, no=no, grave=grave, word=word, radius=radius)
        self.app.push_screen(dialog, lambda answer: then(answer) if answer else None)

    def fill_in(
        self,
        title: str,
        fields: Sequence[Field],
        change: Callable[[Values], Operation[Answer]],
        then: Callable[[Answer], None],
        *,
        text: Sequence[Span] = (),
        preview: Callable[[Values, int], Sequence[Line]] | None = None,
        save: str = "save",
        busy: str = "saving",
    ) -> None:
        """Have a change filled in and made; whom it would touch is told in the form. `then` gets the answer."""

        async def send(values: Values) -> Answer:
            return await self.session.ask(change(values))

        radius = Radius(self.session, change)
        form = Form(title, fields, send, text=text, preview=preview, save=save, busy=busy, radius=radius)
        self.app.push_screen(form, lambda answer: None if answer is None else then(answer))

    # --- the frame itself

    def key_commands(self) -> tuple[Command, ...]:
        """The commands for the key line, this screen's and those of what has the focus."""
        return (*self.focus_commands(), *self.KEYS)

    def focus_commands(self) -> tuple[Command, ...]:
        """Keys of the list or page on this screen."""
        if self.query(Grid):
            return LISTS
        return PAGES if self.query(Page) else ()

    def refresh_frame(self) -> None:
        """Draw the lines around the body as far as they changed."""
        self.query_one(StatusLine).paint()
        self.query_one(TabLine).paint()
        self.query_one(KeyLine).paint()

    def on_screen_resume(self) -> None:
        """Shown, for the first time or again."""
        self.refresh_frame()
        self.enter()

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        """A tab was clicked."""
        self.app.switch_mode(event.mode)

    def key_pressed(self) -> None:
        """Any key at all."""
        if self.composed:
            self.query_one(KeyLine).key_pressed()

    def step_back(self) -> bool:
        """Take Esc: drop a message, then the filter. False when there was nothing to drop."""
        if self.query_one(KeyLine).clear():
            return True
        had = bool(self.filter_text) or self.query_one("#filter").has_class("open")
        if had:
            self._close_filter(clear=True)
        return had

    def action_filter(self) -> None:
        """Open the filter line."""
        line = self.query_one("#filter", Input)
        line.add_class("open")
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The filter works while it is typed."""
        if event.input.id == "filter":
            self._narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter keeps the filter and goes back to the list."""
        if event.input.id == "filter":
            self._close_filter(clear=False)

    def _narrow(self, text: str) -> None:
        self.filter_text = text
        try:
            self.narrow(text)
            self.filter_error = ""
        except FilterError as error:
            self.filter_error = str(error)
        self.query_one(TabLine).paint()

    def _close_filter(self, clear: bool) -> None:
        line = self.query_one("#filter", Input)
        if clear:
            line.value = ""
        line.remove_class("open")
        grids = self.query(Grid)
        if grids:
            grids.first().focus()

    def on_unmount(self) -> None:
        """Its widgets go, and with them what they were about to do."""
        self.composed = False
        for work in self._work.values():
            close_unstarted(work)

    def on_mount(self) -> None:
        """The list, where there is one, has the focus from the start."""
        self.composed = True
        focusable = [*self.query(Grid), *(page for page in self.query(Page) if page.can_focus)]
        if focusable:
            focusable[0].focus()
