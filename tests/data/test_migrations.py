"""The steps lead to the tables; a step that fails changes nothing; a newer database is left alone."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from data import migrations, tables
from data.database import Database
from data.errors import DataError
from data.migrations import steps

assert tables


def tell_version(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()


def copy(migrated: Path, tmp_path: Path) -> Path:
    path = tmp_path / "gatehouse.db"
    path.write_bytes(migrated.read_bytes())
    return path


def test_the_steps_lead_to_exactly_the_tables(migrated: Path) -> None:
    engine = create_engine(f"sqlite:///{migrated}", poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_newest_step_is_the_one_that_is_expected() -> None:
    assert ScriptDirectory(str(steps.DIRECTORY)).get_current_head() == migrations.HEAD


async def test_a_database_of_a_newer_version_is_refused_untouched(tmp_path: Path, migrated: Path) -> None:
    path = copy(migrated, tmp_path)
    tell_version(path, "9999")
    before = path.read_bytes()
    with pytest.raises(DataError, match="made by a newer Gatehouse"):
        await Database(path).migrate()
    assert path.read_bytes() == before


def test_a_backup_only_we_can_read_is_made_before_a_step(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy(migrated, tmp_path)
    tell_version(path, "0000")
    monkeypatch.setattr(steps, "upgrade", lambda path: None)
    migrations.migrate(path)
    backup = tmp_path / f"gatehouse-before-{migrations.HEAD}.db"
    assert migrations.current(backup) == "0000"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


@pytest.mark.parametrize("failing", ["routes", "route_targets", "settings"])
def test_a_step_that_fails_halfway_changes_nothing(tmp_path: Path, failing: str) -> None:
    path = tmp_path / "gatehouse.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {failing} (in_the_way)")
    with pytest.raises(DataError, match="left as it was"):
        migrations.migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [(failing,)]


def test_migrating_twice_is_migrating_once(tmp_path: Path) -> None:
    migrations.migrate(tmp_path / "gatehouse.db")
    migrations.migrate(tmp_path / "gatehouse.db")
    assert [path.name for path in tmp_path.iterdir()] == ["gatehouse.db"]


async def test_opening_a_migrated_database_loads_no_migration_tool(tmp_path: Path, migrated: Path) -> None:
    path = copy(migrated, tmp_path)
    script = (
        "import sys; from pathlib import Path; from data import migrations;"
        "migrations.migrate(Path(sys.argv[1])); print('alembic' in sys.modules)"
    )
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"
