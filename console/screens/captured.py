"""What a request and its answer said, where the operator had that kept. Every look is on record, and says so."""

from collections.abc import Sequence

from textual.app import ComposeResult

from console.captures import readable
from console.ink import Line, wrap
from console.screens.frame import FrameScreen
from console.scrub import scrub_lines
from console.session import Session
from console.units import day_time
from console.widgets.page import Page
from data.records import ExchangeRecord
from gateway.accounting import Captured, GetCapture


def captured_lines(captured: Captured, width: int) -> list[Line]:
    """Both, one below the other."""
    lines: list[Line] = [
        ((f" What #{captured.exchange_id} and its answer said", "strong"),),
        (
            (f" ◉ kept until {day_time(captured.expires_at)[:16]};", "warning"),
            (" this look is on record", "warning"),
        ),
    ]
    for title, text in (("REQUEST", captured.request), ("ANSWER", captured.answer)):
        lines += [(), ((f" {title}", "heading"),)]
        lines += [((f" {line}", "plain"),) for line in wrap(scrub_lines(readable(text)), width - 2)]
    return lines


def look(screen: FrameScreen, record: ExchangeRecord) -> None:
    """Say that a look goes on record, and show what was kept once that is wanted."""

    change = GetCapture(record.id)

    async def open_it() -> None:
        captured = await screen.ask(change)
        if captured is not None:
            screen.app.push_screen(CapturedScreen(screen.session, captured))

    question = f"Look at what #{record.id} and its answer said?  The look goes on record."
    screen.confirm(question, "look", "leave it closed", lambda: screen.do(open_it()), change)


class CapturedScreen(FrameScreen):
    """Opened from a request."""

    MODE = "live"
    TITLE_IN_HELP = "Capture"

    def __init__(self, session: Session, captured: Captured) -> None:
        super().__init__(session)
        self._captured = captured

    def body(self) -> ComposeResult:
        """One page."""
        yield Page(self._write, id="captured")

    def _write(self, width: int) -> Sequence[Line]:
        return captured_lines(self._captured, width)
