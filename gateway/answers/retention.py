"""How long requests are kept: what holds, what there is, and deleting at once what is due. Set like any setting."""

from data.retention import measure
from gateway.accounting import Cleaned, CleanUp, GetRetention, Retention
from gateway.answers.desk import Desk
from gateway.cleaner import Cleaner


async def get_retention(desk: Desk, _: GetRetention) -> Retention:
    """What is kept, and what it takes."""
    async with desk.database.read() as session:
        held = await measure(session)
    settings = desk.runtime.snapshot.settings
    days, gigabytes = settings.exchange_retention_days, settings.database_gigabytes
    return Retention(days, gigabytes, held.used_bytes, held.oldest_at)


async def clean_up(desk: Desk, _: CleanUp) -> Cleaned:
    """Delete what is due."""
    await desk.flush()
    cleaned = await Cleaner(desk.database, lambda: desk.runtime.snapshot.settings, desk.runtime.now).clean()
    if cleaned.exchanges or cleaned.captures:
        told = f"deleted {cleaned.exchanges:,} old requests and {cleaned.captures:,} captures"
        await desk.record("cleaned_up", told)
    return cleaned
