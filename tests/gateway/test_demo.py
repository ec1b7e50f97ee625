"""The demo provider, seen by the official SDKs over a real socket, and as a transport by the gateway."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from demo_server import demo_server
from google import genai
from google.genai import errors, types

from gateway.demo import DemoStream, DemoTransport, embedding
from gateway.demo_answers import Step

FAST = "[demo speed 9000] "
CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with demo_server() as address:
        yield address


@pytest.fixture
async def chat(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
async def gemini(url: str) -> AsyncIterator[Any]:
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=url, httpx_async_client=http)
        yield genai.Client(api_key="any", http_options=options).aio.models


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": FAST + text}]


def gemini_tools() -> types.GenerateContentConfig:
    declared = types.FunctionDeclaration(name="weather", parameters_json_schema=CITY)
    by_hand = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declared])], automatic_function_calling=by_hand
    )


# --- Chat Completions -----------------------------------------------------------------------------------------------


async def test_a_chat_answer_echoes_the_prompt_and_tells_how_to_steer_it(chat: openai.AsyncOpenAI) -> None:
    answer = await chat.chat.completions.create(model="demo-1", messages=said("Sing of the sea"))
    text = answer.choices[0].message.content or ""
    assert '"Sing of the sea"' in text
    assert "[demo slow]" in text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(text.split())


async def test_the_same_request_gets_the_same_answer_streamed_or_not(chat: openai.AsyncOpenAI) -> None:
    whole = [await chat.chat.completions.create(model="demo-1", messages=said("Hi")) for _ in range(2)]
    assert whole[0] == whole[1]
    async with chat.chat.completions.stream(model="demo-1", messages=said("Hi")) as stream:
        streamed = await stream.get_final_completion()
    assert streamed.choices[0].message.content == whole[0].choices[0].message.content


async def test_a_chat_stream_thinks_then_calls_the_first_tool_then_counts(chat: openai.AsyncOpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]
    options: Any = {"include_usage": True}
    async with chat.chat.completions.stream(
        model="demo-think", messages=said("[demo tool]"), tools=tools, stream_options=options
    ) as stream:
        answer = await stream.get_final_completion()
    message: Any = answer.choices[0].message
    assert message.reasoning_content
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Oslo"}
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == len(message.reasoning_content.split())


async def test_usage_comes_in_a_chat_stream_only_when_asked_for(chat: openai.AsyncOpenAI) -> None:
    chunks = [c async for c in await chat.chat.completions.create(model="demo-1", messages=said("Hi"), stream=True)]
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)


async def test_after_the_tools_result_the_answer_is_text(chat: openai.AsyncOpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    turns = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "9 degrees"},
    ]
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]
    answer = await chat.chat.completions.create(model="demo-1", messages=said("[demo tool]") + turns, tools=tools)
    assert "9 degrees" in (answer.choices[0].message.content or "")
    assert answer.choices[0].message.tool_calls is None


async def test_an_answer_stops_at_the_limit_that_the_client_sets(chat: openai.AsyncOpenAI) -> None:
    answer = await chat.chat.completions.create(model="demo-1", messages=said("Hi"), max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


async def test_a_structured_answer_has_the_shape_that_was_asked_for(chat: openai.AsyncOpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY}}
    answer = await chat.chat.completions.create(model="demo-1", messages=said("Hi"), response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == {"city": "Oslo"}


# --- Responses ------------------------------------------------------------------------------------------------------


async def test_a_response_stream_follows_the_grammar_with_every_event_numbered(chat: openai.AsyncOpenAI) -> None:
    events = [e async for e in await chat.responses.create(model="demo-think", input=f"{FAST}Hi", stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:3]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
    ]
    assert events[-1].type == "response.completed"


async def test_a_response_streams_to_the_same_object_that_it_is_whole(chat: openai.AsyncOpenAI) -> None:
    tools: Any = [{"type": "function", "name": "weather", "parameters": CITY, "strict": False}]
    asked: Any = {"model": "demo-think", "input": f"{FAST}[demo tool]", "tools": tools}
    whole = await chat.responses.create(**asked)
    async with chat.responses.stream(**asked) as stream:
        streamed = await stream.get_final_response()
    assert [item.type for item in streamed.output] == ["reasoning", "message", "function_call"]
    assert streamed.output_text == whole.output_text
    assert streamed.usage == whole.usage


async def test_a_response_cut_by_the_limit_is_incomplete(chat: openai.AsyncOpenAI) -> None:
    answer = await chat.responses.create(model="demo-1", input=f"{FAST}Hi", max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


async def test_a_function_call_output_is_answered_in_text(chat: openai.AsyncOpenAI) -> None:
    asked: Any = [*said("[demo tool]"), {"type": "function_call_output", "call_id": "c1", "output": "9 degrees"}]
    answer = await chat.responses.create(model="demo-1", input=asked)
    assert "9 degrees" in answer.output_text


# --- Anthropic Messages ---------------------------------------------------------------------------------------------


async def test_a_message_streams_thinking_text_and_a_tool_call_in_order(claude: anthropic.AsyncAnthropic) -> None:
    tools: Any = [{"name": "weather", "input_schema": CITY}]
    async with claude.messages.stream(
        model="demo-think", max_tokens=500, messages=said("[demo tool]"), tools=tools
    ) as stream:
        message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.content[2].input == {"city": "Oslo"}  # type: ignore[union-attr]
    assert message.stop_reason == "tool_use"
    assert message.usage.output_tokens > 1


async def test_a_message_says_the_same_streamed_or_not(claude: anthropic.AsyncAnthropic) -> None:
    asked: Any = {"model": "demo-1", "max_tokens": 500, "messages": said("Hi")}
    whole = await claude.messages.create(**asked)
    async with claude.messages.stream(**asked) as stream:
        streamed = await stream.get_final_message()
    assert streamed.content[0].text == whole.content[0].text  # type: ignore[union-attr]
    assert streamed.usage == whole.usage


async def test_a_tool_result_of_anthropics_is_answered_in_text(claude: anthropic.AsyncAnthropic) -> None:
    result: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "9 degrees"}]}
    message = await claude.messages.create(model="demo-1", max_tokens=99, messages=[*said("[demo tool]"), result])
    assert "9 degrees" in message.content[0].text  # type: ignore[union-attr]


async def test_anthropic_tokens_are_counted_as_words(claude: anthropic.AsyncAnthropic) -> None:
    asked: Any = [{"role": "user", "content": "one two three"}]
    assert (await claude.messages.count_tokens(model="demo-1", messages=asked)).input_tokens == 3


# --- Gemini ---------------------------------------------------------------------------------------------------------


async def test_a_gemini_stream_adds_up_to_the_whole_answer(gemini: Any) -> None:
    whole = await gemini.generate_content(model="demo-1", contents=f"{FAST}Hi")
    chunks = [c async for c in await gemini.generate_content_stream(model="demo-1", contents=f"{FAST}Hi")]
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert chunks[-1].candidates[0].finish_reason == "STOP"


async def test_gemini_calls_the_declared_function_and_takes_its_response(gemini: Any) -> None:
    answer = await gemini.generate_content(model="demo-1", contents=f"{FAST}[demo tool]", config=gemini_tools())
    assert answer.function_calls[0].args == {"city": "Oslo"}
    history = [
        types.Content(role="user", parts=[types.Part(text=f"{FAST}[demo tool]")]),
        answer.candidates[0].content,
        types.Content(role="user", parts=[types.Part.from_function_response(name="weather", response={"sky": "grey"})]),
    ]
    assert "grey" in (await gemini.generate_content(model="demo-1", contents=history, config=gemini_tools())).text


async def test_gemini_without_sse_streams_one_json_array(url: str) -> None:
    body = {"contents": [{"parts": [{"text": f"{FAST}Hi"}]}]}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/v1beta/models/demo-1:streamGenerateContent", json=body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()[-1]["candidates"][0]["finishReason"] == "STOP"


async def test_gemini_counts_and_embeds(gemini: Any) -> None:
    assert (await gemini.count_tokens(model="demo-1", contents="one two three")).total_tokens == 3
    embedded = await gemini.embed_content(model="demo-1", contents="sea")
    assert embedded.embeddings[0].values == pytest.approx(embedding("sea"))


# --- embeddings, models, failures -----------------------------------------------------------------------------------


async def test_embeddings_depend_on_the_text_alone_in_either_format(chat: openai.AsyncOpenAI) -> None:
    packed = await chat.embeddings.create(model="demo-1", input=["sea", "land"], dimensions=8)
    plain = await chat.embeddings.create(model="demo-1", input="sea", dimensions=8, encoding_format="float")
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert sum(value * value for value in plain.data[0].embedding) == pytest.approx(1)


async def test_every_sdk_lists_the_same_models(
    chat: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, gemini: Any
) -> None:
    expected = ["demo-1", "demo-1-mini", "demo-think"]
    assert [model.id async for model in chat.models.list()] == expected
    assert [model.id async for model in claude.models.list()] == expected
    assert (await chat.models.retrieve("demo-1")).id == "demo-1"


@pytest.mark.parametrize(("directive", "status"), [("[demo fail]", 500), ("[demo 429]", 429), ("[demo fail 404]", 404)])
async def test_told_to_fail_it_fails_so_that_each_sdk_raises_its_own_error(
    directive: str, status: int, chat: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, gemini: Any
) -> None:
    with pytest.raises(openai.APIStatusError) as of_openai:
        await chat.chat.completions.create(model="demo-1", messages=said(directive))
    with pytest.raises(anthropic.APIStatusError) as of_anthropic:
        await claude.messages.create(model="demo-1", max_tokens=9, messages=said(directive))
    with pytest.raises(errors.APIError) as of_google:
        await gemini.generate_content(model="demo-1", contents=FAST + directive)
    assert [of_openai.value.status_code, of_anthropic.value.status_code, of_google.value.code] == [status] * 3


async def test_told_to_fail_mid_stream_it_breaks_off_after_it_began(chat: openai.AsyncOpenAI) -> None:
    asked = said("[demo fail mid-stream]")
    stream = await chat.chat.completions.create(model="demo-1", messages=asked, stream=True)
    assert (await anext(stream)).choices[0].delta.role == "assistant"
    with pytest.raises(openai.APIError):
        [chunk async for chunk in stream]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": 5}', b"[" * 100_000])
async def test_a_request_that_makes_no_sense_is_refused_in_the_protocols_words(path: str, body: bytes) -> None:
    async with httpx.AsyncClient(transport=DemoTransport()) as client:
        answer = await client.post(f"demo://gatehouse{path}", content=body)
    assert answer.status_code == 400
    assert "message" in answer.json()["error"]


async def test_paths_that_the_demo_does_not_serve_are_not_found() -> None:
    async with httpx.AsyncClient(transport=DemoTransport()) as client:
        assert (await client.post("demo://gatehouse/v1/images/generations", json={})).status_code == 404
        assert (await client.get("demo://gatehouse/v1/files")).status_code == 404


# --- as a stream ----------------------------------------------------------------------------------------------------


async def test_aborting_makes_a_pending_read_raise_the_given_error() -> None:
    stream = DemoStream([Step(b"one"), Step(b"two", words=1000)], speed=0.001)
    assert await anext(stream) == b"one"
    pending = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    stream.abort(httpx.ReadError("cut"))
    with pytest.raises(httpx.ReadError, match="cut"):
        await pending


async def test_aborting_makes_later_reads_raise_the_first_error() -> None:
    stream = DemoStream([Step(b"one")], speed=1)
    stream.abort(httpx.ReadError("first"))
    stream.abort(httpx.ReadError("second"))
    for _ in range(2):
        with pytest.raises(httpx.ReadError, match="first"):
            await anext(stream)


async def test_words_are_given_out_one_by_one_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    due: list[float] = []
    call_soon = loop.call_soon

    def call_at(when: float, *rest: Any) -> asyncio.Handle:
        due.append(when)
        return call_soon(*rest)

    monkeypatch.setattr(loop, "call_at", call_at)
    stream = DemoStream([Step(b"a"), Step(b"b", words=1), Step(b"c", words=1)], speed=1)
    assert [chunk async for chunk in stream] == [b"a", b"b", b"c"]
    assert due[1] - due[0] == pytest.approx(1)
