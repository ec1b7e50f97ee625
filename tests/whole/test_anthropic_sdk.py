"""Anthropic's own SDK against the gateway: whatever it can ask for natively works as if directly."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic_upstream import ANTHROPIC
from harbour import CREDENTIAL, FOUND, MODEL, PICTURE, SAID, THOUGHT, TIDE
from house import House
from pydantic import BaseModel
from scripted_provider import Received, ScriptedProvider, answer, sse

TOOLS: Any = [{"name": "tide", "description": "The tide table.", "input_schema": TIDE}]
IMAGE = {"type": "base64", "media_type": "image/png", "data": b64encode(PICTURE).decode()}
STREAMED = b'{"model":"m-large","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"hi"}]}'


class Tide(BaseModel):
    harbour: str
    metres: int


@pytest.fixture
async def client(house: House, provider: ScriptedProvider) -> AsyncIterator[anthropic.AsyncAnthropic]:
    provider.script = ANTHROPIC
    await house.add("anthropic", provider.url)
    async with new_client(house) as sdk:
        yield sdk


def new_client(house: House, key: str = "") -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=house.url, api_key=key or house.secret, max_retries=0)


def asking(content: Any = "hi", **more: object) -> Any:
    return {"model": MODEL, "max_tokens": 99, "messages": [{"role": "user", "content": content}], **more}


def streamed_message() -> list[Any]:
    """The events of a message, one chunk each."""
    headers = {"x-api-key": CREDENTIAL, "anthropic-version": "2026-10-21"}
    return list(ANTHROPIC(Received("POST", "/v1/messages", headers, STREAMED)).chunks)


async def test_a_message_comes_whole_with_the_gateways_request_id(
    client: anthropic.AsyncAnthropic, house: House, provider: ScriptedProvider
) -> None:
    message = await client.messages.create(**asking())
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": SAID}]
    assert message._request_id == (await house.settled()).request_id
    assert provider.last.headers["anthropic-version"] == "2026-10-21"


async def test_message_events_come_one_by_one(client: anthropic.AsyncAnthropic) -> None:
    events: Any = [event async for event in await client.messages.create(**asking(stream=True))]
    texts = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert "".join(texts) == SAID
    assert len(texts) > 3
    assert [events[0].type, events[-1].type] == ["message_start", "message_stop"]


async def test_the_helper_adds_a_stream_up_with_its_thinking_and_usage(client: anthropic.AsyncAnthropic) -> None:
    thinking = {"type": "adaptive"}
    async with client.messages.stream(**asking(thinking=thinking)) as stream:
        texts = [text async for text in stream.text_stream]
        message: Any = await stream.get_final_message()
    assert "".join(texts) == SAID
    assert [message.content[0].thinking, message.content[0].signature] == [THOUGHT, "c2lnbmVk"]
    assert (message.usage.input_tokens, message.usage.output_tokens) == (40, 48)


@pytest.mark.parametrize("harbours", ["Bodø", "Tromsø and Bergen"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_tools_are_used_and_their_results_go_back(
    client: anthropic.AsyncAnthropic, harbours: str, streamed: bool
) -> None:
    asked = asking(f"The tide in {harbours}?", tools=TOOLS)
    if streamed:
        async with client.messages.stream(**asked) as stream:
            message: Any = await stream.get_final_message()
    else:
        message = await client.messages.create(**asked)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.input["harbour"] for call in calls] == harbours.split(" and ")
    assert message.stop_reason == "tool_use"
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "3 m"} for call in calls]
    turns = [{"role": "assistant", "content": message.to_dict()["content"]}, {"role": "user", "content": results}]
    asked["messages"] += turns
    final: Any = await client.messages.create(**asked)
    assert final.content[0].text == f"The table says: {', '.join(['3 m'] * len(calls))}."


async def test_an_image_reaches_the_model_whole(client: anthropic.AsyncAnthropic) -> None:
    parts = [{"type": "image", "source": IMAGE}, {"type": "text", "text": "What is this?"}]
    message: Any = await client.messages.create(**asking(parts))
    assert message.content[0].text == "I see image/png of 256 bytes."


async def test_messages_are_parsed_into_the_clients_own_type(client: anthropic.AsyncAnthropic) -> None:
    message = await client.messages.parse(**asking(output_format=Tide))
    assert message.parsed_output == Tide(**FOUND)
    async with client.messages.stream(**asking(output_format=Tide)) as stream:
        assert (await stream.get_final_message()).parsed_output == Tide(**FOUND)


async def test_tokens_are_counted_upstream_and_cost_nothing(client: anthropic.AsyncAnthropic, house: House) -> None:
    counted = await client.messages.count_tokens(model=MODEL, messages=asking()["messages"])
    assert counted.input_tokens == 17
    record = await house.settled()
    assert (record.operation, record.input_tokens, record.cost_micros or 0) == ("count", 0, 0)


async def test_models_are_listed_page_by_page_and_looked_up_in_anthropics_shape(
    client: anthropic.AsyncAnthropic, house: House, provider: ScriptedProvider
) -> None:
    await house.add("anthropic", provider.url, name="more", models=("a-1", "b-2"))
    listed = [(model.type, model.id) async for model in client.models.list(limit=2)]
    assert listed == [("model", "a-1"), ("model", "b-2"), ("model", MODEL)]
    assert (await client.models.retrieve("a-1")).display_name == "a-1"
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("no-such")


# --- failures -------------------------------------------------------------------------------------------------------


async def test_a_wrong_key_raises_an_authentication_error(client: anthropic.AsyncAnthropic, house: House) -> None:
    async with new_client(house, "sk-wrong") as wrong:
        with pytest.raises(anthropic.AuthenticationError) as refused:
            await wrong.messages.create(**asking())
    assert (refused.value.request_id or "").startswith("req_")


async def test_an_unknown_model_raises_not_found_with_our_request_id(
    client: anthropic.AsyncAnthropic, house: House
) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        await client.messages.create(**asking(model="no-such-model"))
    assert missing.value.request_id == (await house.settled()).request_id


async def test_what_the_upstream_does_not_take_raises_bad_request_in_its_words(
    house: House, provider: ScriptedProvider
) -> None:
    provider.script = ANTHROPIC
    await house.add("anthropic", provider.url)
    headers = {"x-api-key": house.secret, "anthropic-version": "2023-06-01"}
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
    response = await house.client.post("/v1/messages", json=body, headers=headers)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert response.json()["error"]["message"] == "max_tokens: Field required"


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.InternalServerError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (529, "overloaded_error", anthropic.OverloadedError),
    ],
)
async def test_an_upstreams_failure_raises_the_exception_that_fits(
    client: anthropic.AsyncAnthropic,
    house: House,
    provider: ScriptedProvider,
    status: int,
    kind: str,
    expected: type[anthropic.APIStatusError],
) -> None:
    provider.replies(answer({"type": "error", "error": {"type": kind, "message": "cannot"}}, status))
    with pytest.raises(expected) as failed:
        await client.messages.create(**asking())
    assert failed.value.request_id == (await house.settled()).request_id


async def test_an_upstream_that_is_gone_raises_an_internal_server_error(house: House) -> None:
    await house.add("anthropic", "http://127.0.0.1:9", models=(MODEL,))
    async with new_client(house) as sdk:
        with pytest.raises(anthropic.InternalServerError):
            await sdk.messages.create(**asking())


async def test_an_error_event_raises_after_what_had_come(
    client: anthropic.AsyncAnthropic, provider: ScriptedProvider
) -> None:
    failing = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"tired"}}\n\n'
    provider.replies(sse(*streamed_message()[:5], 0.05, failing))
    async with client.messages.stream(**asking()) as stream:
        assert await anext(stream.text_stream)
        with pytest.raises(anthropic.APIStatusError, match="tired"):
            await stream.get_final_message()


async def test_a_message_that_breaks_off_raises_instead_of_ending(
    client: anthropic.AsyncAnthropic, provider: ScriptedProvider
) -> None:
    provider.replies(sse(*streamed_message()[:5], 0.05, broken_off=True))
    with pytest.raises(anthropic.APIStatusError):
        async with client.messages.stream(**asking()) as stream:
            await stream.get_final_message()


async def test_closing_a_stream_closes_the_upstreams(
    client: anthropic.AsyncAnthropic, house: House, provider: ScriptedProvider
) -> None:
    provider.replies(sse(*streamed_message()[:5], asyncio.Event()))
    stream: Any = await client.messages.create(**asking(stream=True))
    await anext(stream)
    await stream.close()
    async with asyncio.timeout(5):
        await provider.gone.wait()
    record = await house.settled()
    assert (record.state, record.cache_write_1h_tokens) == ("client_left", 200)
