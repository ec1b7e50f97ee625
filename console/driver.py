"""The terminal driver: a terminal that went away must not take the console, let alone the gateway, with it."""

import io
import sys

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


class PatientFile(io.TextIOWrapper):
    """The terminal as a file to write to; writing to a dead one is quietly in vain."""

    def __init__(self, descriptor: int) -> None:
        raw = io.FileIO(descriptor, "w", closefd=False)
        super().__init__(io.BufferedWriter(raw), encoding="utf-8", errors="replace")

    def write(self, text: str, /) -> int:
        """Write as far as the terminal is there."""
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush as far as the terminal is there."""
        try:
            super().flush()
        except OSError:
            return


class SafeDriver(LinuxDriver):
    """Textual's driver, whose writer thread survives a hang-up: the stock one can lock up the main thread for ever."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = PatientFile(sys.__stderr__.fileno()) if sys.__stderr__ else self._file
