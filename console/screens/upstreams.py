"""The accounts at providers: where requests go, and how each of them is doing."""

from collections.abc import Sequence

from console.commands import FILTER, Command, bindings
from console.filter import compile_filter
from console.ink import Line, Span
from console.screens.forms.upstream import (
    FOUND,
    changed_upstream,
    edit_fields,
    new_upstream,
    picks,
    upstream_fields,
)
from console.screens.lists import PEEK, ListScreen
from console.screens.models import ModelsScreen
from console.screens.upstream_lines import COLUMNS, VOCABULARY, about, in_short, passed, step_lines
from console.session import Session
from console.widgets.confirm import Choice
from console.widgets.form import Form, Values
from console.widgets.grid import Grid
from console.widgets.picker import Picker
from console.widgets.radius import Radius
from gateway.operations import (
    AddUpstream,
    Candidate,
    EditUpstream,
    FindCandidates,
    ListProviders,
    ListRoutes,
    ListUpstreams,
    ProviderView,
    RemoveUpstream,
    SetUpstreamEnabled,
    TestStep,
    TestUpstream,
    UpstreamAdded,
    UpstreamView,
)

TEST_SECONDS = 60.0
BOX = 66
EMPTY: Sequence[Line] = (
    (("  No upstreams yet.", "plain"),),
    (),
    (
        ("  An upstream is your account at a provider, or a server of your own. ", "muted"),
        ("n", "key"),
        (" adds one.", "muted"),
    ),
    (("  Without any account, add the built-in demo.", "muted"),),
)


class UpstreamsScreen(ListScreen[UpstreamView]):
    """The list of accounts."""

    MODE = "upstreams"
    TITLE_IN_HELP = "Upstreams"
    WATCHED = frozenset({"upstreams", "models"})
    KEYS = (
        Command("upstreams.new", "n", "add", "Add an account at a provider, and test it.", "new", shown=True),
        Command("upstreams.test", "t", "test", "Test it again, and refresh its models.", "test", shown=True),
        Command("upstreams.edit", "e", "edit", "Change its name, credential, address or models.", "edit", shown=True),
        Command("upstreams.models", "m", "models", "Show its models and what they cost.", "models", shown=True),
        Command("upstreams.switch", "d", "on/off", "Send nothing there, or use it again.", "switch", shown=True),
        Command("upstreams.remove", "x", "remove", "Remove it; asks first.", "remove", shown=True),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._tests: dict[int, list[TestStep]] = {}
        """What the last test of each showed, as far as it was made here."""

    def grid(self) -> Grid[UpstreamView]:
        """The list."""
        return Grid(COLUMNS, key_of=lambda upstream: upstream.id, empty=EMPTY, id="upstreams")

    async def load(self) -> None:
        """All of them."""
        upstreams = await self.ask(ListUpstreams())
        if upstreams is not None:
            self.put(upstreams)

    def about(self, width: int) -> Sequence[Line]:
        """Its particulars."""
        upstream = self.listing.selected
        return about(upstream, self._tests.get(upstream.id, []), self.session.now_micros, width) if upstream else []

    def in_short(self, width: int) -> Sequence[Line]:
        """Its particulars in three lines."""
        upstream = self.listing.selected
        return in_short(upstream, self.session.now_micros()) if upstream else []

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, VOCABULARY))

    # --- adding

    def action_new(self) -> None:
        """Pick a provider; those found on this machine come first."""
        self.do(self._pick(), group="pick")

    async def _pick(self) -> None:
        providers = await self.ask(ListProviders())
        if providers is None:
            return
        candidates = await self.ask(FindCandidates()) or []
        known = {provider.id: provider for provider in providers}
        found = [candidate for candidate in candidates if candidate.provider_id in known]

        def picked(id_: str | None) -> None:
            if id_ and id_.startswith(FOUND):
                candidate = found[int(id_.removeprefix(FOUND))]
                self._fill_in(known[candidate.provider_id], candidate)
            elif id_:
                self._fill_in(known[id_], None)

        self.app.push_screen(Picker("Add an upstream: whose?", picks(found, providers)), picked)

    def _fill_in(self, provider: ProviderView, candidate: Candidate | None) -> None:
        async def add(values: Values) -> UpstreamAdded:
            operation: AddUpstream = new_upstream(provider.id, values)
            return await self.session.ask(operation, TEST_SECONDS)

        text: list[Span] = [(provider.hint, "plain")] if provider.hint else []
        if provider.docs_url:
            text.append((provider.docs_url, "muted"))
        fields = upstream_fields(provider, candidate)
        form = Form(f"Add {provider.title}", fields, add, text=text, save="add", busy="adding and testing it")
        self.app.push_screen(form, lambda added: self._added(added) if added else None)

    def _added(self, added: UpstreamAdded) -> None:
        self.go_to(added.upstream.id)
        self._show_test(added, "added")

    # --- testing

    def action_test(self) -> None:
        """Test the selected one."""
        upstream = self.selected
        if upstream is not None:
            self.tell(f"testing {upstream.name} …")
            self.do(self._test(upstream), group="test")

    async def _test(self, upstream: UpstreamView) -> None:
        tested = await self.ask(TestUpstream(upstream.id), TEST_SECONDS)
        if tested is not None:
            self.enter()
            self._show_test(tested, "tested")

    def _show_test(self, tested: UpstreamAdded, done: str) -> None:
        upstream, steps = tested.upstream, tested.test
        self._tests[upstream.id] = steps
        good = passed(steps)
        if good:
            self.tell(f"{done} {upstream.name}: {len(upstream.models)} models", "success")
        else:
            self.tell(f"{done} {upstream.name}, but the test failed; e changes it, t tests again", "error")
        title: Line = (("  ", "plain"), (upstream.name, "strong"), (f"  {upstream.base_url}", "muted"))
        lines: list[Line] = [title, (), *((("  ", "plain"), *line) for line in step_lines(steps, BOX - 4))]
        again = [Choice("test", "t", "test again"), Choice("edit", "e", "edit", "change its address or credential")]
        self.ask_operator(
            "It works" if good else "It does not work yet",
            lines,
            [] if good else again,
            lambda answer: self.action_test() if answer == "test" else self._edit(upstream),
            no="close",
        )

    # --- changing

    def action_edit(self) -> None:
        """Change the selected one."""
        upstream = self.selected
        if upstream is not None:
            self._edit(upstream)

    def _edit(self, upstream: UpstreamView) -> None:
        async def change(values: Values) -> UpstreamView:
            return await self.session.ask(changed_upstream(upstream, values))

        def without_secret(values: Values) -> EditUpstream:
            return changed_upstream(upstream, {**values, "credential": ""})

        radius = Radius(self.session, without_secret)
        form = Form(f"Upstream {upstream.name}", edit_fields(upstream), change, radius=radius)
        told = "changed upstream {0}; t tests it"
        self.app.push_screen(form, lambda changed: self._changed(told.format(changed.name)) if changed else None)

    def _changed(self, told: str) -> None:
        self.tell(told, "success")
        self.enter()

    def action_switch(self) -> None:
        """On at once; off as well unless something runs there."""
        upstream = self.selected
        if upstream is not None and upstream.enabled and upstream.running:
            change = SetUpstreamEnabled(upstream.id, False)
            question = f"Send nothing new to {upstream.name}?"
            self.confirm(question, "disable", "leave it on", lambda: self.do(self._switch(upstream, False)), change)
        elif upstream is not None:
            self.do(self._switch(upstream, not upstream.enabled))

    async def _switch(self, upstream: UpstreamView, enabled: bool) -> None:
        switched = await self.ask(SetUpstreamEnabled(upstream.id, enabled))
        if switched is not None:
            now = "on again" if enabled else "off: nothing new goes there; d turns it on again"
            self._changed(f"{switched.name} is {now}")

    # --- removing

    def action_remove(self) -> None:
        """Ask with what hangs on it."""
        upstream = self.selected
        if upstream is not None:
            self.do(self._ask_to_remove(upstream))

    async def _ask_to_remove(self, upstream: UpstreamView) -> None:
        routes = await self.ask(ListRoutes()) or []
        using = [route.name for route in routes if any(target.upstream == upstream.name for target in route.targets)]
        used = bool(upstream.running or upstream.requests_today)
        hanging = f"Routes that send there lose it: {', '.join(using)}." if using else "No route sends there."
        lines: list[Line] = [
            (("  ", "plain"), (upstream.name, "strong"), (f"  {upstream.base_url}", "muted")),
            ((f"  {upstream.requests_today} requests today, {upstream.running} running, which go on.", "plain"),),
            ((f"  {hanging}", "warning" if using else "plain"),),
            (("  Its credential is forgotten. Its requests stay on record.", "plain"),),
        ]
        milder = [Choice("off", "d", "disable", "send nothing there, and keep it")] if upstream.enabled else []
        remove = Choice("remove", "y", "remove", "for good")
        self.ask_operator(
            "Remove this upstream?",
            lines,
            milder if used else [*milder, remove],
            lambda answer: self.do(self._remove(upstream) if answer == "remove" else self._switch(upstream, False)),
            no="keep it",
            grave=Choice("remove", "y", "remove it for good") if used else None,
            word=upstream.name,
            change=RemoveUpstream(upstream.id),
        )

    async def _remove(self, upstream: UpstreamView) -> None:
        done = await self.ask(RemoveUpstream(upstream.id))
        if done is not None:
            self._changed(done.text)

    # --- looking closer

    def action_models(self) -> None:
        """Its models."""
        upstream = self.selected
        if upstream is not None:
            steps = self._tests.get(upstream.id, [])
            self.app.push_screen(ModelsScreen(self.session, upstream, steps))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """All about it, and its models."""
        self.action_models()
