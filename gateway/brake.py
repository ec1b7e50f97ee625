"""How an operator slows a key down short of taking it away: its requests wait for leave, its streams pass slowly."""

import asyncio
import time
from typing import Protocol as Interface

from data.limits import RELEASED, Brake
from gateway.budgets import dollars
from gateway.errors import Unavailable
from gateway.runtime import Runtime
from gateway.snapshot import KeyFacts

PATIENCE = 300.0
"""Seconds that a request waits for leave."""
LOOK = 0.1
"""Seconds between two looks at what the operator says meanwhile."""
HELD = "held back by the operator"


class Held(Interface):
    """A request that may have to wait."""

    approved: bool
    """The operator let it go, whatever it may cost."""

    def wait_for(self, what: str) -> None:
        """Note and tell what it waits for; nothing any more when empty."""
        ...


def brake_of(runtime: Runtime, key: KeyFacts) -> Brake:
    """What the operator says of a key now, whatever held when the request came."""
    current = runtime.snapshot.keys.get(key.public_id)
    return current.brake if current else RELEASED


async def wait_for_leave(held: Held, runtime: Runtime, key: KeyFacts, micros: int) -> None:
    """Stand still while the operator holds the key's requests back, or has not approved of what this one may cost.

    Raises `Unavailable` when that takes too long.
    """
    told, until = "", time.monotonic() + PATIENCE
    while waits := why_held(brake_of(runtime, key), micros, approved=held.approved):
        if waits != told:
            held.wait_for(told := waits)
        if time.monotonic() > until:
            raise Unavailable(f"The request waited in vain: it is {waits}.", code="held_back", retry_after=60)
        await asyncio.sleep(LOOK)
    if told:
        held.wait_for("")


def why_held(brake: Brake, micros: int, *, approved: bool) -> str:
    """What a request waits for that may cost so much; nothing when empty."""
    if brake.hold:
        return HELD
    above = brake.approve_above_micros
    if above is None or micros <= above or approved:
        return ""
    return f"waiting for approval, may cost {dollars(micros)}"


class Throttle:
    """Lets an answer pass no faster than its key's brake says."""

    def __init__(self) -> None:
        self._rate = 0
        self._began = 0.0
        self._before = 0

    async def slow(self, runtime: Runtime, key: KeyFacts, tokens: int) -> None:
        """Wait until so many tokens in all may have passed. A brake that is changed meanwhile is heeded at once."""
        while rate := brake_of(runtime, key).tokens_per_second:
            if rate != self._rate:
                self._rate, self._began, self._before = rate, time.monotonic(), tokens
            ahead = self._began + (tokens - self._before) / rate - time.monotonic()
            if ahead <= 0:
                return
            await asyncio.sleep(min(ahead, LOOK))
