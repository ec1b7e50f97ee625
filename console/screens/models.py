"""One account at a provider: all about it, and its models with what they cost."""

from collections.abc import Sequence

from textual.app import ComposeResult

from console.commands import FILTER, Command, bindings
from console.filter import Vocabulary, compile_filter
from console.ink import Line
from console.screens.loading import LoadingScreen
from console.screens.prices import per_million, source
from console.screens.upstream_lines import counted, state, step_lines, why
from console.session import Session
from console.widgets.columns import Column
from console.widgets.grid import Grid
from console.widgets.page import Page
from gateway.operations import TestStep, UpstreamView
from gateway.price_operations import ListPrices, PriceView

Model = PriceView
"""A model as it is listed: with its price."""
VOCABULARY: Vocabulary[Model] = Vocabulary(fields={"model": lambda row: row.model}, words=lambda row: (row.model,))


class ModelsScreen(LoadingScreen):
    """Opened from the list of accounts."""

    MODE = "upstreams"
    TITLE_IN_HELP = "Models"
    KEYS = (
        Command("models.copy", "y", "copy name", "Copy the model's name.", "copy_name", shown=True),
        Command(
            "models.copy_direct",
            "Y",
            "copy direct",
            "Copy the name that asks this upstream directly.",
            "copy_direct",
            shown=True,
        ),
        FILTER,
    )
    BINDINGS = bindings(KEYS)
    WATCHED = frozenset({"prices"})

    def __init__(self, session: Session, upstream: UpstreamView, steps: Sequence[TestStep]) -> None:
        super().__init__(session)
        self._upstream = upstream
        self._steps = steps
        self._models = [Model(upstream.provider_id, model, {}, "") for model in upstream.models]

    def body(self) -> ComposeResult:
        """The account above, its models below."""
        yield Page(self._write, focusable=False, classes="above")
        columns: Sequence[Column[Model]] = (
            Column("model", "MODEL", 28, lambda row: row.model, grows=2, most=60),
            Column(
                "direct",
                "ASKED DIRECTLY AS",
                24,
                lambda row: (self._direct(row), "muted"),
                grows=2,
                most=60,
                from_width=100,
            ),
            Column("input", "IN $/M", 9, lambda row: per_million(row, "input"), right=True),
            Column("output", "OUT $/M", 9, lambda row: per_million(row, "output"), right=True),
            Column("source", "PRICE FROM", 18, source, grows=1, most=40),
        )
        empty: Sequence[Line] = (
            (("  It lists no models.", "plain"),),
            (("  Tests (t) refresh the list; e on the list of upstreams adds names by hand.", "muted"),),
        )
        yield Grid(columns, key_of=lambda row: row.model, empty=empty, id="models")

    def _write(self, width: int) -> Sequence[Line]:
        upstream = self._upstream
        return [
            (
                (f" {upstream.name}  ", "strong"),
                state(upstream),
                (f"   {upstream.provider_title}   {upstream.base_url}", "plain"),
            ),
            ((" ", "plain"), why(upstream)),
            ((f" {counted(upstream, self.session.now_micros())}   speaks {', '.join(upstream.protocols)}", "muted"),),
            *((("  ", "plain"), *line) for line in step_lines(self._steps, width - 2)),
            (("─" * width, "rule"),),
        ]

    def _direct(self, row: Model) -> str:
        return f"{self._upstream.name}:{row.model}"

    @property
    def grid(self) -> Grid[Model]:
        """The list."""
        return self.query_one("#models", Grid)

    async def load(self) -> None:
        """The models at once, then what they cost."""
        self.narrow(self.filter_text)
        prices = await self.ask(ListPrices())
        known = {price.model: price for price in prices or () if price.provider_id == self._upstream.provider_id}
        self._models = [known.get(row.model, row) for row in self._models]
        self.narrow(self.filter_text)

    def narrow(self, text: str) -> None:
        """Another filter."""
        passes = compile_filter(text, VOCABULARY)
        self.grid.show(row for row in self._models if passes is None or passes(row))

    def action_copy_name(self) -> None:
        """As clients ask for it."""
        row = self.grid.selected
        if row is not None:
            self.copy(row.model, f"model {row.model}")

    def action_copy_direct(self) -> None:
        """As clients ask for it from this account and no other."""
        row = self.grid.selected
        if row is not None:
            self.copy(self._direct(row), f"model {self._direct(row)}")
