"""Our own small list of model prices that ships with the project: dated rows, each with its source.

What a request costs is worked out elsewhere.
"""

from datetime import date
from importlib.resources import files

import msgspec


class PriceTier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices that hold for the whole request once its input is more than `above` tokens."""

    above: int
    prices: dict[str, str]


class PriceVariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices on terms such as `{ resolution = "1080p" }`; a meter that is missing costs what it usually does."""

    when: dict[str, str]
    prices: dict[str, str]
    tiers: list[PriceTier] = []
    """Without any of its own, its prices also replace those of the row's tiers."""


class PriceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `data/reference/prices.toml`: dollars for a meter's unit, as text."""

    providers: list[str]
    models: list[str]
    since: date
    seen: date
    source: str
    prices: dict[str, str]
    tiers: list[PriceTier] = []
    variants: list[PriceVariant] = []


class PriceRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    price: list[PriceRow]


def load_price_rows() -> list[PriceRow]:
    """All rows, in the order of the file."""
    text = files("data.reference").joinpath("prices.toml").read_bytes()
    return msgspec.toml.decode(text, type=PriceRows).price
