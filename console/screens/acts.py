"""What operators did: who, when, what, and whether it can be taken back."""

from collections.abc import Sequence

from console.commands import FILTER, LISTS, Command, bindings
from console.filter import Vocabulary, compile_filter
from console.ink import Line, Span, wrap
from console.screens.lists import PEEK, ListScreen
from console.screens.undo import ask_to_undo
from console.scrub import scrub
from console.units import clock_time, day_time
from console.widgets.columns import Column
from console.widgets.grid import Grid
from gateway.accounting import ActView, ListActs

EMPTY: Sequence[Line] = (
    (("  No operator changed anything yet.", "plain"),),
    (),
    (("  Every change is listed here with who made it, and most can be taken back.", "muted"),),
)
LOADED = 1_000


def undo_span(act: ActView) -> Span:
    """Whether it can be taken back."""
    if act.undone_at is not None:
        return (f"✓ undone {clock_time(act.undone_at)[:5]}", "muted")
    return ("↻ can be", "accent") if act.undoable else ("■ for good", "muted")


COLUMNS: Sequence[Column[ActView]] = (
    Column("time", "TIME", 11, lambda act: (day_time(act.at)[5:16], "muted")),
    Column("actor", "WHO", 10, lambda act: act.actor, grows=1, most=20),
    Column("code", "CODE", 16, lambda act: (act.code, "muted"), grows=1, most=24, from_width=110),
    Column("text", "WHAT", 36, lambda act: (act.text, "muted" if act.undone_at else "plain"), grows=9, most=400),
    Column("undo", "UNDO", 14, undo_span),
)
VOCABULARY: Vocabulary[ActView] = Vocabulary(
    fields={
        "who": lambda act: act.actor,
        "code": lambda act: act.code,
        "text": lambda act: act.text,
        "undo": lambda act: "undone" if act.undone_at else "yes" if act.undoable else "no",
    },
    words=lambda act: (act.actor, act.code, act.text),
)


class ActsScreen(ListScreen[ActView]):
    """Opened from Logs."""

    MODE = "logs"
    TITLE_IN_HELP = "Acts"
    WATCHED = frozenset(("keys", "upstreams", "models", "routes", "aliases", "prices", "settings"))
    KEYS = (
        Command("acts.undo", "u", "undo this", "Take the selected act back; asks first.", "undo_this", shown=True),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def focus_commands(self) -> tuple[Command, ...]:
        """Rows are read in full below the list: there is nothing to open."""
        return LISTS[1:]

    def grid(self) -> Grid[ActView]:
        """The list."""
        return Grid(COLUMNS, key_of=lambda act: act.id, empty=EMPTY, id="acts")

    async def load(self) -> None:
        """The newest."""
        acts = await self.ask(ListActs(limit=LOADED))
        if acts is not None:
            self.put(acts)

    def about(self, width: int) -> Sequence[Line]:
        """The selected one in full."""
        act = self.listing.selected
        if act is None:
            return []
        return [
            ((day_time(act.at), "muted"), (f"   {act.actor}", "strong")),
            ((f"{act.code}   ", "muted"), undo_span(act)),
            (),
            *(((line, "plain"),) for line in wrap(scrub(act.text), width)),
        ]

    def in_short(self, width: int) -> Sequence[Line]:
        """The selected one in three lines."""
        act = self.listing.selected
        if act is None:
            return []
        return [((f" {line}", "plain"),) for line in wrap(scrub(act.text), width - 2)[:3]]

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, VOCABULARY))

    def action_undo_this(self) -> None:
        """Ask, and take it back."""
        act = self.selected
        if act is None:
            return
        if act.undone_at is not None:
            self.tell("That was taken back already.")
        elif not act.undoable:
            self.tell("That cannot be taken back.", "warning")
        else:
            ask_to_undo(self, act)
