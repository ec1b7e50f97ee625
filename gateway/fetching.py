"""Fetches media that a request gives by address, where the operator allows it: from public places, little, and soon.

The transport it goes over connects to no other (`gateway.addresses`). Nothing is followed, nothing of ours is sent,
and whoever asked learns no more than that it failed.
"""

import asyncio
import base64
import logging
from collections.abc import Mapping
from typing import Final, cast

import httpx

from gateway.canonical import Inline
from gateway.connection import AbortableStream
from gateway.errors import BadRequest
from gateway.protocols.codec import Call, Codec
from gateway.protocols.dialects import dialect_for
from gateway.protocols.media import read_media_type
from gateway.protocols.registry import translation_for
from gateway.protocols.remote_media import Address, Kind, addresses
from gateway.routing import Target
from gateway.runtime import Runtime

log = logging.getLogger("gatehouse.fetching")

FETCH: Final = "fetch"
"""The name of the transport that this goes over."""
LARGEST: Final = 10 * 1024 * 1024
MOST: Final = 8
"""Addresses in one request."""
SECONDS: Final = 5.0
LONGEST_URL: Final = 4096
HEADERS: Final = [(b"accept", b"image/*, application/pdf"), (b"user-agent", b"gatehouse")]


async def media_for(runtime: Runtime, client: Codec, call: Call, target: Target) -> Mapping[Address, Inline]:
    """What a request's target cannot look at itself; nothing unless the operator has it fetched.

    Raises `BadRequest` for what cannot be had.
    """
    if not runtime.snapshot.settings.fetch_media or (b"://" not in call.body and rb":\/\/" not in call.body):
        return {}
    request = translation_for(client).decode_request(call)
    wanted = addresses(request, dialect_for(target.endpoint.protocol, target.upstream.dialect))
    if len(wanted) > MOST:
        raise failed("image", f"No more than {MOST} addresses are fetched for a request.")
    plain = runtime.snapshot.settings.fetch_over_http
    transport = runtime.transports[FETCH]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetch(transport, address, plain=plain)) for address in wanted]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return {address: task.result() for address, task in zip(wanted, tasks, strict=True)}


async def fetch(transport: httpx.AsyncBaseTransport, address: Address, *, plain: bool = False) -> Inline:
    """What lies at an address. Raises `BadRequest`, with words that tell nothing of where it leads."""
    url = checked(address, plain=plain)
    try:
        async with asyncio.timeout(SECONDS):
            response = await transport.handle_async_request(httpx.Request("GET", url, headers=HEADERS))
            try:
                return await read(response, address.kind)
            finally:
                cast(AbortableStream, response.stream).abort(httpx.ReadError("nothing more is wanted"))
    except (httpx.HTTPError, OSError, UnicodeError) as error:  # the last is how a name is refused that is none
        log.info("%s could not be fetched: %s", address.kind, type(error).__name__)
        raise failed(address.kind, f"The {address.kind} could not be fetched from its address.") from None


def checked(address: Address, *, plain: bool) -> httpx.URL:
    """An address that may be asked, without its fragment. Raises `BadRequest`."""
    kind = address.kind
    try:
        url = httpx.URL(address.url if len(address.url) <= LONGEST_URL else "")
    except (httpx.InvalidURL, UnicodeError):
        raise failed(kind, f"The address of the {kind} cannot be read.") from None
    if url.scheme != "https" and not (plain and url.scheme == "http"):
        raise failed(kind, f"The address of the {kind} must begin with https://.")
    if url.userinfo or not url.host:
        raise failed(kind, f"The address of the {kind} must name a host, and nobody's name or password.")
    return url.copy_with(fragment=None)


async def read(response: httpx.Response, kind: Kind) -> Inline:
    """The body, if it is what was wanted. Raises `BadRequest`."""
    media_type = read_media_type(response.headers.get("content-type", ""))
    if response.status_code != httpx.codes.OK:
        raise failed(kind, f"The {kind} could not be fetched from its address.")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise failed(kind, f"The {kind} came in a coding that was not asked for.")
    if not media_type.startswith("image/") and (kind == "image" or media_type != "application/pdf"):
        raise failed(kind, f"What lies at the address of the {kind} is something else.")
    body = bytearray()
    async for chunk in cast(AbortableStream, response.stream):
        body += chunk
        if len(body) > LARGEST:
            raise failed(kind, f"The {kind} is larger than the {LARGEST // 1024 // 1024} MB that are fetched.")
    return Inline(media_type, base64.b64encode(body).decode())


def failed(kind: Kind, message: str) -> BadRequest:
    """The refusal, in one place so that its code is one."""
    return BadRequest(message, code="media_not_fetched", param=kind)
