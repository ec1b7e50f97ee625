"""What to do when an attempt failed before any content reached the client. Pure."""

from msgspec import Struct

from gateway.errors import GatewayError, NotFound, RateLimited, Unavailable, UpstreamFailed, UpstreamTimeout

ELSEWHERE = (UpstreamFailed, Unavailable, UpstreamTimeout, RateLimited, NotFound)
"""Failures that say something of the upstream: another may succeed. The rest say something of the request."""


class Decision(Struct, frozen=True):
    """Go on with the next target, or tell the client; with the reason as the request's record keeps it."""

    next_target: bool
    reason: str


def decide(error: GatewayError, targets_left: int) -> Decision:
    """Whether a failed attempt is followed by another."""
    what = f"{error.code} ({error.status})"
    if not isinstance(error, ELSEWHERE):
        return Decision(False, f"{what}: the request itself is at fault, given up")
    if not targets_left:
        return Decision(False, f"{what}: no target left, given up")
    return Decision(True, f"{what}: next target")
