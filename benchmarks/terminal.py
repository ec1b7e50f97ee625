"""A terminal for a program to run in: it takes in what is drawn and answers what a modern terminal answers."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import processes

SYNCHRONISED = re.compile(rb"\x1b\[\?2026h")
ASKS_SYNCHRONISED = b"\x1b[?2026$p"
TELLS_SYNCHRONISED = b"\x1b[?2026;2$y"
ASKS_PLACE = b"\x1b[6n"
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:<=>?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Terminal:
    """The far side of a program's terminal."""

    def __init__(self, descriptor: int, program: subprocess.Popen[bytes]) -> None:
        self.descriptor = descriptor
        self.program = program
        self.frames = 0
        self.bytes_drawn = 0
        self.text = b""
        """The newest text that was drawn, without its escapes."""

    def take(self) -> bool:
        """Take in what was drawn; false once the program has let go of its terminal."""
        try:
            drawn = os.read(self.descriptor, 1 << 16)
        except OSError:
            return False
        if ASKS_SYNCHRONISED in drawn:
            os.write(self.descriptor, TELLS_SYNCHRONISED)
        if ASKS_PLACE in drawn:
            os.write(self.descriptor, b"\x1b[1;1R")
        self.frames += len(SYNCHRONISED.findall(drawn))
        self.bytes_drawn += len(drawn)
        self.text = (self.text + ESCAPES.sub(b" ", drawn))[-16_384:]
        return bool(drawn)


@contextmanager
def in_terminal(command: list[str], *, columns: int, rows: int, on: set[int]) -> Iterator[Terminal]:
    """A program while it runs in a terminal of that size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        processes.pin(0, on)

    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    program = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, preexec_fn=take_terminal
    )
    os.close(theirs)
    try:
        yield Terminal(ours, program)
    finally:
        processes.stop(program)
        os.close(ours)
