"""What a file of prices would change: row by row against what holds. Pure; what is taken on is stored elsewhere."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from data.supplement import PriceRow
from gateway.price_operations import PriceDifference
from gateway.price_sources import fits, row_rate
from gateway.pricing import PriceBook, shown
from gateway.rates import Origin, Rate

Listed = Collection[tuple[str, str]]
"""Providers and models that upstreams list."""


class Changed(Struct, frozen=True):
    """A price that would be another, and the row that says so, for this provider and model alone."""

    row: PriceRow
    difference: PriceDifference


def compare(
    rows: Iterable[PriceRow], book: PriceBook, price_ids: Mapping[str, str | None], listed: Listed, now: int
) -> list[Changed]:
    """The rows whose price is not the one that holds now; for each model the last that fits counts."""
    named = {(provider, model): row for row in rows for provider in row.providers for model in _models(row, listed)}
    found = (
        _changed(row, book, price_ids.get(provider), (provider, model), listed, now)
        for (provider, model), row in sorted(named.items(), key=lambda item: item[0])
    )
    return [changed for changed in found if changed is not None]


def _models(row: PriceRow, listed: Listed) -> Iterator[str]:
    """A row's own names, and those of listed models that its patterns fit."""
    yield from row.models
    for provider, model in listed:
        if provider in row.providers and any(fits(model.lower(), pattern) for pattern in row.models):
            yield model


def _changed(
    row: PriceRow, book: PriceBook, price_id: str | None, named: tuple[str, str], listed: Listed, now: int
) -> Changed | None:
    provider, model = named
    after, before = row_rate(row, Origin("")), book.rate(provider, price_id, model, now)
    if before is not None and _same(before, after):
        return None
    difference = PriceDifference(
        provider_id=provider,
        model=model,
        listed=named in listed,
        before=shown(before) if before else {},
        after=shown(after),
        source_before=before.origin.told if before else "",
    )
    return Changed(replace(row, providers=[provider], models=[model.lower()]), difference)


def _same(before: Rate, after: Rate) -> bool:
    """Whether two rates charge the same, whatever they say of where they come from."""
    return (before.prices, before.tiers, before.variants) == (after.prices, after.tiers, after.variants)
