"""People and teams that keys belong to."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import Owner


async def list_owners(session: AsyncSession) -> list[Owner]:
    """All that were ever described, by name."""
    return list(await session.scalars(select(Owner).order_by(col(Owner.name))))


async def get_owner(session: AsyncSession, name: str) -> Owner | None:
    return await session.get(Owner, name)


async def save_owner(session: AsyncSession, name: str, note: str, at: int) -> Owner:
    """Describe an owner; what limits there are stay."""
    owner = await get_owner(session, name)
    if owner is None:
        owner = Owner(name=name, created_at=at)
        session.add(owner)
    owner.note = note
    await session.flush()
    return owner


async def limit_owner(session: AsyncSession, name: str, limits: Mapping[str, object], at: int) -> None:
    """Give an owner, new or known, these limits."""
    owner = await get_owner(session, name) or await save_owner(session, name, "", at)
    owner.limits = dict(limits)


async def remove_owner(session: AsyncSession, name: str) -> bool:
    """Whether there was one."""
    owner = await get_owner(session, name)
    if owner is None:
        return False
    await session.delete(owner)
    await session.flush()
    return True
