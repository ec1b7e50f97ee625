"""A gateway without a port: a real database file, a real journal, real transports, and a provider on a real socket."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
from tests.gateway.answers.scripted import ProviderServer


@pytest.fixture
async def provider() -> AsyncIterator[ProviderServer]:
    """A provider on this machine."""
    served = ProviderServer()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield served
    server.close()
    await server.wait_closed()


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
