"""Puts load on one address and tells what came back: how much, how late, and at what cost of processor time."""

import asyncio
import re
import statistics
import time
from typing import cast
from urllib.parse import urlsplit

import httptools
import msgspec

from benchmarks import processes
from benchmarks.upstream import MODEL

STAMP = re.compile(rb'"(\d{12,20})"')
LONGEST_STAMP = 32


class Scenario(msgspec.Struct, frozen=True):
    """What clients do: how many connections, how large a question, how long an answer."""

    name: str
    connections: int
    body_bytes: int = 0
    chunks: int = 0
    """Of a stream; 0 asks for plain JSON."""
    interval_ms: int = 0


class Address(msgspec.Struct, frozen=True):
    """Where load goes to."""

    base_url: str
    key: str = "none"
    pid: int = 0
    """The process whose processor time counts, with its children; 0 for none."""


class Sample(msgspec.Struct, frozen=True):
    """What one run gave."""

    seconds: float
    cpu_seconds: float
    latencies_us: list[float]
    """One for each request that ended."""
    transits_us: list[float]
    """One for each chunk: from the upstream's write to our read."""

    @property
    def requests_per_second(self) -> float:
        return len(self.latencies_us) / self.seconds

    @property
    def chunks_per_second(self) -> float:
        return len(self.transits_us) / self.seconds

    @property
    def cpu_us_per_request(self) -> float:
        return self.cpu_seconds * 1e6 / max(1, len(self.latencies_us))

    @property
    def cpu_us_per_chunk(self) -> float:
        return self.cpu_seconds * 1e6 / max(1, len(self.transits_us))


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent do not exceed; 0 of nothing."""
    if len(values) < 2:
        return values[0] if values else 0.0
    if percent == 100:
        return max(values)
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


class Tally:
    """What all connections of a run have seen since it was last emptied."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Start counting anew."""
        self.since = time.monotonic()
        self.latencies_us: list[float] = []
        self.transits_us: list[float] = []


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.parser = httptools.HttpResponseParser(self)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(ConnectionError(f"the connection broke: {exc or 'closed by the other side'}"))

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if status != 200 and not self.ended.done():
            self.ended.set_exception(ConnectionError(f"answered with status {status}"))

    def on_body(self, body: bytes) -> None:
        """Take the stamps out; one may be cut in two by the network."""
        now = time.monotonic_ns()
        text, seen = self.tail + body, 0
        for match in STAMP.finditer(text):
            self.tally.transits_us.append((now - int(match[1])) / 1000)
            seen = match.end()
        self.tail = text[seen:][-LONGEST_STAMP:]

    def on_message_complete(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    async def exchange(self, request: bytes) -> None:
        """Send one request and see its answer's end."""
        self.ended = asyncio.get_running_loop().create_future()
        started = time.monotonic_ns()
        self.transport.write(request)
        await self.ended
        self.tally.latencies_us.append((time.monotonic_ns() - started) / 1000)


def request_for(scenario: Scenario, address: Address) -> bytes:
    """The bytes that every connection of a run sends, again and again."""
    question = "Say hello. " + "x" * scenario.body_bytes
    asked = {
        "model": MODEL,
        "messages": [{"role": "user", "content": question}],
        "stream": scenario.chunks > 0,
        "bench": {"chunks": scenario.chunks, "interval_ms": scenario.interval_ms},
    }
    body = msgspec.json.encode(asked)
    url = urlsplit(address.base_url)
    head = (
        f"POST {url.path}/chat/completions HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer {address.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def keep_asking(address: Address, request: bytes, tally: Tally, delay: float) -> None:
    """One client: asks, reads to the end, asks again."""
    await asyncio.sleep(delay)
    url = urlsplit(address.base_url)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(tally), url.hostname or "", url.port or 80)
    try:
        while True:
            await connection.exchange(request)
    finally:
        connection.transport.abort()


async def run(scenario: Scenario, address: Address, *, seconds: float, warm_up: float = 0.5) -> Sample:
    """Load one address for so long. Raises what any of its clients met."""
    tally, request = Tally(), request_for(scenario, address)
    spread = (scenario.interval_ms / 1000 or 0.01) / scenario.connections
    async with asyncio.TaskGroup() as group:
        clients = [
            group.create_task(keep_asking(address, request, tally, number * spread))
            for number in range(scenario.connections)
        ]
        await asyncio.sleep(warm_up)
        tally.empty()
        cpu_before = processes.cpu_seconds(address.pid)
        await asyncio.sleep(seconds)
        sample = Sample(
            seconds=time.monotonic() - tally.since,
            cpu_seconds=processes.cpu_seconds(address.pid) - cpu_before,
            latencies_us=tally.latencies_us,
            transits_us=tally.transits_us,
        )
        for client in clients:
            client.cancel()
    return sample
