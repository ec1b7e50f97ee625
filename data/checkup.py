"""What can be told about a data directory from outside, while another process may own it. Changes nothing."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from data.directory import DataDirectory
from data.secrets import IN_KEYRING, VARIABLE


def damage(database: Path) -> str:
    """What SQLite finds wrong with the file; empty when it is sound or not there yet."""
    if not database.exists():
        return ""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return "" if verdict == "ok" else str(verdict)


def exposed(directory: DataDirectory) -> list[Path]:
    """The files and directories in it that others than their owner may open."""
    return [path for path in _everything(directory) if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def foreign(directory: DataDirectory) -> list[Path]:
    """The files and directories in it that belong to another user."""
    return [path for path in _everything(directory) if path.lstat().st_uid != os.getuid()]


def master_key_source(directory: DataDirectory) -> str:
    """Where the master key is looked for; empty when there is none yet."""
    given = os.environ.get(VARIABLE, "")
    if given and given != IN_KEYRING:
        return f"the variable {VARIABLE}"
    if given == IN_KEYRING or (directory.secrets / "master.keyring").exists():
        return "the system's keyring"
    path = directory.secrets / "master.key"
    return str(path) if path.exists() else ""


def newest_write(directory: DataDirectory) -> float:
    """When something in it was last written, in seconds since the epoch; 0 when nothing was."""
    return max((path.lstat().st_mtime for path in _everything(directory)), default=0.0)


def free_bytes(directory: DataDirectory) -> int:
    """The space that is left on its disk."""
    there = next(path for path in (directory.path, *directory.path.parents) if path.exists())
    return shutil.disk_usage(there).free


def _everything(directory: DataDirectory) -> Iterator[Path]:
    for root in {directory.path, directory.secrets}:
        if root.is_dir():
            yield root
            yield from root.rglob("*")
