"""Any official SDK in front of any provider: it gets the same words, calls, finish and usage as the provider gave."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from harbour import FOUND, SAID, THOUGHT
from sdk_clients import CLIENTS, Client, Outcome, Wish
from strict_house import Strict, open_strict_house
from strict_upstreams import CUT_SHORT, DECLINED, MODELS, SEEN, TOTALS, strict_upstream

from gateway import operations
from gateway.canonical import PROTOCOLS, Protocol

pytestmark = pytest.mark.asyncio(loop_scope="module")


def pairs() -> list[object]:
    """All sixteen; those of one protocol are shown at length in the tests of each SDK."""
    return [
        pytest.param(client, upstream, marks=[pytest.mark.slow] * (client == upstream), id=f"{client}-{upstream}")
        for client in PROTOCOLS
        for upstream in PROTOCOLS
    ]


every_pair = pytest.mark.parametrize(("spoken", "upstream"), pairs())
streamed_or_not = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
mostly_streamed = pytest.mark.parametrize(
    "streamed", [pytest.param(False, marks=pytest.mark.slow, id="whole"), pytest.param(True, id="streamed")]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Strict]:
    """One gateway for all tests here."""
    async with open_strict_house(tmp_path_factory.mktemp("pairs") / "data") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def client(strict: Strict, spoken: Protocol, upstream: Protocol) -> AsyncIterator[Client]:
    """An SDK that speaks one protocol, and behind the gateway a provider that only speaks the other."""
    refused: list[str] = []
    strict.provider.script = strict_upstream(refused)
    strict.provider.gone.clear()
    sdk = CLIENTS[spoken](strict.house.url, strict.house.secret, MODELS[upstream])
    yield sdk
    await sdk.close()
    print("\n".join(refused))  # noqa: T201  # what the upstream said no to is shown when a test fails


@pytest_asyncio.fixture(loop_scope="module")
async def failing(client: Client, strict: Strict) -> AsyncIterator[Client]:
    """The same SDK, for a test in which the upstream fails: it is not set aside for the tests after it."""
    yield client
    for view in await strict.house.service.ask(operations.ListUpstreams()):
        await strict.house.service.ask(operations.TestUpstream(view.id))


def amounts_to(outcome: Outcome, upstream: Protocol, text: str, finish: str = "end") -> bool:
    assert (outcome.text, outcome.calls, outcome.finish) == (text, [], finish)
    assert outcome.tokens == TOTALS[upstream]
    return True


@every_pair
@streamed_or_not
async def test_an_answer_is_what_the_provider_said(client: Client, upstream: Protocol, streamed: bool) -> None:
    assert amounts_to(await client.ask("When is high water?", Wish(streamed)), upstream, SAID)


@every_pair
@mostly_streamed
@pytest.mark.parametrize("harbours", [pytest.param("Bodø", marks=pytest.mark.slow), "Tromsø and Bergen"])
async def test_tools_are_called_and_their_results_taken_back(
    client: Client, upstream: Protocol, streamed: bool, harbours: str
) -> None:
    called = await client.ask(f"The tide in {harbours}?", Wish(streamed, tools=True))
    assert called.calls == [("tide", {"harbour": harbour}) for harbour in harbours.split(" and ")]
    assert (called.text, called.finish, called.tokens) == ("Looking it up.", "tool", TOTALS[upstream])
    results = [f"{number} m" for number, _ in enumerate(called.calls, 1)]
    assert amounts_to(await client.go_on(results), upstream, f"The table says: {', '.join(results)}.")


@every_pair
@mostly_streamed
async def test_thinking_goes_on_after_a_tool_was_called(client: Client, upstream: Protocol, streamed: bool) -> None:
    called = await client.ask("Think about the tide in Bodø.", Wish(streamed, thinks=True, tools=True))
    assert (called.thought, called.calls, called.finish) == (THOUGHT, [("tide", {"harbour": "Bodø"})], "tool")
    assert amounts_to(await client.go_on(["3 m"]), upstream, "The table says: 3 m.")


@every_pair
@mostly_streamed
async def test_an_image_reaches_the_model_whole(client: Client, upstream: Protocol, streamed: bool) -> None:
    assert amounts_to(await client.ask("What is this?", Wish(streamed, picture=True)), upstream, SEEN)


@every_pair
@mostly_streamed
async def test_an_answer_keeps_to_the_clients_schema(client: Client, upstream: Protocol, streamed: bool) -> None:
    outcome = await client.ask("The highest?", Wish(streamed, schema=True))
    assert json.loads(outcome.text) == FOUND
    assert amounts_to(outcome, upstream, outcome.text)


@every_pair
@mostly_streamed
async def test_an_answer_that_is_cut_at_its_limit_says_so(client: Client, upstream: Protocol, streamed: bool) -> None:
    outcome = await client.ask("Tell it at length.", Wish(streamed, limit=1024))
    assert amounts_to(outcome, upstream, CUT_SHORT, "length")


@every_pair
@mostly_streamed
async def test_a_refusal_is_told_as_one(client: Client, upstream: Protocol, streamed: bool) -> None:
    outcome = await client.ask("Tell the unspeakable.", Wish(streamed))
    said = "" if upstream == "gemini" else DECLINED
    assert (outcome.text, outcome.finish, outcome.tokens) == (said, "filter", TOTALS[upstream])


@every_pair
@mostly_streamed
async def test_an_error_before_the_answer_raises_what_the_sdk_knows(failing: Client, streamed: bool) -> None:
    with pytest.raises(failing.rate_limited, match="Slow down"):
        await failing.ask("Ask too often.", Wish(streamed))


@every_pair
async def test_an_error_in_the_middle_of_an_answer_raises(failing: Client) -> None:
    with pytest.raises(failing.broken, match="Lost the thread"):
        await failing.ask("Begin, then break.", Wish(streamed=True))


@every_pair
async def test_a_client_that_leaves_takes_the_upstreams_answer_with_it(client: Client, strict: Strict) -> None:
    await client.begin("Go on for ever.")
    await client.close()
    await strict.provider.gone.wait()
    assert (await strict.house.settled()).state == "client_left"
