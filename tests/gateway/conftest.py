"""A scripted upstream on a real socket, the event loops that the client to upstreams is tried on, and a gateway without
a port: a real database file, a real journal, real transports.
"""

import asyncio
import shutil
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import httpx
import pytest
import uvloop

from data.database import Database
from data.presets import load_presets
from data.providers import sync_presets
from data.secrets import Vault
from gateway.answers.desk import Desk, ServingFacts
from gateway.bus import Bus
from gateway.demo import DemoTransport
from gateway.journal import Journal
from gateway.operator import Operator
from gateway.runtime import Runtime
from gateway.stored_responses import StoredResponses
from gateway.transport import UpstreamTransport

ON_BOTH_LOOPS = ("test_connection", "test_transport", "test_transport_tls")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.stem in ON_BOTH_LOOPS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


class Peer:
    """The upstream's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """One whole request, head and body as they came; ends the script when the client leaves first."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        if b"transfer-encoding" in fields:
            return head + await self.reader.readuntil(b"0\r\n\r\n")
        return head + await self.reader.readexactly(int(fields.get(b"content-length", b"0")))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Wait for the client to close."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Peer], Awaitable[None]]


class ScriptedUpstream:
    """Plays one script for each connection, the last one again and again, and closes when the script ends."""

    def __init__(self, scripts: tuple[Script, ...], tls: bool) -> None:
        self.scripts = scripts
        self.scheme = "https" if tls else "http"
        self.connections = 0
        self.live = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/chat"

    def request(self, body: bytes = b"{}", method: str = "POST", **timeout: float | None) -> httpx.Request:
        """A request to it that is given up after 10 s, so that a test which fails does not hang."""
        return httpx.Request(method, self.url, content=body, extensions={"timeout": {"read": 10.0} | timeout})

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        self.connections += 1
        self.live += 1
        try:
            await script(Peer(reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.live -= 1
            writer.close()

    async def emptied(self, but: int = 0) -> None:
        """Wait until no connection is open any more, or no more than some."""
        async with asyncio.timeout(10):
            while self.live > but:  # noqa: ASYNC110  # simpler than telling, in a test
                await asyncio.sleep(0.002)


Serve = Callable[..., Awaitable[ScriptedUpstream]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts scripted upstreams: `upstream = await serve(script, ...)`."""
    servers: list[asyncio.Server] = []

    async def start(*scripts: Script, tls: ssl.SSLContext | None = None) -> ScriptedUpstream:
        upstream = ScriptedUpstream(scripts, tls is not None)
        server = await asyncio.start_server(upstream.play, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
        upstream.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return upstream

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def transport() -> AsyncIterator[UpstreamTransport]:
    """The client under test; when it is closed at the end, nothing of it stays open."""
    transport = UpstreamTransport()
    yield transport
    await transport.aclose()
    assert transport.open_connections == transport.idle_connections == 0


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file as it is after the first start, made once."""

    async def make(path: Path) -> None:
        database = Database(path)
        await database.open()
        await database.migrate()
        async with database.write() as session:
            await sync_presets(session, load_presets())
        await database.close()

    path = tmp_path_factory.mktemp("made") / "gatehouse.db"
    asyncio.run(make(path))
    return path


@pytest.fixture
async def database(made: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database that knows the shipped providers."""
    shutil.copy(made, tmp_path)
    opened = Database(tmp_path / made.name)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def journal(database: Database, tmp_path: Path) -> AsyncIterator[Journal]:
    """The record of exchanges."""
    (tmp_path / "journal").mkdir()
    opened = Journal(database, tmp_path / "journal", Bus())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def runtime(database: Database, journal: Journal) -> AsyncIterator[Runtime]:
    """The state of a gateway that serves nobody yet."""
    network = UpstreamTransport()
    transports = {"http": network, "https": network, "demo": DemoTransport()}
    vault = Vault(bytes(32))
    responses = StoredResponses(database, vault)
    yield Runtime(transports=transports, journal=journal, bus=Bus(), vault=vault, responses=responses)
    await network.aclose()


@pytest.fixture
def stops() -> list[bool]:
    """How the gateway was asked to stop."""
    return []


@pytest.fixture
async def desk(database: Database, journal: Journal, runtime: Runtime, stops: list[bool]) -> Desk:
    """What answering needs."""
    facts = ServingFacts("1.2.3", "http://127.0.0.1:4711", "/data", 4711, 1)
    made = Desk(database, runtime, runtime.vault, journal.flush, lambda: facts, stops.append, True)
    await made.reload()
    return made


@pytest.fixture
def operator(desk: Desk) -> Operator:
    """Who is asked."""
    return Operator(desk)
