"""What models cost: the prices that apply, where each comes from, and the operator's own."""

from collections.abc import Sequence
from functools import partial

from console.commands import FILTER, Command, bindings
from console.filter import Vocabulary, compile_filter
from console.ink import Line, Span
from console.screens.forms.price import new_price, price_fields, price_text
from console.screens.key_lines import fact
from console.screens.lists import PEEK, ListScreen
from console.screens.repricing import AdjustmentsScreen, ask_for_period
from console.units import money
from console.widgets.columns import Column
from console.widgets.confirm import Choice
from console.widgets.grid import Grid
from gateway.meters import UNITS
from gateway.price_operations import ListPrices, PriceView, RemovePrice

EMPTY: Sequence[Line] = (
    (("  No models yet.", "plain"),),
    (),
    (
        ("  Prices are listed for the models of your upstreams. ", "muted"),
        ("3 n", "key"),
        (" adds an upstream.", "muted"),
    ),
)
VOCABULARY: Vocabulary[PriceView] = Vocabulary(
    fields={
        "model": lambda price: price.model,
        "provider": lambda price: price.provider_id,
        "source": lambda price: price.source,
        "priced": lambda price: "yes" if price.prices else "no",
    },
    words=lambda price: (price.model, price.provider_id, price.source),
    named={"unpriced": "priced:no"},
)


def per_million(price: PriceView, meter: str) -> Span:
    """One meter, in dollars per million tokens."""
    return (money(price.prices[meter]) if meter in price.prices else "", "plain")


def source(price: PriceView) -> Span:
    """Where it comes from, or that there is none."""
    return (price.source, "muted") if price.prices else ("no price", "warning")


COLUMNS: Sequence[Column[PriceView]] = (
    Column("model", "MODEL", 26, lambda price: price.model, grows=3, most=50),
    Column("provider", "PROVIDER", 10, lambda price: (price.provider_id, "muted"), grows=1, most=16),
    Column("input", "IN $/M", 9, lambda price: per_million(price, "input"), right=True),
    Column("output", "OUT $/M", 9, lambda price: per_million(price, "output"), right=True),
    Column("cached", "CACHED", 9, lambda price: per_million(price, "cache_read"), right=True, from_width=84),
    Column("source", "FROM", 14, source, grows=2, most=40),
)


class PricesScreen(ListScreen[PriceView]):
    """Opened from Usage and Settings."""

    MODE = "usage"
    TITLE_IN_HELP = "Prices"
    WATCHED = frozenset({"prices", "models", "upstreams"})
    KEYS = (
        Command("prices.edit", "e", "set", "Set the price of the selected model.", "edit", shown=True),
        Command("prices.remove", "x", "remove", "Let a price of yours go; asks first.", "remove", shown=True),
        Command("prices.unpriced", "!", "unpriced", "Show only models without a price.", "unpriced", shown=True),
        Command("prices.reprice", "r", "re-price", "Preview a period at the prices of now.", "reprice", shown=True),
        Command(
            "prices.adjustments",
            "A",
            "booked",
            "Show what re-pricing booked, to reverse it.",
            "adjustments",
            shown=True,
        ),
        FILTER,
        PEEK,
    )
    BINDINGS = bindings(KEYS)

    def grid(self) -> Grid[PriceView]:
        """The list."""
        return Grid(COLUMNS, key_of=lambda price: (price.provider_id, price.model), empty=EMPTY, id="prices")

    async def load(self) -> None:
        """All of them."""
        prices = await self.ask(ListPrices())
        if prices is not None:
            self.put(prices)

    def about(self, width: int) -> Sequence[Line]:
        """Every meter of the selected model."""
        price = self.listing.selected
        if price is None:
            return []
        lines: list[Line] = [((price.model, "strong"),), ((price.provider_id, "muted"),), (), source_line(price), ()]
        for meter, micros in price.prices.items():
            lines += fact(meter.replace("_", " "), f"{money(micros)} per {UNITS[meter].name}", width, 16)
        return lines

    def in_short(self, width: int) -> Sequence[Line]:
        """The same in three lines."""
        price = self.listing.selected
        if price is None:
            return []
        meters = ", ".join(f"{meter.replace('_', ' ')} {money(micros)}" for meter, micros in price.prices.items())
        return [
            ((f" {price.model}", "strong"), (f"  {price.provider_id}", "muted")),
            source_line(price),
            ((f" {meters}", "plain"),),
        ]

    def narrow(self, text: str) -> None:
        """Another filter."""
        self.keep(compile_filter(text, VOCABULARY))

    def action_unpriced(self) -> None:
        """Those without a price; again for all."""
        self.set_filter("" if self.filter_text == "@unpriced" else "@unpriced")

    def action_reprice(self) -> None:
        """Which period?"""
        ask_for_period(self)

    def action_adjustments(self) -> None:
        """What was booked."""
        self.app.push_screen(AdjustmentsScreen(self.session))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Set it."""
        self.action_edit()

    def action_edit(self) -> None:
        """Fill in a price."""
        price = self.selected
        if price is not None:
            self.fill_in(
                f"Price of {price.model}",
                price_fields(price),
                partial(new_price, price),
                lambda now: self._changed(f"set the price of {now.model}"),
                text=price_text(price),
            )

    def _changed(self, told: str) -> None:
        self.tell(f"{told}; it holds for requests from now on", "success")
        self.enter()

    def action_remove(self) -> None:
        """Ask first."""
        price = self.selected
        if price is not None:
            lines: list[Line] = [
                (("  ", "plain"), (price.model, "strong")),
                (("  The price of our tables applies again, if they have one.", "plain"),),
            ]
            self.ask_operator(
                "Remove your price?",
                lines,
                [Choice("remove", "y", "remove")],
                lambda _: self.do(self._remove(price)),
                no="keep it",
                change=RemovePrice(price.provider_id, price.model),
            )

    async def _remove(self, price: PriceView) -> None:
        done = await self.ask(RemovePrice(price.provider_id, price.model))
        if done is not None:
            self._changed(done.text)


def source_line(price: PriceView) -> Line:
    """Where the price comes from."""
    if price.prices:
        return ((f" price from {price.source}", "plain"),)
    return ((" no price: its requests are counted, but cost nothing on record; e sets one", "warning"),)
