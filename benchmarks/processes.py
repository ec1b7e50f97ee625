"""Starts the programs that are measured, finds out what they cost, and stops them again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

PATIENCE = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def cores() -> tuple[set[int], set[int]]:
    """The cores for load and upstream, and the one for what is measured; the same if there is but one."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    every = sorted(os.sched_getaffinity(0))
    return (set(every[:-1]), {every[-1]}) if len(every) > 1 else (set(every), set(every))


def pin(pid: int, chosen: set[int]) -> None:
    """Keep a process to its cores, where the system can."""
    if chosen:
        os.sched_setaffinity(pid, chosen)


@contextmanager
def running(command: list[str], *, port: int, on: set[int], **environment: str) -> Iterator[int]:
    """A program while it serves on a port; its process number. What it prints is shown only if it fails to start."""
    with TemporaryFile() as said:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, **environment},
            preexec_fn=lambda: pin(0, on),
        )
        try:
            wait_for_port(port, program, said)
            yield program.pid
        finally:
            stop(program)


def wait_for_port(port: int, program: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """Return once somebody answers on the port. Exits with the program's words if it ends before."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if program.poll() is not None:
            said.seek(0)
            raise SystemExit(f"{program.args!r} ended before it served:\n{said.read().decode(errors='replace')}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"{program.args!r} did not serve within {PATIENCE:.0f} s")


def stop(program: subprocess.Popen[bytes]) -> None:
    """Ask a program to end, then insist."""
    program.send_signal(signal.SIGTERM)
    try:
        program.wait(10)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        return [pid]
    return [pid, *(member for child in children.read_text().split() for member in family(int(child)))]


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its descendants have used; 0 where the system does not tell."""
    if pid == 0 or not Path("/proc/self/stat").exists():
        return 0.0
    return sum(ticks(member) for member in family(pid)) / TICKS


def ticks(pid: int) -> int:
    """User and system time of one process, in the system's ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
