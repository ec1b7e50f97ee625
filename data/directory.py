"""Where Gatehouse keeps its files, that nobody else can read them, and that one process at a time owns them."""

import fcntl
import hashlib
import os
import stat
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct
from platformdirs import user_config_dir, user_data_dir

from data.errors import DataError

LONGEST_SOCKET_PATH = 100
"""Bytes; the system's limit is 104 to 108."""
PATIENCE = 5
"""Tries at the lock: somebody who only looks who holds it, holds it for an instant."""


class DataDirectory(Struct, frozen=True):
    """The directory's files by name."""

    path: Path
    secrets: Path
    """Where the master key lies."""

    @property
    def database(self) -> Path:
        return self.path / "gatehouse.db"

    @property
    def journal(self) -> Path:
        return self.path / "journal"

    @property
    def lock(self) -> Path:
        return self.path / "gatehouse.lock"

    @property
    def log(self) -> Path:
        return self.path / "gatehouse.log"

    @property
    def socket(self) -> Path:
        """The control socket; elsewhere when the directory's path is too long for a socket's address."""
        beside = self.path / "control.sock"
        if len(os.fsencode(beside)) <= LONGEST_SOCKET_PATH:
            return beside
        mark = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        # Not under TMPDIR or XDG_RUNTIME_DIR: they differ between a service and a login, and both must find it.
        return Path(f"/tmp/gatehouse-{os.getuid()}-{mark}/control.sock")  # noqa: S108


def locate(chosen: Path | None = None) -> DataDirectory:
    """The directory that was chosen, here or by `GATEHOUSE_DATA`, or this user's usual one. Touches nothing."""
    if chosen is None and (named := os.environ.get("GATEHOUSE_DATA")):
        chosen = Path(named)
    if chosen is None:
        return DataDirectory(Path(user_data_dir("gatehouse")), Path(user_config_dir("gatehouse")))
    path = chosen.expanduser().absolute()
    return DataDirectory(path, path / "secrets")


def prepare(directory: DataDirectory) -> None:
    """Make what is missing, readable by nobody else; refuse what others can read. Sets the process's umask."""
    os.umask(0o077)
    for path in (directory.path, directory.journal, directory.socket.parent):
        make_private(path)


def make_private(path: Path) -> None:
    """Create a directory of mode 0700, or make sure that an existing one is ours and closed to others."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise DataError(f"cannot use the directory {path}: {error.strerror}") from error
    if found.st_uid != os.getuid():
        raise DataError(f"{path} belongs to another user; choose a directory of your own with --data")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise DataError(f"other users can look into {path}; close it with: chmod 700 {path}")


class Holder(Struct, frozen=True):
    """The process that owns a data directory."""

    pid: int
    since: int
    """UTC microseconds."""
    base_url: str = ""
    """Where it serves; empty while it is starting, or when it does not serve."""

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since / 1e6))
        return f"pid {self.pid}, {f'serving {self.base_url}' if self.base_url else 'not serving'}, since {since}"


class DirectoryLock:
    """Ownership of a data directory, for as long as the context lasts or the process lives."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._since = time.time_ns() // 1000
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._directory.lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataError(f"cannot write {self._directory.lock}: {error.strerror}") from error
        for _ in range(PATIENCE):
            if _lock(self._descriptor, fcntl.LOCK_EX):
                self.announce("")
                return self
            time.sleep(0.02)
        os.close(self._descriptor)
        told = _read(self._directory)
        raise DataError(f"{self._directory.path} is in use by {told or 'another process'}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def announce(self, base_url: str) -> None:
        """Write down where we serve, for others to find."""
        told = msgspec.json.encode(Holder(os.getpid(), self._since, base_url))
        os.pwrite(self._descriptor, told, 0)
        os.ftruncate(self._descriptor, len(told))


def holder(directory: DataDirectory) -> Holder | None:
    """Who owns the directory now, or None."""
    try:
        descriptor = os.open(directory.lock, os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if _lock(descriptor, fcntl.LOCK_SH) else _read(directory)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(directory: DataDirectory) -> Holder | None:
    try:
        return msgspec.json.decode(directory.lock.read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None
