"""The demo provider behind the gateway: the first minute works with each SDK, without account or network."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import errors, types
from harbour import TIDE
from house import House

from gateway.operations import AddUpstream

FAST = "[demo speed 9000] "
MODEL = "demo-1"


@pytest.fixture
async def demo(house: House) -> House:
    await house.service.ask(AddUpstream(provider_id="demo"))
    return house


@pytest.fixture
async def of_openai(demo: House) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{demo.url}/v1", api_key=demo.secret, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
async def of_anthropic(demo: House) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=demo.url, api_key=demo.secret, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
async def of_google(demo: House) -> AsyncIterator[Any]:
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=demo.url, httpx_async_client=http)
        yield genai.Client(api_key=demo.secret, http_options=options).aio.models


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": FAST + text}]


async def test_all_sdks_stream_the_same_first_answer_and_its_words_are_counted(
    demo: House, of_openai: openai.AsyncOpenAI, of_anthropic: anthropic.AsyncAnthropic, of_google: Any
) -> None:
    async with of_openai.chat.completions.stream(model=MODEL, messages=said("Hello")) as chat:
        first = (await chat.get_final_completion()).choices[0].message.content or ""
    async with of_openai.responses.stream(model=MODEL, input=f"{FAST}Hello") as response:
        second = (await response.get_final_response()).output_text
    async with of_anthropic.messages.stream(model=MODEL, max_tokens=500, messages=said("Hello")) as message:
        third = await message.get_final_text()
    fourth = [c.text or "" async for c in await of_google.generate_content_stream(model=MODEL, contents=f"{FAST}Hello")]
    assert first == second == third == "".join(fourth)
    await demo.settled()
    assert {record.output_tokens for record in await demo.exchanges()} == {len(first.split())}


async def test_told_to_call_a_tool_it_calls_one_of_the_clients(
    of_openai: openai.AsyncOpenAI, of_anthropic: anthropic.AsyncAnthropic, of_google: Any
) -> None:
    asked = said("[demo tool]")
    tools: Any = [{"type": "function", "function": {"name": "tide", "parameters": TIDE}}]
    chat: Any = await of_openai.chat.completions.create(model=MODEL, messages=asked, tools=tools)
    tools = [{"name": "tide", "input_schema": TIDE}]
    message = await of_anthropic.messages.create(model=MODEL, max_tokens=99, messages=asked, tools=tools)
    declared = types.FunctionDeclaration(name="tide", parameters_json_schema=TIDE)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    answer = await of_google.generate_content(model=MODEL, contents=f"{FAST}[demo tool]", config=config)
    (used,) = [block for block in message.content if block.type == "tool_use"]
    called = chat.choices[0].message.tool_calls[0].function
    assert (called.name, used.name, answer.function_calls[0].name) == ("tide", "tide", "tide")
    assert json.loads(called.arguments) == used.input == answer.function_calls[0].args


@pytest.mark.parametrize(("directive", "status"), [("[demo 429]", 429), ("[demo fail 400]", 400), ("[demo fail]", 502)])
async def test_told_to_fail_it_fails_in_each_sdks_own_exception(
    of_openai: openai.AsyncOpenAI,
    of_anthropic: anthropic.AsyncAnthropic,
    of_google: Any,
    directive: str,
    status: int,
) -> None:
    with pytest.raises(openai.APIStatusError) as chat:
        await of_openai.chat.completions.create(model=MODEL, messages=said(directive))
    with pytest.raises(anthropic.APIStatusError) as message:
        await of_anthropic.messages.create(model=MODEL, max_tokens=9, messages=said(directive))
    with pytest.raises(errors.APIError) as answer:
        await of_google.generate_content(model=MODEL, contents=FAST + directive)
    assert (chat.value.status_code, message.value.status_code, answer.value.code) == (status, status, status)


async def test_told_to_fail_mid_stream_no_sdk_takes_the_half_for_the_whole(
    of_openai: openai.AsyncOpenAI, of_anthropic: anthropic.AsyncAnthropic, of_google: Any
) -> None:
    asked = said("[demo fail mid-stream]")
    chat = await of_openai.chat.completions.create(model=MODEL, messages=asked, stream=True)
    message = await of_anthropic.messages.create(model=MODEL, max_tokens=99, messages=asked, stream=True)
    answer = await of_google.generate_content_stream(model=MODEL, contents=asked[0]["content"])
    with pytest.raises(openai.APIError):
        [chunk async for chunk in chat]
    with pytest.raises(anthropic.APIError):
        [event async for event in message]
    with pytest.raises(errors.APIError):
        [chunk async for chunk in answer]
