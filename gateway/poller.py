"""Follows video tasks at their upstreams to the end, and settles each of them once.

That an upstream cannot be asked says nothing about the task: it is asked again, more and more seldom, until it has
said how the task ended.
"""

import asyncio
import contextlib
import logging

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from data.database import Database
from data.records import CLIENT_LEFT, DONE, FAILED, ExchangeRecord
from data.tables import Task
from data.tasks import delete_task, note_task, open_tasks, settle_task
from gateway import upstream
from gateway.canonical import VIDEO_SHAPES, Details, Usage, VideoShape
from gateway.errors import GatewayError, NotFound, UpstreamFailed, UpstreamTimeout
from gateway.events import ExchangeEnded, ExchangeProgressed
from gateway.protocols.codec import Call
from gateway.protocols.upstream_errors import read_error
from gateway.rates import Charge
from gateway.routing import Target
from gateway.runtime import Runtime
from gateway.settlement import PROVIDER
from gateway.standings import OPEN, Fault, Standing, read_standing, terms_of, told
from gateway.videos import PATHS, json_call

log = logging.getLogger("gatehouse.poller")

DAY = 86_400_000_000
LOST = Fault("task_lost", "The upstream knows nothing of this task any more.")
OVERDUE = Fault("task_overdue", "The upstream has not said within a week what became of this task.")
REMOVED = Fault("upstream_removed", "The operator removed the upstream that made this video.")
DELETED = Fault("task_deleted", "The client deleted this task before it had ended.")


class Pace(Struct, frozen=True):
    """How often upstreams are asked, in seconds."""

    first: float = 2.0
    """The shortest wait, and the first; then it grows."""
    most: float = 30.0
    failing: float = 300.0
    """The longest wait while an upstream cannot be asked."""
    patience: float = 30.0
    """For one answer."""
    misses: int = 10
    """How often in a row an upstream may know nothing of a task before we believe it."""


class Followed:
    """A task that has not ended, as far as we know."""

    def __init__(self, task: Task, record: ExchangeRecord) -> None:
        self.task = task
        self.record = record
        self.standing = standing_of(task)
        self.over = False
        self.misses = 0
        self.asked = asyncio.Event()
        """Set when its client asks for it: then there is no reason to wait long."""
        self.looking = asyncio.Lock()

    async def pause(self, seconds: float, least: float) -> None:
        """Wait, a little less when the client asks meanwhile."""
        await asyncio.sleep(least)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - least):
                await self.asked.wait()
        self.asked.clear()


class Poller:
    """Belongs to the gateway's loop."""

    def __init__(self, runtime: Runtime, database: Database, pace: Pace) -> None:
        self.runtime = runtime
        self.database = database
        self.pace = pace
        self.following: dict[int, Followed] = {}
        """By exchange."""
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Go on with what an earlier process had begun."""
        async with self.database.read() as session:
            found = await open_tasks(session)
        for task, record in found:
            self.follow(task, record)

    async def close(self) -> None:
        """Stop asking; the tasks go on at their upstreams, and we with them after the next start."""
        asking = list(self._tasks.values())
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def follow(self, task: Task, record: ExchangeRecord) -> None:
        """Look after a task until it has ended."""
        followed = self.following[record.id] = Followed(task, record)
        following = self._tasks[record.id] = asyncio.create_task(self._follow(followed))
        following.add_done_callback(lambda _: self._tasks.pop(record.id, None))

    def hasten(self, exchange_id: int) -> None:
        """Its client asks: look soon."""
        if followed := self.following.get(exchange_id):
            followed.asked.set()

    async def _follow(self, followed: Followed) -> None:
        pace, wait, least = self.pace, self.pace.first, self.pace.first
        while not followed.over:
            await followed.pause(wait, least)
            try:
                well = await self.look(followed)
            except Exception:
                log.exception("the task of request %s could not be looked after", followed.record.id)
                well = False
            wait = min(wait * 1.5, pace.most) if well else min(wait * 2, pace.failing)
            least = pace.first if well else wait

    async def look(self, followed: Followed) -> bool:
        """Ask how a task stands and keep that. Whether the upstream could be asked."""
        async with followed.looking:
            if followed.over:
                return True
            try:
                standing = await self._ask(followed)
            except GatewayError as error:
                log.info("the task of request %s could not be asked for: %s", followed.record.id, error.code)
                return await self._missed(followed, error)
            followed.misses = 0
            if standing.status in OPEN:
                await self._note(followed, standing)
            else:
                await self._settle(followed, standing)
            return True

    async def end_deleted(self, followed: Followed) -> None:
        """Close a task that its client took back before it had ended."""
        async with followed.looking:
            if not followed.over:
                await self._settle(followed, replace(followed.standing, status="cancelled", fault=DELETED))

    async def delete(self, task: Task) -> None:
        """Have its client find it no more."""
        async with self.database.write() as session:
            await delete_task(session, task.exchange_id, self.runtime.now())

    async def _ask(self, followed: Followed) -> Standing:
        task = followed.task
        target = target_of(self.runtime, task)
        if target is None:
            raise UpstreamFailed("The upstream is not there to be asked.", code="upstream_removed")
        try:
            async with asyncio.timeout(self.pace.patience):
                body = await ask(self.runtime, target, item_call("GET", task))
        except TimeoutError:
            raise UpstreamTimeout("The upstream did not answer in time.") from None
        return read_standing(body, followed.standing, task.upstream_task_id)

    async def _missed(self, followed: Followed, error: GatewayError) -> bool:
        """What follows from an upstream that gave no answer: nothing, unless it never will."""
        followed.misses = followed.misses + 1 if isinstance(error, NotFound) else 0
        fault = None
        if followed.task.upstream_id not in self.runtime.snapshot.upstreams:
            fault = REMOVED
        elif followed.misses >= self.pace.misses:
            fault = LOST
        elif self.runtime.now() - followed.task.created_at > 7 * DAY:
            fault = OVERDUE
        if fault:
            await self._settle(followed, replace(followed.standing, status="failed", fault=fault))
        return False

    async def _note(self, followed: Followed, standing: Standing) -> None:
        if standing == followed.standing:
            return
        async with self.database.write() as session:
            await note_task(session, followed.record.id, standing.status, stored(standing))
        followed.standing = standing
        followed.record = record = replace(followed.record, progress=told(standing))
        self.tell(record)

    def tell(self, record: ExchangeRecord) -> None:
        """Note how far an exchange has come, and publish it."""
        self.runtime.journal.progress(record)
        self.runtime.bus.publish(
            ExchangeProgressed(
                id=record.id,
                upstream=record.upstream,
                model_served=record.model_served,
                route=record.route,
                first_token_us=None,
                output_tokens=0,
                cost_micros=None,
                progress=record.progress,
            )
        )

    async def _settle(self, followed: Followed, standing: Standing) -> None:
        """Close the task and its exchange and charge for it, in one transaction."""
        record = self._ended(followed, standing)
        async with self.database.write() as session:
            first = await settle_task(session, record, standing.status, stored(standing), self.runtime.now())
        followed.over = True
        self.following.pop(record.id, None)
        if first:
            self.runtime.budgets.settle(record)
            self.runtime.bus.publish(ExchangeEnded(record))

    def _ended(self, followed: Followed, standing: Standing) -> ExchangeRecord:
        record, fault = followed.record, standing.fault
        # Only the clock on the wall goes on while no gateway runs.
        duration = max(0, self.runtime.now() - record.started_at)
        ended = replace(record, duration_us=duration, progress=told(standing), usage_source="", input_tokens=0)
        if standing.status != "succeeded":
            state = CLIENT_LEFT if fault == DELETED else FAILED
            code, message = (fault.code, fault.message) if fault else (standing.status, "")
            return replace(ended, state=state, error_code=code, error_message=message, cost_micros=0)
        usage = used(standing)
        cost = self._charge(followed, usage)
        return replace(
            ended,
            state=DONE,
            finish="end",
            usage_source=PROVIDER if usage.total else "",
            input_tokens=usage.input,
            output_tokens=usage.output,
            usage_details=msgspec.json.encode(usage.details).decode(),
            cost_micros=cost.total_micros if cost else None,
            price_lines=msgspec.json.encode(cost.lines).decode() if cost else "",
            progress=ended.progress if cost else f"{ended.progress}, no price known",
        )

    def _charge(self, followed: Followed, usage: Usage) -> Charge | None:
        """What a video costs; None where nobody knows, such as a price by tokens for a video that states none."""
        record = followed.record
        facts = self.runtime.snapshot.upstreams.get(followed.task.upstream_id)
        if facts is None:
            return None
        model, at = record.model_served, record.started_at
        return self.runtime.prices.charge(facts.provider_id, facts.price_id, model, usage, at)


def used(standing: Standing) -> Usage:
    """What a video is paid for by: the tokens it is said to have taken, its length, and what sort it is."""
    output = standing.output_tokens or 0
    seconds = int(standing.seconds) if standing.seconds.isdigit() else 0
    details = Details(video_seconds=seconds, terms=terms_of(standing))
    return Usage(input=max((standing.total_tokens or 0) - output, 0), output=output, details=details)


def stored(standing: Standing) -> dict[str, object]:
    """As the database keeps it."""
    kept: dict[str, object] = msgspec.to_builtins(standing)
    return kept


def standing_of(task: Task) -> Standing:
    """How it stood when it was last looked at."""
    return msgspec.convert(task.standing, Standing)


def shape_of_task(task: Task) -> VideoShape:
    """How its upstream speaks of it."""
    return next(shape for shape in VIDEO_SHAPES if shape == task.shape)


def item_call(method: str, task: Task, below: str = "", query: dict[str, str] | None = None) -> Call:
    """A call about one task at its upstream."""
    return json_call(method, f"{PATHS[shape_of_task(task)]}/{task.upstream_task_id}{below}", query=query)


def target_of(runtime: Runtime, task: Task) -> Target | None:
    """Where a task is: at the account that it was begun with, and nowhere else."""
    facts = runtime.snapshot.upstreams.get(task.upstream_id)
    endpoint = facts.videos.get(shape_of_task(task)) if facts else None
    return Target(facts, endpoint, task.model, "it made this video") if facts and endpoint else None


async def ask(runtime: Runtime, target: Target, call: Call, *, once: bool = False) -> bytes:
    """An upstream's whole answer. Raises `GatewayError`. With `once` it is sent on a connection of its own, so that it
    cannot happen to be sent twice."""
    request = await upstream.build(target, call)
    if once:
        del request.extensions["body"]
    response = await send(runtime, target.endpoint.base_url, request)
    return await upstream.read_body(upstream.Answer(response))


async def send(runtime: Runtime, base_url: str, request: httpx.Request) -> httpx.Response:
    """A good answer, whose head has come. Raises `GatewayError`."""
    try:
        response = await runtime.transport(base_url).handle_async_request(request)
    except (httpx.HTTPError, OSError) as error:
        raise upstream.translate(error) from None
    if 200 <= response.status_code < 300:
        return response
    body = await upstream.read_error_body(response)
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers.raw}
    raise read_error(response.status_code, headers, body)
