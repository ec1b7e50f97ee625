"""How a console reaches a gateway: one interface, whether the gateway is a thread away or a socket away."""

from typing import Protocol

from gateway.events import News
from gateway.operations import Answer, Operation


class Link(Protocol):
    """A console's hold on a gateway. Used from the console's own event loop."""

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """Have an operation answered. Raises `GatewayError` with words for a person when it is refused."""
        ...

    def drain(self) -> list[News]:
        """All news since the last call, oldest first; never waits."""
        ...
