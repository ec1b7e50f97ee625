"""Bodies that are wrong get an error in the client's own protocol that names what is wrong, whoever is behind."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from described import describe_provider
from house import House, open_house
from malformed import MODEL, PATHS, Odd, bodies
from scripted_provider import Received, Reply, ScriptedProvider, answer
from strict_upstreams import MODELS

from gateway.canonical import PROTOCOLS, Protocol

JUDGED = "The provider says what it takes."
every_client = pytest.mark.parametrize("client", PROTOCOLS)


class Judge:
    """An upstream that refuses whatever it is sent, and keeps it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def __call__(self, request: Received) -> Reply:
        if request.method == "GET":
            return answer({"data": [], "models": []})
        self.sent.append(request.body)
        return answer({"type": "error", "error": {"message": JUDGED, "type": "invalid_request_error"}}, 400)


@pytest.fixture
def judge(provider: ScriptedProvider) -> Judge:
    provider.script = judge = Judge()
    return judge


@pytest.fixture
async def served(tmp_path: Path, provider: ScriptedProvider, judge: Judge) -> AsyncIterator[House]:
    """A gateway with a provider of each protocol behind it."""
    async with open_house(tmp_path / "data") as house:
        for protocol in PROTOCOLS:
            describe_provider(tmp_path / "data", protocol)
            await house.add(protocol, f"{provider.url}/{protocol}", name=protocol, models=(MODELS[protocol],))
        yield house


def put_to(upstream: Protocol, odd: Odd) -> bytes:
    """The body as a client sends it who wants that upstream's model."""
    return odd.body.replace(f'"{MODEL}"'.encode(), f'"{MODELS[upstream]}"'.encode())


async def refused(house: House, client: Protocol, upstream: Protocol, odd: Odd) -> str:
    """What the refusal says; asserts that it is one, in the client's protocol."""
    path = PATHS[client].replace("MODEL", MODELS[upstream])
    response: httpx.Response = await house.client.post(path, content=put_to(upstream, odd))
    assert response.status_code == 400, (odd.what, upstream, response.text)
    error: dict[str, Any] = response.json()["error"]
    match client:
        case "anthropic_messages":
            assert (response.json()["type"], error["type"]) == ("error", "invalid_request_error")
        case "gemini":
            assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
        case _:
            assert (set(error), error["type"]) == ({"message", "type", "param", "code"}, "invalid_request_error")
    return f"{error.get('param')}: {error['message']}"


@every_client
def test_there_are_fifty_of_them_and_more_in_each_protocol(client: Protocol) -> None:
    whats = [odd.what for odd in bodies(client)]
    assert len(set(whats)) == len(whats) >= 50


@every_client
async def test_what_is_wrong_is_named_and_never_said_in_another_protocol(
    served: House, judge: Judge, client: Protocol
) -> None:
    told = {
        (odd.what, upstream): (odd.field, await refused(served, client, upstream, odd))
        for odd in bodies(client)
        for upstream in PROTOCOLS
        if upstream != client
    }
    assert {case: why for case, why in told.items() if why[0] not in why[1]} == {}
    assert judge.sent == []


@every_client
async def test_a_provider_that_speaks_the_clients_protocol_judges_for_itself_what_the_gateway_does_not_go_by(
    served: House, judge: Judge, client: Protocol
) -> None:
    told = {odd: await refused(served, client, client, odd) for odd in bodies(client)}
    passed_on = [odd for odd, why in told.items() if JUDGED in why]
    assert passed_on == [odd for odd in told if not odd.seen]
    assert [odd.what for odd in told if odd.seen and odd.field not in told[odd]] == []
    assert judge.sent == [put_to(client, odd) for odd in passed_on]
