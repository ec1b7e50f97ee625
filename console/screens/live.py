"""Live: the requests as they run, newest on top, and the first-run guide while there are none."""

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal

from console.commands import FILTER, Command, bindings
from console.exchanges import (
    elapsed_us,
    model,
    reason_instead,
    sign,
    state_word,
    tokens_in,
    tokens_out,
    tokens_per_second,
    vocabulary,
)
from console.filter import compile_filter
from console.ink import Line
from console.screens.approval import approve
from console.screens.detail import DetailScreen
from console.screens.first_run import FirstRunGuide
from console.screens.frame import FrameScreen
from console.screens.peek import PeekPane
from console.screens.tap import TapScreen, cut
from console.session import Session
from console.state import Changes, ExchangeIndex
from console.units import clock_time, count, duration, latency, money
from console.widgets.columns import Cell, Column
from console.widgets.confirm import Choice
from console.widgets.grid import Grid
from data.records import ExchangeRecord

FEW_LINES_SECONDS = 0.1
MANY_LINES_SECONDS = 0.25
PEEK_WIDTH = 130


def live_columns(session: Session) -> list[Column[ExchangeRecord]]:
    """The columns; those of a running request are counted on."""

    def total(row: ExchangeRecord) -> Cell:
        return duration(elapsed_us(row, session.now_micros()))

    def speed(row: ExchangeRecord) -> Cell:
        rate = tokens_per_second(row, session.now_micros())
        return "" if rate is None else count(rate)

    return [
        Column("time", "TIME", 8, lambda row: (clock_time(row.started_at), "muted"), from_width=66),
        Column("state", "ST", 2, sign),
        Column("key", "KEY", 10, session.state.key_name, grows=1, most=20),
        Column("model", "MODEL", 17, model, grows=2, most=34),
        Column("upstream", "UPSTREAM", 10, lambda row: (row.upstream, "muted"), grows=1, most=18, from_width=90),
        Column("route", "ROUTE", 8, lambda row: (row.route, "muted"), grows=1, most=16, from_width=106),
        Column("in", "IN", 6, lambda row: count(tokens_in(row)) if tokens_in(row) else "", right=True),
        Column(
            "out", "OUT", 6, lambda row: count(tokens_out(row)) if tokens_out(row) else "", right=True, from_width=70
        ),
        Column("speed", "TOK/S", 5, speed, right=True, from_width=95),
        Column("ttft", "TTFT", 6, lambda row: latency(row.first_token_us), right=True, from_width=76),
        Column("total", "TOTAL", 6, total, right=True),
        Column("cost", "COST", 8, lambda row: money(row.cost_micros), right=True, from_width=56),
    ]


class LiveScreen(FrameScreen):
    """The stream of requests."""

    MODE = "live"
    TITLE_IN_HELP = "Live"
    KEYS = (
        Command("live.stream", "v", "stream", "Watch the text of this request as it passes.", "tap", shown=True),
        Command("live.hold", "space", "hold", "Keep newcomers out, or let them in again.", "hold", shown=True),
        FILTER,
        Command("live.problems", "!", "problems", "Only what failed or was cut.", "named('@problems')", shown=True),
        Command("live.cut", "x", "cut", "End this running answer; asks first.", "cut", shown=True),
        Command("live.approve", "a", "approve", "Let a request go that waits for you; asks first.", "approve"),
        Command(
            "live.copy", "y", "copy", "Copy the id, key, model or record of this request.", "copy_menu", shown=True
        ),
        Command("live.facet", "f", "facet", "Filter by the key, model, upstream or state of it.", "facet", shown=True),
        Command("live.running", "i", "running", "Only requests that run.", "named('@running')", shown=True),
        Command("live.peek", "p", "peek", "Show or hide the pane beside the list.", "peek", shown=True),
        Command("live.guide", "F", "first steps", "Show the guide to a first request again.", "guide"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.index = ExchangeIndex(session.state)
        self._vocabulary = vocabulary(session.state, session.now_micros)
        self._paint_after = 0.0
        self._paint_due = False
        self._left_top_at = 0

    def body(self) -> ComposeResult:
        """The list with the pane beside it, and the guide."""
        with Horizontal(id="live"):
            yield self._grid()
            yield PeekPane(self)
        guide = FirstRunGuide(self)
        guide.display = False
        yield guide

    def _grid(self) -> Grid[ExchangeRecord]:
        return Grid(
            live_columns(self.session),
            key_of=lambda row: row.id,
            spanning=reason_instead,
            follows=True,
            id="exchanges",
        )

    def _why_empty(self) -> list[Line]:
        if self.filter_text:
            many = f"{len(self.session.state.order):,}"
            return [(), ((f"  Nothing of {many} matches. ", "plain"), ("Esc", "key"), (" clears the filter.", "muted"))]
        return [(), (("  No requests yet. ", "plain"), ("F", "key"), (" shows how to send one.", "muted"))]

    @property
    def grid(self) -> Grid[ExchangeRecord]:
        """The list."""
        return self.query_one("#exchanges", Grid)

    @property
    def guide(self) -> FirstRunGuide:
        """The guide to a first request."""
        return self.query_one(FirstRunGuide)

    @property
    def peek(self) -> PeekPane:
        """The pane beside the list."""
        return self.query_one(PeekPane)

    def key_commands(self) -> tuple[Command, ...]:
        """The guide's keys while that has the focus."""
        return FirstRunGuide.KEYS if self.guide.has_focus else super().key_commands()

    # --- keeping up

    def enter(self) -> None:
        """Catch up with what came while another screen was on show."""
        self.index.rebuild()
        self.grid.show_rows(self.index)
        self._arrange()
        self._paint()

    def _arrange(self) -> None:
        status = self.session.state.status
        if status and not self.session.state.ever_used and not self.guide.display and not self._left_top_at:
            self.action_guide()
        self.set_class(self.guide.display and not len(self.index), "unused")

    def receive(self, changes: Changes) -> None:
        """Take in what changed; drawing may wait."""
        if changes.exchanges:
            self.index.update(changes.exchanges)
            self._arrange()
            self._paint_due = True
        if changes.passed:
            self.peek.take()
        if self._paint_due and self.session.clock() >= self._paint_after:
            self._paint()

    def tick(self) -> None:
        """The clocks of running requests, and what could not be drawn before."""
        if self._paint_due or self.session.state.running:
            self._paint()
        self.peek.rest()
        if not self.session.state.ever_used:
            self._arrange()

    def on_screen_suspend(self) -> None:
        """Nobody sees the pane."""
        self.peek.let_go()

    def _paint(self) -> None:
        self.grid.empty = self._why_empty()
        changed = self.grid.show_rows(self.index)
        many = changed * 2 > self.size.height
        self._paint_after = self.session.clock() + (MANY_LINES_SECONDS if many else FEW_LINES_SECONDS)
        self._paint_due = False
        self.peek.show(self.grid.selected)
        if self.grid.selection.following and not self.index.held:
            self._left_top_at = self.index.newest

    def echo(self) -> Line:
        """What is held back, and the filter with its count."""
        filtered = super().echo()
        if filtered and not self.filter_error:
            filtered = (*filtered, (f"  {len(self.index):,} of {len(self.session.state.order):,}", "muted"))
        newer = self.index.newer_than(self._left_top_at)
        if self.index.held:
            return (("‖ held", "warning"), (f"  {newer:,} new  " if newer else "  ", "plain"), *filtered)
        if not self.grid.selection.following and newer:
            return ((f"▲ {newer:,} new  ", "accent"), ("g", "key"), (" follow  ", "muted"), *filtered)
        return filtered

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.index.narrow(compile_filter(text, self._vocabulary))
        self._paint()

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """The pane follows the selection."""
        self.peek.show(self.grid.selected)
        self.refresh_frame()

    # --- keys

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """All about the selected request."""
        row = self.grid.selected
        if row is not None:
            self.app.push_screen(DetailScreen(self.session, row, self.index))

    def action_tap(self) -> None:
        """The text of the selected request."""
        row = self.grid.selected
        if row is not None:
            self.app.push_screen(TapScreen(self.session, row))

    def action_cut(self) -> None:
        """End the selected request."""
        cut(self, self.grid.selected)

    def action_approve(self) -> None:
        """Let the selected request go."""
        approve(self, self.grid.selected)

    def action_hold(self) -> None:
        """Hold still, or go on."""
        self.index.hold(not self.index.held)
        self._paint()
        self.refresh_frame()

    def action_named(self, name: str) -> None:
        """A filter by name; the same key takes it off."""
        self.set_filter("" if self.filter_text == name else name)

    def action_facet(self) -> None:
        """Filter by something of the selected row."""
        row = self.grid.selected
        if row is None:
            return
        facets = {
            "k": ("key", self.session.state.key_name(row)),
            "m": ("model", model(row)),
            "u": ("up", row.upstream),
            "s": ("state", state_word(row)),
        }
        choices = [Choice(f'{field}:"{value}"', key, field, value) for key, (field, value) in facets.items() if value]
        self.ask_operator("Show only rows with the same", (), choices, self.set_filter, no="all rows")

    def action_copy_menu(self) -> None:
        """Copy something of the selected row."""
        row = self.grid.selected
        if row is None:
            return
        texts = {
            "y": ("request id", row.request_id),
            "k": ("key name", self.session.state.key_name(row)),
            "m": ("model", model(row)),
            "j": ("record", msgspec.json.encode(row).decode()),
        }
        choices = [Choice(key, key, what, text) for key, (what, text) in texts.items() if key != "j"]
        choices.append(Choice("j", "j", "record", "everything on record, as JSON"))
        self.ask_operator("Copy", (), choices, lambda key: self.copy(texts[key][1], texts[key][0]), no="nothing")

    def action_peek(self) -> None:
        """The pane beside the list."""
        self.toggle_class("no-peek")
        if self.app.size.width < PEEK_WIDTH:
            self.tell(f"The pane needs {PEEK_WIDTH} columns; here are {self.app.size.width}.")

    def action_guide(self) -> None:
        """The guide, with the focus."""
        self.guide.display = True
        self.guide.look_around()
        self.guide.focus()
        self._left_top_at = self._left_top_at or -1
