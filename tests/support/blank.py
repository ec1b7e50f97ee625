"""The database that gateways in tests begin with: migrated once for all, since tests of migrations are elsewhere."""

import functools
from pathlib import Path
from tempfile import TemporaryDirectory

from data.directory import locate, prepare
from data.migrations import migrate


@functools.cache
def migrated() -> bytes:
    """A database of this version without anything in it."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "blank.db"
        migrate(path)
        return path.read_bytes()


def lay(directory: Path) -> None:
    """Have a new database in this data directory, unless there is one."""
    place = locate(directory)
    prepare(place)
    if not place.database.exists():
        place.database.touch(0o600)
        place.database.write_bytes(migrated())
