"""The stream tap: the text of one exchange as it passes, and the key that cuts it."""

from collections import deque
from collections.abc import Sequence

from textual.app import ComposeResult

from console.commands import PAGES, Command, bindings
from console.exchanges import elapsed_us, model, outcome, sign, tokens_out, tokens_per_second
from console.ink import Line, Span, justify
from console.screens.frame import FrameScreen
from console.session import Refused, Session
from console.state import Changes
from console.units import count, duration, money
from console.widgets.page import Page
from console.widgets.tail import Tail
from data.records import RUNNING, ExchangeRecord
from gateway.canonical import Piece
from gateway.operations import CloseTap, CutExchange, OpenTap


def cut(screen: FrameScreen, record: ExchangeRecord | None) -> None:
    """Ask whether to end a running exchange, and end it."""
    if record is None or record.state != RUNNING:
        screen.tell("Only a running request can be cut; this one is over." if record else "No request is selected.")
        return

    change = CutExchange(record.id)

    async def ask_for_it() -> None:
        done = await screen.ask(change)
        if done:
            screen.tell(done.text, "success")

    question = (
        f"Cut #{record.id}?  The client gets a proper error; {count(tokens_out(record))} tokens so far are settled."
    )
    screen.confirm(question, "cut", "keep streaming", lambda: screen.do(ask_for_it()), change)


class TapScreen(FrameScreen):
    """Follows the end of the text; the tap is closed with the screen."""

    MODE = "live"
    TITLE_IN_HELP = "Stream"
    KEYS = (
        Command("tap.cut", "x", "cut", "End this answer; asks first.", "cut", shown=True),
        Command("tap.copy", "y", "copy id", "Copy its request id.", "copy_id", shown=True),
        Command("tap.close", "v", "close", "Go back.", "app.back", shown=True),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session, record: ExchangeRecord) -> None:
        super().__init__(session)
        self.record = record
        self._arrived: deque[Piece] = session.state.tap(record.id)
        self._opened = False

    def body(self) -> ComposeResult:
        """Two lines about the exchange, a rule, the text."""
        yield Page(self._write_title, focusable=False, id="tap-title")
        yield Tail()

    def focus_commands(self) -> tuple[Command, ...]:
        """The text scrolls like a page."""
        return PAGES

    def _write_title(self, width: int) -> Sequence[Line]:
        record, now = self.record, self.session.now_micros()
        glyph, tone = sign(record)
        speed = tokens_per_second(record, now)
        left: list[Span] = [
            (f" #{record.id} ", "strong"),
            (f"{model(record)}  ", "strong"),
            (f"{glyph} {outcome(record)} ", tone),
            (duration(elapsed_us(record, now)), "plain"),
            (f"   {count(tokens_out(record))} tok", "plain"),
            (f"   {speed:.0f} tok/s" if speed else "", "plain"),
        ]
        tail = self.query_one(Tail)
        place: Span = ("following ▼", "muted") if tail.following else ("G follow ▼", "key")
        under: Line = ((f" key {self.session.state.key_name(record)}   via {record.upstream or '-'}", "muted"),)
        size: Span = (f"  {count(tail.characters)} characters ", "muted")
        cost: Span = (f"{money(record.cost_micros)} ", "plain")
        return [justify(tuple(left), (cost,), width), justify(under, (place, size), width), (("─" * width, "rule"),)]

    def on_mount(self) -> None:
        """Open the tap; the text has the focus."""
        self.query_one(Tail).focus()
        self.do(self._open(), group="tap")

    async def _open(self) -> None:
        tap = await self.ask(OpenTap(self.record.id))
        if tap is None:
            return
        self._opened = True
        self.query_one(Tail).extend(tap.pieces)
        self._take_arrived()
        if not tap.running and not tap.pieces:
            self.tell("This request is over; its text was not kept.", "warning")

    def _take_arrived(self) -> None:
        if self._opened and self._arrived:
            pieces = [self._arrived.popleft() for _ in range(len(self._arrived))]
            self.query_one(Tail).extend(pieces)

    def receive(self, changes: Changes) -> None:
        """More text, or another state."""
        if self.record.id in changes.exchanges:
            self.record = self.session.state.rows.get(self.record.id, self.record)
        self._take_arrived()
        self.query_one("#tap-title", Page).paint()

    def enter(self) -> None:
        """Text that came while another screen was on show."""
        self._take_arrived()

    def tick(self) -> None:
        """The clock."""
        self.query_one("#tap-title", Page).paint()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self.session.state.untap(self.record.id, self._arrived)
        self.app.run_worker(self._close(), group="close-tap", exit_on_error=False)

    async def _close(self) -> None:
        try:
            await self.session.ask(CloseTap(self.record.id))
        except Refused:
            return  # it is over, and its tap with it

    def action_cut(self) -> None:
        """End it."""
        cut(self, self.record)

    def action_copy_id(self) -> None:
        """Copy its id."""
        self.copy(self.record.request_id, "request id")
