"""What is deleted in time: the oldest exchanges with their attempts, and captures that expired.

The ledger and the sums of usage stay for ever. Exchanges that run, open tasks among them, stay too.
"""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

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


async def delete_oldest(session: AsyncSession, before: int, limit: int) -> int:
    """Delete so many of the exchanges that began before then and have ended, oldest first. How many that were.

    The newest stays: the numbers of the next go on from it, and none may be given twice.
    """
    started, newest = col(Exchange.started_at), select(func.max(col(Exchange.id))).scalar_subquery()
    ended = select(col(Exchange.id)).where(started < before, col(Exchange.state) + "" != RUNNING)
    ended = ended.where(col(Exchange.id) != newest)
    numbers = list(await session.scalars(ended.order_by(started).limit(limit)))
    if numbers:
        await _delete(session, numbers)
    return len(numbers)


async def _delete(session: AsyncSession, numbers: Sequence[int]) -> None:
    adjusted = select(col(LedgerEntry.adjustment_id), col(LedgerEntry.exchange_id)).where(
        col(LedgerEntry.exchange_id).in_(numbers), col(LedgerEntry.adjustment_id).is_not(None)
    )
    for adjustment_id, number in list(await session.execute(adjusted.distinct())):
        place = (col(AdjustedExchange.adjustment_id) == adjustment_id, col(AdjustedExchange.exchange_id) == number)
        await session.execute(delete(AdjustedExchange).where(*place))
    await session.execute(delete(Attempt).where(col(Attempt.exchange_id).in_(numbers)))
    await session.execute(delete(Exchange).where(col(Exchange.id).in_(numbers)))


async def wipe_captures(session: AsyncSession, now: int, limit: int) -> int:
    """Delete so many captures that have expired, and overwrite what they held. How many that were."""
    expired = select(col(Capture.exchange_id)).where(col(Capture.expires_at) <= now)
    numbers = list(await session.scalars(expired.order_by(col(Capture.expires_at)).limit(limit)))
    if numbers:
        await session.execute(text("PRAGMA secure_delete = ON"))
        await session.execute(delete(Capture).where(col(Capture.exchange_id).in_(numbers)))
        await session.execute(text("PRAGMA secure_delete = OFF"))
    return len(numbers)
