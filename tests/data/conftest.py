"""A real database file for each test, copied from one that was migrated once."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from data.database import Database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    async def make(path: Path) -> None:
        database = Database(path)
        await database.open()
        await database.migrate()
        await database.close()

    path = tmp_path_factory.mktemp("migrated") / "gatehouse.db"
    asyncio.run(make(path))
    return path


@pytest.fixture
async def database(tmp_path: Path, migrated: Path) -> AsyncIterator[Database]:
    path = tmp_path / "gatehouse.db"
    shutil.copy(migrated, path)
    database = Database(path)
    await database.open()
    yield database
    await database.close()
