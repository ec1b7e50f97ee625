"""People and teams that keys belong to, and everyone together: what they may use and have used."""

from collections.abc import Sequence

from console.commands import FILTER, Command, bindings
from console.filter import Vocabulary, compile_filter
from console.ink import Line
from console.screens.forms.key import needed
from console.screens.holder_acts import HOLDER_ACTS, HolderActs
from console.screens.holding_lines import (
    activity,
    balance_cell,
    budget_cell,
    narrow_lines,
    rules,
    spent_cell,
    tightest,
    used_share,
    window_line,
)
from console.screens.lists import PEEK, ListScreen
from console.units import MICROS, money
from console.widgets.columns import Column
from console.widgets.confirm import Choice
from console.widgets.form import Field, Values
from console.widgets.grid import Grid
from data.limits import EVERYONE
from gateway.accounting import GetHolding, ListOwners, OwnerView, RemoveOwner, SaveOwner
from gateway.operations import ListKeys

EMPTY: Sequence[Line] = (
    (("  No owners yet.", "plain"),),
    (),
    (
        ("  Keys name their owner; limits that hold for all keys of one are set here. ", "muted"),
        ("n", "key"),
        (" adds one.", "muted"),
    ),
)
COLUMNS: Sequence[Column[OwnerView]] = (
    Column("name", "OWNER", 14, lambda owner: owner.name, grows=2, most=32),
    Column("keys", "KEYS", 4, lambda owner: str(owner.keys), right=True),
    Column("budget", "BUDGET", 21, lambda owner: budget_cell(owner.holding)),
    Column("spent", "SPENT OF IT", 20, lambda owner: spent_cell(owner.holding), from_width=84),
    Column("balance", "BALANCE", 9, lambda owner: balance_cell(owner.holding), right=True),
    Column("cost", "EVER", 9, lambda owner: money(owner.holding.cost_micros), right=True),
    Column("running", "RUN", 3, lambda owner: (str(owner.holding.running or ""), "accent"), right=True),
    Column("note", "NOTE", 12, lambda owner: (owner.note, "muted"), grows=3, most=60, from_width=112),
)


def _budget(owner: OwnerView) -> float | None:
    window = tightest(owner.holding)
    return used_share(window) if window else None


VOCABULARY: Vocabulary[OwnerView] = Vocabulary(
    fields={
        "name": lambda owner: owner.name,
        "keys": lambda owner: owner.keys,
        "budget": _budget,
        "cost": lambda owner: owner.holding.cost_micros / MICROS,
    },
    words=lambda owner: (owner.name, owner.note),
    named={"problems": "budget>80%"},
)


class OwnersScreen(HolderActs, ListScreen[OwnerView]):
    """Opened from the list of keys."""

    MODE = "keys"
    TITLE_IN_HELP = "Owners"
    WATCHED = frozenset({"keys"})
    KEYS = (
        Command("owners.new", "n", "new", "Add an owner, before or after keys name it.", "new", shown=True),
        Command("owners.edit", "e", "note", "Write what should be known of it.", "edit", shown=True),
        *HOLDER_ACTS,
        Command("owners.remove", "x", "remove", "Forget one that no key names; asks first.", "remove", shown=True),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def grid(self) -> Grid[OwnerView]:
        """The list."""
        return Grid(COLUMNS, key_of=lambda owner: owner.holding.holder, empty=EMPTY, id="owners")

    async def load(self) -> None:
        """Everyone together first, then each."""
        owners = await self.ask(ListOwners())
        everyone = await self.ask(GetHolding(EVERYONE))
        keys = await self.ask(ListKeys())
        if owners is not None and everyone is not None and keys is not None:
            usable = sum(key.state != "revoked" for key in keys)
            self.put([OwnerView("everyone", "all keys together", usable, everyone), *owners])

    def about(self, width: int) -> Sequence[Line]:
        """Its particulars."""
        owner = self.listing.selected
        if owner is None:
            return []
        return [
            ((owner.name, "strong"),),
            ((owner.note, "muted"),),
            ((f"{activity(owner.holding)}, {money(owner.holding.cost_micros)} ever", "plain"),),
            (),
            *narrow_lines("may use", owner.holding, self.session.now_micros(), width),
        ]

    def in_short(self, width: int) -> Sequence[Line]:
        """Its particulars in three lines."""
        owner = self.listing.selected
        if owner is None:
            return []
        window = tightest(owner.holding)
        budget: Line = window_line(window, self.session.now_micros(), width) if window else (("no budget", "muted"),)
        return [
            ((f" {owner.name}", "strong"), (f"   {owner.note}", "muted")),
            ((" ", "plain"), *budget),
            ((f" {',  '.join(rules(owner.holding.limits))}", "muted"),),
        ]

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, VOCABULARY))

    def holder(self) -> str | None:
        """The selected one, or everyone."""
        owner = self.selected
        return owner.holding.holder if owner else None

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """What it may use."""
        self.action_limits()

    def _one(self) -> OwnerView | None:
        """The selected owner; everyone together is none."""
        owner = self.selected
        if owner is not None and owner.holding.holder == EVERYONE:
            self.tell("That is everyone together: l limits all keys at once.", "warning")
            return None
        return owner

    def action_new(self) -> None:
        """Fill in an owner."""
        fields = (Field("name", "Name", "", "A person or team.", needed), Field("note", "Note"))
        self.fill_in("New owner", fields, _saved, lambda owner: self.changed(f"added owner {owner.name}"))

    def action_edit(self) -> None:
        """Fill in the note."""
        owner = self._one()
        if owner is not None:
            self.fill_in(
                f"Owner {owner.name}",
                (Field("note", "Note", owner.note),),
                lambda values: SaveOwner(owner.name, values["note"]),
                lambda saved: self.changed(f"changed owner {saved.name}"),
            )

    def action_remove(self) -> None:
        """Ask first."""
        owner = self._one()
        if owner is not None:
            change = RemoveOwner(owner.name)
            self.ask_operator(
                "Remove this owner?",
                [((f"  {owner.name}", "strong"),), (("  What was spent stays on record.", "plain"),)],
                [Choice("remove", "y", "remove")],
                lambda _: self.do(self._remove(change)),
                no="keep it",
                change=change,
            )

    async def _remove(self, change: RemoveOwner) -> None:
        done = await self.ask(change)
        if done is not None:
            self.changed(done.text)


def _saved(values: Values) -> SaveOwner:
    return SaveOwner(values["name"], values["note"])
