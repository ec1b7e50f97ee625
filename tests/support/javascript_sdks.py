"""The newest official JavaScript SDKs, driven by a program of ours in a Node.js process of its own."""

import asyncio
import json
import os
from base64 import b64encode
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import npm_packages
from harbour import PICTURE, SCHEMA, TIDE
from sdk_clients import Wish

PACKAGES = ("openai@7.59.0", "@anthropic-ai/sdk@1.14.0", "@google/genai@3.3.0")
PROGRAM = Path(__file__).parent / "javascript" / "run.mjs"
SECONDS = 90.0


@dataclass
class Scene:
    """What a client asks, and what tools answer when it was told to call some."""

    name: str
    prompt: str
    wish: Wish = field(default_factory=Wish)
    results: list[str] = field(default_factory=list)
    leaves: bool = False
    """Goes away after the first words."""


def install() -> Path:
    """Have them in the cache. Skips the test where that cannot be done."""
    return npm_packages.install("sdks", PACKAGES)


async def play(installed: Path, spoken: str, url: str, key: str, model: str, scenes: list[Scene]) -> dict[str, Any]:
    """What came of each scene, one after another: the outcomes of its turns, or the error that was thrown."""
    things = {"picture": b64encode(PICTURE).decode(), "schema": SCHEMA, "tool": TIDE}
    to_whom = {"spoken": spoken, "url": url, "key": key, "model": model, "installed": str(installed)}
    asked = json.dumps({**to_whom, **things, "scenes": [asdict(scene) for scene in scenes]})
    path = f"{installed / 'node_modules' / '.bin'}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        "node",
        PROGRAM,
        env={"PATH": path, "HOME": str(installed), "NODE_NO_WARNINGS": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate(asked.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    told: dict[str, Any] = json.loads(out)
    return told
