"""What the operator says that models cost: a history that is added to, never changed but for where it ends."""

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import PriceList, PriceOverride


async def list_prices(session: AsyncSession) -> list[PriceOverride]:
    """All overrides that there ever were, those set first first."""
    return list(await session.scalars(select(PriceOverride).order_by(col(PriceOverride.id))))


async def set_price(
    session: AsyncSession, provider_id: str, model: str, prices: dict[str, int], at: int, since: int | None = None
) -> PriceOverride:
    """Have other prices hold from a moment on for the models that fit a glob; `at` unless it is said from when."""
    since = at if since is None else since
    _end(await _holding(session, provider_id, model, since), since)
    override = PriceOverride(provider_id=provider_id, model=model, prices=prices, set_at=at, since=since)
    session.add(override)
    await session.flush()
    return override


async def remove_price(session: AsyncSession, provider_id: str, model: str, at: int) -> bool:
    """Have no override hold for this glob from a moment on. Whether there was one."""
    found = await _holding(session, provider_id, model, at)
    _end(found, at)
    return bool(found)


async def holding_price(session: AsyncSession, provider_id: str, model: str, at: int) -> PriceOverride | None:
    """What the operator says that a glob costs at a moment."""
    return next((row for row in await _holding(session, provider_id, model, at) if row.since <= at), None)


async def _holding(session: AsyncSession, provider_id: str, model: str, at: int) -> list[PriceOverride]:
    """Those of a glob that hold at that moment or are yet to."""
    until = col(PriceOverride.until)
    same = (col(PriceOverride.provider_id) == provider_id, col(PriceOverride.model) == model)
    return list(await session.scalars(select(PriceOverride).where(*same, or_(until.is_(None), until > at))))


def _end(overrides: Iterable[PriceOverride], at: int) -> None:
    for override in overrides:
        override.until = max(override.since, at)


async def list_price_lists(session: AsyncSession) -> list[PriceList]:
    """All lists that were ever taken on, those taken on first first."""
    return list(await session.scalars(select(PriceList).order_by(col(PriceList.id))))


async def accept_list(session: AsyncSession, source: str, version: str, rows: bytes, at: int) -> PriceList:
    """Have a list of prices hold from a moment on."""
    accepted = PriceList(source=source, version=version, rows=rows, accepted_at=at)
    session.add(accepted)
    await session.flush()
    return accepted


async def withdraw_list(session: AsyncSession, list_id: int, at: int) -> PriceList | None:
    """Have a list hold until a moment only; None when there is no such list, or it was withdrawn before."""
    found = await session.get(PriceList, list_id)
    if found is None or found.withdrawn_at is not None:
        return None
    found.withdrawn_at = at
    await session.flush()
    return found
