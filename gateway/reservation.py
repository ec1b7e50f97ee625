"""What a request is let in with: places and rates, and the money put aside for it, until it is over."""

from msgspec import Struct
from msgspec.structs import replace

from data.records import ExchangeRecord
from gateway import bounds, limits
from gateway.bounds import Weight
from gateway.canonical import Asked
from gateway.endpoints import Work
from gateway.errors import Forbidden
from gateway.limits import Admission
from gateway.models import facts_for
from gateway.protocols.codec import Call, Codec
from gateway.rates import Rate
from gateway.routing import Plan, Skipped, Target
from gateway.runtime import Runtime
from gateway.settlement import ESTIMATED, rate_of
from gateway.snapshot import KeyFacts

PAID: frozenset[Work] = frozenset(("generate", "embed", "relay", "video"))
"""What costs money. The rest is counted here, or is about an answer that was paid for."""
NO_OUTPUT: frozenset[Work] = frozenset(("embed",))


class Offer(Struct, frozen=True):
    """What a target asks, and how much it may put out for that."""

    rate: Rate
    output: int
    """Tokens."""
    film: int = 0
    """Seconds."""


class Reservation:
    """One request's, from when it was let in until it is over."""

    def __init__(self, runtime: Runtime, key: KeyFacts, admission: Admission, weight: Weight) -> None:
        self.micros = 0
        self.input_tokens = weight.estimate
        self.input_micros = 0
        """What its input alone would cost: the least that is known of a request whose end we do not live to see."""
        self.admission = admission
        self._runtime = runtime
        self._key = key
        self.recorded = False
        """The money is accounted for by the record from now on."""

    def put_aside(self, offers: list[Offer], body: bytes, weight: Weight) -> None:
        """Hold back what the dearest of the targets may cost. Raises `InsufficientQuota`."""
        size = len(body)
        estimate = max(bounds.estimate(offer.rate, size, weight.estimate, offer.output, offer.film) for offer in offers)

        def most() -> int:
            heaviest = bounds.heaviest(body)
            return max(bounds.most(offer.rate, size, heaviest, offer.output, offer.film) for offer in offers)

        key = self._key
        self.micros = self._runtime.budgets.reserve(key.id, key.owner, estimate, most, self._runtime.now())
        self.input_micros = min(bounds.estimate(offers[0].rate, 0, weight.estimate, 0), self.micros)

    def written_on(self, record: ExchangeRecord) -> ExchangeRecord:
        """A record that begins. Until more is known the input alone is what it used: that is all it costs if we die."""
        if not self.micros:
            return record
        return replace(
            record,
            reserved_micros=self.micros,
            usage_source=ESTIMATED,
            input_tokens=self.input_tokens,
            cost_micros=self.input_micros,
        )

    def rate_headers(self, codec: Codec) -> list[tuple[bytes, bytes]]:
        """What rates allow still, as the client reads it."""
        return codec.rate_headers(self.admission.allowances(), self._runtime.now())

    def settle(self, record: ExchangeRecord, tokens: int) -> None:
        """It is on record what it cost."""
        self._runtime.budgets.settle(record)
        self.admission.used(tokens)

    def leave(self) -> None:
        """Give back its places; if it never came to be on record, all that it took."""
        if self.recorded:
            self.admission.leave()
            return
        self.recorded = True
        self._runtime.budgets.release(self._key.id, self._key.owner, self.micros)
        self.admission.undo()


def priced(runtime: Runtime, plan: Plan, asked: Asked, work: Work) -> tuple[Plan, list[Offer]]:
    """The plan without targets that nobody knows the price of, and what the others ask.

    Raises `Forbidden` when none is left.
    """
    at = runtime.now()
    rates = [(target, rate_of(runtime.prices, target, at)) for target in plan.targets]
    unknown = [target for target, rate in rates if rate is None and not target.upstream.unpriced]
    if len(unknown) == len(plan.targets):
        raise no_price(unknown[0])
    if unknown:
        skipped = (Skipped(target.upstream.name, target.model, "no price is known") for target in unknown)
        targets = tuple(target for target in plan.targets if target not in unknown)
        plan = replace(plan, targets=targets, skipped=(*plan.skipped, *skipped))
    return plan, [
        Offer(rate, 0 if work in NO_OUTPUT else most_output(target, asked), asked.film_seconds)
        for target, rate in rates
        if rate is not None
    ]


def no_price(target: Target) -> Forbidden:
    """The refusal of a model whose cost could not be put on anybody's account."""
    return Forbidden(
        f"Nobody knows the price of {target.model!r}, so it is not served. The gateway's operator can set one "
        f"(`console price set`) or let {target.upstream.name} serve models without a price.",
        code="model_not_priced",
        param="model",
    )


async def reserve(
    runtime: Runtime, key: KeyFacts, plan: Plan, body: bytes, asked: Asked, work: Work
) -> tuple[Plan, Reservation]:
    """Let a request in, or wait until it may be, and put aside what it may cost. Then nothing else stands in its way.

    Raises `Forbidden`, `RateLimited` or `InsufficientQuota`, and then it has taken nothing.
    """
    offers: list[Offer] = []
    if work in PAID:
        plan, offers = priced(runtime, plan, asked, work)
    weight = bounds.weigh(body)
    admission = await runtime.limits.admit(key, weight.estimate + (asked.max_output or 0))
    reservation = Reservation(runtime, key, admission, weight)
    try:
        if offers:
            reservation.put_aside(offers, body, weight)
    except BaseException:
        admission.undo()
        raise
    return plan, reservation


def most_output(target: Target, asked: Asked) -> int:
    """The most output tokens that a target may answer with."""
    if asked.film_tokens:
        return asked.film_tokens
    known = facts_for(target.model, target.upstream.provider_id).max_output
    return bounds.longest(asked.max_output, known, asked.choices)


def read(runtime: Runtime, key: KeyFacts, codec: Codec, call: Call, work: Work) -> tuple[Call, Asked]:
    """What a request asks for. One that declares no longest output, where its key has one, declares it from now on.

    Raises `BadRequest` when it cannot be read, or declares more than it may.
    """
    asked = codec.read_call(call)
    longest = limits.longest_output(runtime.snapshot, key)
    if longest is None:
        return call, asked
    if asked.max_output is not None:
        limits.check_output(asked.max_output, longest)
    elif work == "generate":
        return codec.with_max_output(call, longest), replace(asked, max_output=longest)
    return call, asked
