"""Coding agents from npm: installed once beside the user's other caches, and run as people run them in scripts."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

PACKAGES = ("@anthropic-ai/claude-code@2.1.329", "@openai/codex@0.169.0", "@google/gemini-cli@0.61.0")
NODE = 22
"""The version of Node.js that they need."""
INSTALLED = platformdirs.user_cache_path("gatehouse-tests") / "agents"
BINARIES = INSTALLED / "node_modules" / ".bin"
SECONDS = 120.0


def install() -> None:
    """Have them in the cache. Skips the test where that cannot be done."""
    if shutil.which("npm") is None:
        pytest.skip("npm is missing")
    wanted = PACKAGES if _node_version() >= NODE else (*PACKAGES, f"node@{NODE}")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    stamp = INSTALLED / "installed"
    with _locked(INSTALLED / "lock"):
        if stamp.exists() and stamp.read_text() == " ".join(wanted):
            return
        (INSTALLED / "package.json").write_text('{"private": true}')
        npm = ["npm", "install", "--no-audit", "--no-fund", *wanted]
        done = subprocess.run(npm, cwd=INSTALLED, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"the agents could not be installed: {done.stderr.strip()[-300:]}")
        stamp.write_text(" ".join(wanted))


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


async def run(command: tuple[str, ...], home: Path, environment: dict[str, str]) -> str:
    """What an agent prints, working in its home and knowing nothing else of this machine; it must end well."""
    process = await asyncio.create_subprocess_exec(
        BINARIES / command[0],
        *command[1:],
        cwd=home / "work",
        env={"PATH": f"{BINARIES}:{os.environ['PATH']}", "HOME": str(home), "TERM": "dumb", **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert process.returncode == 0, f"{out.decode()}\n{err.decode()}"
    return out.decode()
