"""Seconds from starting `console` to its first screen: on an empty data directory, and on one that is in use."""

import argparse
import select
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.peers import CONSOLE
from benchmarks.terminal import in_terminal

DRAWN = b"Live"
"""A word of the first screen."""
PATIENCE = 30.0


def seconds_to_screen(data: Path) -> float:
    """Start the console once and wait for what it draws."""
    command = [CONSOLE, "--data", str(data), "--port", str(processes.free_port())]
    started = time.monotonic()
    with in_terminal(command, columns=140, rows=40, on=set()) as terminal:
        while DRAWN not in terminal.text:
            left = started + PATIENCE - time.monotonic()
            readable, _, _ = select.select([terminal.descriptor], [], [], max(0.0, left))
            if not readable or not terminal.take():
                raise SystemExit(f"no first screen; drawn was: {terminal.text.decode(errors='replace')}")
        took = time.monotonic() - started
        drain_until_quiet(terminal.descriptor, terminal.take)
    return took


def drain_until_quiet(descriptor: int, take: Callable[[], bool]) -> None:
    """Read on until nothing is drawn for a moment, so that the program is not stopped in the middle of starting."""
    while select.select([descriptor], [], [], 0.5)[0] and take():
        continue


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    empty, used = [], []
    for _ in range(rounds):
        with TemporaryDirectory() as home:
            empty.append(seconds_to_screen(Path(home) / "data"))
            used.append(seconds_to_screen(Path(home) / "data"))
    print("seconds from start to first screen      median     least      most")
    for title, seconds in (("empty data directory", empty), ("data directory in use", used)):
        print(f"{title:<36}{statistics.median(seconds):>10.2f}{min(seconds):>10.2f}{max(seconds):>10.2f}")


if __name__ == "__main__":
    main()
