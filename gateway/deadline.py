"""A moment by which something must have happened, for connections that set a new one again and again."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls a function when it is missed.

    Only a moment before the timer's costs anything; later ones, and that there is none any more, are found out when it
    fires.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, missed: Callable[[], None]) -> None:
        self._loop = loop
        self._missed: Callable[[], None] | None = missed
        self._at = self._timer_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lifted(self) -> bool:
        """Whether there is none."""
        return self._at == math.inf

    def set(self, at: float) -> None:
        """It is at this time of the loop."""
        self._at = at
        if at < self._timer_at:
            self._start(at)

    def lift(self) -> None:
        """There is none until the next is set."""
        self._at = math.inf

    def close(self) -> None:
        """Forget it, and who would be called: that is usually who holds it."""
        self._missed = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._fired)

    def _fired(self) -> None:
        self._timer, self._timer_at = None, math.inf
        if self._loop.time() < self._at:
            self.set(self._at)
        elif self._missed is not None:
            self._missed()
