"""Which price applies to a model at a moment: of all sources that have one then, the first."""

from collections.abc import Iterable

from gateway.meters import PARTS, UNITS
from gateway.price_operations import PriceView
from gateway.price_sources import Source, bundled, listed, local, moment_of, overridden, read_lists, supplemented
from gateway.rates import MILLION, Rate, whole
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

    def view(self, provider_id: str, price_id: str | None, model: str, at: int) -> PriceView:
        """The same for a person: prices in whole micro-units, empty when there is none."""
        rate = self.rate(provider_id, price_id, model, at)
        if rate is None:
            return PriceView(provider_id=provider_id, model=model, prices={}, source="")
        prices = {
            meter: whole(price * UNITS[meter].per / MILLION)
            for meter, price in rate.prices.items()
            if meter not in PARTS or price != rate.prices[PARTS[meter]]
        }
        tiers = "".join(f"; other prices above {tier.above:,} input tokens" for tier in rate.tiers[:1])
        return PriceView(provider_id=provider_id, model=model, prices=prices, source=rate.origin.told + tiers)

    def _find(self, provider_id: str, price_id: str | None, model: str) -> list[Source]:
        name = model.removeprefix("models/").lower()
        return [
            *overridden(self._overrides, provider_id, name),
            *listed(self._lists, provider_id, name),
            *supplemented(provider_id, name),
            *(bundled(price_id, name) if price_id else ()),
            *local(provider_id),
        ]
