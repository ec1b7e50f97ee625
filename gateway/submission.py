"""Begins a video task at an upstream: on record before anything leaves, and never asked for twice by accident."""

import asyncio
import contextlib
import logging
import secrets
import time

from msgspec import Struct
from msgspec.structs import replace

from data.records import FAILED, RUNNING, ExchangeRecord
from data.tables import Task
from data.tasks import add_task
from gateway import brake, intake, keys, limits, reservation, retry, routing
from gateway.attempts import Attempts
from gateway.canonical import Asked, Piece, VideoShape
from gateway.errors import (
    BadRequest,
    GatewayError,
    Internal,
    NotFound,
    RateLimited,
    Unavailable,
    UpstreamFailed,
)
from gateway.events import ExchangeEnded, ExchangeStarted
from gateway.intake import Arrival, Receive
from gateway.passage import warnings_record
from gateway.poller import Poller, ask, stored
from gateway.protocols.codec import Call
from gateway.protocols.translation import Loss
from gateway.reservation import Reservation
from gateway.routing import Candidate, Plan, Target
from gateway.snapshot import KeyFacts, UpstreamFacts
from gateway.standings import OPEN, Standing, first_standing, read_made, read_standing, told
from gateway.videos import VideoRequest, most_seconds, most_tokens, read_request, with_model, write_request

log = logging.getLogger("gatehouse.submission")

REFUSED = frozenset(
    ("upstream_unreachable", "upstream_connect_timeout", "upstream_auth", "upstream_quota", "model_not_found")
)
"""Failures after which it is certain that no task was begun, as there are refusals for a rate limit and overload."""


class Begun(Struct, frozen=True):
    """A task that an upstream has taken on."""

    task: Task
    losses: tuple[Loss, ...]


class Made(Struct, frozen=True):
    """What an upstream answered."""

    target: Target
    shape: VideoShape
    id: str
    standing: Standing
    losses: tuple[Loss, ...]


class Submission:
    """One request for a video until its task has begun. Once sent it cannot be cut: the video would be made anyway."""

    def __init__(self, poller: Poller, arrival: Arrival, key: KeyFacts, shape: VideoShape) -> None:
        self.poller = poller
        self.runtime = poller.runtime
        self.arrival = arrival
        self.key = key
        self.shape = shape
        self.id = 0
        self.taps = 0
        self.model = ""
        self.route = ""
        self.strict = False
        self.approved = False
        """The operator let it go, whatever it may cost."""
        self.reservation: Reservation | None = None
        self.attempts = Attempts(poller.runtime)
        self._cut: asyncio.Future[GatewayError] = poller.runtime.loop.create_future()
        self.started_at = self.runtime.now()
        self._started = time.monotonic()

    # --- as the rest of the gateway sees it while it runs

    @property
    def key_id(self) -> int | None:
        """Whose it is."""
        return self.key.id

    @property
    def upstream_id(self) -> int | None:
        """Nobody's yet."""
        return None

    def open_tap(self) -> list[Piece]:
        """Nothing: videos have no text."""
        return []

    def cut(self, error: GatewayError) -> None:
        """Give up what waits for leave. Later its task is begun or refused in a moment; it is not served then."""
        if not self._cut.done():
            self._cut.set_result(error)

    def look_after(self, now: float) -> None:
        """Needs none."""

    # --- the steps of `submit`

    def plan(self, asked: VideoRequest) -> Plan:
        """Where videos of this model are made, best first."""
        snapshot, model = self.runtime.snapshot, asked.model
        limits.check_model(snapshot, self.key, model)
        found = routing.find_candidates(snapshot, model)
        if not found.candidates:
            raise NotFound(routing.unknown_model(model), code="model_not_found", param="model")
        usable = [c for c in routing.in_order(found.candidates, self.runtime.draw) if c.upstream.enabled]
        if not usable:
            raise Unavailable(f"Every upstream that serves {model!r} is switched off.", code="no_upstream")
        targets = [self.target(candidate) for candidate in usable if candidate.upstream.videos]
        if not found.ordered:
            targets.sort(key=lambda target: self.shape not in target.upstream.videos)
        if not targets:
            told = f"The upstreams that serve {model!r} make no videos."
            raise BadRequest(told, code="protocol_not_served", param="model")
        healthy, aside = routing.set_aside(targets, self.runtime.why_down)
        return Plan(found.route, found.reason, healthy, aside, found.strict)

    async def reserve(self, plan: Plan, call: Call, film: VideoRequest) -> Plan:
        """Let it in: its rates, its money. The plan, without those whose price nobody knows."""
        asked = Asked(self.model, film_seconds=most_seconds(film), film_tokens=most_tokens(film))
        work = self.arrival.endpoint.work
        plan, self.reservation = await reservation.reserve(self.runtime, self.key, plan, call.body, asked, work)
        self.route, self.strict = plan.route, plan.strict
        return plan

    def wait_for(self, what: str) -> None:
        """Note and tell what it waits for that the operator holds back."""
        self.poller.tell(replace(self.record(self.id), progress=what))

    def target(self, candidate: Candidate) -> Target:
        """A candidate as a place to ask, in the client's own shape where it knows that."""
        endpoint = candidate.upstream.videos[shape_at(candidate.upstream, self.shape)]
        return Target(candidate.upstream, endpoint, candidate.model, f"priority {candidate.priority}")

    def begin(self) -> None:
        """Put it on record. Raises `Unavailable` when that cannot be done: then nothing may leave the house."""
        number = self.runtime.journal.next_id()
        record = self.record(number)
        self.runtime.journal.start(record)
        if self.reservation:
            self.reservation.recorded = True
        self.id = number
        self.runtime.enter(self)
        self.runtime.bus.publish(ExchangeStarted(record))

    async def wait_for_leave(self) -> None:
        """Stand still while the operator holds it back. Raises the error that it is cut with meanwhile."""
        micros = self.record(self.id).reserved_micros
        leave = asyncio.ensure_future(brake.wait_for_leave(self, self.runtime, self.key, micros))
        try:
            await asyncio.wait((leave, self._cut), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leave.cancel()
        if self._cut.done():
            raise self._cut.result()
        await leave

    async def send(self, call: Call, asked: VideoRequest, targets: tuple[Target, ...]) -> Made:
        """Have one of the targets begin it: another one only when it is certain that the one before did not."""
        for number, target in enumerate(targets, 1):
            begun = self.elapsed_us()
            try:
                made = await self.attempt(call, asked, target)
            except GatewayError as error:
                decision = retry.decide(error, len(targets) - number)
                if decision.next_target and not is_refusal(error):
                    reason = f"{error.code} ({error.status}): the task may have begun, given up"
                    decision = retry.Decision(False, reason)
                self.attempts.note(self.id, target, begun, self.elapsed_us(), error, decision.reason)
                if not decision.next_target:
                    raise
            else:
                self.attempts.note(self.id, target, begun, self.elapsed_us(), None, "answered")
                return made
        raise Unavailable("No upstream could begin it.", code="no_upstream")

    async def attempt(self, call: Call, asked: VideoRequest, target: Target) -> Made:
        """Ask one target."""
        shape = shape_at(target.upstream, self.shape)
        losses: tuple[Loss, ...] = ()
        if shape == self.shape:
            put = with_model(call, target.model) if target.model != asked.model else call
        else:
            put, losses = write_request(shape, asked, target.model)
            if self.strict and losses:
                told = f"{losses[0].field} would be lost on the way to this model: {losses[0].why}"
                raise BadRequest(told, param=losses[0].field)
        body = await ask(self.runtime, target, put, once=True)
        made = read_made(body)
        standing = first_standing(asked)
        with contextlib.suppress(UpstreamFailed):
            said = read_standing(body, standing, made)
            standing = said if said.status in OPEN else standing
        return Made(target, shape, made, standing, losses)

    async def keep(self, made: Made) -> Task:
        """Put the task on record and see it to its end."""
        task = Task(
            exchange_id=self.id,
            token=secrets.token_hex(16),
            key_id=self.key.id,
            upstream_id=made.target.upstream.id,
            upstream_task_id=made.id,
            shape=made.shape,
            model=self.model,
            created_at=self.runtime.now(),
            status=made.standing.status,
            standing=stored(made.standing),
        )
        async with self.poller.database.write() as session:
            await add_task(session, task, self.attempts.records)
        record = replace(
            self.record(self.id),
            model_served=made.target.model,
            upstream_id=made.target.upstream.id,
            upstream=made.target.upstream.name,
            http_status=200,
            warnings=warnings_record(made.losses),
            progress=told(made.standing),
        )
        self.poller.tell(record)
        self.poller.follow(task, record)
        return task

    def fail(self, error: GatewayError) -> None:
        """Close its record: no task has come of it."""
        if self.id == 0:
            with contextlib.suppress(Unavailable):
                self.begin()
        if self.id == 0:
            return
        last = self.attempts.records[-1] if self.attempts.records else None
        record = replace(
            self.record(self.id),
            state=FAILED,
            upstream_id=last.upstream_id if last else None,
            upstream=last.upstream if last else "",
            http_status=self.arrival.codec.error_status(error),
            error_code=error.code,
            error_message=error.message[:500],
            usage_source="",
            input_tokens=0,
            cost_micros=0,
            duration_us=self.elapsed_us(),
        )
        self.runtime.journal.end(record, self.attempts.records)
        if self.reservation:
            self.reservation.settle(record, 0)
        self.runtime.bus.publish(ExchangeEnded(record, tuple(self.attempts.records)))

    def elapsed_us(self) -> int:
        """Microseconds since it came."""
        return int((time.monotonic() - self._started) * 1_000_000)

    def record(self, number: int) -> ExchangeRecord:
        """The exchange before any upstream has answered."""
        arrival = self.arrival
        record = ExchangeRecord(
            id=number,
            request_id=arrival.request_id,
            started_at=self.started_at,
            state=RUNNING,
            protocol=self.shape,
            operation=arrival.endpoint.work,
            path=arrival.path,
            key_id=self.key.id,
            model_asked=self.model,
            route=self.route,
            attempts=len(self.attempts.records),
            client=arrival.client,
            agent=arrival.headers.get("user-agent", "")[:256],
            request_headers=intake.recorded_headers(arrival.headers),
            owner=self.key.owner,
        )
        return self.reservation.written_on(record) if self.reservation else record


async def submit(poller: Poller, arrival: Arrival, receive: Receive, key: KeyFacts, shape: VideoShape) -> Begun:
    """Begin a task for a client. Raises `GatewayError`."""
    submission = Submission(poller, arrival, key, shape)
    try:
        call = await intake.take_call(arrival, receive)
        asked = read_request(shape, call)
        submission.model = asked.model
        plan = await submission.reserve(submission.plan(asked), call, asked)
        keys.check_still_usable(poller.runtime.snapshot, key, poller.runtime.now())
        submission.begin()
        await submission.wait_for_leave()
        made = await submission.send(call, asked, plan.targets)
        return Begun(await submission.keep(made), made.losses)
    except GatewayError as error:
        submission.fail(error)
        raise
    except Exception:
        log.exception("request %s failed inside the gateway", arrival.request_id)
        failed = Internal(f"The gateway failed; its operator can look up {arrival.request_id}.")
        submission.fail(failed)
        raise failed from None
    finally:
        if submission.reservation:
            submission.reservation.leave()
        poller.runtime.leave(submission)


def shape_at(upstream: UpstreamFacts, shape: VideoShape) -> VideoShape:
    """How to ask an upstream: in this shape if it knows that, otherwise in its own."""
    return shape if shape in upstream.videos else next(iter(upstream.videos))


def is_refusal(error: GatewayError) -> bool:
    """Whether it is certain that no task was begun."""
    return isinstance(error, RateLimited | NotFound | Unavailable) or error.code in REFUSED
