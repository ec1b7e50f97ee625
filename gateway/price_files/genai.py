"""genai-prices' `data.json`: a JSON list of providers with their models, which may have several prices by date."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import Struct

from data.presets import load_presets
from data.supplement import PriceRow, PriceTier
from gateway.meters import UNITS
from gateway.price_files.dollars import as_text
from gateway.price_sources import LIBRARY_KEYS, LIBRARY_UNITS


class Tier(Struct, frozen=True):
    start: int
    price: Decimal


class Tiered(Struct, frozen=True):
    base: Decimal
    tiers: list[Tier]


Prices = dict[str, Decimal | Tiered]


class Constraint(Struct, frozen=True):
    start_date: date | None = None


class Conditional(Struct, frozen=True):
    prices: Prices
    constraint: Constraint | None = None


class Model(Struct, frozen=True):
    id: str
    prices: Prices | list[Conditional]


class Provider(Struct, frozen=True):
    id: str
    models: list[Model]


def read(content: bytes, today: date) -> tuple[list[PriceRow], int]:
    """The rows of providers that we know, and how many others there are."""
    ours: dict[str, list[str]] = {}
    for preset in load_presets():
        if preset.price_id:
            ours.setdefault(preset.price_id, []).append(preset.id)
    providers = msgspec.json.decode(content, type=list[Provider])
    models = [(provider.id, model) for provider in providers for model in provider.models]
    rows = [
        row for provider, model in models if provider in ours and (row := _row(ours[provider], provider, model, today))
    ]
    return rows, len(models) - len(rows)


def _row(providers: list[str], provider: str, model: Model, today: date) -> PriceRow | None:
    prices = _holding(model, today)
    tables = {start: dict(_table(prices, start)) for start in {0, *_starts(prices)}}
    base = tables.pop(0)
    return (
        PriceRow(
            providers=providers,
            models=[model.id],
            since=today,
            seen=today,
            source=f"{provider}/{model.id}",
            prices=base,
            tiers=[PriceTier(start, table) for start, table in sorted(tables.items())],
        )
        if base
        else None
    )


def _holding(model: Model, today: date) -> Prices:
    """The last price that has begun, leaving aside those for some hours of the day."""
    if not isinstance(model.prices, list):
        return model.prices
    begun = [each for each in model.prices[1:] if _begun(each.constraint, today)]
    return (begun or model.prices[:1])[-1].prices if model.prices else {}


def _begun(constraint: Constraint | None, today: date) -> bool:
    return constraint is None or (constraint.start_date is not None and constraint.start_date <= today)


def _starts(prices: Prices) -> Iterator[int]:
    for price in prices.values():
        if isinstance(price, Tiered):
            yield from (tier.start for tier in price.tiers)


def _table(prices: Prices, start: int) -> Iterator[tuple[str, str]]:
    for key, price in prices.items():
        if meter := LIBRARY_KEYS.get(key):
            dollars = _at(price, start) * UNITS[meter].per / LIBRARY_UNITS[key.rpartition("_")[2]]
            yield meter, as_text(dollars)


def _at(price: Decimal | Tiered, start: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if start >= tier.start > 0), price.base)
