"""What one model costs at a time, and exact arithmetic on it. Where its prices come from is not known here.

Prices are micro-units (millionths of a dollar) per million of what a meter counts. Nothing is rounded but a request's
total, once.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct, field

from gateway.canonical import NO_DETAILS, Usage
from gateway.meters import BUCKETS, INPUT_METERS, OTHERS, PARTS, REQUEST, TOKENS, UNITS

MILLION = 1_000_000
RELATIVES = {
    "cache_read": ("input",),
    "cache_write_5m": ("input",),
    "cache_write_1h": ("cache_write_5m",),
    "tool_prompt": ("input",),
    "reasoning": ("output",),
    "input_audio": ("input",),
    "input_image": ("input",),
    "input_video": ("input",),
    "cache_read_audio": ("cache_read", "input_audio"),
    "cache_read_image": ("cache_read", "input_image"),
    "output_audio": ("output",),
    "output_image": ("output",),
    "output_video": ("output",),
}
"""Whose price a meter takes when it has none of its own: the first that has one, or else the last."""
UNPRICED = "no price is known for it, so it is not charged"
SERVICE = ("service_tier", "processing", "speed")
"""Terms that a model's usual price does not cover."""


class Origin(Struct, frozen=True):
    """The row that prices come from, so that it can be found again months later."""

    source: str
    version: str = ""
    """Of the list, or which of the operator's prices."""
    row: str = ""
    """In the list: provider and model, or the pattern."""
    date: str = ""
    """From when it holds; of our supplement, when it was last seen to be so."""

    @property
    def told(self) -> str:
        """For a person, on one line."""
        return ", ".join(filter(None, (f"{self.source} {self.version}".strip(), self.row, self.date)))


class Tier(Struct, frozen=True):
    """Prices for a request whose input, cached or not, is more than `above` tokens."""

    above: int
    prices: dict[str, Decimal]


class Variant(Struct, frozen=True):
    """Prices for requests on these terms, such as a service tier or a resolution, in place of the usual ones."""

    when: dict[str, str]
    prices: dict[str, Decimal]
    tiers: tuple[Tier, ...] = ()


class Rate(Struct, frozen=True):
    """What one model costs: micro-units per million, for every meter of tokens and for what else it has a price."""

    origin: Origin
    prices: dict[str, Decimal]
    tiers: tuple[Tier, ...] = ()
    """By rising `above`; the last that is exceeded replaces the base for the whole request."""
    variants: tuple[Variant, ...] = ()
    """The first that fits replaces both."""
    notes: dict[str, str] = {}
    """Meter to how its price was arrived at, where the source does not say it outright."""

    def prices_for(self, usage: Usage) -> dict[str, Decimal]:
        """The prices that this usage falls under."""
        chosen = self.variant_for(usage) or self
        if not chosen.tiers:
            return chosen.prices
        taken_in = sum(getattr(usage, meter) for meter in INPUT_METERS)
        return next((tier.prices for tier in reversed(chosen.tiers) if taken_in > tier.above), chosen.prices)

    def variant_for(self, usage: Usage) -> Variant | None:
        """The variant for its terms."""
        terms = usage.details.terms
        if not terms:
            return None
        fitting = (variant for variant in self.variants if variant.when.items() <= terms.items())
        return next(fitting, None)


class PriceLine(Struct, frozen=True, omit_defaults=True):
    """One meter of a charge. Kept as JSON with each record, so old lines have fewer members."""

    meter: str
    count: int = field(name="tokens")
    """Of what the meter counts: tokens, but for a few."""
    per_million: Decimal
    """Micro-units for a million of them; may have a fraction."""
    amount: Decimal
    """Micro-units, exact."""
    source: str
    version: str = ""
    row: str = ""
    date: str = ""
    """These four are `Origin`."""
    note: str = ""
    model: str = ""
    """As what the request was priced."""


class Charge(Struct, frozen=True):
    """What one request costs, and why."""

    lines: list[PriceLine]
    total_micros: int


def charge(rate: Rate, usage: Usage, model: str = "") -> Charge:
    """What this usage costs. Only the total is rounded."""
    prices = rate.prices_for(usage)
    counts = dict(counted(usage))
    if REQUEST in prices:
        counts[REQUEST] = 1
    note = _on_terms(rate, usage)
    return added_up([_line(rate, meter, count, prices.get(meter), model, note) for meter, count in counts.items()])


def added_up(lines: list[PriceLine]) -> Charge:
    """The charge that lines come to, rounded half up."""
    return Charge(lines=lines, total_micros=whole(sum((line.amount for line in lines), Decimal())))


def charge_for(rate: Rate | None, usage: Usage, model: str) -> Charge | None:
    """The same; None when nobody knows: there is no rate, or it has no price for anything that was used."""
    if rate is None:
        return None
    charged = charge(rate, usage, model)
    known = any(line.note != UNPRICED for line in charged.lines)
    return charged if known or (rate.prices and not any(rate.prices.values())) else None


def counted(usage: Usage) -> Iterator[tuple[str, int]]:
    """What there is to pay for, each once: a bucket without those of its parts that are counted apart."""
    details = usage.details
    if details is NO_DETAILS:
        yield from ((meter, count) for meter in BUCKETS if (count := getattr(usage, meter)))
        return
    parts = [(meter, count) for meter in PARTS if (count := getattr(details, meter))]
    for bucket in BUCKETS:
        inside = sum(count for meter, count in parts if PARTS[meter] == bucket)
        if count := max(getattr(usage, bucket) - inside, 0):
            yield bucket, count
    yield from parts
    yield from ((meter, count) for meter in OTHERS if (count := getattr(details, meter)))


def whole(micros: Decimal) -> int:
    """Whole micro-units, half of one rounded up."""
    return int(micros.to_integral_value(ROUND_HALF_UP))


def _line(rate: Rate, meter: str, count: int, price: Decimal | None, model: str, note: str) -> PriceLine:
    origin = rate.origin
    return PriceLine(
        meter=meter,
        count=count,
        per_million=price or Decimal(),
        amount=(count * price).scaleb(-6) if price else Decimal(),
        source=origin.source,
        version=origin.version,
        row=origin.row,
        date=origin.date,
        note=note or rate.notes.get(meter, "") if price is not None else UNPRICED,
        model=model,
    )


def _on_terms(rate: Rate, usage: Usage) -> str:
    """What there is to say of a price because of the terms of a request."""
    terms = usage.details.terms
    if not terms:
        return ""
    if variant := rate.variant_for(usage):
        return f"price for {', '.join(variant.when.values())}"
    unpriced = [terms[name] for name in SERVICE if name in terms]
    return f"no price is known for {', '.join(unpriced)}, so it is the usual one" if unpriced else ""


# --- making a rate --------------------------------------------------------------------------------------------------


def make_rate(
    origin: Origin,
    prices: dict[str, Decimal],
    tiers: Iterable[tuple[int, dict[str, Decimal]]] = (),
    variants: Iterable[Variant] = (),
    notes: Mapping[str, str] = {},
) -> Rate:
    """A rate that prices every meter of tokens: those without a price of their own take their relative's."""
    borrowed = {meter: f"at the price of {_relative(meter, prices)}" for meter in RELATIVES if meter not in prices}
    return Rate(
        origin=origin,
        prices=completed(prices),
        tiers=tuple(Tier(above, completed(table)) for above, table in tiers),
        variants=tuple(variants),
        notes=borrowed | dict(notes),
    )


def completed(prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """A table with a price for every meter of tokens, if it has one for any."""
    if not any(UNITS[meter] is TOKENS for meter in prices):
        return dict(prices)
    full = {meter: prices.get(meter, Decimal()) for meter in ("input", "output")}
    for meter in RELATIVES:
        full[meter] = prices[meter] if meter in prices else full[_relative(meter, prices)]
    return full | {meter: price for meter, price in prices.items() if meter not in full}


def _relative(meter: str, prices: Mapping[str, Decimal]) -> str:
    return next((relative for relative in RELATIVES[meter] if relative in prices), RELATIVES[meter][-1])


def per_million(micros: Decimal, per: int) -> Decimal:
    """A price for so many as one for a million, written without an exponent."""
    return Decimal(f"{(micros * MILLION / per).normalize():f}")


UNKNOWN = Rate(Origin(""), {})
"""Of a model without a price that helped one that has one: its lines say that it is not charged."""
