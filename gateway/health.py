"""Which upstreams are worth trying. Pure: told of every outcome, and of the time (monotonic seconds)."""

from typing import Literal

from gateway.errors import GatewayError, RateLimited, Unavailable, UpstreamFailed, UpstreamTimeout

State = Literal["up", "shaky", "down"]

FAILURES_TO_SET_ASIDE = 5
"""One failure is not an outage."""
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 300.0
LONGEST_RATE_LIMIT = 3600.0


class _Record:
    __slots__ = ("aside_until", "failures", "pause", "why")

    def __init__(self) -> None:
        self.failures = 0
        self.pause = FIRST_PAUSE
        self.aside_until = 0.0
        self.why = ""


class Health:
    """Sets an upstream aside after consecutive failures, for a pause that doubles until one attempt succeeds."""

    def __init__(self) -> None:
        self._records: dict[int, _Record] = {}

    def succeeded(self, upstream_id: int) -> bool:
        """Note an answer. True when that changed the upstream's state."""
        return self._records.pop(upstream_id, None) is not None

    def failed(self, upstream_id: int, error: GatewayError, now: float) -> bool:
        """Note a failure. True when that changed the upstream's state; the client's own mistakes never do."""
        if not isinstance(error, UpstreamFailed | Unavailable | UpstreamTimeout | RateLimited):
            return False
        record = self._records.setdefault(upstream_id, _Record())
        before = self.state(upstream_id, now)
        record.failures += 1
        record.why = error.code
        if isinstance(error, RateLimited) and error.retry_after:
            record.aside_until = now + min(error.retry_after, LONGEST_RATE_LIMIT)
        elif record.failures >= FAILURES_TO_SET_ASIDE:
            record.aside_until = now + record.pause
            record.pause = min(record.pause * 2, LONGEST_PAUSE)
        return self.state(upstream_id, now) != before

    def state(self, upstream_id: int, now: float) -> State:
        """Up, shaky (it failed last time), or down (set aside for now)."""
        record = self._records.get(upstream_id)
        if record is None or not record.failures:
            return "up"
        return "down" if now < record.aside_until else "shaky"

    def why(self, upstream_id: int, now: float) -> str:
        """Why an upstream is set aside, in words; empty when it is not."""
        record = self._records.get(upstream_id)
        if record is None or now >= record.aside_until:
            return ""
        seconds = max(1, round(record.aside_until - now))
        return f"set aside after {record.failures} failures ({record.why}), tried again in {seconds} s"

    def code(self, upstream_id: int) -> str:
        """The error that an upstream failed with last; empty when it answered."""
        record = self._records.get(upstream_id)
        return record.why if record else ""

    def forget(self, upstream_id: int) -> None:
        """Start afresh, as when the operator tests or edits the upstream."""
        self._records.pop(upstream_id, None)
