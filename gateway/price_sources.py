"""Where prices come from: what the operator set, lists that were taken on, our supplement, genai-prices, local servers.

Each source tells a model's rate at a moment. Which source goes first is decided elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from data.presets import load_presets
from data.supplement import PriceRow, load_price_rows
from gateway.meters import REQUEST, UNITS
from gateway.rates import MILLION, Origin, Rate, Variant, make_rate, per_million
from gateway.snapshot import PriceListFacts, PriceOverrideFacts

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, TieredPrices

GLOB = frozenset("*?[")
Source = Callable[[datetime], Rate | None]
"""A model's rate at a moment, where this source has one then."""


def warm() -> None:
    """Load genai-prices and our tables: a fifth of a second, so call it in a thread after start."""
    supplement()
    local_providers()
    library()
    library_version()


# --- the operator's -------------------------------------------------------------------------------------------------


def overridden(overrides: Iterable[PriceOverrideFacts], provider_id: str, model: str) -> list[Source]:
    """The operator's prices, those with the most specific pattern first, of equals the one set last."""
    fitting = [o for o in overrides if o.provider_id == provider_id and fits(model, o.pattern.lower())]
    fitting.sort(key=lambda o: (o.pattern.lower() == model, len(o.pattern), o.id), reverse=True)
    return [_while(_override_rate(o), o.since, o.until) for o in fitting]


def fits(model: str, pattern: str) -> bool:
    """Whether a model's name is meant; most patterns are plain names."""
    return model == pattern or (not GLOB.isdisjoint(pattern) and fnmatchcase(model, pattern))


def _override_rate(override: PriceOverrideFacts) -> Rate:
    origin = Origin("set by the operator", f"#{override.id}", override.pattern, day_of(override.since))
    return make_rate(
        origin, {meter: per_million(Decimal(micros), UNITS[meter].per) for meter, micros in override.prices.items()}
    )


def _while(rate: Rate, since: int, until: int | None) -> Source:
    start, end = moment_of(since), moment_of(until) if until is not None else None
    return lambda moment: rate if start <= moment and (end is None or moment < end) else None


def moment_of(at: int) -> datetime:
    """UTC microseconds as a moment."""
    return datetime.fromtimestamp(at / MILLION, UTC)


def day_of(at: int) -> str:
    """UTC microseconds as a date."""
    return moment_of(at).date().isoformat()


# --- rows: lists that were taken on, and our supplement -------------------------------------------------------------


class TakenList(Struct, frozen=True):
    """A list of prices that the operator took on, with its rows."""

    facts: PriceListFacts
    rows: list[PriceRow]


def read_lists(lists: Iterable[PriceListFacts]) -> list[TakenList]:
    """The lists, the latest first."""
    taken = [TakenList(facts, msgspec.json.decode(facts.rows, type=list[PriceRow])) for facts in lists]
    return sorted(taken, key=lambda each: each.facts.id, reverse=True)


def listed(lists: Iterable[TakenList], provider_id: str, model: str) -> Iterator[Source]:
    """A model's prices in lists that were taken on."""
    for taken in lists:
        facts = taken.facts
        for row in fitting_rows(taken.rows, provider_id, model):
            origin = Origin(facts.source, facts.version, row_name(row), day_of(facts.accepted_at))
            rate = row_rate(row, origin)
            since = max(facts.accepted_at, int(_start(row).timestamp()) * MILLION)
            yield _while(rate, since, facts.withdrawn_at)


def supplemented(provider_id: str, model: str) -> Iterator[Source]:
    """A model's prices in our supplement."""
    for row in fitting_rows(supplement(), provider_id, model):
        origin = Origin(f"supplement, {row.source}", f"since {row.since}", row_name(row), f"seen {row.seen}")
        yield _from(row, row_rate(row, origin))


def fitting_rows(rows: list[PriceRow], provider_id: str, model: str) -> list[PriceRow]:
    """The rows for a model; the last that holds goes first."""
    return [
        row for row in reversed(rows) if provider_id in row.providers and any(fits(model, name) for name in row.models)
    ]


def row_name(row: PriceRow) -> str:
    """How a row is told apart from others."""
    return f"{row.providers[0]}/{row.models[0]}"


def row_rate(row: PriceRow, origin: Origin) -> Rate:
    """What a row says, as a rate."""
    base, tiers = _micros_of(row.prices), [(tier.above, _micros_of(tier.prices)) for tier in row.tiers]
    variants = []
    for variant in row.variants:
        changed = _micros_of(variant.prices)
        own = [(tier.above, base | changed | _micros_of(tier.prices)) for tier in variant.tiers]
        usual = make_rate(origin, base | changed, own or [(above, table | changed) for above, table in tiers])
        variants.append(Variant(variant.when, usual.prices, usual.tiers))
    return make_rate(origin, base, tiers, variants)


def _from(row: PriceRow, rate: Rate) -> Source:
    return lambda moment: rate if moment.date() >= row.since else None


def _start(row: PriceRow) -> datetime:
    return datetime(row.since.year, row.since.month, row.since.day, tzinfo=UTC)


def _micros_of(dollars: Mapping[str, str]) -> dict[str, Decimal]:
    return {meter: per_million(Decimal(price) * MILLION, UNITS[meter].per) for meter, price in dollars.items()}


@cache
def supplement() -> list[PriceRow]:
    """Our own rows."""
    return load_price_rows()


# --- local servers --------------------------------------------------------------------------------------------------


def local(provider_id: str) -> list[Source]:
    """Nothing is paid for what runs on the operator's own machine."""
    return [lambda _: _LOCAL] if provider_id in local_providers() else []


@cache
def local_providers() -> frozenset[str]:
    """Those that are servers on the operator's own machine."""
    return frozenset(preset.id for preset in load_presets() if preset.local)


_LOCAL = make_rate(Origin("local, free"), {"input": Decimal(), "output": Decimal()})


# --- genai-prices ---------------------------------------------------------------------------------------------------

LIBRARY_KEYS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_tool_mtok": "tool_prompt",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input_audio",
    "input_image_mtok": "input_image",
    "input_video_mtok": "input_video",
    "cache_audio_read_mtok": "cache_read_audio",
    "cache_image_read_mtok": "cache_read_image",
    "output_audio_mtok": "output_audio",
    "output_image_mtok": "output_image",
    "output_video_mtok": "output_video",
    "input_mchars": "characters",
    "audio_hours": "audio_seconds",
    "input_audio_hours": "audio_seconds",
    "web_searches_kcount": "web_searches",
    "storage_searches_kcount": "file_searches",
    "requests_kcount": REQUEST,
}
"""What of genai-prices' keys is which meter."""
LIBRARY_UNITS = {"mtok": 1_000_000, "mchars": 1_000_000, "hours": 3600, "kcount": 1000}
"""For how much of it genai-prices says a price, by how the key ends."""


@cache
def library() -> "DataSnapshot":
    """The prices of the package."""
    from genai_prices.data_snapshot import get_snapshot  # a fifth of a second: not on the way to the first screen

    return get_snapshot()


@cache
def library_version() -> str:
    """Of the package, which is that of its prices."""
    from importlib.metadata import version

    return version("genai-prices")


def bundled(price_id: str, model: str) -> list[Source]:
    """A model's prices in genai-prices."""
    try:
        _, info = library().find_provider_model(model, None, price_id, None)
    except LookupError:
        return []
    return [LibraryModel(price_id, info, Origin("genai-prices", library_version())).rate]


class LibraryModel:
    """A model of genai-prices, whose prices may change with the date, the hour, and the terms of a request."""

    def __init__(self, price_id: str, info: "ModelInfo", origin: Origin) -> None:
        self._info = info
        self._origin = msgspec.structs.replace(origin, row=f"{price_id}/{info.id}")
        self._made: dict[tuple[int, ...], Rate | None] = {}

    def rate(self, moment: datetime) -> Rate | None:
        """What holds then."""
        price = self._info.get_prices(moment)
        variants = self._info.price_variants or []
        active = [at for at, each in enumerate(variants) if not each.constraint or each.constraint.active(moment)]
        key = (id(price), *active)
        if key not in self._made:
            terms = [variants[at].when for at in active if variants[at].prices.__dict__]
            self._made[key] = self._make(price, [(when, self._info.get_prices(moment, when)) for when in terms])
        return self._made[key]

    def _make(self, price: "ModelPrice", variants: list[tuple[dict[str, str], "ModelPrice"]]) -> Rate | None:
        tables, notes = self._tables(price)
        base = tables.pop(0)
        if not base and not self._info.id.endswith(":free"):
            return None
        origin = msgspec.structs.replace(self._origin, date=_started(self._info.prices, price))
        others = [_variant(when, self._tables(changed)[0]) for when, changed in variants]
        return make_rate(origin, base or _FREE, sorted(tables.items()), others, notes)

    def _tables(self, price: "ModelPrice") -> tuple[dict[int, dict[str, Decimal]], dict[str, str]]:
        """Prices by the input above which they begin, at 0 the base; and what is not said outright."""
        tables = _library_tables(price)
        if "claude" not in self._info.id or "cache_write_1h" in tables[0] or "input" not in tables[0]:
            return tables, {}
        for table in tables.values():
            table["cache_write_1h"] = 2 * table["input"]
        return tables, {"cache_write_1h": "one-hour cache writes at twice the input price"}


_FREE = {"input": Decimal(), "output": Decimal()}


def _started(prices: "ModelPrice | list[ConditionalPrice]", price: "ModelPrice") -> str:
    """Since when genai-prices has this price, where it says so."""
    for conditional in prices if isinstance(prices, list) else ():
        if conditional.prices is price:
            return str(getattr(conditional.constraint, "start_date", ""))
    return ""


def _variant(when: dict[str, str], tables: dict[int, dict[str, Decimal]]) -> Variant:
    rate = make_rate(Origin(""), tables.pop(0), sorted(tables.items()))
    return Variant(when, rate.prices, rate.tiers)


def _library_tables(price: "ModelPrice") -> dict[int, dict[str, Decimal]]:
    known = {key: value for key in LIBRARY_KEYS if (value := getattr(price, key)) is not None}
    starts = {0}.union(*(_starts(value) for value in known.values()))
    return {start: dict(_library_price(key, _at(value, start)) for key, value in known.items()) for start in starts}


def _library_price(key: str, dollars: Decimal) -> tuple[str, Decimal]:
    return LIBRARY_KEYS[key], per_million(dollars * MILLION, LIBRARY_UNITS[key.rpartition("_")[2]])


def _starts(price: "Decimal | TieredPrices") -> set[int]:
    return set() if isinstance(price, Decimal) else {tier.start for tier in price.tiers}


def _at(price: "Decimal | TieredPrices", start: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if start >= tier.start > 0), price.base)
