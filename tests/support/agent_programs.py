"""Coding agents from npm: installed once beside the user's other caches, and run as people run them in scripts."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import npm_packages
import platformdirs

PACKAGES = ("@anthropic-ai/claude-code@2.1.329", "@openai/codex@0.169.0", "@google/gemini-cli@0.61.0")
INSTALLED = platformdirs.user_cache_path("gatehouse-tests") / "agents"
BINARIES = INSTALLED / "node_modules" / ".bin"
SECONDS = 120.0


def install() -> None:
    """Have them in the cache. Skips the test where that cannot be done."""
    npm_packages.install("agents", PACKAGES)


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
