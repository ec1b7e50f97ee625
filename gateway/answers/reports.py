"""What was used and what it costs: sums over the record, and the prices behind them."""

import asyncio

from msgspec.structs import astuple

from data import prices, usage
from data.providers import get_provider
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.operations import Done, GetUsage, ListPrices, PriceView, RemovePrice, SetPrice, UsageRow
from gateway.pricing import METERS, PriceBook
from gateway.snapshot import Snapshot

MOST_PERIODS = 10_000
LARGEST_PRICE = 10**12
FURTHEST_OFFSET = 14 * 3600
LENGTHS = {"hour": usage.HOUR, "day": usage.DAY}


async def get_usage(desk: Desk, operation: GetUsage) -> list[UsageRow]:
    """Usage by group and period, what ended this moment included."""
    values.between(operation.utc_offset, -FURTHEST_OFFSET, FURTHEST_OFFSET, "utc_offset")
    length = operation.until - operation.since
    if length <= 0:
        raise values.refuse("until", "must be later than since")
    if length / LENGTHS.get(operation.every, length) > MOST_PERIODS:
        raise values.refuse("every", f"must cut the time into at most {MOST_PERIODS:,} periods")
    await desk.flush()
    span = usage.Range(operation.since, operation.until, operation.key_id, operation.utc_offset)
    async with desk.database.read() as session:
        sums = await usage.sum_usage(session, span, operation.by, operation.every)
    return [UsageRow(*astuple(row)) for row in sums]


async def list_prices(desk: Desk, _: ListPrices) -> list[PriceView]:
    """What every listed model costs, and every pattern that the operator has priced."""
    return await asyncio.to_thread(price_views, desk.runtime.snapshot, desk.runtime.now())


def price_views(snapshot: Snapshot, now: int) -> list[PriceView]:
    """The prices that hold now. Looking up hundreds of models takes a while, and the first look loads a library."""
    book = PriceBook(snapshot.prices)
    accounts = {upstream.provider_id: upstream.price_id for upstream in snapshot.upstreams.values()}
    models = {(u.provider_id, model) for u in snapshot.upstreams.values() for model in u.models}
    models |= {(override.provider_id, override.pattern) for override in snapshot.prices}
    return [book.view(provider, accounts.get(provider), model, now) for provider, model in sorted(models)]


async def set_price(desk: Desk, operation: SetPrice) -> PriceView:
    """What the operator says that models cost."""
    model = values.model(operation.model)
    check_prices(operation.prices)
    now = desk.runtime.now()
    async with desk.database.write() as session:
        provider = await get_provider(session, operation.provider_id)
        if provider is None:
            raise values.missing("provider", operation.provider_id)
        await prices.set_price(session, provider.id, model, operation.prices, now)
    await desk.changed("prices", "price_set", f"set the price of {model} at {provider.id}")
    return desk.runtime.prices.view(provider.id, provider.price_id, model, now)


def check_prices(given: dict[str, int]) -> None:
    """Raises `BadRequest` for a meter that nothing is counted in, or a price that cannot be."""
    if not given or not set(given) <= set(METERS):
        raise values.refuse("prices", f"must name meters out of {', '.join(METERS)}")
    if not all(0 <= price < LARGEST_PRICE for price in given.values()):
        raise values.refuse("prices", "must be from 0 to below 10^12 millionths of a dollar per million tokens")


async def remove_price(desk: Desk, operation: RemovePrice) -> Done:
    """Let the models cost again what our tables say."""
    async with desk.database.write() as session:
        if not await prices.remove_price(session, operation.provider_id, operation.model):
            raise values.missing("price of yours for", f"{operation.model} at {operation.provider_id}")
    told = f"removed the price of {operation.model} at {operation.provider_id}"
    await desk.changed("prices", "price_removed", told)
    return Done(told)
