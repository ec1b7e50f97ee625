"""The routes in the order they are tried, and the aliases that are looked up before them."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal

from console.commands import FILTER, Command, bindings
from console.filter import Vocabulary, compile_filter
from console.ink import Line
from console.screens.explain import ExplainScreen
from console.screens.forms.route import alias_fields, in_order, preview, route_fields, saved_route, write_target
from console.screens.key_lines import fact
from console.screens.lists import PEEK, ListScreen
from console.session import Session
from console.units import count
from console.widgets.columns import Column
from console.widgets.confirm import Choice
from console.widgets.grid import Grid
from console.widgets.page import Page
from gateway.operations import (
    AliasView,
    Done,
    ListAliases,
    ListRoutes,
    ListUpstreams,
    MoveRoute,
    Operation,
    RemoveAlias,
    RemoveRoute,
    RouteView,
    SaveAlias,
    SetRouteEnabled,
    UpstreamView,
)

EMPTY: Sequence[Line] = (
    (("  No routes: each model goes to the upstreams that list it.", "plain"),),
    (),
    (
        ("  A route sends models to upstreams of your choice, in order. ", "muted"),
        ("n", "key"),
        (" adds one, ", "muted"),
    ),
    (("  w", "key"), (" tells where a request would go now.", "muted")),
)
NO_ALIASES: Sequence[Line] = (((" a", "key"), (" lets clients ask for a model by another name.", "muted")),)
VOCABULARY: Vocabulary[RouteView] = Vocabulary(
    fields={
        "name": lambda route: route.name,
        "pattern": lambda route: route.pattern,
        "state": lambda route: "on" if route.enabled else "off",
        "req": lambda route: route.requests_today,
    },
    words=lambda route: (route.name, route.pattern, in_order(route.targets)),
)
COLUMNS: Sequence[Column[RouteView]] = (
    Column("position", "#", 2, lambda route: (str(route.position), "muted"), right=True),
    Column("name", "NAME", 12, lambda route: (route.name, "plain" if route.enabled else "muted"), grows=1, most=22),
    Column("pattern", "MODELS", 16, lambda route: route.pattern, grows=2, most=40),
    Column("targets", "SEND TO", 22, lambda route: (in_order(route.targets), "accent"), grows=3, most=70),
    Column("state", "STATE", 5, lambda route: ("● on", "plain") if route.enabled else ("○ off", "warning")),
    Column("requests", "REQ", 6, lambda route: count(route.requests_today), right=True),
)
ALIAS_COLUMNS: Sequence[Column[AliasView]] = (
    Column("name", "ALIAS", 24, lambda alias: alias.name, grows=1, most=40),
    Column("model", "STANDS FOR", 30, lambda alias: (f"→ {alias.model}", "accent"), grows=2, most=60),
)


class RoutesScreen(ListScreen[RouteView]):
    """Changes hold at once."""

    MODE = "routes"
    TITLE_IN_HELP = "Routes"
    WATCHED = frozenset({"routes", "aliases", "upstreams"})
    KEYS = (
        Command("routes.new", "n", "new", "Add a route at the end.", "new", shown=True),
        Command("routes.edit", "e", "edit", "Change the selected route.", "edit"),
        Command("routes.down", "J", "later", "Try it later.", "shift(1)", shown=True),
        Command("routes.up", "K", "earlier", "Try it earlier.", "shift(-1)", shown=True),
        Command("routes.switch", "d", "on/off", "Pass it over, or follow it again.", "switch", shown=True),
        Command("routes.explain", "w", "where to", "Tell where a request would go, and why.", "explain", shown=True),
        Command("routes.alias", "a", "alias", "Let a name stand for a model.", "alias", shown=True),
        Command(
            "routes.remove", "x", "delete", "Delete the selected route or alias; asks first.", "remove", shown=True
        ),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._aliases: list[AliasView] = []

    def body(self) -> ComposeResult:
        """Routes above, aliases below."""
        with Horizontal(classes="listed"):
            yield self.grid()
            yield Page(self.about, focusable=False, classes="peek")
        yield Page(lambda width: [(("─" * width, "rule"),)], focusable=False, classes="rule")
        yield Grid(ALIAS_COLUMNS, key_of=lambda alias: alias.name, empty=NO_ALIASES, id="aliases")

    def grid(self) -> Grid[RouteView]:
        """The routes."""
        return Grid(COLUMNS, key_of=lambda route: route.id, empty=EMPTY, id="routes")

    async def load(self) -> None:
        """Routes and aliases."""
        routes, aliases = await self.ask(ListRoutes()), await self.ask(ListAliases())
        if routes is not None and aliases is not None:
            self._aliases = aliases
            self._alias_grid.show(aliases)
            self.put(routes)

    @property
    def _alias_grid(self) -> Grid[AliasView]:
        return self.query_one("#aliases", Grid)

    def about(self, width: int) -> Sequence[Line]:
        """The selected route, target by target."""
        route = self.listing.selected
        if route is None:
            return []
        lines: list[Line] = [((route.name, "strong"),), ()]
        for label, text in {"models": route.pattern, "state": "on" if route.enabled else "off: passed over"}.items():
            lines += fact(label, text, width)
        lines += [*fact("today", f"{count(route.requests_today)} requests", width), (), (("in this order", "muted"),)]
        for target in sorted(route.targets, key=lambda target: target.priority):
            lines += [
                ((f"{target.priority:>2}  ", "accent"), (write_target(target).split()[0], "plain")),
                ((f"    weight {target.weight}", "muted"),),
            ]
        return lines

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, VOCABULARY))

    # --- routes

    def action_new(self) -> None:
        """Fill in a new one."""
        self.do(self._fill_in(None), group="form")

    def action_edit(self) -> None:
        """Change the selected one."""
        route = self.selected
        if route is not None:
            self.do(self._fill_in(route), group="form")

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Enter edits a route."""
        if event.grid is self.listing:
            self.action_edit()

    async def _fill_in(self, route: RouteView | None) -> None:
        upstreams = await self.ask(ListUpstreams())
        if upstreams is not None:
            self._show_form(route, upstreams)

    def _show_form(self, route: RouteView | None, upstreams: Sequence[UpstreamView]) -> None:
        self.fill_in(
            f"Route {route.name}" if route else "New route",
            route_fields(route, upstreams),
            lambda values: saved_route(route, values, upstreams),
            self._saved,
            preview=lambda values, width: preview(values, upstreams, width),
        )

    def _saved(self, route: RouteView) -> None:
        self.tell(f"saved route {route.name}: it holds from now on", "success")
        self.go_to(route.id)

    def action_shift(self, by: int) -> None:
        """Another place in the order."""
        route = self.selected
        if route is None:
            return
        place = route.position + by
        if not 1 <= place <= len(self.rows):
            self.tell("That route is tried first already." if by < 0 else "That route is tried last already.")
        else:
            self.do(self._act(MoveRoute(route.id, place)))

    async def _act(self, operation: Operation[Done]) -> None:
        done = await self.ask(operation)
        if done is not None:
            self.tell(done.text, "success")
            self.enter()

    def action_switch(self) -> None:
        """On or off, at once."""
        route = self.selected
        if route is not None:
            self.do(self._switch(route, not route.enabled))

    async def _switch(self, route: RouteView, enabled: bool) -> None:
        switched = await self.ask(SetRouteEnabled(route.id, enabled))
        if switched is not None:
            now = "on again" if enabled else "off: it is passed over until d turns it on again"
            self.tell(f"route {switched.name} is {now}", "success")
            self.enter()

    def action_explain(self) -> None:
        """Ask about a model, at first one that the selected route takes."""
        route = self.listing.selected
        first = route.pattern.split(",")[0].strip() if route else ""
        self.app.push_screen(ExplainScreen(self.session, "" if "*" in first or "?" in first else first))

    # --- aliases

    def action_alias(self) -> None:
        """Fill in a new alias."""

        self.fill_in(
            "New alias",
            alias_fields(),
            lambda values: SaveAlias(values["name"], values["model"]),
            self._alias_saved,
        )

    def _alias_saved(self, alias: AliasView) -> None:
        self.tell(f"{alias.name} now stands for {alias.model}", "success")
        self.enter()

    # --- removing

    def action_remove(self) -> None:
        """What has the focus: a route, or an alias."""
        if self._alias_grid.has_focus:
            self._ask_to_remove_alias()
        else:
            self._ask_to_remove_route()

    def _ask_to_remove_alias(self) -> None:
        alias = self._alias_grid.selected
        if alias is None:
            self.tell("There is no alias to remove.")
            return
        text: list[Line] = [
            (("  ", "plain"), (alias.name, "strong"), (f" will no longer stand for {alias.model}.", "plain"))
        ]
        change = RemoveAlias(alias.name)
        self.ask_operator(
            "Remove this alias?",
            text,
            [Choice("remove", "y", "remove")],
            lambda _: self.do(self._act(change)),
            no="keep it",
            change=change,
        )

    def _ask_to_remove_route(self) -> None:
        route = self.selected
        if route is None:
            return
        text: list[Line] = [
            (("  ", "plain"), (route.name, "strong"), (f"  {route.pattern} → {in_order(route.targets)}", "plain")),
            (
                (
                    f"  {count(route.requests_today)} requests took it today.",
                    "warning" if route.requests_today else "plain",
                ),
            ),
            (("  Its models then go to the next route that fits, or to the", "plain"),),
            (("  upstreams that list them. ", "plain"), ("w", "key"), (" tells where.", "plain")),
        ]
        milder = [Choice("off", "d", "disable", "pass it over, and keep it")] if route.enabled else []
        self.ask_operator(
            "Delete this route?",
            text,
            [*milder, Choice("remove", "y", "delete", "for good")],
            lambda answer: self.do(
                self._act(RemoveRoute(route.id)) if answer == "remove" else self._switch(route, False)
            ),
            no="keep it",
            change=RemoveRoute(route.id),
        )
