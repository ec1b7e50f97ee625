"""Keeping what a key's next requests say: for so many, for so long, and every look at it on record."""

from data import captures
from data.retention import wipe_captures
from gateway.accounting import Captured, GetCapture, StartCapture, StopCapture, WipeCaptures
from gateway.answers import keys, values
from gateway.answers.desk import Desk
from gateway.errors import BadRequest, Unavailable
from gateway.operations import Done, KeyView

MINUTE = 60_000_000


async def start_capture(desk: Desk, operation: StartCapture) -> KeyView:
    """Keep what the next requests of a key say."""
    left = values.between(operation.requests, 1, 1000, "requests")
    minutes = values.between(operation.minutes, 1, 1440, "minutes")
    hours = values.between(operation.keep_hours, 1, 720, "keep_hours")
    async with desk.change() as change:
        row = await keys.find_usable(change.session, operation.id)
        row.capture_until = desk.runtime.now() + minutes * MINUTE
        row.capture_left, row.capture_hours = left, hours
        told = f"keeps what the next {left} requests of key {row.name} say, for {minutes} min at most"
        change.told("capture_started", told, StopCapture(operation.id))
    return await keys.view_of(desk, row)


async def stop_capture(desk: Desk, operation: StopCapture) -> KeyView:
    """Keep nothing more of a key, nor of its requests that run; what was kept stays until it expires or is wiped."""
    async with desk.change() as change:
        row = await keys.find(change.session, operation.id)
        row.capture_until, row.capture_left = None, 0
        change.told("capture_stopped", f"keeps no more of what requests of key {row.name} say")
    desk.runtime.captures.leave_running(operation.id)
    return await keys.view_of(desk, row)


async def get_capture(desk: Desk, operation: GetCapture) -> Captured:
    """What was kept of an exchange, once the look is on record."""
    await desk.runtime.captures.flush(desk.database)
    async with desk.database.read() as session:
        row = await captures.get_capture(session, operation.id, desk.runtime.now())
    if row is None:
        raise BadRequest(f"Nothing is kept of what request {operation.id} said.", code="not_found")
    await desk.record("capture_read", f"looked at what request {operation.id} and its answer said")
    said = [
        desk.vault.unseal_bytes(sealed, "captures", operation.id, column).decode(errors="replace")
        for column, sealed in (("request", row.request), ("answer", row.answer))
    ]
    return Captured(operation.id, row.expires_at, *said)


async def wipe_all(desk: Desk, operation: WipeCaptures) -> Done:
    """Delete what was kept of a key's requests; those that run are not kept either."""
    async with desk.runtime.captures.wiping(operation.id) as waiting, desk.change() as change:
        row = await keys.find(change.session, operation.id)
        numbers = await captures.find_captures(change.session, operation.id)
        await wipe_captures(change.session, numbers)
        told = f"deleted what was kept of {len(numbers) + waiting} requests of key {row.name}"
        change.told("captures_wiped", told)
    if not await desk.database.empty_log():
        raise Unavailable(
            "What was kept is deleted, but its traces in the database's log are not, as somebody reads it: wipe again.",
            code="log_in_use",
        )
    return Done(told)
