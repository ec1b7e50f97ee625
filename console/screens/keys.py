"""The client keys: who may use the gateway, what they do with it, and ending that."""

from collections.abc import Sequence

from console.commands import FILTER, Command, bindings
from console.filter import compile_filter
from console.ink import Line
from console.screens.forms.key import changed_key, key_fields, new_key
from console.screens.holder_acts import KEY_ACTS, KeyActs
from console.screens.holding_lines import but_models
from console.screens.key_detail import KeyScreen
from console.screens.key_lines import about, in_short, in_use, key_columns, vocabulary, what_revoking_does
from console.screens.lists import PEEK, ListScreen
from console.screens.owners import OwnersScreen
from console.screens.snippets import SnippetsScreen
from console.session import Refused, Session
from console.widgets.columns import Column
from console.widgets.confirm import Choice
from console.widgets.form import Form, Values
from console.widgets.grid import Grid
from data.limits import key_holder
from gateway.accounting import Holding, ListHoldings
from gateway.operations import KeyCreated, KeyView, ListKeys, RevokeKey, SetKeyEnabled

EMPTY: Sequence[Line] = (
    (("  No client keys yet.", "plain"),),
    (),
    (
        ("  A key is what your clients send instead of the provider's own. ", "muted"),
        ("n", "key"),
        (" creates one.", "muted"),
    ),
)


class KeysScreen(KeyActs, ListScreen[KeyView]):
    """The list of keys."""

    MODE = "keys"
    TITLE_IN_HELP = "Keys"
    WATCHED = frozenset({"keys"})
    KEYS = (
        Command("keys.new", "n", "new", "Create a key.", "new", shown=True),
        Command("keys.edit", "e", "edit", "Change its name, owner, tags, note, models or expiry.", "edit", shown=True),
        *KEY_ACTS,
        Command("keys.switch", "d", "on/off", "Disable it at once, or enable it again.", "switch", shown=True),
        Command("keys.revoke", "x", "revoke", "End it for good; asks first.", "revoke", shown=True),
        Command("keys.owners", "o", "owners", "Show people and teams, and what they may use.", "owners", shown=True),
        Command(
            "keys.snippets", "y", "snippets", "Show what clients paste, in every language.", "snippets", shown=True
        ),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._holdings: dict[str, Holding] = {}
        self._vocabulary = vocabulary(self._holding_of, session.now_micros)

    def _holding_of(self, key: KeyView) -> Holding | None:
        return self._holdings.get(key_holder(key.id))

    def _columns(self) -> Sequence[Column[KeyView]]:
        holdings = self._holdings.values()
        return key_columns(
            self.session.now_micros,
            self._holding_of,
            budgets=any(holding.windows for holding in holdings),
            prepaid=any(holding.limits.prepaid for holding in holdings),
        )

    def grid(self) -> Grid[KeyView]:
        """The list."""
        return Grid(self._columns(), key_of=lambda key: key.id, empty=EMPTY, id="keys")

    async def load(self) -> None:
        """All keys with what they may use, those that still work first."""
        keys = await self.ask(ListKeys())
        await self._load_holdings()
        if keys is not None:
            self.put(sorted(keys, key=lambda key: (key.state == "revoked", key.name.lower())))

    async def _load_holdings(self) -> None:
        try:
            holdings = await self.session.ask(ListHoldings())
        except Refused:
            return  # a gateway that cannot be asked has been told of; keys are worth showing without their limits
        self._holdings = {holding.holder: but_models(holding) for holding in holdings}
        self.listing.columns = self._columns()

    def about(self, width: int) -> Sequence[Line]:
        """Its particulars."""
        key = self.listing.selected
        return about(key, self._holding_of(key), self.session.now_micros(), width) if key else []

    def in_short(self, width: int) -> Sequence[Line]:
        """Its particulars in three lines."""
        key = self.listing.selected
        return in_short(key, self._holding_of(key), self.session.now_micros(), width) if key else []

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, self._vocabulary))

    # --- creating and changing

    def action_new(self) -> None:
        """Fill in a new key."""
        now = self.session.now_micros()

        async def create(values: Values) -> KeyCreated:
            return await self.session.ask(new_key(values, now))

        form = Form("New key", key_fields(None, now), create, save="create key", busy="creating")
        self.app.push_screen(form, lambda created: self._created(created) if created else None)

    def _created(self, created: KeyCreated) -> None:
        self.go_to(created.key.id)
        self.show_secret(created, "created")

    def action_edit(self) -> None:
        """Change the selected key."""
        key, now = self.key(), self.session.now_micros()
        if key is not None:
            self.fill_in(
                f"Key {key.name}",
                key_fields(key, now),
                lambda values: changed_key(key, values, now),
                lambda changed: self.changed(f"changed key {changed.name}"),
            )

    def key(self) -> KeyView | None:
        """The selected key, as long as it was not revoked."""
        key = self.selected
        if key is not None and key.state == "revoked":
            self.tell(f"{key.name} was revoked for good; n creates another key.", "warning")
            return None
        return key

    def action_owners(self) -> None:
        """People and teams."""
        self.app.push_screen(OwnersScreen(self.session))

    # --- turning off, and ending

    def action_switch(self) -> None:
        """On at once, and off as well unless somebody would notice."""
        key = self.key()
        if key is None:
            return
        off = key.state == "off"
        if off or not in_use(key, self.session.now_micros()):
            self.do(self._switch(key, off))
        else:
            change = SetKeyEnabled(key.id, False)
            self.confirm(
                f"Disable {key.name}?", "disable", "leave it on", lambda: self.do(self._switch(key, False)), change
            )

    async def _switch(self, key: KeyView, enabled: bool) -> None:
        switched = await self.ask(SetKeyEnabled(key.id, enabled))
        if switched is not None:
            now = "on again" if enabled else "off: requests with it are refused; d turns it on again"
            self.changed(f"{switched.name} is {now}")

    def action_revoke(self) -> None:
        """Ask with the figures of this moment."""
        key = self.key()
        if key is not None:
            self.do(self._ask_to_revoke(key.id))

    async def _ask_to_revoke(self, key_id: int) -> None:
        keys = await self.ask(ListKeys())
        key = next((key for key in keys or () if key.id == key_id), None)
        if key is None:
            return
        revoke = Choice("revoke", "y", "revoke", "refused everywhere at once, for good")
        milder = [Choice("disable", "d", "disable", "the same at once, and can be undone")] if key.state == "on" else []
        used = in_use(key, self.session.now_micros())
        self.ask_operator(
            "Revoke this key?",
            what_revoking_does(key, self.session.now_micros()),
            milder if used else [*milder, revoke],
            lambda answer: self.do(self._revoke(key) if answer == "revoke" else self._switch(key, False)),
            no="keep it",
            grave=Choice("revoke", "y", "revoke it for good") if used else None,
            word=key.name,
            change=RevokeKey(key.id),
        )

    async def _revoke(self, key: KeyView) -> None:
        done = await self.ask(RevokeKey(key.id))
        if done is not None:
            self.changed(done.text)

    # --- looking closer

    def action_snippets(self) -> None:
        """What its clients paste."""
        key = self.key()
        if key is not None:
            self.do(self._show_snippets(key))

    async def _show_snippets(self, key: KeyView) -> None:
        snippets = await self.snippets("", key)
        if snippets:
            self.app.push_screen(SnippetsScreen(self.session, f"Snippets for key {key.name}", snippets))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Its usage and requests."""
        key = self.selected
        if key is not None:
            self.app.push_screen(KeyScreen(self.session, key))
