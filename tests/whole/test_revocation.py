"""A key that is revoked while its streams run: each SDK raises, and no upstream goes on for nobody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic_upstream import ANTHROPIC
from google import genai
from google.genai import errors, types
from google_upstream import GOOGLE
from harbour import MODEL
from house import House
from openai_upstream import OPENAI
from scripted_provider import Received, Reply, ScriptedProvider

from gateway.operations import RevokeKey

HI: Any = [{"role": "user", "content": "hi"}]
Stream = AsyncIterator[Any]


async def chat(house: House, closing: AsyncExitStack) -> Stream:
    sdk = await closing.enter_async_context(openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret))
    return aiter(await sdk.chat.completions.create(model=MODEL, messages=HI, stream=True))


async def responses(house: House, closing: AsyncExitStack) -> Stream:
    sdk = await closing.enter_async_context(openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret))
    return aiter(await sdk.responses.create(model=MODEL, input="hi", stream=True))


async def messages(house: House, closing: AsyncExitStack) -> Stream:
    sdk = await closing.enter_async_context(anthropic.AsyncAnthropic(base_url=house.url, api_key=house.secret))
    return aiter(await sdk.messages.create(model=MODEL, max_tokens=9, messages=HI, stream=True))


async def gemini(house: House, closing: AsyncExitStack) -> Stream:
    http = await closing.enter_async_context(httpx.AsyncClient())
    options = types.HttpOptions(base_url=house.url, httpx_async_client=http)
    models = genai.Client(api_key=house.secret, http_options=options).aio.models
    return aiter(await models.generate_content_stream(model=MODEL, contents="hi"))


def halting(script: Any) -> Callable[[Received], Reply]:
    """The same upstream, which falls silent in the middle of its streams."""

    def halted(request: Received) -> Reply:
        reply: Reply = script(request)
        if request.method == "POST":
            reply.chunks[9:] = [asyncio.Event()]
        return reply

    return halted


@pytest.mark.parametrize(
    ("provider_id", "script", "begin", "raised"),
    [
        ("openai", OPENAI, chat, openai.APIError),
        ("openai", OPENAI, responses, openai.APIError),
        ("anthropic", ANTHROPIC, messages, anthropic.APIError),
        ("google", GOOGLE, gemini, errors.APIError),
    ],
    ids=["chat", "responses", "messages", "gemini"],
)
async def test_a_revoked_keys_running_stream_raises_in_its_sdk_and_ends_upstream(
    house: House,
    provider: ScriptedProvider,
    provider_id: str,
    script: Any,
    begin: Callable[[House, AsyncExitStack], Awaitable[Stream]],
    raised: type[Exception],
) -> None:
    provider.script = halting(script)
    await house.add(provider_id, provider.url)
    async with AsyncExitStack() as closing:
        stream = await begin(house, closing)
        await anext(stream)
        await house.service.ask(RevokeKey(house.key.key.id))
        with pytest.raises(raised, match="revoked"):
            [each async for each in stream]
        async with asyncio.timeout(5):
            await provider.gone.wait()
        with pytest.raises(raised):
            await anext(await begin(house, closing))
    assert (await house.settled()).state == "cut"
