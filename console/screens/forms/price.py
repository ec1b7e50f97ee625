"""The form of a model's price: dollars per million tokens, meter by meter."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from console.ink import Span
from console.units import MICROS
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
HIGHEST = Decimal(1_000_000)


def dollars(micros: int) -> str:
    """A price as it would be typed."""
    return f"{Decimal(micros) / MICROS:f}".rstrip("0").rstrip(".") if micros % MICROS else str(micros // MICROS)


def amount(text: str) -> Decimal | None:
    """A price that was typed; None when it is none."""
    try:
        value = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < HIGHEST else None


def price_check(text: str) -> str:
    """What is wrong with a price."""
    return "" if not text or amount(text) is not None else "Dollars, such as 2.50 or 0.075."


def _needed(text: str) -> str:
    return price_check(text) if text else "A price is needed; 0 for what costs nothing."


def price_fields(price: PriceView) -> Sequence[Field]:
    """All meters, with what holds now."""
    return [
        Field(
            meter,
            label,
            dollars(price.prices[meter]) if meter in price.prices else "",
            hint,
            _needed if meter in ("input", "output") else price_check,
        )
        for meter, (label, hint) in METERS.items()
    ]


def new_price(price: PriceView, values: Values) -> SetPrice:
    """A price as it was filled in."""
    typed = {meter: amount(values[meter]) for meter in METERS if values[meter]}
    prices = {meter: micros for meter, micros in price.prices.items() if meter not in METERS}
    prices |= {meter: int(value * MICROS) for meter, value in typed.items() if value is not None}
    return SetPrice(price.provider_id, price.model, prices)


def price_text(price: PriceView) -> list[Span]:
    """Where the present price comes from."""
    told = f"At present from: {price.source}." if price.prices else "It has no price yet."
    return [(f"{price.model} at {price.provider_id}. {told}", "plain")]
