"""Gives out what a video task has made: bytes straight through from where the upstream keeps them.

Ark's clients fetch a video without any key, so for them an address can be signed; it holds for a day, and no longer
than the key whose video it is.
"""

import hmac
import logging
from typing import cast
from urllib.parse import urlsplit

import httpx

from data.tables import Task
from data.tasks import find_task
from gateway import keys, upstream
from gateway.connection import AbortableStream
from gateway.errors import GatewayError, NotFound, UpstreamFailed
from gateway.intake import ON_LOST, Arrival, Scope, Send, request_id_headers
from gateway.poller import Poller, item_call, send, shape_of_task, standing_of, target_of
from gateway.runtime import Runtime
from gateway.snapshot import KeyFacts

log = logging.getLogger("gatehouse.contents")

SIGNED_FOR = 86_400
"""Seconds for which a signed address holds."""
ARK_VARIANTS = {"video": "video_url", "thumbnail": "last_frame_url"}
PASSED = frozenset((b"content-type", b"content-length"))


def content_url(runtime: Runtime, arrival: Arrival, task: Task) -> str:
    """An address that gives the video to whoever has it."""
    expires = runtime.now() // 1_000_000 + SIGNED_FOR
    scheme = "https" if arrival.headers.get("x-forwarded-proto") == "https" else "http"
    base = f"{scheme}://{arrival.headers.get('host', '')}/v1/videos/video_{task.token}/content"
    return f"{base}?expires={expires}&signature={signature(runtime, task.token, expires)}"


def signature(runtime: Runtime, token: str, expires: int) -> str:
    """What only we can have put into an address."""
    return runtime.vault.hash_secret(f"video {token} {expires}").hex()


async def find_signed(poller: Poller, arrival: Arrival, token: str) -> tuple[KeyFacts, Task]:
    """The task that a signed address names, and its key. Raises `NotFound`, whatever is wrong with it."""
    runtime = poller.runtime
    expires = arrival.query.get("expires", "")
    if expires.isascii() and expires.isdigit() and int(expires) * 1_000_000 > runtime.now():
        given = arrival.query["signature"].encode()
        if hmac.compare_digest(signature(runtime, token, int(expires)).encode(), given):
            async with poller.database.read() as session:
                task = await find_task(session, token)
            owner = next((key for key in runtime.snapshot.keys.values() if task and key.id == task.key_id), None)
            if task and owner and keys.usable(owner, runtime.now()):
                return owner, task
    raise NotFound("There is no such video, or its address no longer holds.", code="video_not_found")


async def pass_content(
    runtime: Runtime, arrival: Arrival, scope: Scope, respond: Send, key: KeyFacts, task: Task
) -> None:
    """Hand over the video, or a picture of it. Raises `GatewayError` while nothing has been written."""
    response = await open_content(runtime, task, arrival.query.get("variant", "video"))
    stream = cast(AbortableStream, response.stream)  # all our transports give one that can be cut off
    scope[ON_LOST] = lambda: stream.abort(httpx.ReadError("the client left"))
    try:
        fields = [(name.lower(), value) for name, value in response.headers.raw]
        headers = [*(field for field in fields if field[0] in PASSED), *request_id_headers(arrival.request_id)]
        await respond({"type": "http.response.start", "status": 200, "headers": headers})
        async for chunk in stream:
            keys.check_still_usable(runtime.snapshot, key, runtime.now())
            await respond({"type": "http.response.body", "body": chunk, "more_body": True})
        await respond({"type": "http.response.body", "body": b""})
    except (httpx.HTTPError, OSError, GatewayError) as error:
        # Left without its end, so that nobody takes it for whole.
        log.info("request %s was broken off: %s", arrival.request_id, type(error).__name__)
    finally:
        scope.pop(ON_LOST, None)
        await stream.aclose()


async def open_content(runtime: Runtime, task: Task, variant: str) -> httpx.Response:
    """The upstream's answer, whose head has come."""
    standing = standing_of(task)
    if standing.status != "succeeded":
        raise NotFound(f"This video is not there: its task is {standing.status}.", code="video_not_ready")
    target = target_of(runtime, task)
    if target is None:
        raise NotFound("The upstream that made this video is not there any more.", code="video_expired")
    base_url = target.endpoint.base_url
    if shape_of_task(task) == "openai_video":
        call = item_call("GET", task, "/content", {"variant": variant})
        return await send(runtime, base_url, await upstream.build(target, call))
    url = standing.urls.get(ARK_VARIANTS.get(variant, ""), "")
    if not url:
        raise NotFound(f"There is no {variant!r} of this video.", code="video_not_found", param="variant")
    check_address(url, base_url)
    try:
        return await send(runtime, url, plain_request(url))
    except (NotFound, UpstreamFailed):
        raise NotFound("The upstream does not keep this video any more.", code="video_expired") from None


def plain_request(url: str) -> httpx.Request:
    """A request that does not say who we are: the address is all that is needed."""
    headers = [(b"accept", b"*/*"), (b"accept-encoding", b"identity"), (b"user-agent", upstream.AGENT)]
    return httpx.Request("GET", url, headers=headers, extensions={"body": b""})


def check_address(url: str, base_url: str) -> None:
    """Raises `UpstreamFailed` for an address in an upstream's answer that must not be fetched from here."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts[:2] != urlsplit(base_url)[:2]:
        raise UpstreamFailed("The upstream keeps the video at an address that is not served.", code="upstream_protocol")
