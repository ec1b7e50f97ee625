"""The form of a model's price: dollars per million tokens, meter by meter."""

from collections.abc import Sequence

from console.ink import Span
from console.sums import needed_as, optional, read_sum, written_sum
from console.widgets.form import Field, Values
from gateway.price_operations import PriceView, SetPrice

METERS = {
    "input": ("Input", "Dollars per million tokens of fresh input."),
    "output": ("Output", ""),
    "cache_read": ("Cache read", "Empty: as input."),
    "cache_write_5m": ("Cache write", "Kept for five minutes. Empty: as input."),
    "cache_write_1h": ("Cache 1 h", "Kept for an hour. Empty: as cache write."),
    "reasoning": ("Reasoning", "Empty: as output."),
}
"""Meters that are asked for; a price may hold others, which are kept as they are."""


def _needed(text: str) -> str:
    return needed_as(read_sum)(text) if text else "A price is needed; 0 for what costs nothing."


def price_fields(price: PriceView) -> Sequence[Field]:
    """All meters, with what holds now."""
    return [
        Field(
            meter,
            label,
            written_sum(price.prices.get(meter)),
            hint,
            _needed if meter in ("input", "output") else optional(read_sum),
        )
        for meter, (label, hint) in METERS.items()
    ]


def new_price(price: PriceView, values: Values) -> SetPrice:
    """A price as it was filled in."""
    typed = {meter: read_sum(values[meter]) for meter in METERS if values[meter]}
    kept = {meter: micros for meter, micros in price.prices.items() if meter not in METERS}
    return SetPrice(price.provider_id, price.model, kept | typed)


def price_text(price: PriceView) -> list[Span]:
    """Where the present price comes from."""
    told = f"At present from: {price.source}." if price.prices else "It has no price yet."
    return [(f"{price.model} at {price.provider_id}. {told}", "plain")]
