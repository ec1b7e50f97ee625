"""Has the books checked: at start and every hour what was booked since the last time, on demand everything.

Findings are told and change nothing: the ledger is never corrected by itself.
"""

import asyncio
import logging
import time

from data import audit
from data.audit import BEGINNING, Audit
from data.database import Database, reason
from gateway.bus import Bus
from gateway.events import Noted

log = logging.getLogger("gatehouse.bookkeeping")

INTERVAL = 3600.0
"""Seconds between checks."""
MOST_TOLD = 5


async def check_books(database: Database, *, whole: bool) -> Audit:
    """Check everything, or what came since the last check that found nothing wrong; remember when this one does not."""
    since = BEGINNING
    if not whole:
        async with database.read() as session:
            since = await audit.last_reached(session)
    found = await audit.check(database, since)
    if not found.findings:
        async with database.write(durable=False) as session:
            await audit.remember(session, found.reached)
    return found


async def keep_checking(database: Database, bus: Bus) -> None:
    """Check now and every hour, and tell what is wrong."""
    while True:
        try:
            tell(bus, await check_books(database, whole=False))
        except Exception as error:
            log.error("the books could not be checked: %s", reason(error))
        await asyncio.sleep(INTERVAL)


def tell(bus: Bus, found: Audit) -> None:
    """Put findings on the event list."""
    for each in found.findings[:MOST_TOLD]:
        bus.publish(Noted(time.time_ns() // 1000, "error", "ledger_wrong", f"ledger of {each.holder}: {each.text}"))
    if (more := len(found.findings) - MOST_TOLD) > 0:
        told = f"{more} more things do not add up; `console ledger check` lists them"
        bus.publish(Noted(time.time_ns() // 1000, "error", "ledger_wrong", told))
