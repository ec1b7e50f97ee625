"""A gateway in front of four strict providers, each of which speaks one protocol and no other."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from described import describe_provider
from house import House, open_house
from scripted_provider import ScriptedProvider
from strict_upstreams import MODELS, strict_upstream

from gateway.canonical import PROTOCOLS, Protocol

DIALECTS: dict[Protocol, str] = {"openai_chat": "openai"}


@dataclass
class Strict:
    """The gateway, and what plays all four providers behind it."""

    house: House
    provider: ScriptedProvider


@contextlib.asynccontextmanager
async def open_strict_house(directory: Path) -> AsyncIterator[Strict]:
    """Start them."""
    async with open_house(directory) as house, ScriptedProvider().serve() as provider:
        for protocol in PROTOCOLS:
            describe_provider(directory, protocol, DIALECTS.get(protocol, "standard"))
        provider.script = strict_upstream([])
        for protocol in PROTOCOLS:
            await house.add(protocol, f"{provider.url}/{protocol}", name=protocol, models=(MODELS[protocol],))
        yield Strict(house, provider)
