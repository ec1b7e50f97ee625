"""People and teams that keys belong to."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import Owner


async def list_owners(session: AsyncSession) -> list[Owner]:
    """All that were ever described, by name."""
    return list(await session.scalars(select(Owner).order_by(col(Owner.name))))


async def get_owner(session: AsyncSession, name: str) -> Owner | None:
    return await session.get(Owner, name)
