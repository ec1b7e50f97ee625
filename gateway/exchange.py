"""THE PATH OF ONE REQUEST, from a client's bytes to the settled record.

`handle` reads top to bottom. The task that runs it owns the upstream's response and alone settles: whatever ends a
request (done, refused, cut, client gone, upstream dead) comes past `Exchange.settle`, exactly once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from msgspec import Struct
from msgspec.structs import replace

from data.records import CLIENT_LEFT, CUT, DONE, FAILED, RUNNING, ExchangeRecord
from gateway import (
    brake,
    continuation,
    fetching,
    intake,
    keys,
    limits,
    recording,
    relay,
    reservation,
    retry,
    routing,
    settlement,
    upstream,
)
from gateway.attempts import Attempts
from gateway.belongings import Belongings
from gateway.brake import Throttle
from gateway.canonical import Asked, Piece, Usage
from gateway.continuation import Continuation
from gateway.errors import BadRequest, Cut, GatewayError, Internal, Unavailable, UpstreamFailed
from gateway.events import ExchangeEnded, ExchangeStarted, TextPassed
from gateway.intake import ON_LOST, Arrival, Receive, Scope, Send
from gateway.metering import Meter
from gateway.passage import Counted, Embedded, Passage, Relayed, Translated, headers_of, warnings_record
from gateway.protocols.codec import Call
from gateway.rates import Charge
from gateway.recording import Outcome
from gateway.reply import Reply
from gateway.reservation import Reservation
from gateway.routing import Plan, Target
from gateway.runtime import Runtime
from gateway.snapshot import KeyFacts

log = logging.getLogger("gatehouse.exchange")

PROGRESS_EVERY = 0.25
"""Seconds between two pieces of news of one running answer."""
PATIENCE = 20.0
"""Seconds for which a streaming client's response is held back so that targets can still be changed."""
SILENCE = 12.0
"""Seconds of silence after which a running stream is kept alive."""
LAST_WORDS = 1.0
"""Seconds that a client has to take the error that ends its answer."""


async def handle(
    runtime: Runtime, arrival: Arrival, scope: Scope, receive: Receive, send: Send, plan: Plan | None = None
) -> None:
    """Serve one request, where a plan says if one is given. Raises nothing but a cancellation from outside."""
    exchange = Exchange(runtime, arrival, scope, send)
    try:
        runtime.check_open()
        exchange.key = key = keys.authenticate(
            runtime.snapshot, arrival.headers, arrival.query, runtime.vault, exchange.started_at
        )
        limits.check_scope(runtime.snapshot, key, arrival.endpoint, arrival.client)
        call = await intake.take_call(arrival, receive)
        call, exchange.asked = reservation.read(runtime, key, exchange.codec, call, arrival.endpoint.work)
        exchange.call = call
        if plan is None:
            plan = await exchange.plan(key, call)
        plan = await exchange.reserve(key, plan, call)
        keys.check_still_usable(runtime.snapshot, key, runtime.now())
        exchange.begin(plan.route)
        await brake.wait_for_leave(exchange, runtime, key, exchange.reserved_micros)
        answer = await exchange.answer_from(plan)
        if isinstance(answer, bytes):
            await exchange.pass_body(answer)
        else:
            await exchange.pass_stream(answer)
    except GatewayError as error:
        await exchange.fail(error, FAILED)
    except asyncio.CancelledError:
        await exchange.cancelled()
    except Exception:
        log.exception("request %s failed inside the gateway", arrival.request_id)
        await exchange.fail(Internal(f"The gateway failed; its operator can look up {arrival.request_id}."), FAILED)
    finally:
        exchange.close()


class Streaming(Struct, frozen=True):
    """An upstream's stream whose first good frames have come."""

    meter: Meter
    passage: Passage
    first: bytes
    rest: AsyncIterator[bytes]


class Exchange:
    """One request with its response, while it runs. Belongs to the task that handles it."""

    def __init__(self, runtime: Runtime, arrival: Arrival, scope: Scope, send: Send) -> None:
        self.runtime = runtime
        self.arrival = arrival
        self.codec = relay.codec_for(arrival.endpoint, arrival.query)
        self.started_at = time.time_ns() // 1000
        self.id = 0
        self.key: KeyFacts | None = None
        self.call: Call | None = None
        self.asked = Asked(model="")
        self.belongings: Belongings | None = None
        self.going_on: Continuation | None = None
        self.route = ""
        self.target: Target | None = None
        self.answer: upstream.Answer | None = None
        self.passage: Passage | None = None
        self.meter: Meter | None = None
        self.reservation: Reservation | None = None
        self.approved = False
        """The operator let it go, whatever it may cost."""
        self.throttle = Throttle()
        self.attempts = Attempts(runtime)
        self.first_token_us: int | None = None
        self.reply = Reply(send, self.codec, arrival.request_id)
        self.settled = False
        self.taps = 0
        self._scope = scope
        self._record = recording.arrived(arrival, self.started_at)
        self._started = time.monotonic()
        self._next_progress = 0.0
        self._severed: tuple[str, GatewayError] | None = None
        # Given the loop, this asks the system nothing.
        self._task = asyncio.current_task(runtime.loop)
        scope[ON_LOST] = self.client_left

    @property
    def key_id(self) -> int | None:
        """Whose request it is."""
        return self.key.id if self.key else None

    @property
    def reserved_micros(self) -> int:
        """What was put aside for it."""
        return self._record.reserved_micros

    @property
    def upstream_id(self) -> int | None:
        """Who is answering it."""
        return self.target.upstream.id if self.target else None

    # --- the steps of `handle` ----------------------------------------------------------------------------------

    async def plan(self, key: KeyFacts, call: Call) -> Plan:
        """Where it may go: wherever its model is served, or only where that is kept which it goes on from."""
        runtime, model, protocol = self.runtime, self.asked.model, self.codec.name
        limits.check_model(runtime.snapshot, key, model)
        spoken = routing.spoken_for(self.arrival.endpoint.work, protocol)
        plan = routing.plan(runtime.snapshot, model, spoken, is_down=runtime.why_down, draw=runtime.draw)
        if self.arrival.endpoint.work == "generate":
            self.belongings = Belongings(runtime.responses, key.id, protocol, call)
            plan = await self.belongings.narrowed(plan, runtime.snapshot)
        if protocol != continuation.PROTOCOL:
            return plan
        self.going_on = going_on = await continuation.take_up(runtime.responses, key.id, call)
        self.call = going_on.call
        return continuation.narrowed(plan, going_on, runtime.snapshot)

    async def reserve(self, key: KeyFacts, plan: Plan, call: Call) -> Plan:
        """Let it in: its places, its rates, its money. The plan, without those whose price nobody knows."""
        work = self.arrival.endpoint.work
        plan, self.reservation = await reservation.reserve(self.runtime, key, plan, call.body, self.asked, work)
        return plan

    def begin(self, route: str) -> None:
        """Put it on record. Raises `Unavailable` when that cannot be done: then nothing may leave the house."""
        self.route = route
        number = self.runtime.journal.next_id()
        record = recording.begun(self._record, number, self.codec.name, self.asked, self.key, route)
        self._record = self.reservation.written_on(record) if self.reservation else record
        self.runtime.journal.start(self._record)
        if self.reservation:
            self.reservation.recorded = True
        self.id = number
        if self.key and self.key.capture_until and self.call:
            self.reply.collected = self.runtime.captures.begin(self.key.id, number, self.runtime.now(), self.call.body)
        self.runtime.enter(self)
        self.runtime.bus.publish(ExchangeStarted(self._record))

    async def answer_from(self, plan: Plan) -> bytes | Streaming:
        """The first good answer that the plan's targets give: whole, or as a stream whose first frames are good."""
        for number, target in enumerate(plan.targets, 1):
            begun = self.elapsed_us()
            try:
                answer = await self.attempt(target, strict=plan.strict)
            except GatewayError as error:
                decision = retry.decide(error, len(plan.targets) - number)
                self.attempts.note(self.id, target, begun, self.elapsed_us(), error, decision.reason)
                self.drop_response()
                if not decision.next_target:
                    raise
            else:
                self.attempts.note(self.id, target, begun, self.elapsed_us(), None, "answered")
                self.note_belongings()
                return answer
        raise Unavailable("No upstream could answer.", code="no_upstream")

    async def attempt(self, target: Target, *, strict: bool) -> bytes | Streaming:
        """Ask one target."""
        self.target, self.answer, self.meter = target, None, None
        self.passage = passage = await self.passage_to(target, strict=strict)
        if isinstance(passage, Counted):
            return await passage.count()
        transport = self.runtime.transport(target.endpoint.base_url)
        self.answer = answer = await upstream.send(transport, target, passage.call, passage.codec)
        self.meter = meter = Meter(passage.codec.new_framing(passage.call), passage.codec.new_reader())
        if self.asked.stream or relay.is_binary(self.arrival.endpoint, answer.content_type):
            return await self.open_stream(meter, passage, answer)
        body = await upstream.read_body(answer)
        meter.saw_body(body)
        meter.check()
        if not meter.reader.ended:
            upstream.check_whole(body)
        return passage.body(body)

    async def passage_to(self, target: Target, *, strict: bool) -> Passage:
        """How the request gets to a target. Raises `BadRequest` for what its protocol cannot say."""
        if self.call is None:
            raise Internal("There is no call to send.")
        going_on = self.going_on
        if target.endpoint.protocol == self.codec.name and not (going_on and going_on.foreign):
            return Relayed(self.codec, self.call, self.asked, target, strict=strict)
        if self.arrival.endpoint.work == "count":
            return Counted(self.codec, self.call)
        if self.arrival.endpoint.work == "embed":
            return Embedded(self.codec, self.call, target, strict=strict)
        call, answer_id = self.call, ""
        if going_on is not None:
            call = continuation.to_translate(going_on, keeps=self.runtime.responses.keeps)
            answer_id = self.arrival.request_id.replace("req_", "resp_", 1)
        media = await fetching.media_for(self.runtime, self.codec, call, target)
        return Translated(self.codec, call, self.asked, target, strict=strict, answer_id=answer_id, media=media)

    async def open_stream(self, meter: Meter, passage: Passage, answer: upstream.Answer) -> Streaming:
        """Wait for the first frames that say something: until then another target can still be tried."""
        rest = upstream.whole_frames(answer, meter.framing)
        first = b""
        async for frames in rest:
            first += frames
            meter.saw(frames)
            text = meter.read()
            meter.check()
            if text or meter.reader.ended or any(map(passage.codec.is_content, meter.framing.payloads(frames))):
                return Streaming(meter, passage, first, rest)
        raise UpstreamFailed("The upstream ended its answer before it said anything.", code="upstream_protocol")

    async def pass_body(self, body: bytes) -> None:
        """Settle, then hand over a whole answer."""
        self.first_token_us = self.elapsed_us()
        self.note_belongings(body)
        body = self.kept(body)
        await self.settle(DONE)
        await self.reply.give(body, self.answer_headers())

    async def pass_stream(self, streaming: Streaming) -> None:
        """Hand a stream over, frame by whole frame, and settle before its last event goes out."""
        meter, passage = streaming.meter, streaming.passage
        await self.reply.open(self.answer_headers())
        self.first_token_us = self.elapsed_us()
        await self.pass_frames(meter, passage, streaming.first)
        async for frames in streaming.rest:
            meter.saw(frames)
            await self.pass_frames(meter, passage, frames)
        self.tell(meter)
        meter.check()
        if not meter.reader.ended and not self.settled:
            raise UpstreamFailed("The upstream broke off in the middle of its answer.", code="upstream_cut_off")
        rest = passage.rest(meter.framing.rest())
        await self.settle(DONE)
        await self.write(rest, more=False)

    async def pass_frames(self, meter: Meter, passage: Passage, frames: bytes) -> None:
        """Hand over some whole frames."""
        if b'"error"' in frames:
            meter.read()
            meter.check()
        if self.taps or (self.runtime.bus.watched and time.monotonic() >= self._next_progress):
            self.tell(meter)
        passed = passage.frames(frames)
        if not self.settled and passage.codec.is_terminal(frames):
            self.tell(meter)
            await self.settle(DONE)
        if passed:
            await self.write(passed)
        if self.key and brake.brake_of(self.runtime, self.key).tokens_per_second:
            meter.read()
            await self.throttle.slow(self.runtime, self.key, meter.output_tokens)

    def kept(self, answer: bytes) -> bytes:
        """An answer, or frames of one, for the client; its response is kept for requests that go on from it."""
        if self.going_on is None or self.key is None or self.target is None:
            return answer
        holder = self.target.upstream.id if isinstance(self.passage, Relayed) else None
        return continuation.kept(self.runtime.responses, self.going_on, self.key.id, holder, answer)

    def note_belongings(self, answer: bytes = b"") -> None:
        """Note that an account has what the request names, and what an answer, or frames of one, tell of."""
        if self.belongings and self.answer and self.target and isinstance(self.passage, Relayed):
            self.belongings.note(self.target.upstream.id, answer)

    # --- however it ends ----------------------------------------------------------------------------------------

    async def fail(self, error: GatewayError, state: str) -> None:
        """End it with an error: sever the upstream, tell the client in its protocol, settle what passed."""
        self.drop_response()
        if self.target and self.answer and state == FAILED and self.reply.opened:
            self.attempts.failed(self.target, error)
        if self.id == 0 and self.key is not None:
            with contextlib.suppress(Unavailable):
                self.begin(self.route)
        if state != CLIENT_LEFT:
            await self.tell_client(error)
        await self.settle(state, error)

    async def cancelled(self) -> None:
        """The task was cancelled: by `sever`, or from outside."""
        if self._severed is None:
            await self.fail(Cut("The gateway stopped.", code="shutting_down"), CUT)
            raise asyncio.CancelledError
        if self._task:
            self._task.uncancel()
        state, error = self._severed
        await self.fail(error, state)

    async def tell_client(self, error: GatewayError) -> None:
        """Write an error to the client: as a response, or into the stream that has begun."""
        self.reply.status = self.reply.status or self.codec.error_status(error)
        try:
            async with asyncio.timeout(LAST_WORDS):
                if not self.reply.opened:
                    await self.reply.refuse(error)
                elif not self.settled and not relay.is_passing(self.meter):
                    await self.write(self.error_frames(error), more=False)
        except TimeoutError:
            log.info("request %s ended without its client taking the error", self.arrival.request_id)

    def error_frames(self, error: GatewayError) -> bytes:
        """The error as frames that fit what the client has had so far."""
        if self.meter is None or self.passage is None:
            return self.codec.error_frames(error, self.arrival.request_id, self.codec.new_reader())
        self.meter.read()
        return self.passage.error_frames(error, self.arrival.request_id, self.meter.reader)

    async def settle(self, state: str, error: GatewayError | None = None) -> None:
        """Work out what was used and what it costs, and close the record. Does nothing the second time."""
        if self.settled or self.id == 0:
            return
        usage, source = await self.usage(state)
        self.settled = True
        record = self.record(Outcome(state, error, usage, source, self.charge(usage)))
        self.runtime.journal.end(record, self.attempts.records)
        if self.reservation:
            self.reservation.settle(record, usage.total)
        self.runtime.bus.publish(ExchangeEnded(record, tuple(self.attempts.records)))

    async def usage(self, state: str) -> tuple[Usage, str]:
        """What it used, and where the figures come from.

        Of a request that was broken off here before its answer began, the provider may charge the input all the same.
        """
        if self.call is None or self.arrival.endpoint.work not in reservation.PAID:
            return Usage(), ""
        if self.meter is None:
            sent = self.target is not None and state in (CLIENT_LEFT, CUT)
            return (Usage(input=self._record.input_tokens), settlement.ESTIMATED) if sent else (Usage(), "")
        usage, source = await settlement.usage_of(self.meter, self.codec.name, self.call.body)
        return relay.completed(self.call, usage), source

    def charge(self, usage: Usage) -> Charge | None:
        """What that costs. Only what the provider itself has said may come to more than was put aside."""
        most = None if self.meter and self.meter.reader.usage else self.reserved_micros
        return settlement.charge_of(self.runtime.prices, self.target, usage, self.started_at, most)

    def close(self) -> None:
        """Let go of everything. Runs whatever happened."""
        self.drop_response()
        if self.reservation:
            self.reservation.leave()
        self.runtime.captures.keep(self.reply.collected)
        self.runtime.leave(self)
        self._scope.pop(ON_LOST, None)

    def drop_response(self) -> None:
        """Close the upstream's connection unless its answer was read to the end."""
        if self.answer is not None:
            self.answer.sever()

    # --- from outside its task ----------------------------------------------------------------------------------

    def cut(self, error: GatewayError) -> None:
        """End it now; the client is told in its own protocol."""
        self.sever(CUT, error)

    def client_left(self) -> None:
        """The client's connection is gone."""
        self.sever(CLIENT_LEFT, BadRequest("The client left.", code="client_left"))

    def sever(self, state: str, error: GatewayError) -> None:
        """Interrupt the task; the first reason stands. What is settled already runs out by itself."""
        if self._severed is None and not self.settled and self._task:
            self._severed = (state, error)
            self._task.cancel()

    def look_after(self, now: float) -> None:
        """Called every second: note how far a stream is, open one that waits too long, keep a silent one alive."""
        if self.settled or not self.asked.stream:
            return
        if self.meter is not None:
            usage = settlement.so_far(self.meter, self._record.input_tokens)
            so_far = Outcome(RUNNING, None, usage, settlement.ESTIMATED, self.charge(usage))
            self.runtime.journal.progress(self.record(so_far))
        reply = self.reply
        if not reply.opened and now - self._started > PATIENCE:
            self.runtime.spawn(reply.open(self.answer_headers()))
        elif reply.opened and not reply.writing and now - reply.last_written > SILENCE:
            self.runtime.spawn(self.write(self.codec.keep_alive))

    def open_tap(self) -> list[Piece]:
        """Start telling the text that passes; the text so far."""
        if self.meter is not None:
            # What has gathered goes to those who watch already; the new one gets it here.
            self.tell(self.meter)
        self.taps += 1
        return self.meter.pieces if self.meter else []

    # --- writing, telling, recording ----------------------------------------------------------------------------

    def answer_headers(self) -> list[tuple[bytes, bytes]]:
        """The upstream's headers that a client may see."""
        rates = self.reservation.rate_headers(self.codec) if self.reservation else []
        return [*headers_of(self.passage, self.answer, self.codec.stream_type), *rates]

    async def write(self, frames: bytes, *, more: bool = True) -> None:
        """Hand bytes to the client; waits while it is slow."""
        if self.belongings and self.belongings.tells(frames):
            self.note_belongings(frames)
        if continuation.tells(frames):
            frames = self.kept(frames)
        await self.reply.write(frames, more=more)

    def tell(self, meter: Meter) -> None:
        """News of how far the answer has come, and its text where somebody taps."""
        bus = self.runtime.bus
        pieces = meter.read()
        if self.taps:
            for piece in pieces:
                bus.publish(TextPassed(self.id, piece.kind, piece.text))
        now = time.monotonic()
        if bus.watched and now >= self._next_progress and not self.settled:
            self._next_progress = now + PROGRESS_EVERY
            self.tell_progress(meter.output_tokens)

    def wait_for(self, what: str) -> None:
        """Note and tell what it waits for that the operator holds back."""
        self._record = replace(self._record, progress=what)
        self.runtime.journal.progress(self._record)
        self.tell_progress(0)

    def tell_progress(self, output_tokens: int) -> None:
        """News of how far it has come."""
        self.runtime.bus.publish(recording.progressed(self._record, self.target, self.first_token_us, output_tokens))

    def elapsed_us(self) -> int:
        """Microseconds since it came."""
        return int((time.monotonic() - self._started) * 1_000_000)

    def record(self, outcome: Outcome) -> ExchangeRecord:
        """The exchange as it stands, in the shape that everything else reads."""
        record = self._record
        if self.target is not None:
            answered_as = self.answer.request_id if self.answer else ""
            losses = self.passage.losses if self.passage else ()
            record = recording.put_to(record, self.target, answered_as, warnings_record(losses))
        if self.meter is not None:
            record = recording.read(record, self.meter.reader)
        return replace(
            recording.came_to(record, outcome, self.reply.status),
            first_token_us=self.first_token_us,
            duration_us=None if outcome.state == RUNNING else self.elapsed_us(),
            attempts=len(self.attempts.records),
        )
