"""Named values of the operator's and of the product's own."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import Setting

Value = str | int | float | bool | list["Value"] | dict[str, "Value"] | None
"""What JSON can say."""


async def get_setting(session: AsyncSession, name: str) -> Value:
    """The value; None when it was never set."""
    setting = await session.get(Setting, name)
    return setting.value if setting else None


async def put_setting(session: AsyncSession, name: str, value: Value) -> None:
    await session.merge(Setting(name=name, value=value))


async def list_settings(session: AsyncSession) -> dict[str, Value]:
    """All that were ever set, by name."""
    return {setting.name: setting.value for setting in await session.scalars(select(Setting))}


async def remove_setting(session: AsyncSession, name: str) -> None:
    """Set it no longer, if it was."""
    await session.execute(delete(Setting).where(col(Setting.name) == name))
