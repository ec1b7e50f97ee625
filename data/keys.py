"""Client keys. A key that was read may be changed in place: the end of the write transaction saves it."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import Key

TOUCH = "UPDATE keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?"
TOUCH_OLD = "UPDATE keys SET old_last_used_at = ? WHERE id = ? AND old_secret_hash IS NOT NULL"


async def add_key(session: AsyncSession, key: Key) -> Key:
    """Store a new key; gives it its id."""
    session.add(key)
    await session.flush()
    return key


async def list_keys(session: AsyncSession) -> list[Key]:
    """All keys, revoked ones included, oldest first."""
    return list(await session.scalars(select(Key).order_by(col(Key.id))))


async def get_key(session: AsyncSession, key_id: int) -> Key | None:
    return await session.get(Key, key_id)


async def touch_keys(session: AsyncSession, used: Mapping[int, int]) -> None:
    """Note when keys were last used: id to UTC microseconds."""
    if used:
        connection = await session.connection()
        await connection.exec_driver_sql(TOUCH, [(at, key_id) for key_id, at in used.items()])


async def touch_old_secrets(session: AsyncSession, used: Mapping[int, int]) -> None:
    """Note when the secrets from before a rotation were last used: key's id to UTC microseconds."""
    connection = await session.connection()
    await connection.exec_driver_sql(TOUCH_OLD, [(at, key_id) for key_id, at in used.items()])
