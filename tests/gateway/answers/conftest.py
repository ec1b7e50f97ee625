"""A provider on a real socket, for operators who try one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

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
