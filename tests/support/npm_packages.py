"""Packages from npm, installed once beside the user's other caches, with the Node.js that they need."""

import contextlib
import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

NODE = 22
"""The version of Node.js that they need."""


def install(name: str, packages: tuple[str, ...]) -> Path:
    """Have them in the cache, below a name of their own. Skips the test where that cannot be done."""
    if shutil.which("npm") is None:
        pytest.skip("npm is missing")
    wanted = " ".join(packages if _node_version() >= NODE else (*packages, f"node@{NODE}"))
    installed = platformdirs.user_cache_path("gatehouse-tests") / name
    installed.mkdir(parents=True, exist_ok=True)
    stamp = installed / "installed"
    with _locked(installed / "lock"):
        if stamp.exists() and stamp.read_text() == wanted:
            return installed
        (installed / "package.json").write_text('{"private": true}')
        npm = ["npm", "install", "--no-audit", "--no-fund", *wanted.split()]
        done = subprocess.run(npm, cwd=installed, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"{name} could not be installed: {done.stderr.strip()[-300:]}")
        stamp.write_text(wanted)
    return installed


def _node_version() -> int:
    if shutil.which("node") is None:
        return 0
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return int(said.removeprefix("v").partition(".")[0])


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Several workers may want to install at once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
