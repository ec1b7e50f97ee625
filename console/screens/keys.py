"""The client keys: who may use the gateway, what they do with it, and ending that."""

from collections.abc import Sequence

from console.commands import FILTER, Command, bindings
from console.filter import compile_filter
from console.first_steps import model_to_try
from console.ink import Line
from console.screens.forms.key import changed_key, key_fields, new_key
from console.screens.key_detail import KeyScreen
from console.screens.key_lines import VOCABULARY, about, in_short, in_use, key_columns, what_revoking_does
from console.screens.lists import PEEK, ListScreen
from console.screens.snippets import CreatedScreen, SnippetsScreen
from console.widgets.confirm import Choice
from console.widgets.form import Form, Values
from console.widgets.grid import Grid
from gateway.operations import (
    GetSnippets,
    KeyCreated,
    KeyView,
    ListKeys,
    ListUpstreams,
    RevokeKey,
    SetKeyEnabled,
    Snippet,
)

EMPTY: Sequence[Line] = (
    (("  No client keys yet.", "plain"),),
    (),
    (
        ("  A key is what your clients send instead of the provider's own. ", "muted"),
        ("n", "key"),
        (" creates one.", "muted"),
    ),
)


class KeysScreen(ListScreen[KeyView]):
    """The list of keys."""

    MODE = "keys"
    TITLE_IN_HELP = "Keys"
    WATCHED = frozenset({"keys"})
    KEYS = (
        Command("keys.new", "n", "new", "Create a key.", "new", shown=True),
        Command("keys.edit", "e", "edit", "Change its name, owner, note, models or expiry.", "edit", shown=True),
        Command("keys.switch", "d", "on/off", "Disable it at once, or enable it again.", "switch", shown=True),
        Command("keys.revoke", "x", "revoke", "End it for good; asks first.", "revoke", shown=True),
        Command(
            "keys.snippets", "y", "snippets", "Show what clients paste, in every language.", "snippets", shown=True
        ),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def grid(self) -> Grid[KeyView]:
        """The list."""
        return Grid(key_columns(self.session.now_micros), key_of=lambda key: key.id, empty=EMPTY, id="keys")

    async def load(self) -> None:
        """All keys, those that still work first."""
        keys = await self.ask(ListKeys())
        if keys is not None:
            self.put(sorted(keys, key=lambda key: (key.state == "revoked", key.name.lower())))

    def about(self, width: int) -> Sequence[Line]:
        """Its particulars."""
        key = self.listing.selected
        return about(key, self.session.now_micros(), width) if key else []

    def in_short(self, width: int) -> Sequence[Line]:
        """Its particulars in three lines."""
        key = self.listing.selected
        return in_short(key, self.session.now_micros()) if key else []

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, VOCABULARY))

    # --- creating and changing

    def action_new(self) -> None:
        """Fill in a new key."""
        now = self.session.now_micros()

        async def create(values: Values) -> tuple[KeyCreated, list[Snippet]]:
            created = await self.session.ask(new_key(values, now))
            return created, await self._snippets(created.secret, created.key)

        form = Form("New key", key_fields(None, now), create, save="create key", busy="creating")
        self.app.push_screen(form, lambda created: self._show_created(*created) if created else None)

    def _show_created(self, created: KeyCreated, snippets: list[Snippet]) -> None:
        self.go_to(created.key.id)
        self.app.push_screen(CreatedScreen(self.session, created, snippets))

    async def _snippets(self, secret: str, key: KeyView) -> list[Snippet]:
        """Snippets naming a model that the key may use."""
        upstreams = await self.ask(ListUpstreams()) or []
        plain = [model for model in key.models if "*" not in model and "?" not in model]
        model = model_to_try(plain or [model for upstream in upstreams for model in upstream.models])
        return await self.ask(GetSnippets(secret, model)) or []

    def action_edit(self) -> None:
        """Change the selected key."""
        key = self._usable()
        if key is None:
            return
        now = self.session.now_micros()

        async def change(values: Values) -> KeyView:
            return await self.session.ask(changed_key(key, values, now))

        form = Form(f"Key {key.name}", key_fields(key, now), change)
        self.app.push_screen(form, lambda changed: self._changed(f"changed key {changed.name}") if changed else None)

    def _changed(self, told: str) -> None:
        self.tell(told, "success")
        self.enter()

    def _usable(self) -> KeyView | None:
        key = self.selected
        if key is not None and key.state == "revoked":
            self.tell(f"{key.name} was revoked for good; n creates another key.", "warning")
            return None
        return key

    # --- turning off, and ending

    def action_switch(self) -> None:
        """On or off, at once."""
        key = self._usable()
        if key is not None:
            self.do(self._switch(key, key.state == "off"))

    async def _switch(self, key: KeyView, enabled: bool) -> None:
        switched = await self.ask(SetKeyEnabled(key.id, enabled))
        if switched is not None:
            now = "on again" if enabled else "off: requests with it are refused; d turns it on again"
            self._changed(f"{switched.name} is {now}")

    def action_revoke(self) -> None:
        """Ask with the figures of this moment."""
        key = self._usable()
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
        )

    async def _revoke(self, key: KeyView) -> None:
        done = await self.ask(RevokeKey(key.id))
        if done is not None:
            self._changed(done.text)

    # --- looking closer

    def action_snippets(self) -> None:
        """What its clients paste."""
        key = self._usable()
        if key is not None:
            self.do(self._show_snippets(key))

    async def _show_snippets(self, key: KeyView) -> None:
        snippets = await self._snippets("", key)
        if snippets:
            self.app.push_screen(SnippetsScreen(self.session, f"Snippets for key {key.name}", snippets))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Its usage and requests."""
        key = self.selected
        if key is not None:
            self.app.push_screen(KeyScreen(self.session, key))
