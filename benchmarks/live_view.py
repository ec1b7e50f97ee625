"""What an open console costs the streams that pass: 200 of them at 20 chunks a second, with it and without it.

Rounds alternate between the upstream itself, `console serve`, and `console` in a terminal of 140x40 that shows the live
requests. What the upstream alone shows is the machine's and the load's own unrest.
"""

import argparse
import asyncio
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import uvloop

from benchmarks import load, peers, processes
from benchmarks.load import Address, Sample, Scenario
from benchmarks.terminal import Terminal, in_terminal

WARM_UP = 3.0


class Round(msgspec.Struct, frozen=True):
    """One run: how the chunks fared, and how often the console drew."""

    sample: Sample
    frames_per_second: float = 0.0
    drawn_per_second: float = 0.0


@contextmanager
def open_console(data: Path, key: str) -> Iterator[tuple[Address, Terminal]]:
    """The console with its gateway, on a data directory that has its upstream and key."""
    port = processes.free_port()
    command = [peers.CONSOLE, "--data", str(data), "--port", str(port)]
    with in_terminal(command, columns=140, rows=40, on=processes.cores()[1]) as terminal:
        yield Address(f"http://127.0.0.1:{port}/v1", key=key, pid=terminal.program.pid), terminal


async def with_console(scenario: Scenario, address: Address, terminal: Terminal, *, seconds: float) -> Round:
    """Load the gateway while its console draws."""
    loop = asyncio.get_running_loop()

    def take() -> None:
        if not terminal.take():
            loop.remove_reader(terminal.descriptor)

    loop.add_reader(terminal.descriptor, take)
    await serving(address)
    running = loop.create_task(load.run(scenario, address, seconds=seconds, warm_up=WARM_UP))
    await asyncio.sleep(WARM_UP)
    frames, drawn = terminal.frames, terminal.bytes_drawn
    await asyncio.sleep(seconds)
    frames, drawn = terminal.frames - frames, terminal.bytes_drawn - drawn
    sample = await running
    loop.remove_reader(terminal.descriptor)
    return Round(sample, frames / seconds, drawn / seconds)


async def serving(address: Address) -> None:
    """Wait for the gateway's port."""
    async with asyncio.timeout(processes.PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", int(peers.port_of(address)))
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def measure(scenario: Scenario, home: Path, *, rounds: int, seconds: float) -> dict[str, list[Round]]:
    """Rounds of each kind, in turns; both gateways on one data directory."""
    taken: dict[str, list[Round]] = {"direct": [], "console serve": [], "console": []}
    data, key = home / "data", ""
    with peers.upstream() as far, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", flush=True)
            direct = load.run(scenario, Address(far.base_url), seconds=seconds, warm_up=WARM_UP)
            taken["direct"].append(Round(runner.run(direct)))
            with peers.gateway(far, data, key) as address:
                key = address.key
                served = load.run(scenario, address, seconds=seconds, warm_up=WARM_UP)
                taken["console serve"].append(Round(runner.run(served)))
            with open_console(data, key) as (address, terminal):
                taken["console"].append(runner.run(with_console(scenario, address, terminal, seconds=seconds)))
    return taken


def report(scenario: Scenario, taken: dict[str, list[Round]]) -> None:
    """All side by side."""
    expected = scenario.connections * 1000 / scenario.interval_ms
    lines: list[tuple[str, str, Callable[[Round], float]]] = [
        (f"p{percent} of a chunk's way (ms)", "{:.2f}", partial(delay_ms, percent=percent))
        for percent in (50, 90, 99, 100)
    ]
    lines += [
        ("chunks delivered (%)", "{:.1f}", lambda turn: turn.sample.chunks_per_second / expected * 100),
        ("processor (% of a core)", "{:.1f}", lambda turn: turn.sample.cpu_seconds / turn.sample.seconds * 100),
        ("frames drawn per second", "{:.1f}", lambda turn: turn.frames_per_second),
        ("kB drawn per second", "{:.1f}", lambda turn: turn.drawn_per_second / 1000),
    ]
    print(f"\n{scenario.name:<32}" + "".join(f"{name:>15}" for name in taken))
    for title, form, read in lines:
        values = (form.format(statistics.median(map(read, rounds))) for rounds in taken.values())
        print(f"{title:<32}" + "".join(f"{value:>15}" for value in values))


def delay_ms(turn: Round, *, percent: int) -> float:
    """How long so many percent of the chunks were under way at most."""
    return load.percentile(turn.sample.transits_us, percent) / 1000


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--streams", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=10.0)
    chosen = options.parse_args()
    processes.pin(os.getpid(), processes.cores()[0])
    title = f"{chosen.streams} streams x 20 chunks/s"
    scenario = Scenario(title, connections=chosen.streams, chunks=1_000_000, interval_ms=50)
    with TemporaryDirectory() as home:
        taken = measure(scenario, Path(home), rounds=chosen.rounds, seconds=chosen.seconds)
    report(scenario, taken)


if __name__ == "__main__":
    main()
