"""Named values of the operator's and of the product's own."""

from sqlalchemy.ext.asyncio import AsyncSession

from data.tables import Setting

Value = str | int | float | bool | list["Value"] | dict[str, "Value"] | None
"""What JSON can say."""


async def get_setting(session: AsyncSession, name: str) -> Value:
    """The value; None when it was never set."""
    setting = await session.get(Setting, name)
    return setting.value if setting else None


async def put_setting(session: AsyncSession, name: str, value: Value) -> None:
    await session.merge(Setting(name=name, value=value))
