"""Calls one target: builds the request, signs it, sends it, and tells failures apart in our own words."""

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import cast
from urllib.parse import urlencode

import httpx
import msgspec

from gateway.canonical import Protocol
from gateway.connection import AbortableStream
from gateway.errors import GatewayError, UpstreamFailed, UpstreamTimeout
from gateway.framings.framing import Framing
from gateway.protocols.codec import Call, Codec
from gateway.routing import Target
from gateway.signers.table import sign

FORWARDED = ("anthropic-version", "anthropic-beta", "openai-beta", "http-referer", "x-title")
"""The client's headers that reach an upstream. Nothing else does."""
DEFAULTS: dict[Protocol, tuple[tuple[str, str], ...]] = {"anthropic_messages": (("anthropic-version", "2023-06-01"),)}
RETURNED = frozenset((b"content-type", b"openai-poll-after-ms"))
"""The upstream's headers that reach a client."""
REQUEST_IDS = frozenset((b"x-request-id", b"request-id", b"x-goog-request-id"))
LARGEST_ANSWER = 64 * 1024 * 1024
LARGEST_ERROR = 64 * 1024
AGENT = b"gatehouse"


class Body(httpx.AsyncByteStream):
    """A request's body that is wholly in memory, so that it can be sent again."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


@lru_cache(maxsize=4096)
def parsed(url: str) -> httpx.URL:
    """Parsing costs more than sending; the same few addresses recur."""
    return httpx.URL(url)


def address(target: Target, call: Call) -> httpx.URL:
    """The URL of a call at a target: its base URL, the protocol's own path, the client's query."""
    base = target.endpoint.base_url
    if target.endpoint.protocol == "anthropic_messages":
        base = f"{base}/v1"
    members = (*call.repeated, *call.query.items())
    query = [(name, value) for name, value in members if name not in ("key", "api-version")]
    suffix = f"?{urlencode(query)}" if query else ""
    return parsed(f"{base}/{call.path}{suffix}")


async def build(target: Target, call: Call) -> httpx.Request:
    """The request to send; the fields about the connection are the transport's. Holds our credential: never log it."""
    headers = [
        *await sign(target.endpoint.signer, target.upstream.credential),
        (b"content-type", call.headers.get("content-type", "application/json").encode("latin-1")),
        (b"accept", b"*/*"),
        (b"user-agent", AGENT),
        (b"content-length", b"%d" % len(call.body)),
    ]
    headers += [(name.encode(), call.headers[name].encode("latin-1")) for name in FORWARDED if name in call.headers]
    for name, value in DEFAULTS.get(target.endpoint.protocol, ()):
        if name not in call.headers:
            headers.append((name.encode(), value.encode()))
    return httpx.Request(
        call.method, address(target, call), headers=headers, stream=Body(call.body), extensions={"body": call.body}
    )


class Answer:
    """A good answer whose head has come; the body is still on its way."""

    def __init__(self, response: httpx.Response) -> None:
        self.stream = cast(AbortableStream, response.stream)  # all our transports give one that can be cut off
        self.content_type = b""
        self.returned: list[tuple[bytes, bytes]] = []
        """The headers that a client may see: a list of what may pass, so that nothing passes by oversight."""
        self.request_id = ""
        """The upstream's own, for asking its support."""
        self.read = False
        """Its body was read to the end."""
        for name, value in response.headers.raw:
            name = name.lower()
            if name in RETURNED:
                self.returned.append((name, value))
            elif name in REQUEST_IDS:
                self.request_id = value.decode("latin-1")[:128]
            if name == b"content-type":
                self.content_type = value

    def sever(self) -> None:
        """Close the connection at once; does nothing once the body was read to its end."""
        if not self.read:
            self.stream.abort(httpx.ReadError("the answer was cut off"))


async def send(transport: httpx.AsyncBaseTransport, target: Target, call: Call, codec: Codec) -> Answer:
    """The upstream's answer, head read and status good. Raises `GatewayError` for everything else."""
    request = await build(target, call)
    try:
        response = await transport.handle_async_request(request)
    except (httpx.HTTPError, OSError) as error:
        raise translate(error) from None
    if response.status_code == 200:
        return Answer(response)
    body = await read_error_body(response)
    if 200 <= response.status_code < 400:
        raise UpstreamFailed(f"The upstream answered with status {response.status_code}.", code="upstream_protocol")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers.raw}
    raise codec.read_error(response.status_code, headers, body)


async def read_error_body(response: httpx.Response) -> bytes:
    """As much of an error's body as is needed to understand it; empty when it cannot be read."""
    body = bytearray()
    try:
        async with asyncio.timeout(10):
            async for chunk in cast(AbortableStream, response.stream):
                body += chunk
                if len(body) > LARGEST_ERROR:
                    break
    except (httpx.HTTPError, OSError, TimeoutError):
        return bytes(body)
    finally:
        await response.aclose()
    return bytes(body)


async def read_body(answer: Answer) -> bytes:
    """A whole answer. Raises `UpstreamFailed` when it is cut off or too large."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in answer.stream:
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise UpstreamFailed("The upstream's answer is larger than 64 MB.", code="upstream_protocol")
        answer.read = True
    except (httpx.HTTPError, OSError) as error:
        raise translate(error) from None
    finally:
        await answer.stream.aclose()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def check_whole(body: bytes) -> None:
    """Raises `UpstreamFailed` for an answer that is not JSON from its beginning to its end."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        raise UpstreamFailed("The upstream broke off in the middle of its answer.", code="upstream_cut_off") from None


def translate(error: httpx.HTTPError | OSError) -> GatewayError:
    """A failure on the way, in words that name no host and no account."""
    match error:
        case httpx.ConnectTimeout():
            return UpstreamTimeout("The upstream could not be reached in time.", code="upstream_connect_timeout")
        case httpx.TimeoutException():
            return UpstreamTimeout("The upstream did not answer in time.")
        case httpx.ConnectError():
            return UpstreamFailed("The upstream could not be reached.", code="upstream_unreachable")
        case httpx.RemoteProtocolError():
            return UpstreamFailed("The upstream's answer broke off or was not HTTP.", code="upstream_protocol")
        case _:
            return UpstreamFailed("The connection to the upstream failed.", code="upstream_connection")


async def whole_frames(answer: Answer, framing: Framing) -> AsyncIterator[bytes]:
    """A stream's frames as they come, several at once where they came so. Raises `GatewayError` where it breaks."""
    try:
        async for chunk in answer.stream:
            if frames := framing.feed(chunk):
                yield frames
        answer.read = True
    except (httpx.HTTPError, OSError) as error:
        raise translate(error) from None
