"""The gateway as a whole: its state, its end, its event list, and what clients paste."""

from msgspec.structs import asdict

from data.exchanges import last_id
from data.usage import cost_since
from gateway import snippets
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.bus import KEPT_NOTES
from gateway.operations import Done, GetSnippets, GetStatus, ListEvents, NotedEvent, Shutdown, Snippet, Status

USUAL_BASE_URL = "http://127.0.0.1:8400"
"""Where a gateway serves that was told nothing else; for snippets while none does."""


async def get_status(desk: Desk, _: GetStatus) -> Status:
    """What is looked at every few seconds, so it waits for nothing."""
    async with desk.database.read() as session:
        exchanges = await last_id(session)
        cost = await cost_since(session, desk.today())
    facts, snapshot = desk.facts(), desk.runtime.snapshot
    return Status(
        version=facts.version,
        base_url=facts.base_url,
        data_directory=facts.data_directory,
        pid=facts.pid,
        started_at=facts.started_at,
        running=len(desk.runtime.running),
        keys=sum(not key.revoked for key in snapshot.keys.values()),
        upstreams=len(snapshot.upstreams),
        routes=len(snapshot.routes),
        exchanges=exchanges,
        today_cost_micros=cost,
        draining=desk.runtime.draining,
    )


async def shut_down(desk: Desk, operation: Shutdown) -> Done:
    """Have the gateway stop."""
    desk.check_serving()
    desk.stop(operation.now)
    running = len(desk.runtime.running)
    if operation.now or not running:
        return Done("stopping now")
    return Done(f"stopping when {running} running {'request has' if running == 1 else 'requests have'} ended")


async def list_events(desk: Desk, operation: ListEvents) -> list[NotedEvent]:
    """What was noted since the gateway started, newest first."""
    limit = values.between(operation.limit, 1, KEPT_NOTES, "limit")
    return [NotedEvent(**asdict(note)) for note in reversed(desk.runtime.bus.notes)][:limit]


async def get_snippets(desk: Desk, operation: GetSnippets) -> list[Snippet]:
    """Client code that works as it stands, once it has a key."""
    return snippets.snippets(desk.facts().base_url or USUAL_BASE_URL, operation.secret, operation.model)
