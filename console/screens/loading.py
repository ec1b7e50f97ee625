"""Screens that show what was asked for once, and ask again when it may have changed."""

from typing import ClassVar

from console.screens.frame import FrameScreen
from console.session import Session
from console.state import Changes


class LoadingScreen(FrameScreen):
    """Loads when shown, when what it shows was changed, and now and then while requests pass."""

    WATCHED: ClassVar[frozenset[str]] = frozenset()
    """Changes of these kinds of configuration concern it."""
    RELOAD_SECONDS: ClassVar[float] = 2.0
    """Figures may be so old."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._wanted = False
        self._loading = False
        self._stale = False
        self._reload_after = 0.0

    async def load(self) -> None:
        """Ask for what is shown, and show it."""
        raise NotImplementedError

    def enter(self) -> None:
        """Load what is shown; one load at a time, and none is broken off."""
        self._stale = False
        self._reload_after = self.session.clock() + self.RELOAD_SECONDS
        self._wanted = True
        if not self._loading:
            self._loading = True
            self.do(self._load(), group="load")

    async def _load(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self.load()
        finally:
            self._loading = False

    def receive(self, changes: Changes) -> None:
        """What was changed is shown at once, figures a little later."""
        if changes.configuration & self.WATCHED:
            self.enter()
        elif changes.exchanges:
            self._stale = True

    def tick(self) -> None:
        """Bring the figures up to date."""
        if self._stale and self.session.clock() >= self._reload_after:
            self.enter()
