"""However a request ends, in each protocol, streamed or not: what it used, where that is known from, what it costs,
what the ledger says of it, and that no upstream goes on for nobody.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio
from anthropic_upstream import ANTHROPIC
from google_upstream import GOOGLE
from harbour import events
from house import House, open_house
from openai_upstream import OPENAI
from scripted_provider import Received, Reply, ScriptedProvider, answer, sse

from data.limits import EVERYONE, Limits, key_holder
from gateway import transport
from gateway.accounting import CheckLedger, GetHolding, ListEntries, SetLimits, TopUp
from gateway.connection import Deadlines
from gateway.operations import CreateKey, CutExchange, RevokeKey
from gateway.price_operations import SetPrice

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAID_IN = 1_000_000
PRICES = {"input": 1_000_000, "output": 2_000_000}
"""A token that goes in costs one micro-unit, one that comes out two."""
SCRIPTS = {"openai": OPENAI, "anthropic": ANTHROPIC, "google": GOOGLE}
HI = [{"role": "user", "content": "hi"}]
CONTENTS = [{"parts": [{"text": "hi"}]}]
FAILED = {"message": "overloaded", "type": "overloaded_error"}


class Wire(NamedTuple):
    """A protocol: how it is asked, and what an answer costs that came so far; by hand, from what its upstream says."""

    provider_id: str
    path: str
    body: dict[str, Any]
    error: dict[str, object]
    """What an upstream says in the middle of a stream that it cannot go on with."""
    costs: dict[str, int]


WIRES = {
    "chat": Wire(
        "openai",
        "/v1/chat/completions",
        {"model": "m-openai", "messages": HI},
        {"error": FAILED},
        {"full": 216, "part": 28, "counted": 50, "input": 8},
    ),
    "responses": Wire(
        "openai",
        "/v1/responses",
        {"model": "m-openai", "input": "hi"},
        {"type": "error", "code": "server_error", "message": "overloaded", "param": None, "sequence_number": 99},
        {"full": 216, "part": 12, "counted": 34, "input": 8},
    ),
    "messages": Wire(
        "anthropic",
        "/v1/messages",
        {"model": "m-anthropic", "max_tokens": 99, "messages": HI},
        {"type": "error", "error": FAILED},
        {"full": 500, "part": 408, "counted": 34, "input": 8},
    ),
    "gemini": Wire(
        "google",
        "/v1beta/models/m-google:",
        {"contents": CONTENTS},
        {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}},
        {"full": 221, "part": 140, "counted": 50, "input": 8},
    ),
}


# --- what the upstream makes of its answer --------------------------------------------------------------------------


def untouched(reply: Reply, wire: Wire) -> Reply:
    return reply


def silent(reply: Reply, wire: Wire) -> Reply:
    return Reply([asyncio.Event()], status=0)


def halted(reply: Reply, wire: Wire) -> Reply:
    return Reply([*begun(reply), asyncio.Event()], content_type=reply.content_type)


def reset_before(reply: Reply, wire: Wire) -> Reply:
    return Reply(status=0, broken_off=True)


def reset(reply: Reply, wire: Wire) -> Reply:
    return Reply([*begun(reply), 0.05], content_type=reply.content_type, broken_off=True)


def stopped(reply: Reply, wire: Wire) -> Reply:
    return Reply([*begun(reply)], content_type=reply.content_type)


def failing(reply: Reply, wire: Wire) -> Reply:
    return sse(*begun(reply), 0.05, *events([wire.error], named="type" in wire.error))


def refused(reply: Reply, wire: Wire) -> Reply:
    return answer({"error": FAILED}, 500)


def without_usage(reply: Reply, wire: Wire) -> Reply:
    return Reply([piece.replace(b'"usage', b'"unused') for piece in pieces(reply)], content_type=reply.content_type)


def begun(reply: Reply) -> list[bytes]:
    """A stream as far as `High water`; half of a whole answer."""
    if len(all_of := pieces(reply)) == 1:
        return [all_of[0][: len(all_of[0]) // 2]]
    return all_of[: next(number for number, piece in enumerate(all_of, 1) if b" water" in piece)]


def pieces(reply: Reply) -> list[bytes]:
    return [chunk for chunk in reply.chunks if isinstance(chunk, bytes)]


# --- what happens meanwhile -----------------------------------------------------------------------------------------


async def nothing(house: House, client: "asyncio.Task[None]") -> None:
    await client


async def client_leaves(house: House, client: "asyncio.Task[None]") -> None:
    client.cancel()


async def operator_cuts(house: House, client: "asyncio.Task[None]") -> None:
    await house.service.ask(CutExchange((await house.exchanges())[0].id))


async def key_is_revoked(house: House, client: "asyncio.Task[None]") -> None:
    await house.service.ask(RevokeKey(house.key.key.id))


class Ending(NamedTuple):
    """What the upstream does, what happens meanwhile, and what comes of it."""

    change: Callable[[Reply, Wire], Reply]
    meanwhile: Callable[[House, "asyncio.Task[None]"], Awaitable[None]]
    state: str
    source: str = ""
    cost: str = ""
    deadlines: Deadlines = Deadlines()


SOON = Deadlines(head=0.2, idle=0.2)
ALWAYS = {
    "done": Ending(untouched, nothing, "done", "provider", "full"),
    "done, without usage": Ending(without_usage, nothing, "done", "counted", "counted"),
    "client gone before the first byte": Ending(silent, client_leaves, "client_left", "estimated", "sent"),
    "cut before the first byte": Ending(silent, operator_cuts, "cut", "estimated", "sent"),
    "key revoked before the first byte": Ending(silent, key_is_revoked, "cut", "estimated", "sent"),
    "reset before the head": Ending(reset_before, nothing, "failed"),
    "silence before the head": Ending(silent, nothing, "failed", deadlines=SOON),
    "refused": Ending(refused, nothing, "failed"),
}
WHOLE = {
    "reset in the middle": Ending(reset, nothing, "failed", "counted", "input"),
    "ended in the middle": Ending(stopped, nothing, "failed", "counted", "input"),
    "silence in the middle": Ending(halted, nothing, "failed", "counted", "input", SOON),
}
STREAMED = {
    "client gone in the middle": Ending(halted, client_leaves, "client_left", "counted", "part"),
    "cut in the middle": Ending(halted, operator_cuts, "cut", "counted", "part"),
    "key revoked in the middle": Ending(halted, key_is_revoked, "cut", "counted", "part"),
    "reset in the middle": Ending(reset, nothing, "failed", "counted", "part"),
    "ended in the middle": Ending(stopped, nothing, "failed", "counted", "part"),
    "silence in the middle": Ending(halted, nothing, "failed", "counted", "part", SOON),
    "error in the middle": Ending(failing, nothing, "failed", "counted", "part"),
}
CASES = [
    pytest.param(wire, stream, ending, id=f"{name}-{'streamed' if stream else 'whole'}-{how}")
    for name, wire in WIRES.items()
    for stream, special in ((False, WHOLE), (True, STREAMED))
    for how, ending in {**ALWAYS, **special}.items()
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[ScriptedProvider]:
    """All providers at one address."""
    async with ScriptedProvider().serve() as scripted:
        yield scripted


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(upstream: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One gateway for all of this module: each case has a key of its own."""
    async with open_house(tmp_path_factory.mktemp("endings") / "data") as house:
        for provider_id in SCRIPTS:
            url = f"{upstream.url}/{provider_id}"
            await house.add(provider_id, url, name=provider_id, models=(f"m-{provider_id}",))
            await house.service.ask(SetPrice(provider_id, "*", PRICES))
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(gateway: House, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """The gateway with a key that may spend what was paid in."""
    house = House(gateway.service, await gateway.service.ask(CreateKey(request.node.name[-60:])))
    await house.service.ask(SetLimits(holder(house), Limits(prepaid=True)))
    await house.service.ask(TopUp(holder(house), PAID_IN))
    yield house
    await house.client.aclose()


def holder(house: House) -> str:
    return key_holder(house.key.key.id)


def asking(house: House, wire: Wire, stream: bool) -> httpx.Request:
    if wire.provider_id == "google":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return house.client.build_request("POST", wire.path + method, json=wire.body)
    return house.client.build_request("POST", wire.path, json=wire.body | {"stream": stream})


async def reading(house: House, request: httpx.Request, heard: asyncio.Event) -> None:
    """A client that takes all it gets."""
    response = await house.client.send(request, stream=True)
    said = b""
    with suppress(httpx.HTTPError):
        async for chunk in response.aiter_raw():
            said += chunk
            if b" water" in said:
                heard.set()
    await response.aclose()


@pytest.mark.parametrize(("wire", "stream", "ending"), CASES)
async def test_what_a_request_costs_that_ends_so(
    house: House,
    upstream: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
    wire: Wire,
    stream: bool,
    ending: Ending,
) -> None:
    monkeypatch.setattr(transport, "_DEADLINES", ending.deadlines)
    arrived, heard = asyncio.Event(), asyncio.Event()

    def script(request: Received) -> Reply:
        arrived.set()
        return ending.change(SCRIPTS[wire.provider_id](request), wire)

    upstream.script = script
    upstream.gone.clear()
    request = asking(house, wire, stream)
    client = asyncio.create_task(reading(house, request, heard))
    await (heard if ending.change is halted and stream else arrived).wait()
    await ending.meanwhile(house, client)
    await asyncio.gather(client, return_exceptions=True)
    record = await house.settled()
    cost = {**wire.costs, "sent": len(request.content) // 3, "": 0}[ending.cost]
    assert (record.state, record.usage_source, record.cost_micros) == (ending.state, ending.source, cost)
    if ending.change in (silent, halted):
        async with asyncio.timeout(5):
            await upstream.gone.wait()
    entries = await house.service.ask(ListEntries(holder(house)))
    assert max(Counter(entry.kind for entry in entries).values()) == 1
    assert sum(entry.balance_micros for entry in entries) == PAID_IN - cost
    assert sum(entry.reserved_micros for entry in entries) == 0
    everyone = await house.service.ask(GetHolding(EVERYONE))
    assert (everyone.reserved_micros, everyone.running) == (0, 0)
    if ending.meanwhile is not key_is_revoked:
        assert (await house.service.ask(GetHolding(holder(house)))).balance_micros == PAID_IN - cost


async def test_the_books_add_up_after_all_that(house: House) -> None:
    checked = await house.service.ask(CheckLedger())
    assert (checked.open_reservations, checked.findings) == (0, [])
