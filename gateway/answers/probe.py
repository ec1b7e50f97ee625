"""Tries an upstream out: reaches it, shows the credential, asks for its models.

All words are ours: a provider's own may quote the credential.
"""

import asyncio
import time

import httpx
import msgspec
from msgspec import Struct

from gateway.canonical import Protocol
from gateway.errors import GatewayError
from gateway.operations import TestStep
from gateway.runtime import Runtime
from gateway.signers.table import sign
from gateway.snapshot import Endpoint, UpstreamFacts
from gateway.upstream import AGENT, DEFAULTS, Answer, read_body

LISTS: dict[Protocol, str] = {
    "openai_chat": "/models",
    "openai_responses": "/models",
    "gemini": "/models?pageSize=1000",
    "anthropic_messages": "/v1/models?limit=1000",
}
"""Where each protocol lists models, below its base URL; those that providers most often have come first."""
PATIENCE = 20.0
"""Seconds for a whole list."""
TIMEOUT = {"connect": 5.0, "read": 15.0}
REFUSING = (400, 401, 403)
"""Google says 400 to a key that is not valid."""
UNKNOWING = (404, 405, 501)
MOST_MODELS = 5000
LONGEST_NAME = 256
NETWORK_ERRORS = (httpx.HTTPError, httpx.InvalidURL, OSError)


class Probe(Struct, frozen=True):
    """What came of it."""

    steps: list[TestStep]
    models: list[str] | None = None
    """None when the list cannot be had."""
    unlisted: bool = False
    """It answers, but has no list where this protocol would have it."""


class Listing(Struct, frozen=True):
    """An upstream's answer, as it came."""

    status: int
    body: bytes
    connect_us: int
    head_us: int
    body_us: int


class _Named(Struct):
    id: str | None = None
    name: str | None = None


class _Models(Struct):
    data: list[_Named] | None = None
    models: list[_Named] | None = None


async def probe(runtime: Runtime, upstream: UpstreamFacts) -> Probe:
    """Test an upstream by the first of its protocols that has a model list."""
    found = Probe([TestStep("reach", False, "It has no address.", 0)])
    for protocol in LISTS:
        if protocol not in upstream.endpoints:
            continue
        found = await probe_endpoint(runtime, upstream.endpoints[protocol], upstream.credential)
        if not found.unlisted:
            break
    return found


async def probe_endpoint(runtime: Runtime, endpoint: Endpoint, credential: str) -> Probe:
    """Test an upstream in one protocol."""
    started, step = time.monotonic(), "auth"
    try:
        async with asyncio.timeout(PATIENCE):
            signed = await sign(endpoint.signer, credential)
            step = "reach"
            transport = runtime.transport(endpoint.base_url)
            listing = await fetch(transport, endpoint.base_url + LISTS[endpoint.protocol], signed, endpoint.protocol)
    except TimeoutError:
        why = f"It did not answer within {PATIENCE:g} seconds."
    except NETWORK_ERRORS as error:
        why = f"It cannot be reached: {error}."
    except GatewayError as error:
        why = error.message
    else:
        return judge(listing, bool(signed))
    return Probe([TestStep(step, False, why, since(started))])


async def fetch(
    transport: httpx.AsyncBaseTransport,
    url: str,
    signed: list[tuple[bytes, bytes]],
    protocol: Protocol = "openai_chat",
    timeout: dict[str, float] = TIMEOUT,  # noqa: ASYNC109 - the transport's, for each of its steps
) -> Listing:
    """Ask for a model list. The client's own transport is used, so what works here works for requests."""
    usual = [(name.encode(), value.encode()) for name, value in DEFAULTS.get(protocol, ())]
    headers = [*signed, *usual, (b"accept", b"application/json"), (b"user-agent", AGENT)]
    request = httpx.Request("GET", url, headers=headers, extensions={"timeout": timeout})
    started = time.monotonic()
    response = await transport.handle_async_request(request)
    head_us, connect_us = since(started), int(response.extensions.get("connect_us", 0))
    body = await read_body(Answer(response))
    return Listing(response.status_code, body, connect_us, head_us, since(started) - head_us)


def judge(listing: Listing, signed: bool) -> Probe:
    """What an answer says of reaching it, of the credential and of the models."""
    status = listing.status
    if 300 <= status < 400:
        told = f"It sends us elsewhere (HTTP {status}); the base URL is another one."
        return Probe([TestStep("reach", False, told, listing.head_us)])
    reached = TestStep("reach", True, "It answers.", listing.connect_us)
    waited = listing.head_us - listing.connect_us
    if status in REFUSING:
        told = f"It refuses the credential (HTTP {status}). Was it copied whole, and is it for this provider?"
        if not signed:
            told = f"It wants a credential (HTTP {status})."
        return Probe([reached, TestStep("auth", False, told, waited)])
    accepted = TestStep("auth", True, "It takes the credential." if signed else "It wants no credential.", waited)
    if status != 200:
        step = TestStep("models", False, why_unlisted(status), listing.body_us)
        steps = [reached, step] if status in UNKNOWING else [reached, accepted, step]
        return Probe(steps, unlisted=status in UNKNOWING)
    names = read_names(listing.body)
    if names is None:
        told = "What it answers is no list of models; the base URL is probably another one."
        return Probe([reached, accepted, TestStep("models", False, told, listing.body_us)])
    return Probe([reached, accepted, TestStep("models", True, told_models(names), listing.body_us)], names)


def why_unlisted(status: int) -> str:
    """Why there is no list, and what to do."""
    if status in UNKNOWING:
        return f"It lists no models here (HTTP {status}). Check the base URL, or give the models' names yourself."
    if status == 402:
        return "The account has no credit (HTTP 402)."
    if status == 429:
        return "The account is at its rate limit (HTTP 429); test it again later."
    return f"It failed (HTTP {status}); test it again later."


def read_names(body: bytes) -> list[str] | None:
    """The models in a list of any of the shapes there are; None if it is none of them."""
    try:
        listed = msgspec.json.decode(body, type=_Models | list[_Named])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    entries = listed if isinstance(listed, list) else listed.data if listed.data is not None else listed.models
    if entries is None:
        return None
    names = ((entry.id or entry.name or "").removeprefix("models/") for entry in entries)
    return list(dict.fromkeys(name for name in names if is_usable(name)))[:MOST_MODELS]


def is_usable(name: str) -> bool:
    """Whether clients could ask for a model of this name."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and " " not in name


def told_models(names: list[str]) -> str:
    """How many there are, with the first few."""
    if not names:
        return "It lists no models at the moment."
    some = ", ".join(names[:3])
    return f"It lists {len(names)} {'model' if len(names) == 1 else 'models'}: {some}{', …' if len(names) > 3 else ''}"


def since(started: float) -> int:
    """Microseconds since then."""
    return int((time.monotonic() - started) * 1_000_000)
