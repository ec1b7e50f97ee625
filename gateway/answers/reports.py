"""What was used: sums over the record."""

from msgspec.structs import astuple

from data import usage
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.operations import GetUsage, UsageRow

MOST_PERIODS = 10_000
FURTHEST_OFFSET = 14 * 3600
QUARTER = 900
LENGTHS = {"hour": usage.HOUR, "day": usage.DAY}


async def get_usage(desk: Desk, operation: GetUsage) -> list[UsageRow]:
    """Usage by group and period, what ended this moment included."""
    values.between(operation.utc_offset, -FURTHEST_OFFSET, FURTHEST_OFFSET, "utc_offset")
    if operation.utc_offset % QUARTER:
        raise values.refuse("utc_offset", "must be a whole number of quarter hours, in seconds")
    length = operation.until - operation.since
    if length <= 0:
        raise values.refuse("until", "must be later than since")
    if length / LENGTHS.get(operation.every, length) > MOST_PERIODS:
        raise values.refuse("every", f"must cut the time into at most {MOST_PERIODS:,} periods")
    await desk.flush()
    span = usage.Range(operation.since, operation.until, operation.key_id, operation.utc_offset, operation.upstream_id)
    async with desk.database.read() as session:
        sums = await usage.sum_usage(session, span, operation.by, operation.every)
    return [UsageRow(*astuple(row)) for row in sums]
