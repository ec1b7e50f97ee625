"""`console doctor`: checks everything the gateway depends on, and says what to do about what is wrong."""

import asyncio
import platform
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx
from msgspec import Struct

from console.cli.asking import Answering, reach
from console.cli.show import show, table
from data.checkup import damage, exposed, foreign, free_bytes, master_key_source, newest_write
from gateway import ports
from gateway.errors import GatewayError
from gateway.operations import ListUpstreams, TestUpstream, UpstreamView
from gateway.place import DataDirectory, DataError, holder

OLDEST_PYTHON = (3, 11)
LEAST_SPACE = 500 * 1024 * 1024
CLOCK_TOLERANCE = 120
"""Seconds a clock may be off: providers' signed requests and keys' expiry stand more, not much."""
MADE_AFTER = datetime(2025, 1, 1).timestamp()
DATE_SECONDS = 5.0


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    """What to do about it; only when it is not well."""


def examine(directory: DataDirectory, host: str, port: int) -> list[Check]:
    """Look at everything."""
    here = [
        check_python(),
        check_directory(directory),
        check_holder(directory),
        check_port(directory, host, port),
        check_database(directory),
        check_master_key(directory),
        check_space(directory),
        check_clock(directory, time.time()),
    ]
    return here + asyncio.run(check_upstreams(directory))


def report(checks: Iterable[Check], as_json: bool) -> None:
    """Print what was found."""
    found = list(checks)
    rows = [("ok" if each.ok else "WRONG", each.name, each.found) for each in found]
    advice = [f"{each.name}: {each.advice}" for each in found if not each.ok]
    show(found, as_json, "\n".join([table(("", "WHAT", "FOUND"), rows), *(["", *advice] if advice else [])]))


def check_python() -> Check:
    """Is the interpreter new enough?"""
    needed = ".".join(map(str, OLDEST_PYTHON))
    return Check(
        "python", sys.version_info >= OLDEST_PYTHON, platform.python_version(), f"Install Python {needed} or newer."
    )


def check_directory(directory: DataDirectory) -> Check:
    """Does the data belong to us, and to nobody else?"""
    path = directory.path
    if not path.exists():
        return Check("data directory", True, f"{path} will be made at the first start")
    if others := foreign(directory):
        return Check("data directory", False, f"{others[0]} belongs to another user", f"sudo chown -R $USER {path}")
    if open_ones := exposed(directory):
        found = f"others can open {open_ones[0]}" + (f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else "")
        return Check("data directory", False, found, f"chmod -R go-rwx {path} {directory.secrets}")
    return Check("data directory", True, f"{path}, yours alone")


def check_holder(directory: DataDirectory) -> Check:
    """Does a gateway run?"""
    owner = holder(directory)
    return Check("gateway", True, str(owner) if owner else "not running")


def check_port(directory: DataDirectory, host: str, port: int) -> Check:
    """Is the port ours to take, or taken by ourselves?"""
    owner = holder(directory)
    name = f"port {port}"
    if owner and owner.base_url:
        return Check(name, True, f"this gateway serves {owner.base_url}")
    if ports.is_free(host, port):
        return Check(name, True, "free")
    free = ports.next_free(host, port)
    advice = f"Stop that program, or use --port {free}." if free else "Stop that program, or choose another --port."
    return Check(name, False, f"taken by {ports.holder(port) or 'another program'}", advice)


def check_database(directory: DataDirectory) -> Check:
    """Is the database sound?"""
    harm = damage(directory.database)
    found = harm or ("sound" if directory.database.exists() else "none yet")
    advice = f"Stop the gateway, keep a copy of {directory.database}, and restore a backup."
    return Check("database", not harm, found, advice)


def check_master_key(directory: DataDirectory) -> Check:
    """Is the key there that opens the credentials?"""
    source = master_key_source(directory)
    missing = not source and directory.database.exists()
    advice = f"Bring the master key back into {directory.secrets}, or give it in GATEHOUSE_MASTER_KEY."
    return Check("master key", not missing, source or ("missing" if missing else "will be made"), advice)


def check_space(directory: DataDirectory) -> Check:
    """Is there room for the journal and the database?"""
    free = free_bytes(directory)
    advice = "Make room: without it requests are refused, as they could not be recorded."
    return Check("disk space", free >= LEAST_SPACE, f"{free / 1024**3:.1f} GB free", advice)


def check_clock(directory: DataDirectory, now: float) -> Check:
    """Can the clock be right?"""
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    advice = "Set the clock, best by NTP: expiry, budgets and signed requests go by it."
    if now < MADE_AFTER:
        return Check("clock", False, f"{shown} is before Gatehouse was made", advice)
    if newest_write(directory) > now + CLOCK_TOLERANCE:
        return Check("clock", False, f"{shown} is before the data was last written", advice)
    return Check("clock", True, shown)


async def check_upstreams(directory: DataDirectory) -> list[Check]:
    """Do the providers answer, and do their clocks agree with ours?"""
    try:
        link = await reach(directory, live=False)
    except (GatewayError, DataError) as error:
        return [Check("providers", False, str(error), "Put this right first.")]
    try:
        enabled = [each for each in await link.ask(ListUpstreams()) if each.enabled]
        return [check for each in enabled for check in await _check_upstream(link, each)]
    finally:
        await link.close()


async def _check_upstream(link: Answering, upstream: UpstreamView) -> list[Check]:
    tested = await link.ask(TestUpstream(upstream.id))
    wrong = next((step for step in tested.test if not step.ok), None)
    name = f"provider {upstream.name}"
    if wrong:
        return [Check(name, False, f"{wrong.name}: {wrong.detail}", f"Then: console provider test {upstream.name}")]
    return [Check(name, True, f"answers, {len(tested.upstream.models)} models"), *await _compare_clocks(upstream)]


async def _compare_clocks(upstream: UpstreamView) -> list[Check]:
    """Against the date the provider's answer carries, where it carries one. Sends no credential."""
    if not upstream.base_url.startswith("https://"):
        return []
    try:
        async with httpx.AsyncClient(timeout=DATE_SECONDS) as client:
            told = (await client.head(upstream.base_url)).headers.get("date", "")
        off = time.time() - parsedate_to_datetime(told).timestamp()
    except (httpx.HTTPError, ValueError):
        return []
    advice = "Set the clock, best by NTP."
    return [Check(f"clock at {upstream.name}", abs(off) <= CLOCK_TOLERANCE, f"{off:+.0f} s apart", advice)]
