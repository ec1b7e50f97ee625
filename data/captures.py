"""What requests and their answers said, kept because the operator asked for it; all of it sealed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import Capture, Key


@asynccontextmanager
async def overwriting(session: AsyncSession) -> AsyncIterator[None]:
    """Whatever is deleted or moved to another page in here leaves nothing behind where it was."""
    await session.execute(text("PRAGMA secure_delete = ON"))
    yield
    await session.flush()
    await session.execute(text("PRAGMA secure_delete = OFF"))


async def save_captures(
    session: AsyncSession, captures: Sequence[Capture], left: Mapping[tuple[int, int], int]
) -> None:
    """Store captures, and how many more are to come of their keys: a key's id, and until when, to the number."""
    async with overwriting(session):
        session.add_all(captures)
    for (key_id, until), number in left.items():
        same = (col(Key.id) == key_id, col(Key.capture_until) == until)
        await session.execute(update(Key).where(*same).values(capture_left=number))


async def get_capture(session: AsyncSession, exchange_id: int, now: int) -> Capture | None:
    """What was kept of an exchange, unless that has expired."""
    found = select(Capture).where(col(Capture.exchange_id) == exchange_id, col(Capture.expires_at) > now)
    return await session.scalar(found)


async def find_captures(session: AsyncSession, key_id: int) -> list[int]:
    """The exchanges of a key of which something is kept."""
    return list(await session.scalars(select(col(Capture.exchange_id)).where(col(Capture.key_id) == key_id)))
