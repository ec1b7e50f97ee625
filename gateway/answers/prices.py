"""What models cost: the prices that hold, and the operator's own with their history."""

import asyncio

from data import prices
from data.providers import get_provider
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.meters import UNITS
from gateway.operations import Done
from gateway.price_operations import ListPrices, ListSetPrices, PriceView, RemovePrice, SetPrice, SetPriceView
from gateway.pricing import PriceBook
from gateway.snapshot import Snapshot

LARGEST_PRICE = 10**12
FURTHEST = 366 * 86_400_000_000
"""How far ahead a price may be set, in microseconds."""


async def list_prices(desk: Desk, _: ListPrices) -> list[PriceView]:
    """What every listed model costs, and every pattern that the operator has priced."""
    return await asyncio.to_thread(price_views, desk.runtime.snapshot, desk.runtime.now())


def price_views(snapshot: Snapshot, now: int) -> list[PriceView]:
    """The prices that hold now. Looking up hundreds of models takes a while, and the first look loads a library."""
    book = PriceBook(snapshot.prices, snapshot.price_lists)
    accounts = {upstream.provider_id: upstream.price_id for upstream in snapshot.upstreams.values()}
    models = {(u.provider_id, model) for u in snapshot.upstreams.values() for model in u.models}
    models |= {(each.provider_id, each.pattern) for each in snapshot.prices if each.until is None or each.until > now}
    return [book.view(provider, accounts.get(provider), model, now) for provider, model in sorted(models)]


async def list_set_prices(desk: Desk, _: ListSetPrices) -> list[SetPriceView]:
    """All that the operator ever set."""
    async with desk.database.read() as session:
        rows = await prices.list_prices(session)
    return [
        SetPriceView(row.id or 0, row.provider_id, row.model, row.prices, row.set_at, row.since, row.until)
        for row in rows
    ]


async def set_price(desk: Desk, operation: SetPrice) -> PriceView:
    """What the operator says that models cost."""
    model = values.model(operation.model)
    check_prices(operation.prices)
    now = desk.runtime.now()
    since = values.between(now if operation.since is None else operation.since, 0, now + FURTHEST, "since")
    async with desk.change("prices") as change:
        provider = await get_provider(change.session, operation.provider_id)
        if provider is None:
            raise values.missing("provider", operation.provider_id)
        held = await prices.holding_price(change.session, provider.id, model, since)
        await prices.set_price(change.session, provider.id, model, operation.prices, now, since)
        undone_by = SetPrice(provider.id, model, held.prices) if held else RemovePrice(provider.id, model)
        change.told("price_set", f"set the price of {model} at {provider.id}", undone_by)
    return desk.runtime.prices.view(provider.id, provider.price_id, model, max(since, now))


def check_prices(given: dict[str, int]) -> None:
    """Raises `BadRequest` for a meter that nothing is counted in, or a price that cannot be."""
    if not given or not set(given) <= set(UNITS):
        raise values.refuse("prices", f"must name meters out of {', '.join(UNITS)}")
    for meter, price in given.items():
        if not 0 <= price < LARGEST_PRICE:
            allowed = f"must be from 0 to below 10^12 millionths of a dollar per {UNITS[meter].name}"
            raise values.refuse(f"prices.{meter}", allowed)


async def remove_price(desk: Desk, operation: RemovePrice) -> Done:
    """Let the models cost again what our tables say."""
    told = f"removed the price of {operation.model} at {operation.provider_id}"
    async with desk.change("prices") as change:
        now = desk.runtime.now()
        held = await prices.holding_price(change.session, operation.provider_id, operation.model, now)
        if not await prices.remove_price(change.session, operation.provider_id, operation.model, now):
            raise values.missing("price of yours for", f"{operation.model} at {operation.provider_id}")
        undone_by = SetPrice(held.provider_id, held.model, held.prices) if held else None
        change.told("price_removed", told, undone_by)
    return Done(told)
