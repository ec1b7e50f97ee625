"""Who may come in, and how many at once: rates, places, and where from. In memory, on a clock that only goes forward.

A request takes from its key's, its owner's and everyone's share in one step, or from none of them.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address, ip_network
from itertools import takewhile
from typing import Literal

from data.limits import FREE, Limits
from gateway.canonical import Allowance
from gateway.endpoints import Endpoint
from gateway.errors import BadRequest, Forbidden, RateLimited
from gateway.holders import Holders, whose
from gateway.routing import fits
from gateway.snapshot import KeyFacts, Snapshot

MINUTE = 60.0
DAY = 86_400.0
SLOTS = 600
"""Into how many parts a sliding window is cut: it never lets too much through, and too little by a six-hundredth."""


class Sliding:
    """How much passed in the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._width = seconds / SLOTS
        self._slots: deque[list[float]] = deque()
        """Start of each slot, and what passed in it."""
        self.total = 0.0

    def add(self, amount: float, now: float) -> None:
        """So much passes now."""
        self.total += amount
        start = now - now % self._width
        if self._slots and self._slots[-1][0] >= start:
            self._slots[-1][1] += amount
        else:
            self.used(now)  # lets go of what is over, where no limit asks
            self._slots.append([start, amount])

    def take_back(self, amount: float, at: float) -> None:
        """So much of what passed at a moment did not after all. What counts no more cannot be taken back."""
        start = at - at % self._width
        for slot in takewhile(lambda slot: slot[0] >= start, reversed(self._slots)):
            if slot[0] == start:
                back = min(amount, slot[1])
                slot[1] -= back
                self.total -= back

    def used(self, now: float) -> float:
        """How much counts still."""
        while self._slots and self._end_of(self._slots[0][0]) <= now:
            self.total -= self._slots.popleft()[1]
        return self.total

    def seconds_until(self, room: float, limit: float, now: float) -> float:
        """How long until so much more may pass under a limit; 0 when it may now."""
        excess = self.used(now) + room - limit
        free_at = now
        for start, amount in self._slots:
            if excess <= 0:
                break
            excess -= amount
            free_at = self._end_of(start)
        return max(free_at - now, 0.0)

    def seconds_until_empty(self, now: float) -> float:
        """How long until nothing counts any more."""
        return max(self._end_of(self._slots[-1][0]) - now, 0.0) if self._slots else 0.0

    def _end_of(self, start: float) -> float:
        return start + self._width + self._seconds


class Share:
    """One holder's traffic."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.limits: Limits = FREE
        self.running = 0
        self.promised = 0
        """Places that those have who waited for them and have not yet taken them."""
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.requests = Sliding(MINUTE)
        self.tokens = Sliding(MINUTE)
        self.tokens_of_day = Sliding(DAY)

    def put_under(self, limits: Limits) -> None:
        """What holds from now on; there may be more places."""
        self.limits = limits
        self.wake()

    def check_rates(self, tokens: int, now: float) -> None:
        """Raises `RateLimited`, saying when to come again, when this request would be one too many."""
        limits = self.limits
        for what, window, amount, limit in (
            ("requests a minute", self.requests, 1, limits.requests_per_minute),
            ("tokens a minute", self.tokens, tokens, limits.tokens_per_minute),
            ("tokens a day", self.tokens_of_day, tokens, limits.tokens_per_day),
        ):
            if limit is None:
                continue
            # What is larger than the whole limit passes when nothing else does.
            seconds = window.seconds_until(min(amount, limit), limit, now)
            if seconds > 0:
                raise RateLimited(f"{whose(self.holder)} may use {limit:,} {what}.", retry_after=seconds)

    def has_place(self) -> bool:
        """Whether one more may run."""
        return self.limits.concurrent is None or self.running + self.promised < self.limits.concurrent

    def take(self, tokens: int, now: float) -> None:
        """One more runs."""
        self.running += 1
        if self.limits.requests_per_minute is not None:
            self.requests.add(1, now)
        self.use(tokens, now)

    def use(self, tokens: int, now: float) -> None:
        """So many tokens pass."""
        if self.limits.tokens_per_minute is not None:
            self.tokens.add(tokens, now)
        # A limit by the day that is set at noon is also about the morning.
        self.tokens_of_day.add(tokens, now)

    def spare(self, tokens: int, taken_at: float) -> None:
        """So many tokens did not pass of those that were taken at a moment."""
        self.tokens.take_back(tokens, taken_at)
        self.tokens_of_day.take_back(tokens, taken_at)

    def give_back(self, tokens: int, taken_at: float) -> None:
        """One that was taken at a moment was not let in after all."""
        self.requests.take_back(1, taken_at)
        self.spare(tokens, taken_at)

    def leave(self) -> None:
        """One is over; the next may come."""
        self.running -= 1
        self.wake()

    def wake(self) -> None:
        """Promise free places to those who wait, first come, first served."""
        while self.waiters and self.has_place():
            self.promised += 1
            self.waiters.popleft().set_result(None)

    async def wait(self, seconds: float) -> None:
        """Until there is a place. Raises TimeoutError."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(waiter)
        except BaseException:
            if not waiter.done():
                self.waiters.remove(waiter)
                raise
            # It had come to its turn in the very moment it gave up: the place is the next one's.
            self.promised -= 1
            self.wake()
            raise
        self.promised -= 1


class Admission:
    """A request that was let in, until it is over."""

    def __init__(self, shares: tuple[Share, ...], tokens: int, at: float) -> None:
        self._shares = shares
        self._tokens = tokens
        self._at = at

    def used(self, tokens: int) -> None:
        """How many tokens it took in the end, instead of those it was let in for."""
        now = time.monotonic()
        for share in self._shares:
            if tokens > self._tokens:
                share.use(tokens - self._tokens, now)
            else:
                share.spare(self._tokens - tokens, self._at)

    def leave(self) -> None:
        """Free its places, once."""
        shares, self._shares = self._shares, ()
        for share in shares:
            share.leave()

    def undo(self) -> None:
        """It was not let in after all: it has taken nothing."""
        for share in self._shares:
            share.give_back(self._tokens, self._at)
        self.leave()

    def allowances(self) -> list[Allowance]:
        """The tightest rates that it came in under, for the answer's head."""
        now = time.monotonic()
        requests = [(share.limits.requests_per_minute, share.requests) for share in self._shares]
        tokens = [(share.limits.tokens_per_minute, share.tokens) for share in self._shares]
        return [*tightest("requests", requests, now), *tightest("tokens", tokens, now)]


def tightest(
    what: Literal["requests", "tokens"], rates: list[tuple[int | None, Sliding]], now: float
) -> Iterator[Allowance]:
    """Of several rates the one with the least left; nothing where none limits."""
    limited = [(limit - window.used(now), limit, window) for limit, window in rates if limit is not None]
    for left, limit, window in sorted(limited, key=lambda each: each[0])[:1]:
        yield Allowance(what, limit, max(int(left), 0), window.seconds_until_empty(now))


class Limiter:
    """All shares. Belongs to the gateway's loop."""

    def __init__(self) -> None:
        self._shares = Holders(Share)
        self.share = self._shares.get
        self.put_under = self._shares.put_under

    def of(self, key: KeyFacts) -> tuple[Share, ...]:
        """The shares that a request of this key takes from."""
        return self._shares.of(key.id, key.owner)

    def remember(self, key_id: int, owner: str, seconds_ago: float, tokens: int) -> None:
        """What passed before we started, earlier things first."""
        at = time.monotonic() - seconds_ago
        for share in self._shares.of(key_id or None, owner):
            share.tokens_of_day.add(tokens, at)

    async def admit(self, key: KeyFacts, tokens: int) -> Admission:
        """Let a request in that is held to take so many tokens; where there is no place it waits as long as it may.

        Raises `RateLimited`, and then it has taken nothing.
        """
        shares = self.of(key)
        until = 0.0
        try:
            while full := enter(shares, tokens, now := time.monotonic()):
                until = until or now + full.limits.wait_seconds
                hand_on(shares)
                await wait_for_place(full, until - now)
        finally:
            hand_on(shares)
        return Admission(shares, tokens, now)


def enter(shares: tuple[Share, ...], tokens: int, now: float) -> Share | None:
    """Take from all shares, or from none and say which has no place. Raises `RateLimited`."""
    for share in shares:
        share.check_rates(tokens, now)
    full = next((share for share in shares if not share.has_place()), None)
    if full is None:
        for share in shares:
            share.take(tokens, now)
    return full


def hand_on(shares: tuple[Share, ...]) -> None:
    """A place that was promised to one who cannot take it yet, or not any more, is for the next."""
    for share in shares:
        share.wake()


async def wait_for_place(share: Share, seconds: float) -> None:
    """Until somebody leaves. Raises `RateLimited` when that takes too long, or may not be waited for."""
    with contextlib.suppress(TimeoutError):
        if seconds > 0:
            return await share.wait(seconds)
    raise RateLimited(
        f"{whose(share.holder)} may have {share.limits.concurrent} requests running at a time.",
        code="concurrency_limit",
        retry_after=1,
    )


def limits_of(snapshot: Snapshot, key: KeyFacts) -> list[Limits]:
    """The limits that hold for a key, those of its owner and of everyone among them."""
    holders = (key.limits, snapshot.owners.get(key.owner, FREE), snapshot.everyone)
    return [limits for limits in holders if limits is not FREE]


def check_scope(snapshot: Snapshot, key: KeyFacts, endpoint: Endpoint, client: str) -> None:
    """Raises `Forbidden` for a key that is frozen, and for what a key, its owner or everyone may not do, or not from
    there."""
    if key.brake.frozen:
        raise Forbidden("The operator has frozen this key; requests that run go on.", code="key_frozen")
    # Whoever may have answers generated may look at those that were kept.
    work = "generate" if endpoint.work == "response" else endpoint.work
    for limits in limits_of(snapshot, key):
        if limits.protocols and endpoint.protocol not in limits.protocols:
            raise Forbidden("This key may not be used with this protocol.", code="protocol_not_allowed")
        if limits.endpoints and work not in limits.endpoints:
            raise Forbidden(f"This key may not be used for /{endpoint.path}.", code="endpoint_not_allowed")
    check_network(snapshot, key, client)


def check_network(snapshot: Snapshot, key: KeyFacts, client: str) -> None:
    """Raises `Forbidden` for a client at an address that the key, its owner or everyone may not be used from."""
    for limits in limits_of(snapshot, key):
        if limits.networks and not any(contains(network, client) for network in limits.networks):
            raise Forbidden("This key may not be used from this address.", code="address_not_allowed")


def may_ask(snapshot: Snapshot, key: KeyFacts, model: str) -> bool:
    """Whether the key, its owner and everyone may ask for a model."""
    return all(not limits.models or fits(model, limits.models) for limits in limits_of(snapshot, key))


def check_model(snapshot: Snapshot, key: KeyFacts, model: str) -> None:
    """Raises `Forbidden` for a model that may not be asked for."""
    if not may_ask(snapshot, key, model):
        raise Forbidden(f"This key may not use the model {model!r}.", code="model_not_allowed", param="model")


def longest_output(snapshot: Snapshot, key: KeyFacts) -> int | None:
    """The most output tokens that a request may ask for."""
    caps = [limits.max_output_tokens for limits in limits_of(snapshot, key)]
    return min((cap for cap in caps if cap is not None), default=None)


def check_output(asked: int, longest: int) -> None:
    """Raises `BadRequest` when a request asks for more output than it may."""
    if asked > longest:
        raise BadRequest(
            f"This key may ask for at most {longest:,} output tokens, not {asked:,}.",
            code="max_output_exceeded",
            param="max_tokens",
        )


@lru_cache(maxsize=4096)
def contains(network: str, address: str) -> bool:
    """Whether a client's address lies in a CIDR block; one that is no address lies in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found) in ip_network(network)
