"""What every screen shares: the link to the gateway, the state, the clocks and the clipboard."""

import asyncio
import logging
import time
from collections.abc import Callable

from console.state import ConsoleState
from gateway.errors import GatewayError
from gateway.link import Link
from gateway.operations import Answer, Operation

log = logging.getLogger("gatehouse.console")

ASK_TIMEOUT = 30.0


class Refused(Exception):
    """An operation was not answered; the text says why, for a person."""


def _no_clipboard(text: str) -> str:
    return ""


class Session:
    """One console's hold on its gateway."""

    def __init__(
        self,
        link: Link,
        *,
        attached: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.link = link
        self.attached = attached
        """On a gateway of another process, which leaving leaves alone."""
        self.clock = clock
        self._now = now
        self.state = ConsoleState(clock)
        self.copy: Callable[[str], str] = _no_clipboard
        """Send a text to the clipboard and tell by which way; empty when there is none."""

    def now_micros(self) -> int:
        """UTC microseconds."""
        return int(self._now() * 1_000_000)

    async def ask(self, operation: Operation[Answer], timeout: float = ASK_TIMEOUT) -> Answer:  # noqa: ASYNC109
        """Have an operation answered, or raise `Refused`."""
        try:
            async with asyncio.timeout(timeout):
                return await self.link.ask(operation)
        except GatewayError as error:
            raise Refused(error.message) from error
        except TimeoutError as error:
            raise Refused(f"The gateway did not answer within {timeout:.0f} s.") from error
        except OSError as error:
            raise Refused(f"The gateway cannot be reached: {error}") from error
        except Exception as error:
            log.error("%s broke", type(operation).__name__, exc_info=error)
            raise Refused("That broke inside the gateway; its log tells more.") from error
