"""One exchange in full: who asked, where it went, where the time went, what it cost."""

from collections.abc import Sequence

import msgspec
from textual.app import ComposeResult

from console.commands import Command, bindings
from console.ink import Line
from console.screens.approval import approve
from console.screens.captured import look
from console.screens.charge import ChargeScreen
from console.screens.detail_lines import detail_lines, title_line
from console.screens.frame import FrameScreen
from console.screens.tap import TapScreen, cut
from console.session import Session
from console.state import Changes, ExchangeIndex
from console.widgets.page import Page
from data.records import RUNNING, AttemptRecord, ExchangeRecord
from gateway.operations import GetExchange


class DetailScreen(FrameScreen):
    """Walks through the list it was opened from."""

    MODE = "live"
    TITLE_IN_HELP = "Request"
    KEYS = (
        Command(
            "detail.newer",
            "left_square_bracket,h,left",
            "newer",
            "Go to the next newer request.",
            "step(-1)",
            shown=True,
        ),
        Command(
            "detail.older",
            "right_square_bracket,l,right",
            "older",
            "Go to the next older request.",
            "step(1)",
            shown=True,
        ),
        Command("detail.stream", "v", "stream", "Watch its text as it passes.", "tap", shown=True),
        Command("detail.charge", "c", "charge", "Explain how its charge came to be.", "charge", shown=True),
        Command("detail.approve", "a", "approve", "Let it go, if it waits for you; asks first.", "approve"),
        Command("detail.capture", "C", "what it said", "Look at what was kept of it; asks first.", "look"),
        Command("detail.cut", "x", "cut", "End it while it runs; asks first.", "cut", shown=True),
        Command("detail.copy", "y", "copy id", "Copy its request id.", "copy_id", shown=True),
        Command("detail.copy_json", "Y", "copy record", "Copy the whole record as JSON.", "copy_record"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session, record: ExchangeRecord, index: ExchangeIndex) -> None:
        super().__init__(session)
        self.record = record
        self._index = index
        self._attempts: Sequence[AttemptRecord] = ()
        self._key_name = session.state.key_name(record)

    def body(self) -> ComposeResult:
        """One page."""
        yield Page(lambda width: [title_line(self.record, width)], focusable=False, id="title")
        yield Page(self._write, id="detail")

    def _write(self, width: int) -> Sequence[Line]:
        now = self.session.now_micros()
        return [(), *detail_lines(self.record, self._attempts, self._key_name, now, width)]

    def enter(self) -> None:
        """Ask for what the list does not hold."""
        self.do(self._load(), group="load")

    async def _load(self) -> None:
        detail = await self.ask(GetExchange(self.record.id))
        if detail is not None and detail.record.id == self.record.id:
            self.record, self._attempts, self._key_name = detail.record, detail.attempts, detail.key_name
            self._paint()

    def _paint(self) -> None:
        for page in self.query(Page):
            page.paint()

    def receive(self, changes: Changes) -> None:
        """It has come further, or ended."""
        if self.record.id not in changes.exchanges:
            return
        was_running = self.record.state == RUNNING
        self.record = self.session.state.rows.get(self.record.id, self.record)
        self._paint()
        if was_running and self.record.state != RUNNING:
            self.enter()

    def tick(self) -> None:
        """Its clock runs while it does."""
        if self.record.state == RUNNING:
            self._paint()

    def action_step(self, by: int) -> None:
        """Go to a neighbour in the list."""
        here = self._index.find(self.record.id)
        there = -1 if here is None else here + by
        if not 0 <= there < len(self._index):
            self.tell("That is the newest." if by < 0 else "That is the oldest at hand.")
            return
        self.record, self._attempts = self._index.at(there), ()
        self._key_name = self.session.state.key_name(self.record)
        self.query_one("#detail", Page).action_scroll_top()
        self._paint()
        self.enter()

    def action_tap(self) -> None:
        """Watch its text."""
        self.app.push_screen(TapScreen(self.session, self.record))

    def action_cut(self) -> None:
        """End it."""
        cut(self, self.record)

    def action_charge(self) -> None:
        """How it came to be."""
        self.app.push_screen(ChargeScreen(self.session, self.record))

    def action_approve(self) -> None:
        """Let it go."""
        approve(self, self.record)

    def action_look(self) -> None:
        """Look at what it said."""
        look(self, self.record)

    def action_copy_id(self) -> None:
        """Copy its id."""
        self.copy(self.record.request_id, "request id")

    def action_copy_record(self) -> None:
        """Copy all of it."""
        self.copy(msgspec.json.encode(self.record).decode(), "record")
