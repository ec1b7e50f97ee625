"""OpenAI's own SDK against the gateway, both its protocols: whatever it can ask for natively works as if directly."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from harbour import CREDENTIAL, FOUND, MODEL, PICTURE, SAID, SCHEMA, THOUGHT, TIDE
from house import House
from openai_upstream import OPENAI, VECTOR
from pydantic import BaseModel
from scripted_provider import Received, ScriptedProvider, answer, sse

CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "tide", "parameters": TIDE}}]
TOOLS: Any = [{"type": "function", "name": "tide", "parameters": TIDE, "strict": False}]
IMAGE = f"data:image/png;base64,{b64encode(PICTURE).decode()}"
BEGUN = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m-large",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":"High"},"finish_reason":null}]}\n\n'
)


class Tide(BaseModel):
    harbour: str
    metres: int


@pytest.fixture
async def client(house: House, provider: ScriptedProvider) -> AsyncIterator[openai.AsyncOpenAI]:
    provider.script = OPENAI
    await house.add("openai", provider.url)
    async with new_client(house) as sdk:
        yield sdk


def new_client(house: House, key: str = "") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=key or house.secret, max_retries=0)


def streamed_response() -> Received:
    """A request for a stream, as the upstream gets it."""
    body = json.dumps({"model": MODEL, "input": "hi", "stream": True}).encode()
    return Received("POST", "/v1/responses", {"authorization": f"Bearer {CREDENTIAL}"}, body)


def said(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


# --- Chat Completions -----------------------------------------------------------------------------------------------


async def test_a_chat_answer_comes_whole_with_the_gateways_request_id(client: openai.AsyncOpenAI, house: House) -> None:
    answer = await client.chat.completions.create(model=MODEL, messages=said("hi"))
    assert answer.choices[0].message.content == SAID
    assert answer.usage is not None
    assert answer.usage.total_tokens == 168
    assert answer._request_id == (await house.settled()).request_id


async def test_chat_chunks_come_one_by_one_without_the_usage_nobody_asked_for(client: openai.AsyncOpenAI) -> None:
    chunks = [c async for c in await client.chat.completions.create(model=MODEL, messages=said("hi"), stream=True)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == SAID
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


async def test_the_chat_helper_adds_a_stream_up_to_the_answer(client: openai.AsyncOpenAI) -> None:
    options: Any = {"include_usage": True}
    async with client.chat.completions.stream(model=MODEL, messages=said("hi"), stream_options=options) as stream:
        completion: Any = await stream.get_final_completion()
    message = completion.choices[0].message
    assert (message.role, message.content, message.reasoning_content) == ("assistant", SAID, THOUGHT)
    assert completion.usage.completion_tokens_details.reasoning_tokens == 10


@pytest.mark.parametrize("harbours", ["Bodø", "Tromsø and Bergen"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_chat_tool_calls_go_out_and_their_results_back(
    client: openai.AsyncOpenAI, harbours: str, streamed: bool
) -> None:
    asked: Any = {"model": MODEL, "messages": said(f"The tide in {harbours}?"), "tools": CHAT_TOOLS}
    if streamed:
        async with client.chat.completions.stream(**asked) as stream:
            message: Any = (await stream.get_final_completion()).choices[0].message
    else:
        message = (await client.chat.completions.create(**asked)).choices[0].message
    called = [json.loads(call.function.arguments)["harbour"] for call in message.tool_calls]
    assert called == harbours.split(" and ")
    results = [{"role": "tool", "tool_call_id": call.id, "content": "3 m"} for call in message.tool_calls]
    asked["messages"] += [message.to_dict(), *results]
    final = await client.chat.completions.create(**asked)
    assert final.choices[0].message.content == f"The table says: {', '.join(['3 m'] * len(called))}."


async def test_an_image_reaches_a_chat_model_whole(client: openai.AsyncOpenAI) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": IMAGE}}]
    answer = await client.chat.completions.create(model=MODEL, messages=said(parts))
    assert answer.choices[0].message.content == "I see data:image/png;base64 of 256 bytes."


async def test_chat_answers_are_parsed_into_the_clients_own_type(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.parse(model=MODEL, messages=said("hi"), response_format=Tide)
    assert answer.choices[0].message.parsed == Tide(**FOUND)
    async with client.chat.completions.stream(model=MODEL, messages=said("hi"), response_format=Tide) as stream:
        streamed = await stream.get_final_completion()
    assert streamed.choices[0].message.parsed == Tide(**FOUND)


# --- Responses ------------------------------------------------------------------------------------------------------


async def test_a_response_comes_whole_with_its_usage(client: openai.AsyncOpenAI, house: House) -> None:
    response = await client.responses.create(model=MODEL, input="hi")
    assert response.output_text == SAID
    assert response.usage is not None
    assert response.usage.output_tokens == 48
    assert response._request_id == (await house.settled()).request_id


async def test_response_events_come_in_their_order_to_the_last(client: openai.AsyncOpenAI) -> None:
    events = [event async for event in await client.responses.create(model=MODEL, input="hi", stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [events[0].type, events[-1].type] == ["response.created", "response.completed"]


async def test_the_responses_helper_adds_a_stream_up_to_the_response(client: openai.AsyncOpenAI) -> None:
    async with client.responses.stream(model=MODEL, input="hi") as stream:
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert "".join(deltas) == final.output_text == SAID


@pytest.mark.parametrize("harbours", ["Bodø", "Tromsø and Bergen"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_function_calls_go_out_and_their_outputs_back(
    client: openai.AsyncOpenAI, harbours: str, streamed: bool
) -> None:
    asked: Any = {"model": MODEL, "input": said(f"The tide in {harbours}?"), "tools": TOOLS}
    if streamed:
        async with client.responses.stream(**asked) as stream:
            output: Any = (await stream.get_final_response()).output
    else:
        output = (await client.responses.create(**asked)).output
    assert [json.loads(call.arguments)["harbour"] for call in output] == harbours.split(" and ")
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "3 m"} for call in output]
    asked["input"] += [*(call.to_dict() for call in output), *results]
    final = await client.responses.create(**asked)
    assert final.output_text == f"The table says: {', '.join(['3 m'] * len(output))}."


async def test_an_image_reaches_a_responses_model_whole(client: openai.AsyncOpenAI) -> None:
    parts = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": IMAGE}]
    response = await client.responses.create(model=MODEL, input=said(parts))
    assert response.output_text == "I see data:image/png;base64 of 256 bytes."


async def test_responses_are_parsed_into_the_clients_own_type(client: openai.AsyncOpenAI) -> None:
    response = await client.responses.parse(model=MODEL, input="hi", text_format=Tide)
    assert response.output_parsed == Tide(**FOUND)
    wanted: Any = {"format": {"type": "json_schema", "name": "tide", "schema": SCHEMA}}
    async with client.responses.stream(model=MODEL, input="hi", text=wanted) as stream:
        assert json.loads((await stream.get_final_response()).output_text) == FOUND


async def test_the_input_of_a_response_is_counted_upstream_and_costs_nothing(
    client: openai.AsyncOpenAI, house: House
) -> None:
    assert (await client.responses.input_tokens.count(model=MODEL, input="hi")).input_tokens == 17
    record = await house.settled()
    assert (record.operation, record.input_tokens, record.usage_source) == ("count", 0, "")


# --- embeddings and models ------------------------------------------------------------------------------------------


async def test_embeddings_come_packed_as_the_sdk_asks_and_plain_on_demand(
    client: openai.AsyncOpenAI, house: House, provider: ScriptedProvider
) -> None:
    packed = await client.embeddings.create(model=MODEL, input=["low", "high"])
    assert provider.last.json["encoding_format"] == "base64"
    plain = await client.embeddings.create(model=MODEL, input="low", encoding_format="float")
    assert [entry.embedding for entry in packed.data] == [VECTOR, VECTOR]
    assert plain.data[0].embedding == VECTOR
    record = await house.settled(1)
    assert (record.operation, record.input_tokens, record.output_tokens) == ("embed", 9, 0)
    assert record.usage_source == "provider"


async def test_models_are_listed_and_looked_up_in_openais_shape(client: openai.AsyncOpenAI) -> None:
    listed = [model async for model in client.models.list()]
    assert [(model.id, model.object, model.owned_by) for model in listed] == [
        (MODEL, "model", "openai"),
        ("org/m:free", "model", "openai"),
    ]
    assert (await client.models.retrieve("org/m:free")).id == "org/m:free"
    with pytest.raises(openai.NotFoundError) as missing:
        await client.models.retrieve("no-such")
    assert missing.value.code == "model_not_found"


# --- failures -------------------------------------------------------------------------------------------------------


async def ask(client: openai.AsyncOpenAI, protocol: str, model: str = MODEL) -> None:
    if protocol == "chat":
        await client.chat.completions.create(model=model, messages=said("hi"))
    else:
        await client.responses.create(model=model, input="hi")


@pytest.mark.parametrize("protocol", ["chat", "responses"])
async def test_a_wrong_key_raises_an_authentication_error(
    client: openai.AsyncOpenAI, house: House, protocol: str
) -> None:
    async with new_client(house, "sk-wrong") as wrong:
        with pytest.raises(openai.AuthenticationError) as refused:
            await ask(wrong, protocol)
    assert refused.value.code == "invalid_api_key"
    assert (refused.value.request_id or "").startswith("req_")


@pytest.mark.parametrize("protocol", ["chat", "responses"])
async def test_an_unknown_model_raises_not_found_with_our_request_id(
    client: openai.AsyncOpenAI, house: House, protocol: str
) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        await ask(client, protocol, "no-such-model")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert missing.value.request_id == (await house.settled()).request_id


@pytest.mark.parametrize("protocol", ["chat", "responses"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, openai.BadRequestError),
        (401, openai.InternalServerError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
async def test_an_upstreams_failure_raises_the_exception_that_fits(
    client: openai.AsyncOpenAI,
    house: House,
    provider: ScriptedProvider,
    protocol: str,
    status: int,
    expected: type[openai.APIStatusError],
) -> None:
    provider.replies(answer({"error": {"message": "cannot", "type": "odd", "code": None}}, status))
    with pytest.raises(expected) as failed:
        await ask(client, protocol)
    record = await house.settled()
    assert failed.value.request_id == record.request_id
    assert (record.state, record.http_status) == ("failed", failed.value.status_code)


@pytest.mark.parametrize("protocol", ["chat", "responses"])
async def test_an_upstream_that_is_gone_raises_an_internal_server_error(house: House, protocol: str) -> None:
    await house.add("openai", "http://127.0.0.1:9", models=(MODEL,))
    async with new_client(house) as sdk:
        with pytest.raises(openai.InternalServerError) as failed:
            await ask(sdk, protocol)
    assert failed.value.code == "upstream_unreachable"


async def test_an_error_in_a_chat_stream_raises_after_what_had_come(
    client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    provider.replies(sse(BEGUN, 0.05, b'data: {"error":{"message":"tired","type":"server_error"}}\n\n'))
    stream = await client.chat.completions.create(model=MODEL, messages=said("hi"), stream=True)
    assert (await anext(stream)).choices[0].delta.content == "High"
    with pytest.raises(openai.APIError, match="tired"):
        await anext(stream)


async def test_a_response_that_breaks_off_raises_in_the_iterator_and_the_helper(
    client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    cut = OPENAI(streamed_response()).chunks[:7]
    provider.replies(sse(*cut, 0.05, broken_off=True))
    stream = await client.responses.create(model=MODEL, input="hi", stream=True)
    with pytest.raises(openai.APIError):
        [event async for event in stream]
    with pytest.raises(openai.APIError):
        async with client.responses.stream(model=MODEL, input="hi") as helper:
            await helper.get_final_response()


# --- leaving --------------------------------------------------------------------------------------------------------


async def test_closing_a_chat_stream_closes_the_upstreams(
    client: openai.AsyncOpenAI, house: House, provider: ScriptedProvider
) -> None:
    provider.replies(sse(BEGUN, asyncio.Event()))
    stream = await client.chat.completions.create(model=MODEL, messages=said("hi"), stream=True)
    await anext(stream)
    await stream.close()
    async with asyncio.timeout(5):
        await provider.gone.wait()
    record = await house.settled()
    assert (record.state, record.usage_source, record.output_tokens) == ("client_left", "counted", 1)
