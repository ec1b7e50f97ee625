"""This gateway beside nginx and a plain httpx relay: the same upstream and load, round by round, as ratios.

Each round puts every scenario on every program before the next begins, so that a busy machine is busy for all.
"""

import argparse
import asyncio
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import uvloop

from benchmarks import load, peers, processes
from benchmarks.load import Address, Sample, Scenario

SCENARIOS = (
    Scenario("1 connection", connections=1),
    Scenario("16 connections", connections=16),
    Scenario("200 kB body", connections=16, body_bytes=200_000),
    Scenario("burst", connections=16, chunks=300),
    Scenario("200 streams", connections=200, chunks=100_000, interval_ms=50),
)


class Measure(msgspec.Struct, frozen=True):
    """A line of the table: which scenario's samples, and what is read off them."""

    title: str
    scenario: str
    read: Callable[[Sample], float]
    form: str = "{:.0f}"


MEASURES = (
    Measure("p50 latency, 1 connection (us)", "1 connection", lambda s: load.percentile(s.latencies_us, 50)),
    Measure("requests/s, 1 connection", "1 connection", lambda s: s.requests_per_second),
    Measure("requests/s, 16 connections", "16 connections", lambda s: s.requests_per_second),
    Measure("CPU per request, 16 connections (us)", "16 connections", lambda s: s.cpu_us_per_request),
    Measure("CPU per request of 200 kB (us)", "200 kB body", lambda s: s.cpu_us_per_request),
    Measure("burst, chunks/s", "burst", lambda s: s.chunks_per_second),
    Measure("CPU per burst chunk (us)", "burst", lambda s: s.cpu_us_per_chunk, "{:.1f}"),
    Measure("200 streams x 20/s, chunks/s", "200 streams", lambda s: s.chunks_per_second),
    Measure("200 streams, CPU per chunk (us)", "200 streams", lambda s: s.cpu_us_per_chunk, "{:.1f}"),
    Measure("200 streams, p50 of a chunk's way (us)", "200 streams", lambda s: load.percentile(s.transits_us, 50)),
    Measure("200 streams, p99 of a chunk's way (us)", "200 streams", lambda s: load.percentile(s.transits_us, 99)),
)

NOTE = (
    "Where nginx comes near to direct, load and upstream are the limit: processor time then tells more than throughput."
)

Samples = dict[tuple[str, str], list[Sample]]
"""By scenario and program, one for each round."""


async def measure(found: dict[str, Address], *, rounds: int, seconds: float) -> Samples:
    """Run everything against everybody; who comes first changes from round to round."""
    samples: Samples = {}
    names = list(found)
    for number in range(rounds):
        order = names[number % len(names) :] + names[: number % len(names)]
        for scenario in SCENARIOS:
            print(f"round {number + 1} of {rounds}: {scenario.name}", flush=True)
            for name in order:
                sample = await load.run(scenario, found[name], seconds=seconds)
                samples.setdefault((scenario.name, name), []).append(sample)
    return samples


def ratio(line: Measure, samples: Samples, over: str) -> str:
    """Ours over a peer's: the median of the rounds' own ratios."""
    theirs = samples.get((line.scenario, over))
    if theirs is None:
        return "-"
    pairs = zip(samples[line.scenario, "gatehouse"], theirs, strict=True)
    ratios = [line.read(our) / line.read(their) for our, their in pairs if line.read(their)]
    return f"{statistics.median(ratios):.2f} x" if ratios else "-"


def report(samples: Samples, names: list[str]) -> None:
    """The table: medians over the rounds, then the ratios."""
    against = [name for name in names if name not in ("direct", "gatehouse")]
    heads = [*names, *(f"to {name}" for name in against)]
    print("\n" + " " * 42 + "".join(f"{head:>15}" for head in heads))
    for line in MEASURES:
        cells = [
            line.form.format(statistics.median(line.read(sample) for sample in samples[line.scenario, name]))
            for name in names
        ]
        cells += [ratio(line, samples, name) for name in against]
        print(f"{line.title:<42}" + "".join(f"{cell:>15}" for cell in cells))
    print(f"\n{NOTE}")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=2.0, help="for each program and scenario")
    chosen = options.parse_args()
    processes.pin(os.getpid(), processes.cores()[0])
    with TemporaryDirectory() as home, peers.every(Path(home)) as found:
        if "nginx" not in found:
            print("nginx is not installed, so its column is missing. On Debian and Ubuntu: apt install nginx")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            samples = runner.run(measure(found, rounds=chosen.rounds, seconds=chosen.seconds))
        report(samples, list(found))


if __name__ == "__main__":
    main()
