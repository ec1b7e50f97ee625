"""What a period would cost at the prices of now: a preview, booking the difference, and reversing that."""

from collections.abc import Sequence

from msgspec.structs import replace
from textual.app import ComposeResult

from console import moments
from console.commands import FILTER, LISTS, Command, bindings
from console.filter import Vocabulary, compile_filter
from console.ink import Line, Span, fit
from console.screens.frame import FrameScreen
from console.screens.lists import PEEK, ListScreen
from console.session import Session
from console.units import MICROS, count, day_time, money
from console.widgets.columns import Column
from console.widgets.confirm import Choice
from console.widgets.form import Field, Form, Values
from console.widgets.grid import Grid
from console.widgets.page import Page
from gateway.accounting import AdjustmentView, ListAdjustments, Reprice, Repriced, RepricedModel, ReverseAdjustment

EMPTY: Sequence[Line] = (
    (("  Nothing was ever re-priced.", "plain"),),
    (),
    (("  r on Prices works out what a period costs at the prices of now.", "muted"),),
)


def difference(micros: int) -> Span:
    """Dearer or cheaper, with its sign."""
    if micros == 0:
        return ("$0.00", "muted")
    return (f"+{money(micros)}", "warning") if micros > 0 else (money(micros), "good")


# --- which period


def period_fields(now_micros: int) -> Sequence[Field]:
    """From when, until when, and which models."""

    def check(text: str) -> str:
        return "" if moments.moment(text, now_micros, -1) is not None else "Write 30d, 12h, or 2026-11-01."

    def until(text: str) -> str:
        return "" if text in ("", "now") else check(text)

    return (
        Field("since", "Since", "30d", "How long ago, or a date: 30d, 12h, 2026-11-01.", check),
        Field("until", "Until", "now", "", until),
        Field("model", "Model", "", "Empty: every model."),
    )


def repricing(values: Values, now_micros: int) -> Reprice:
    """A preview as it was filled in."""
    since = moments.moment(values["since"], now_micros, -1) or 0
    until = now_micros if values["until"] in ("", "now") else moments.moment(values["until"], now_micros, -1)
    return Reprice(since, until or now_micros, values["model"])


def ask_for_period(screen: FrameScreen) -> None:
    """Fill in a period and show what would change."""
    now = screen.session.now_micros()

    async def preview(values: Values) -> tuple[Reprice, Repriced]:
        asked = repricing(values, now)
        return asked, await screen.session.ask(asked)

    def show(previewed: tuple[Reprice, Repriced] | None) -> None:
        if previewed:
            screen.app.push_screen(RepricingScreen(screen.session, *previewed))

    form = Form("Re-price a period", period_fields(now), preview, save="preview", busy="working it out")
    screen.app.push_screen(form, show)


# --- what would change


def repriced_lines(repriced: Repriced) -> list[Line]:
    """Each model that changes, and the sum."""
    since, until = day_time(repriced.since)[:16], day_time(repriced.until)[:16]
    lines: list[Line] = [
        ((" At the prices of now", "strong"), (f"   {since} to {until}", "plain")),
        ((f" {repriced.looked_at:,} requests were looked at; only models that change are listed.", "muted"),),
        (),
        ((f" {'MODEL':<22}{'REQ':>6}{'WAS':>12}{'WOULD BE':>12}{'DIFFERENCE':>12}", "heading"),),
        *(_model_line(model) for model in repriced.models),
    ]
    if not repriced.models:
        return [*lines, ((" Nothing changes: every request was charged at these prices.", "plain"),)]
    text, tone = difference(repriced.difference_micros)
    return [*lines, ((f" {'together':<52}", "strong"), (f"{text:>12}", tone))]


def _model_line(model: RepricedModel) -> Line:
    text, tone = difference(model.after_micros - model.before_micros)
    priced = model.unpriced_before - model.unpriced_after
    return (
        (f" {fit(model.model, 22)}", "plain"),
        (f"{count(model.exchanges):>6}{money(model.before_micros):>12}{money(model.after_micros):>12}", "plain"),
        (f"{text:>12}", tone),
        (f"  {count(priced)} unpriced" if priced > 0 else f"  {model.upstream}", "muted"),
    )


class RepricingScreen(FrameScreen):
    """A preview; booking it asks for a note and says whom it touches."""

    MODE = "usage"
    TITLE_IN_HELP = "Re-pricing"
    KEYS = (
        Command("repricing.book", "b", "book", "Book the difference; it can be reversed.", "book", shown=True),
        Command("repricing.adjustments", "A", "booked", "Show what was booked.", "adjustments", shown=True),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session, asked: Reprice, repriced: Repriced) -> None:
        super().__init__(session)
        self._asked = asked
        self._repriced = repriced

    def body(self) -> ComposeResult:
        """One page."""
        yield Page(lambda width: repriced_lines(self._repriced), id="repriced")

    def action_book(self) -> None:
        """Fill in a note, and book."""
        if not self._repriced.models or self._repriced.adjustment_id is not None:
            self.tell("There is nothing to book." if not self._repriced.models else "That is booked already.")
            return
        self.fill_in(
            f"Book {difference(self._repriced.difference_micros)[0]}?",
            (Field("note", "Note", "", "Why: for the ledger."),),
            lambda values: replace(self._asked, book=True, note=values["note"]),
            self._booked,
            save="book",
            busy="booking",
        )

    def _booked(self, repriced: Repriced) -> None:
        self._repriced = repriced
        self.query_one(Page).paint()
        self.tell(f"booked as adjustment {repriced.adjustment_id}; A shows it and can reverse it", "success")

    def action_adjustments(self) -> None:
        """What was booked."""
        self.app.push_screen(AdjustmentsScreen(self.session))


# --- what was booked


def _state(adjustment: AdjustmentView) -> Span:
    if adjustment.reversed_at is None:
        return ("✓ booked", "plain")
    return (f"↻ reversed {day_time(adjustment.reversed_at)[5:10]}", "muted")


COLUMNS: Sequence[Column[AdjustmentView]] = (
    Column("id", "#", 5, lambda each: str(each.id), right=True),
    Column("at", "WHEN", 11, lambda each: (day_time(each.at)[5:16], "muted")),
    Column("actor", "WHO", 9, lambda each: each.actor, grows=1, most=20),
    Column("exchanges", "REQ", 6, lambda each: count(each.exchanges), right=True),
    Column("micros", "DIFFERENCE", 12, lambda each: difference(each.micros), right=True),
    Column("state", "STATE", 16, _state),
    Column("note", "NOTE", 10, lambda each: (each.note, "muted"), grows=3, most=80),
)
VOCABULARY: Vocabulary[AdjustmentView] = Vocabulary(
    fields={"who": lambda each: each.actor, "note": lambda each: each.note, "cost": lambda each: each.micros / MICROS},
    words=lambda each: (each.actor, each.note, str(each.id)),
)


class AdjustmentsScreen(ListScreen[AdjustmentView]):
    """Opened from Prices."""

    MODE = "usage"
    TITLE_IN_HELP = "Adjustments"
    WATCHED = frozenset({"prices", "keys"})
    KEYS = (
        Command("adjustments.reverse", "x", "reverse", "Book the opposite; asks first.", "reverse", shown=True),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def focus_commands(self) -> tuple[Command, ...]:
        """Rows are read in full below the list: there is nothing to open."""
        return LISTS[1:]

    def grid(self) -> Grid[AdjustmentView]:
        """The list."""
        return Grid(COLUMNS, key_of=lambda each: each.id, empty=EMPTY, id="adjustments")

    async def load(self) -> None:
        """All of them, the newest first."""
        adjustments = await self.ask(ListAdjustments())
        if adjustments is not None:
            self.put(sorted(adjustments, key=lambda each: -each.id))

    def about(self, width: int) -> Sequence[Line]:
        """The selected one."""
        return self.in_short(width)

    def in_short(self, width: int) -> Sequence[Line]:
        """The selected one."""
        each = self.listing.selected
        if each is None:
            return []
        return [
            ((f" adjustment {each.id}   ", "strong"), difference(each.micros)),
            ((f" {each.exchanges:,} requests, by {each.actor}", "plain"),),
            ((f" {each.note}", "muted"),),
        ]

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, VOCABULARY))

    def action_reverse(self) -> None:
        """Ask first."""
        each = self.selected
        if each is None:
            return
        if each.reversed_at is not None:
            self.tell("That was reversed already.")
            return
        change = ReverseAdjustment(each.id)
        self.ask_operator(
            "Reverse this adjustment?",
            self.in_short(60),
            [Choice("reverse", "y", "reverse", "books the opposite; its requests cost again what they did")],
            lambda _: self.do(self._reverse(change)),
            no="leave it",
            change=change,
        )

    async def _reverse(self, change: ReverseAdjustment) -> None:
        done = await self.ask(change)
        if done is not None:
            self.tell(done.text, "success")
            self.enter()
