"""What whole tests start from: a gateway on a real port, and a scripted provider behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from house import House, open_house
from hypothesis import settings
from scripted_provider import ScriptedProvider

from console.runtime import calm_runtime

settings.register_profile("laws", max_examples=500)


def pytest_collection_finish() -> None:
    """All is imported: run as the gateway does, whose garbage is not looked for in what stays anyway."""
    calm_runtime()


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    """A provider that answers as the test tells it."""
    async with ScriptedProvider().serve() as scripted:
        yield scripted


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A running gateway with a client key."""
    async with open_house(tmp_path / "data") as running:
        yield running
