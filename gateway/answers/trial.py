"""Sends a small request through the gateway's own port, as a client would, and reads the streamed answer."""

import asyncio
from collections.abc import Callable
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from data.exchanges import Narrowing, page_exchanges
from gateway import routing
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.canonical import Protocol
from gateway.errors import GatewayError
from gateway.framings.sse import SSE
from gateway.operations import Tried, TryRequest
from gateway.protocols.registry import CODECS
from gateway.runtime import Runtime
from gateway.upstream import Answer, read_body

PATIENCE = 120.0
"""Seconds for the whole answer."""
MOST_OUTPUT = 1024
"""Where a protocol wants a limit."""


class Way(Struct, frozen=True):
    """How one protocol is asked."""

    path: Callable[[str], str]
    body: Callable[[str, str], dict[str, object]]


WAYS: dict[Protocol, Way] = {
    "openai_chat": Way(
        path=lambda model: "/v1/chat/completions",
        body=lambda model, prompt: {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "stream": True,
        },
    ),
    "openai_responses": Way(
        path=lambda model: "/v1/responses",
        body=lambda model, prompt: {"model": model, "input": prompt, "stream": True},
    ),
    "anthropic_messages": Way(
        path=lambda model: "/v1/messages",
        body=lambda model, prompt: {
            "model": model,
            "max_tokens": MOST_OUTPUT,
            "messages": [{"role": "user", "content": prompt}],
            "stream": True,
        },
    ),
    "gemini": Way(
        path=lambda model: f"/v1beta/models/{quote(model)}:streamGenerateContent?alt=sse",
        body=lambda model, prompt: {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
    ),
}


class _Said(Struct):
    message: str = ""


class _Refused(Struct):
    error: _Said


async def try_request(desk: Desk, operation: TryRequest) -> Tried:
    """Ask a model something; a refusal is an answer too."""
    desk.check_serving()
    model = values.model(operation.model)
    protocol = spoken(desk.runtime, model)
    try:
        async with asyncio.timeout(PATIENCE):
            response = await send(desk, operation, protocol, model)
            body = await read_body(Answer(response))
    except TimeoutError:
        return Tried(False, f"The answer took longer than {PATIENCE:g} seconds.", None)
    except (httpx.HTTPError, OSError) as error:
        return Tried(False, f"The gateway's own port cannot be reached: {error}.", None)
    except GatewayError as error:
        return Tried(False, error.message, None)
    exchange_id = await recorded_as(desk, response.headers.get("x-request-id", ""))
    ok, text = read_answer(protocol, body) if response.status_code == 200 else (False, refusal(body))
    return Tried(ok, text, exchange_id)


def spoken(runtime: Runtime, model: str) -> Protocol:
    """The first protocol in which the model is served."""
    for protocol in WAYS:
        try:
            routing.plan(runtime.snapshot, model, (protocol,), is_down=runtime.why_down, draw=lambda: 0.5)
        except GatewayError:
            continue
        return protocol
    return "openai_chat"


async def send(desk: Desk, operation: TryRequest, protocol: Protocol, model: str) -> httpx.Response:
    """Post the request to our own port."""
    base_url, way = desk.facts().base_url, WAYS[protocol]
    headers = {"authorization": f"Bearer {operation.secret}", "user-agent": "gatehouse-trial"}
    body = way.body(model, operation.prompt)
    request = httpx.Request("POST", base_url + way.path(model), headers=headers, json=body)
    return await desk.runtime.transport(base_url).handle_async_request(request)


def read_answer(protocol: Protocol, body: bytes) -> tuple[bool, str]:
    """Whether the answer came to its end, and its text; or what the error in it says."""
    framing, reader = SSE(), CODECS[protocol].new_reader()
    for payload in framing.payloads(framing.feed(body)):
        reader.read_payload(payload)
    if reader.error is not None:
        return False, reader.error.message
    text = "".join(piece.text for piece in reader.take_pieces() if piece.kind == "text")
    return reader.ended, text


def refusal(body: bytes) -> str:
    """What an error response says, whichever protocol it is in."""
    try:
        return msgspec.json.decode(body, type=_Refused).error.message
    except msgspec.DecodeError:
        return "The gateway refused the request."


async def recorded_as(desk: Desk, request_id: str) -> int | None:
    """The number under which a request is on record."""
    if not request_id:
        return None
    await desk.flush()
    async with desk.database.read() as session:
        found = await page_exchanges(session, Narrowing(text=request_id), limit=1)
    return found[0].id if found else None
