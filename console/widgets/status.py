"""The two lines at the top of every screen: how the gateway is doing, and where one is."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from textual import events
from textual.message import Message

from console.ink import Line, Span, justify, width_of
from console.session import Session
from console.state import ConsoleState
from console.units import MICROS, age, count, money, percent
from console.widgets.canvas import Canvas
from console.widgets.charts import sparkline

NAME = "gatehouse"


class Tab(Struct, frozen=True):
    """A main screen as the tab line names it."""

    key: str
    mode: str
    title: str


def status_spans(state: ConsoleState, now_micros: int, width: int) -> Line:
    """Health, address, rates, running requests and today's money; less of it in a narrow window."""
    if state.trouble:
        return ((f" {NAME}  ○ {state.trouble}", "alarm"),)
    status = state.status
    if status is None:
        return ((f" {NAME}", "strong"), ("  ◌ connecting", "muted"))
    address = status.base_url.split("//")[-1]
    health: Span = ("◐ draining", "warning") if status.draining else ("●", "good")
    if not address:
        return ((f" {NAME}  ○ not serving", "alarm"),)
    left: list[Span] = [(f" {NAME}  ", "strong"), health, (f" {address}", "plain")]
    if width >= 110 or not state.ever_used:
        left.append((f"  up {age((now_micros - status.started_at) / MICROS)}", "muted"))
    if not state.ever_used:
        return justify(tuple(left), (("no traffic yet ", "muted"),), width)
    return justify((*left, *_rate_spans(state, width)), (_today(state, width),), width)


def _today(state: ConsoleState, width: int) -> Span:
    spent = money(state.today_micros)
    return (f"today {spent} " if width >= 110 else f"{spent} ", "plain")


def _rate_spans(state: ConsoleState, width: int) -> list[Span]:
    rates = state.rates()
    wide = width >= 110
    per_second = rates.requests_per_second
    spans: list[Span] = [
        ("  " + sparkline(rates.requests[-16:], 16 if wide else 6), "accent"),
        (f"  {per_second:.1f}/s" if 0 < per_second < 9.95 else f"  {count(per_second)}/s", "plain"),
        (f"  {len(state.running)} running" if wide else f"  {len(state.running)} open", "plain"),
    ]
    if rates.error_share:
        spans.append((f"  err {percent(rates.error_share)}", "bad" if rates.error_share >= 0.05 else "warning"))
    return [*spans, (f"  {count(rates.tokens_per_second)} tok/s", "plain")]


class StatusLine(Canvas):
    """Repainted about once a second."""

    DEFAULT_CSS = "StatusLine { height: 1; dock: top; }"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The status line."""
        return [status_spans(self._session.state, self._session.now_micros(), width)]


class TabLine(Canvas):
    """The main screens, the open one marked; at the right an echo of what the list is doing."""

    DEFAULT_CSS = "TabLine { height: 1; }"

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    def __init__(self, tabs: Sequence[Tab], mode: str, session: Session, echo: Callable[[], Line]) -> None:
        super().__init__()
        self._tabs = tabs
        self._mode = mode
        self._session = session
        self._echo = echo

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The tab line."""
        left: list[Span] = []
        for tab in self._tabs:
            left.extend(self._tab_spans(tab))
        return [justify(tuple(left), (*self._echo(), (" ", "plain")), width)]

    def _tab_spans(self, tab: Tab) -> list[Span]:
        state = self._session.state
        alerts, unseen = (state.unseen_alerts, state.unseen_problems) if tab.mode == "logs" else (0, 0)
        chosen = tab.mode == self._mode
        title: Span = (tab.title, "chosen" if chosen else "muted")
        badge: list[Span] = [(f" ▲{alerts}", "warning")] if alerts else []
        badge += [(f" ●{unseen}", "bad")] if unseen else []
        return [(f" {tab.key} ", "key" if chosen else "heading"), title, *badge, (" ", "plain")]

    def on_click(self, event: events.Click) -> None:
        """Go to the screen whose tab was clicked."""
        right = 0
        for tab in self._tabs:
            right += sum(width_of(text) for text, _ in self._tab_spans(tab))
            if event.x < right:
                self.post_message(self.Chosen(tab.mode))
                return
