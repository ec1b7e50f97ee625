"""The tries of one exchange: kept for its record, and told to health."""

from data.records import AttemptRecord
from gateway.errors import GatewayError
from gateway.events import UpstreamHealthChanged
from gateway.routing import Target
from gateway.runtime import Runtime


class Attempts:
    """Belongs to one exchange."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.records: list[AttemptRecord] = []

    def note(
        self, exchange_id: int, target: Target, begun: int, ended: int, error: GatewayError | None, decision: str
    ) -> None:
        """Keep what came of one target; times in microseconds after the exchange's start."""
        self.records.append(
            AttemptRecord(
                exchange_id=exchange_id,
                number=len(self.records) + 1,
                upstream_id=target.upstream.id,
                upstream=target.upstream.name,
                model=target.model,
                started_us=begun,
                duration_us=ended - begun,
                http_status=error.status if error else 200,
                error=error.code if error else "",
                decision=decision,
            )
        )
        if error is None:
            self.succeeded(target)
        else:
            self.failed(target, error)

    def succeeded(self, target: Target) -> None:
        """Tell health, and the operator when that changes something."""
        if self._runtime.health.succeeded(target.upstream.id):
            self._runtime.bus.publish(UpstreamHealthChanged(target.upstream.id, "up", "answering again"))

    def failed(self, target: Target, error: GatewayError) -> None:
        """The same for a failure."""
        number, now = target.upstream.id, self._runtime.clock()
        if self._runtime.health.failed(number, error, now):
            state = self._runtime.health.state(number, now)
            self._runtime.bus.publish(UpstreamHealthChanged(number, state, error.code))
