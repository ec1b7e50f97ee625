"""Which price applies to a model at a moment: of all sources that have one then, the first."""

from collections.abc import Iterable

import msgspec

from gateway.canonical import Usage
from gateway.meters import PARTS, UNITS
from gateway.price_operations import PriceView
from gateway.price_sources import Source, bundled, listed, local, moment_of, overridden, read_lists, supplemented
from gateway.rates import MILLION, UNKNOWN, Charge, Rate, added_up, charge, charge_for, whole
from gateway.snapshot import PriceListFacts, PriceOverrideFacts

KEPT_MODELS = 4096


class PriceBook:
    """All prices: what the operator set, lists that were taken on, our supplement, genai-prices, and local models."""

    def __init__(self, overrides: Iterable[PriceOverrideFacts] = (), lists: Iterable[PriceListFacts] = ()) -> None:
        self._overrides = tuple(overrides)
        self._lists = read_lists(lists)
        self._found: dict[tuple[str, str | None, str], list[Source]] = {}

    def rate(self, provider_id: str, price_id: str | None, model: str, at: int) -> Rate | None:
        """The rate for a model at a moment (UTC microseconds); None when nobody knows its price."""
        key = (provider_id, price_id, model)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= KEPT_MODELS:
                self._found.clear()
            found = self._found[key] = self._find(provider_id, price_id, model)
        moment = moment_of(at)
        return next((rate for source in found if (rate := source(moment)) is not None), None)

    def charge(self, provider_id: str, price_id: str | None, model: str, usage: Usage, at: int) -> Charge | None:
        """What a request costs, with what other models did for it; None when nobody knows the price of its own."""
        charged = charge_for(self.rate(provider_id, price_id, model, at), usage, model)
        if charged is None or not usage.details.others:
            return charged
        lines = list(charged.lines)
        for other, counts in usage.details.others.items():
            rate = self.rate(provider_id, price_id, other, at) or UNKNOWN
            lines += charge(rate, msgspec.convert(counts, Usage), other).lines
        return added_up(lines)

    def view(self, provider_id: str, price_id: str | None, model: str, at: int) -> PriceView:
        """The same for a person: prices in whole micro-units, empty when there is none."""
        rate = self.rate(provider_id, price_id, model, at)
        if rate is None:
            return PriceView(provider_id=provider_id, model=model, prices={}, source="")
        told = [rate.origin.told, *(f"other prices above {tier.above:,} input tokens" for tier in rate.tiers[:1])]
        if rate.variants:
            told.append(f"other prices for {', '.join(' '.join(each.when.values()) for each in rate.variants)}")
        return PriceView(provider_id=provider_id, model=model, prices=shown(rate), source="; ".join(told))

    def _find(self, provider_id: str, price_id: str | None, model: str) -> list[Source]:
        name = model.removeprefix("models/").lower()
        return [
            *overridden(self._overrides, provider_id, name),
            *listed(self._lists, provider_id, name),
            *supplemented(provider_id, name),
            *(bundled(price_id, name) if price_id else ()),
            *local(provider_id),
        ]


def shown(rate: Rate) -> dict[str, int]:
    """Prices in micro-units for each meter's unit, without those of parts that cost what their bucket does."""
    prices = rate.prices or rate.variants[0].prices
    return {
        meter: whole(price * UNITS[meter].per / MILLION)
        for meter, price in prices.items()
        if meter not in PARTS or price != prices[PARTS[meter]]
    }
