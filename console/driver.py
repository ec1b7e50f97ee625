"""The way to the terminal: what comes by is made inert, and a terminal that went away takes nothing with it."""

import io
import signal
import sys
from functools import lru_cache
from typing import TypeVar

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter

from console.scrub import ASCII_FORMS, scrub

Returned = TypeVar("Returned")


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
        app: App[Returned],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = PatientFile(sys.__stderr__.fileno()) if sys.__stderr__ else self._file
        # A hang-up is followed by SIGCONT, for which the stock handler starts drawing again, even long after the end.
        for number in (signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, signal.SIG_DFL)


@lru_cache(4096)
def _clean(text: str, ascii_only: bool) -> str:
    cleaned = scrub(text)
    return cleaned.translate(ASCII_FORMS) if ascii_only else cleaned


class ScrubFilter(LineFilter):
    """The backstop: looks at every segment on its way to the terminal, whichever widget drew it."""

    def __init__(self, ascii_only: bool = False) -> None:
        super().__init__()
        self.ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with inert text; Textual's own control segments pass."""
        return [
            segment if segment.control else Segment(_clean(segment.text, self.ascii_only), segment.style)
            for segment in segments
        ]
