"""What is deleted in time: the oldest exchanges with their attempts, and captures that expired.

The ledger and the sums of usage stay for ever. Exchanges that run, open tasks among them, stay too.
"""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.captures import overwriting
from data.records import RUNNING
from data.tables import AdjustedExchange, Attempt, Capture, Exchange, LedgerEntry


class Held(Struct, frozen=True):
    """How much the database holds."""

    used_bytes: int
    pages: int
    free_pages: int
    """In the file, but not in use."""
    oldest_at: int | None
    """When the oldest exchange on record began."""


async def measure(session: AsyncSession) -> Held:
    """What is held now."""
    pages, free, size = [
        (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    ]
    oldest = await session.scalar(select(func.min(col(Exchange.started_at))))
    return Held((pages - free) * size, pages, free, oldest)


async def find_oldest(session: AsyncSession, before: int, limit: int) -> list[int]:
    """So many of the exchanges that began before then and have ended, oldest first.

    The newest is never among them: the numbers of the next go on from it, and none may be given twice. Looked at is
    also what deleting them will change at random places, so that the only writer need not wait for the disk.
    """
    started, newest = col(Exchange.started_at), select(func.max(col(Exchange.id))).scalar_subquery()
    ended = select(col(Exchange.id), col(Exchange.request_id)).where(started < before)
    ended = ended.where(col(Exchange.state) + "" != RUNNING, col(Exchange.id) != newest)
    found = (await session.execute(ended.order_by(started).limit(limit))).all()
    names = col(Exchange.request_id).in_([name for _, name in found])
    await session.execute(select(func.count()).select_from(Exchange).where(names))
    return [number for number, _ in found]


async def delete_exchanges(session: AsyncSession, numbers: Sequence[int]) -> None:
    """Delete exchanges with their attempts, and what is kept of corrections of them to take those back."""
    entry = (col(LedgerEntry.adjustment_id), col(LedgerEntry.exchange_id))
    booked = select(*entry).where(entry[0].is_not(None), entry[1].in_(numbers))
    place = tuple_(col(AdjustedExchange.adjustment_id), col(AdjustedExchange.exchange_id))
    await session.execute(delete(AdjustedExchange).where(place.in_(booked)))
    await session.execute(delete(Attempt).where(col(Attempt.exchange_id).in_(numbers)))
    await session.execute(delete(Exchange).where(col(Exchange.id).in_(numbers)))


async def find_expired(session: AsyncSession, now: int, limit: int) -> list[int]:
    """The exchanges of so many captures that have expired."""
    expired = select(col(Capture.exchange_id)).where(col(Capture.expires_at) <= now)
    return list(await session.scalars(expired.order_by(col(Capture.expires_at)).limit(limit)))


async def wipe_captures(session: AsyncSession, numbers: Sequence[int]) -> None:
    """Delete captures, and overwrite what they held."""
    these = col(Capture.exchange_id).in_(numbers)
    zeros = {name: func.zeroblob(func.length(getattr(Capture, name))) for name in ("request", "answer")}
    async with overwriting(session):
        # First in its place: when rows go, those that stay move together, and SQLite may leave copies of the others.
        await session.execute(update(Capture).where(these).values(zeros))
        await session.execute(delete(Capture).where(these))
