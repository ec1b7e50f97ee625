"""Finds on this machine what could be added as an upstream. Contacts nothing outside it."""

import asyncio
import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from data.presets import load_presets
from data.records import ProviderPreset
from gateway.answers.desk import Desk
from gateway.answers.probe import LISTS, NETWORK_ERRORS, fetch, read_names
from gateway.errors import GatewayError
from gateway.operations import Candidate, FindCandidates
from gateway.runtime import Runtime

QUICKLY = {"connect": 0.2, "read": 1.0}
DEMO = "demo"
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


async def find_candidates(desk: Desk, _: FindCandidates) -> list[Candidate]:
    """Providers that are not added yet: those with a variable set, local servers that answer, and last the demo."""
    added = {upstream.provider_id for upstream in desk.runtime.snapshot.upstreams.values()}
    presets = [preset for preset in load_presets() if preset.id not in added]
    local = await asyncio.gather(*(find_local(desk.runtime, preset) for preset in presets))
    demo = [Candidate(p.id, p.title, "built in, needs no account") for p in presets if p.id == DEMO]
    return [*in_environment(presets), *(candidate for candidate in local if candidate), *demo]


def in_environment(presets: Iterable[ProviderPreset]) -> list[Candidate]:
    """Those whose credential is in a variable. Values are not looked at beyond there being one."""
    return [
        Candidate(preset.id, preset.title, f"{variable} is set", env=variable)
        for preset in presets
        if (variable := next((name for name in preset.key_env if os.environ.get(name, "").strip()), ""))
    ]


async def find_local(runtime: Runtime, preset: ProviderPreset) -> Candidate | None:
    """A local provider whose server answers at its usual address with a list of models."""
    base_url = preset.endpoints.get("openai_chat", "")
    address = urlsplit(base_url)
    if not preset.local or address.hostname not in THIS_MACHINE:
        return None
    try:
        listing = await fetch(runtime.transport(base_url), base_url + LISTS["openai_chat"], [], timeout=QUICKLY)
    except (*NETWORK_ERRORS, GatewayError):
        return None
    if listing.status != 200 or (names := read_names(listing.body)) is None:
        return None
    found = f"answers at {address.netloc} with {len(names)} {'model' if len(names) == 1 else 'models'}"
    return Candidate(preset.id, preset.title, found, base_url=base_url)
