"""TCP ports of this machine: who listens on one, and which is free. For telling the operator, never for deciding."""

import os
import socket
import sys
from pathlib import Path

LISTENING = "0A"
PROC = Path("/proc")
SEARCHED = 50


def holder(port: int) -> str:
    """Who listens on a port, as in `nginx, process 4711`; empty where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return ""
    inodes = _listening(port)
    for process in PROC.glob("[0-9]*"):
        if inodes and not inodes.isdisjoint(_sockets(process)):
            return f"{_program(process)}, process {process.name}"
    return ""


def next_free(host: str, port: int) -> int | None:
    """The first free port after this one, if one is near."""
    return next((each for each in range(port + 1, min(port + SEARCHED, 65536)) if is_free(host, each)), None)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _listening(port: int) -> set[str]:
    """The inodes of the sockets that listen on a port."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in _read(PROC / "net" / table).splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENING and int(local.rpartition(":")[2], 16) == port:
                inodes.add(inode)
    return inodes


def _sockets(process: Path) -> set[str]:
    """The inodes of a process's sockets, as far as we may see them."""
    inodes = set()
    try:
        for handle in (process / "fd").iterdir():
            kind, _, inode = os.readlink(handle).partition(":")
            if kind == "socket":
                inodes.add(inode.strip("[]"))
    except OSError:
        pass  # another user's process, or one that has just ended
    return inodes


def _program(process: Path) -> str:
    return _read(process / "comm").strip() or "a program"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
