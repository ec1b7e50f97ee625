"""What a request costs: which price applies to a model at a moment, and exact arithmetic on it.

Prices are micro-units (millionths of a dollar) per million tokens. Nothing is rounded but a request's total, once.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from data.presets import load_presets
from data.supplement import PriceRow, load_price_rows
from gateway.canonical import Usage
from gateway.operations import PriceView
from gateway.snapshot import PriceOverrideFacts

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

METERS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "tool_prompt", "output", "reasoning")
REQUEST = "request"
"""The meter of what is charged for each request, beside its tokens."""
INPUT_METERS = METERS[:5]
RELATIVES = {
    "cache_read": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "cache_write_5m",
    "tool_prompt": "input",
    "reasoning": "output",
}
"""Whose price a meter takes when it has none of its own."""
KEPT_MODELS = 4096


class Tier(Struct, frozen=True):
    """Prices for a request whose input, cached or not, is more than `above` tokens."""

    above: int
    prices: dict[str, Decimal]


class Rate(Struct, frozen=True):
    """What one model costs: micro-units per million tokens, for every meter."""

    source: str
    prices: dict[str, Decimal]
    tiers: tuple[Tier, ...] = ()
    """By rising `above`; the last that is exceeded replaces the base for the whole request."""
    notes: dict[str, str] = {}
    """Meter to how its price was arrived at, where the source does not say it outright."""

    def prices_for(self, usage: Usage) -> dict[str, Decimal]:
        """The prices that this much input falls under."""
        taken_in = sum(getattr(usage, meter) for meter in INPUT_METERS)
        return next((tier.prices for tier in reversed(self.tiers) if taken_in > tier.above), self.prices)


class PriceLine(Struct, frozen=True, omit_defaults=True):
    """One meter of a charge."""

    meter: str
    tokens: int
    per_million: Decimal
    """Micro-units per million tokens; may have a fraction."""
    amount: Decimal
    """Micro-units, exact."""
    source: str


class Charge(Struct, frozen=True):
    """What one request costs, and why."""

    lines: list[PriceLine]
    total_micros: int


class Dated(Struct, frozen=True):
    """A rate with the times at which it holds."""

    holds: Callable[[datetime], bool]
    rate: Rate


def charge(rate: Rate, usage: Usage) -> Charge:
    """What this usage costs. Only the total is rounded, half up."""
    prices = rate.prices_for(usage)
    counts = {meter: count for meter in METERS if (count := getattr(usage, meter))}
    if REQUEST in prices:
        counts[REQUEST] = 1
    lines = [_line(rate, meter, count, prices[meter]) for meter, count in counts.items()]
    total = sum((line.amount for line in lines), Decimal())
    return Charge(lines=lines, total_micros=int(total.to_integral_value(ROUND_HALF_UP)))


def _line(rate: Rate, meter: str, count: int, price: Decimal) -> PriceLine:
    note = rate.notes.get(meter)
    return PriceLine(
        meter=meter,
        tokens=count,
        per_million=price,
        amount=(count * price).scaleb(-6),
        source=f"{rate.source}; {note}" if note else rate.source,
    )


class PriceBook:
    """All prices in force: what the operator set, our supplement, genai-prices, and nothing for local models."""

    def __init__(self, overrides: Iterable[PriceOverrideFacts] = ()) -> None:
        self._overrides = tuple(overrides)
        self._found: dict[tuple[str, str | None, str], list[Dated]] = {}

    def rate(self, provider_id: str, price_id: str | None, model: str, at: int) -> Rate | None:
        """The rate for a model at a moment (UTC microseconds); None when nobody knows its price."""
        key = (provider_id, price_id, model)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= KEPT_MODELS:
                self._found.clear()
            found = self._found[key] = self._find(provider_id, price_id, model)
        moment = datetime.fromtimestamp(at / 1_000_000, UTC)
        return next((dated.rate for dated in reversed(found) if dated.holds(moment)), None)

    def view(self, provider_id: str, price_id: str | None, model: str, at: int) -> PriceView:
        """The same for a person: prices in whole micro-units, empty when there is none."""
        rate = self.rate(provider_id, price_id, model, at)
        if rate is None:
            return PriceView(provider_id=provider_id, model=model, prices={}, source="")
        prices = {meter: int(price.to_integral_value(ROUND_HALF_UP)) for meter, price in rate.prices.items()}
        tiers = "".join(f"; other prices above {tier.above:,} input tokens" for tier in rate.tiers[:1])
        return PriceView(provider_id=provider_id, model=model, prices=prices, source=rate.source + tiers)

    def _find(self, provider_id: str, price_id: str | None, model: str) -> list[Dated]:
        """All that is known of a model's price from the first source that has it; later entries win."""
        name = model.removeprefix("models/").lower()
        return (
            _overridden(self._overrides, provider_id, name)
            or _supplemented(provider_id, name)
            or (_bundled(price_id, name) if price_id else [])
            or ([_LOCAL] if provider_id in _local_providers() else [])
        )


def warm() -> None:
    """Load genai-prices and our tables: a fifth of a second, so call it in a thread after start."""
    _supplement()
    _local_providers()
    _library()


def _always(_: datetime) -> bool:
    return True


# --- where prices come from -----------------------------------------------------------------------------------------


def _overridden(overrides: tuple[PriceOverrideFacts, ...], provider_id: str, model: str) -> list[Dated]:
    """The operator's price with the most specific pattern."""
    fitting = [o for o in overrides if o.provider_id == provider_id and fnmatchcase(model, o.pattern.lower())]
    if not fitting:
        return []
    chosen = max(fitting, key=lambda o: (o.pattern.lower() == model, len(o.pattern), o.set_at))
    day = datetime.fromtimestamp(chosen.set_at / 1_000_000, UTC).date().isoformat()
    prices = {meter: Decimal(price) for meter, price in chosen.prices.items()}
    return [Dated(_always, _rate(f"set by the operator on {day}", prices))]


def _supplemented(provider_id: str, model: str) -> list[Dated]:
    return [
        Dated(_from(row.since), _supplement_rate(row))
        for row in _supplement()
        if provider_id in row.providers and any(fnmatchcase(model, pattern) for pattern in row.models)
    ]


def _from(since: date) -> Callable[[datetime], bool]:
    return lambda moment: moment.date() >= since


def _supplement_rate(row: PriceRow) -> Rate:
    tiers = [(tier.above, _micros_of(tier.prices)) for tier in row.tiers]
    return _rate(f"supplement, {row.source}, seen {row.seen.isoformat()}", _micros_of(row.prices), tiers)


def _micros_of(dollars: Mapping[str, str]) -> dict[str, Decimal]:
    return {meter: _micros(Decimal(price)) for meter, price in dollars.items()}


@cache
def _supplement() -> list[PriceRow]:
    return load_price_rows()


@cache
def _local_providers() -> frozenset[str]:
    return frozenset(preset.id for preset in load_presets() if preset.local)


@cache
def _library() -> "DataSnapshot":
    from genai_prices.data_snapshot import get_snapshot  # a fifth of a second: not on the way to the first screen

    return get_snapshot()


# --- genai-prices ---------------------------------------------------------------------------------------------------

_LIBRARY_KEYS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_tool_mtok": "tool_prompt",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
}


@lru_cache(KEPT_MODELS)
def _bundled(price_id: str, model: str) -> list[Dated]:
    """A model's prices in genai-prices, oldest first; the first also holds before the others begin."""
    try:
        _, info = _library().find_provider_model(model, None, price_id, None)
    except LookupError:
        return []
    if not isinstance(info.prices, list):
        return _dated(info, info.prices, _always)
    first, *later = info.prices
    found = _dated(info, first.prices, _always)
    for conditional in later:
        found += _dated(info, conditional.prices, conditional.constraint.active if conditional.constraint else _always)
    return found


def _dated(info: "ModelInfo", price: "ModelPrice", holds: Callable[[datetime], bool]) -> list[Dated]:
    tables = _library_tables(price)
    base = tables.pop(0)
    if not base and not info.id.endswith(":free"):
        return []
    notes: dict[str, str] = {}
    if "claude" in info.id and "cache_write_1h" not in base and "input" in base:
        notes["cache_write_1h"] = "one-hour cache writes at twice the input price"
        for table in (base, *tables.values()):
            table["cache_write_1h"] = 2 * table["input"]
    return [Dated(holds, _rate("genai-prices", base, sorted(tables.items()), notes))]


def _library_tables(price: "ModelPrice") -> dict[int, dict[str, Decimal]]:
    """Prices by the input above which they begin; at 0 the base."""
    known = {meter: value for key, meter in _LIBRARY_KEYS.items() if (value := getattr(price, key)) is not None}
    starts = {0}.union(*(_starts(value) for value in known.values()))
    tables = {start: {meter: _micros(_at(value, start)) for meter, value in known.items()} for start in starts}
    if isinstance(price.requests_kcount, Decimal):
        for table in tables.values():
            table[REQUEST] = _micros(price.requests_kcount * 1000)
    return tables


def _starts(price: "Decimal | TieredPrices") -> set[int]:
    return set() if isinstance(price, Decimal) else {tier.start for tier in price.tiers}


def _at(price: "Decimal | TieredPrices", start: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if start >= tier.start > 0), price.base)


# --- making a rate --------------------------------------------------------------------------------------------------


def _rate(
    source: str,
    prices: dict[str, Decimal],
    tiers: Iterable[tuple[int, dict[str, Decimal]]] = (),
    notes: Mapping[str, str] = {},
) -> Rate:
    """A rate that prices every meter: those without a price of their own take their relative's."""
    borrowed = {meter: f"at the price of {relative}" for meter, relative in RELATIVES.items() if meter not in prices}
    return Rate(
        source=source,
        prices=_completed(prices),
        tiers=tuple(Tier(above, _completed(table)) for above, table in tiers),
        notes=borrowed | dict(notes),
    )


def _completed(prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    full = {meter: prices.get(meter, Decimal()) for meter in ("input", "output")}
    for meter, relative in RELATIVES.items():
        full[meter] = prices.get(meter, full[relative])
    if REQUEST in prices:
        full[REQUEST] = prices[REQUEST]
    return full


def _micros(dollars: Decimal) -> Decimal:
    """Micro-units of dollars, written without an exponent."""
    return Decimal(f"{(dollars * 1_000_000).normalize():f}")


_LOCAL = Dated(_always, _rate("local, free", {}))
