"""Responses that clients may go on from. They are looked up by key and id, so that nobody finds another's."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import StoredItem, StoredResponse

FIELDS = ("id", "key_id", "upstream_id", "created_at", "expires_at", "items", "response")
SAVE = (
    f"INSERT INTO stored_responses ({', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
    "ON CONFLICT (id, key_id) DO UPDATE SET upstream_id = excluded.upstream_id, created_at = excluded.created_at, "
    "expires_at = excluded.expires_at, items = excluded.items, response = excluded.response"
)
SAVE_ITEM = (
    "INSERT INTO stored_items (id, key_id, response_id) VALUES (?, ?, ?) "
    "ON CONFLICT (id, key_id) DO UPDATE SET response_id = excluded.response_id"
)


async def save_responses(
    session: AsyncSession, responses: Sequence[StoredResponse], items: Sequence[StoredItem] = ()
) -> None:
    """Keep them, in place of what was kept under the same ids."""
    connection = await session.connection()
    if responses:
        rows = [tuple(getattr(response, name) for name in FIELDS) for response in responses]
        await connection.exec_driver_sql(SAVE, rows)
    if items:
        await connection.exec_driver_sql(SAVE_ITEM, [(item.id, item.key_id, item.response_id) for item in items])


async def find_response(session: AsyncSession, key_id: int, response_id: str, now: int) -> StoredResponse | None:
    """A key's own response, unless its time is over."""
    mine = (col(StoredResponse.id) == response_id, col(StoredResponse.key_id) == key_id)
    query = select(StoredResponse).where(*mine, col(StoredResponse.expires_at) > now)
    return (await session.scalars(query)).first()


async def find_items(session: AsyncSession, key_id: int, item_ids: Collection[str]) -> dict[str, str]:
    """Items of a key's own responses: their ids to their responses' ids."""
    query = select(col(StoredItem.id), col(StoredItem.response_id))
    rows = await session.execute(query.where(col(StoredItem.key_id) == key_id, col(StoredItem.id).in_(item_ids)))
    return {row.id: row.response_id for row in rows}


async def has_other_owner(session: AsyncSession, key_id: int, response_id: str) -> bool:
    """Whether this id belongs to other keys alone."""
    owners = await session.scalars(select(col(StoredResponse.key_id)).where(col(StoredResponse.id) == response_id))
    keys = set(owners)
    return bool(keys) and key_id not in keys


async def delete_response(session: AsyncSession, key_id: int, response_id: str) -> None:
    """Forget a key's own response, with its items."""
    mine = (col(StoredResponse.id) == response_id, col(StoredResponse.key_id) == key_id)
    await session.execute(delete(StoredResponse).where(*mine))


async def delete_expired_responses(session: AsyncSession, now: int, limit: int) -> int:
    """Forget those whose time is over, oldest first and so many at most. How many there were."""
    name = (col(StoredResponse.id), col(StoredResponse.key_id))
    expired = select(*name).where(col(StoredResponse.expires_at) <= now)
    expired = expired.order_by(col(StoredResponse.expires_at)).limit(limit)
    names = [tuple(row) for row in await session.execute(expired)]
    if names:
        await session.execute(delete(StoredResponse).where(tuple_(*name).in_(names)))
    return len(names)
