"""What the operator says that models cost."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import PriceOverride


async def list_prices(session: AsyncSession) -> list[PriceOverride]:
    """All overrides, those set first first."""
    return list(await session.scalars(select(PriceOverride).order_by(col(PriceOverride.id))))


async def set_price(
    session: AsyncSession, provider_id: str, model: str, prices: dict[str, int], at: int
) -> PriceOverride:
    """Set or replace the prices of the models that fit a glob."""
    fitting = select(PriceOverride).where(
        col(PriceOverride.provider_id) == provider_id, col(PriceOverride.model) == model
    )
    override = await session.scalar(fitting)
    if override is None:
        override = PriceOverride(provider_id=provider_id, model=model, prices=prices, set_at=at)
        session.add(override)
    override.prices, override.set_at = prices, at
    await session.flush()
    return override


async def remove_price(session: AsyncSession, provider_id: str, model: str) -> bool:
    """Whether there was one."""
    fitting = delete(PriceOverride).where(
        col(PriceOverride.provider_id) == provider_id, col(PriceOverride.model) == model
    )
    removed = await session.scalars(fitting.returning(col(PriceOverride.id)))
    return removed.first() is not None
