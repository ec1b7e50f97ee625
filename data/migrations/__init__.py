"""How the tables came to be, step by step. Steps are applied from code, all in one transaction, after a backup."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from data.errors import DataError

HEAD = "0009"
"""The newest step in `versions`; steps are numbered in order."""


def migrate(path: Path) -> None:
    """Bring a database to `HEAD`. Raises `DataError` when a newer Gatehouse made it, or when a step fails."""
    version = current(path)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise DataError(f"{path} was made by a newer Gatehouse (its tables are at {version}, this one knows {HEAD})")
    # Loading Alembic takes longer than the rest of opening the data, and nearly every start needs no migration.
    from data.migrations.steps import upgrade

    if version is not None:
        back_up(path, path.with_name(f"{path.stem}-before-{HEAD}.db"))
    try:
        upgrade(path)
    except Exception as error:
        raise DataError(f"cannot bring {path} to this version: {error}. It was left as it was") from error


def current(path: Path) -> str | None:
    """The step a database is at; None when it is empty."""
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def back_up(path: Path, target: Path) -> None:
    """A whole and consistent copy that only its owner can read, put in place at once."""
    unfinished = target.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
        (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise DataError(f"the backup of {path} came out damaged; nothing was migrated")
    unfinished.replace(target)
