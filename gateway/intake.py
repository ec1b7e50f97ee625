"""Takes a request in from the wire and writes whole responses out: what every endpoint shares."""

import math
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gateway import endpoints
from gateway.endpoints import Endpoint
from gateway.errors import (
    BadRequest,
    Cut,
    GatewayError,
    InsufficientQuota,
    MethodNotAllowed,
    TooLarge,
    UnsupportedMedia,
    UpgradeRequired,
)
from gateway.keys import CREDENTIAL_HEADERS
from gateway.protocols.codec import Call, Codec
from gateway.protocols.registry import codec_for

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ON_LOST = "gatehouse.on_lost"
"""Where in the scope a request leaves the function to call when its client's connection is gone."""
UNBUFFERED = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
"""Keeps proxies on the way from holding a stream back."""
LARGEST_BODY = 32 * 1024 * 1024
RECORDED_PREFIXES = ("anthropic-", "openai-", "x-stainless-", "x-goog-api-client", "x-app", "x-title", "x-client-")
RECORDED = frozenset(("accept", "content-type", "content-length", "user-agent", "originator", "session-id"))
"""Headers kept with a request's record. A list of what may be kept, so that no secret is kept by oversight."""


class Arrival(Struct, frozen=True):
    """A request's head."""

    request_id: str
    method: str
    endpoint: Endpoint
    headers: dict[str, str]
    query: dict[str, str]
    path: str
    client: str
    """The peer's address."""
    repeated: tuple[tuple[str, str], ...] = ()
    """Members of the query whose name comes again in `query`."""

    @property
    def codec(self) -> Codec:
        """The protocol that the client speaks."""
        return codec_for(self.endpoint.protocol or "openai_chat", self.query)


def read_head(scope: Scope) -> Arrival:
    """What came, as far as the head tells."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query_string: bytes = scope["query_string"]
    query = endpoints.read_query(query_string)
    raw_path: bytes = scope["raw_path"]
    client = scope["client"]
    return Arrival(
        request_id=f"req_{random.getrandbits(96):024x}",
        method=scope["method"],
        endpoint=endpoints.resolve(raw_path, headers, query),
        headers=headers,
        query=query,
        path=raw_path.decode("latin-1")[:512],
        client=client[0] if client else "",
        repeated=endpoints.repeated_in(query_string) if b"&" in query_string else (),
    )


def check_method(arrival: Arrival) -> None:
    """Raises `UpgradeRequired` for a WebSocket, `MethodNotAllowed` for a method that the path does not take."""
    endpoint = arrival.endpoint
    if arrival.headers.get("upgrade", "").lower() == "websocket":
        raise UpgradeRequired("WebSockets are not served here; use plain HTTP, streaming over server-sent events.")
    if endpoint.methods and arrival.method not in endpoint.methods:
        allowed = " or ".join(endpoint.methods)
        raise MethodNotAllowed(f"{arrival.method} is not allowed on /{endpoint.path}; use {allowed}.")


async def take_call(arrival: Arrival, receive: Receive) -> Call:
    """The whole request, credentials taken out."""
    return Call(
        method=arrival.method,
        path=arrival.endpoint.path,
        query={name: value for name, value in arrival.query.items() if name != "key"},
        headers={name: value for name, value in arrival.headers.items() if name not in CREDENTIAL_HEADERS},
        body=await read_body(arrival.headers, receive),
        repeated=arrival.repeated,
    )


async def read_body(headers: dict[str, str], receive: Receive) -> bytes:
    """The request's body. Raises `TooLarge`, before reading where the length is declared, and `UnsupportedMedia`."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Compressed request bodies are not accepted; send the body without Content-Encoding.")
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY:
        raise too_large()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("The client left before its request was complete.", code="client_left")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY:
            raise too_large()
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunk if len(chunks) == 1 else b"".join(chunks)


def too_large() -> TooLarge:
    """The error for a body over the limit."""
    return TooLarge(f"The request's body is over the limit of {LARGEST_BODY // 1024 // 1024} MB.")


def recorded_headers(headers: dict[str, str]) -> str:
    """The headers that a request's record keeps, as JSON."""
    kept = {
        name: value[:256] for name, value in headers.items() if name in RECORDED or name.startswith(RECORDED_PREFIXES)
    }
    return msgspec.json.encode(kept).decode()


async def respond(
    send: Send, status: int, body: bytes, request_id: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Write a whole response; JSON unless the headers say otherwise."""
    out = headers if headers is not None else [(b"content-type", b"application/json")]
    out = [*out, *request_id_headers(request_id), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": out})
    await send({"type": "http.response.body", "body": body})


def request_id_headers(request_id: str) -> list[tuple[bytes, bytes]]:
    """Our request id, under the names that the official SDKs look for."""
    encoded = request_id.encode()
    return [(b"x-request-id", encoded), (b"request-id", encoded)]


async def refuse(send: Send, codec: Codec, error: GatewayError, request_id: str) -> None:
    """Write an error response in the client's protocol."""
    headers = [(b"content-type", b"application/json")]
    if error.retry_after is not None:
        # Some SDKs really sleep as long as they are told, however long that is.
        headers.append((b"retry-after", b"%d" % max(1, min(60, math.ceil(error.retry_after)))))
    if isinstance(error, Cut | InsufficientQuota):
        # The SDKs would ask again at once, for nothing.
        headers.append((b"x-should-retry", b"false"))
    await respond(send, codec.error_status(error), codec.error_body(error, request_id), request_id, headers)
