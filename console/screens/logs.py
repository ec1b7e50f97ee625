"""The event list: what the gateway noted, the newest on top."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult

from console.commands import FILTER, Command, bindings
from console.filter import Vocabulary, compile_filter
from console.ink import Line, Span, wrap
from console.screens.acts import ActsScreen
from console.screens.frame import FrameScreen
from console.scrub import scrub_lines
from console.session import Session
from console.state import ALERTS, Changes
from console.units import clock_time, day_time
from console.widgets.columns import Column
from console.widgets.grid import Grid
from console.widgets.page import Page
from gateway.operations import NotedEvent

SIGNS: dict[str, Span] = {"info": ("· info", "muted"), "warning": ("! warning", "warning"), "error": ("✗ error", "bad")}
LEVELS = ("info", "warning", "error")
VOCABULARY: Vocabulary[NotedEvent] = Vocabulary(
    fields={"level": lambda event: event.level, "code": lambda event: event.code, "text": lambda event: event.text},
    words=lambda event: (event.text, event.code),
    named={"problems": "level:warning,error", "alerts": f"code:{','.join(sorted(ALERTS))}"},
)


def sign(event: NotedEvent) -> Span:
    """How grave it is; alerts stand out whatever their level."""
    level, tone = SIGNS[event.level]
    if event.code in ALERTS:
        return ("▲ alert", "accent" if event.level == "info" else tone)
    return (level, tone)


COLUMNS: Sequence[Column[NotedEvent]] = (
    Column("time", "TIME", 8, lambda event: (clock_time(event.at), "muted")),
    Column("level", "LEVEL", 9, sign),
    Column("code", "CODE", 20, lambda event: (event.code, "muted"), grows=1, most=28, from_width=96),
    Column("text", "WHAT", 40, lambda event: event.text, grows=9, most=400),
)
EMPTY: Sequence[Line] = (
    (("  Nothing was noted yet at this level.", "plain"),),
    (),
    (("  Changes by operators, failures of upstreams and refusals to serve are listed here.", "muted"),),
)


class EventScreen(FrameScreen):
    """One event in full."""

    MODE = "logs"
    TITLE_IN_HELP = "Event"
    KEYS = (Command("event.copy", "y", "copy", "Copy the event.", "copy_event", shown=True),)
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session, event: NotedEvent) -> None:
        super().__init__(session)
        self._event = event

    def body(self) -> ComposeResult:
        """One page."""
        yield Page(self._write)

    def _write(self, width: int) -> Sequence[Line]:
        event = self._event
        lines = wrap(scrub_lines(event.text), width - 4)
        head: Line = ((f"  {day_time(event.at)}   ", "muted"), sign(event), (f"   {event.code}", "plain"))
        return [(), head, (), *(((f"  {line}", "plain"),) for line in lines)]

    def action_copy_event(self) -> None:
        """Copy all of it."""
        event = self._event
        self.copy(f"{day_time(event.at)} {event.level} {event.code}: {event.text}", "event")


class LogsScreen(FrameScreen):
    """Looking at it marks its problems as seen."""

    MODE = "logs"
    TITLE_IN_HELP = "Logs"
    KEYS = (
        Command("logs.level", "l", "level", "Leave out what is less grave: info, then warnings.", "level", shown=True),
        Command("logs.problems", "!", "problems", "Show only warnings and errors.", "problems", shown=True),
        Command("logs.alerts", "a", "alerts", "Show only alerts about money and accounts.", "alerts", shown=True),
        Command("logs.acts", "o", "acts", "Show what operators did, to take it back.", "acts", shown=True),
        Command("logs.copy", "y", "copy", "Copy the selected event.", "copy_event", shown=True),
        FILTER,
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._least = 0
        self._passes: Callable[[NotedEvent], bool] | None = None

    def body(self) -> ComposeResult:
        """The list."""
        yield Grid(
            COLUMNS,
            key_of=lambda event: (event.at, event.code, event.text),
            follows=True,
            empty=EMPTY,
            id="events",
        )

    @property
    def grid(self) -> Grid[NotedEvent]:
        """The list."""
        return self.query_one("#events", Grid)

    def enter(self) -> None:
        """What came in the meantime has now been seen."""
        self.session.state.unseen_problems = self.session.state.unseen_alerts = 0
        self._show()

    def receive(self, changes: Changes) -> None:
        """Newcomers."""
        if changes.events:
            self.enter()

    def _show(self) -> None:
        passes, least = self._passes, self._least
        self.grid.show(
            event
            for event in self.session.state.events
            if LEVELS.index(event.level) >= least and (passes is None or passes(event))
        )
        self.refresh_frame()

    def narrow(self, text: str) -> None:
        """Another filter."""
        self._passes = compile_filter(text, VOCABULARY)
        self._show()

    def echo(self) -> Line:
        """The filter, and what is left out."""
        least = f"  {LEVELS[self._least]} and up" if self._least else ""
        return (*super().echo(), (f"{least}  {self.grid.row_count:,} of {len(self.session.state.events):,}", "muted"))

    def action_level(self) -> None:
        """The next level, and round again."""
        self._least = (self._least + 1) % len(LEVELS)
        self._show()

    def action_problems(self) -> None:
        """Warnings and errors; again for all."""
        self._least = 0 if self._least == 1 else 1
        self._show()

    def action_alerts(self) -> None:
        """Alerts; again for all."""
        self.set_filter("" if self.filter_text == "@alerts" else "@alerts")

    def action_acts(self) -> None:
        """What operators did."""
        self.app.push_screen(ActsScreen(self.session))

    def action_copy_event(self) -> None:
        """Copy its text."""
        event = self.grid.selected
        if event is not None:
            self.copy(f"{day_time(event.at)} {event.level} {event.code}: {event.text}", "event")

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """One in full."""
        noted = self.grid.selected
        if noted is not None:
            self.app.push_screen(EventScreen(self.session, noted))
