"""The pane beside the live list: the gist of the selected request, and its running text once the selection rests."""

from collections import deque
from collections.abc import Sequence

from console.ink import Line
from console.screens.detail_lines import summary_lines
from console.screens.frame import FrameScreen
from console.session import Refused
from console.widgets.page import Page
from console.widgets.tail import TailText
from data.records import RUNNING, ExchangeRecord
from gateway.canonical import Piece
from gateway.operations import CloseTap, OpenTap

TICKS_OF_REST = 2
"""A selection that moves on sooner is not tapped."""


class PeekPane(Page):
    """Taps at most one exchange, and none while nobody can see it."""

    def __init__(self, frame: FrameScreen) -> None:
        super().__init__(self._write, focusable=False, classes="peek")
        self._frame = frame
        self._record: ExchangeRecord | None = None
        self._rested = 0
        self._tapped: tuple[int, deque[Piece]] | None = None
        self._text = TailText()

    def show(self, record: ExchangeRecord | None) -> None:
        """Another request is selected, or the same one has come further."""
        if record is None or self._record is None or record.id != self._record.id:
            self.let_go()
            self._text = TailText()
            self._rested = 0
        self._record = record
        self.paint()

    def rest(self) -> None:
        """Some time has passed: tap what has been selected for a while."""
        record = self._record
        if record is None or record.state != RUNNING or not self.size.width or self._tapped:
            return
        self._rested += 1
        if self._rested >= TICKS_OF_REST:
            self._tapped = record.id, self._frame.session.state.tap(record.id)
            self._frame.do(self._open(record.id), group="peek")

    def take(self) -> None:
        """Show the text that came."""
        if self._tapped and self._rested > TICKS_OF_REST:
            pieces = self._tapped[1]
            for _ in range(len(pieces)):
                self._text.append(pieces.popleft())
            self.paint()

    def let_go(self) -> None:
        """Close the tap."""
        if self._tapped:
            id_, pieces = self._tapped
            self._tapped = None
            self._frame.session.state.untap(id_, pieces)
            self.app.run_worker(self._close(id_), group="close-tap", exit_on_error=False)

    async def _open(self, id_: int) -> None:
        try:
            tap = await self._frame.session.ask(OpenTap(id_))
        except Refused:
            return  # it is over: the pane shows how it ended
        if self._tapped and self._tapped[0] == id_:
            for piece in tap.pieces:
                self._text.append(piece)
            self._rested = TICKS_OF_REST + 1
            self.take()

    async def _close(self, id_: int) -> None:
        try:
            await self._frame.session.ask(CloseTap(id_))
        except Refused:
            return  # it is over, and its tap with it

    def _write(self, width: int) -> Sequence[Line]:
        if self._record is None:
            return []
        session = self._frame.session
        gist = summary_lines(self._record, session.state.key_name(self._record), session.now_micros(), width)
        room = self.size.height - len(gist) - 1
        if not self._text.characters or room < 1:
            return gist
        text = [((part[0][0].removeprefix(" "), part[0][1]),) for part in self._text.lay_out(width)]
        return [*gist, (), *text[-room:]]
