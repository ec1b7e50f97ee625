"""Containers, files and caches with the official SDKs: what lies at one of two accounts is asked for there alone."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic_upstream import ANTHROPIC
from anthropic_upstream import error as anthropic_error
from google import genai
from google.genai import types
from google_upstream import GOOGLE
from google_upstream import error as google_error
from harbour import MODEL, SAID
from house import House
from scripted_provider import Received, Reply, Script, ScriptedProvider, answer

from gateway.operations import CreateKey, SaveRoute, TargetView

ASKED: Any = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}


def anthropic_account(name: str) -> Script:
    """An account whose containers and files no other knows."""

    def script(request: Received) -> Reply:
        asked = request.json if request.body else {}
        if str(asked.get("container", name)) not in (name, f"container_{name}"):
            return answer(anthropic_error(404, "The container was not found."), 404)
        if b'"file_id"' in request.body and f'"file_{name}"'.encode() not in request.body:
            return answer(anthropic_error(404, "The file was not found."), 404)
        reply = ANTHROPIC(request)
        told = json.dumps({"id": f"container_{name}", "expires_at": "2027-01-01T00:00:00Z"}).encode()
        reply.chunks = [
            chunk.replace(b'"role": "assistant"', b'"role": "assistant", "container": ' + told)
            if isinstance(chunk, bytes)
            else chunk
            for chunk in reply.chunks
        ]
        return reply

    return script


def google_account(name: str) -> Script:
    """An account whose caches no other knows."""

    def script(request: Received) -> Reply:
        if b"cachedContent" in request.body and request.json["cachedContent"] != f"cachedContents/{name}":
            return answer(google_error(404, "CachedContent not found"), 404)
        return GOOGLE(request)

    return script


@contextlib.asynccontextmanager
async def accounts(house: House, provider_id: str, scripts: dict[str, Script]) -> AsyncIterator[list[ScriptedProvider]]:
    """Accounts that share one model by the draw."""
    async with contextlib.AsyncExitStack() as stack:
        providers = [ScriptedProvider() for _ in scripts]
        for provider, (name, script) in zip(providers, scripts.items(), strict=True):
            provider.script = script
            await stack.enter_async_context(provider.serve())
            await house.add(provider_id, provider.url, name=name, models=(MODEL,))
        await house.service.ask(SaveRoute(name="shared", pattern=MODEL, targets=[TargetView(name) for name in scripts]))
        for provider in providers:
            provider.received.clear()
        yield providers


@pytest.fixture
async def client(house: House) -> AsyncIterator[anthropic.AsyncAnthropic]:
    scripts = {name: anthropic_account(name) for name in ("north", "south")}
    async with accounts(house, "anthropic", scripts), new_client(house, house.secret) as sdk:
        yield sdk


def new_client(house: House, key: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=house.url, api_key=key, max_retries=0)


async def container_of(client: anthropic.AsyncAnthropic, *, streamed: bool) -> str:
    if streamed:
        async with client.messages.stream(**ASKED) as stream:
            message = await stream.get_final_message()
    else:
        message = await client.messages.create(**ASKED)
    assert message.container is not None
    return message.container.id


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_container_is_used_again_where_it_is(
    client: anthropic.AsyncAnthropic, house: House, streamed: bool
) -> None:
    for _ in range(4):
        name = await container_of(client, streamed=streamed)
        again = await client.messages.create(**ASKED, container=name)
        assert again.container is not None
        assert again.container.id == name
        assert (await house.settled()).attempts == 1


async def test_another_keys_container_is_not_there(client: anthropic.AsyncAnthropic, house: House) -> None:
    name = await container_of(client, streamed=False)
    stranger = await house.service.ask(CreateKey(name="stranger"))
    async with new_client(house, stranger.secret) as other:
        with pytest.raises(anthropic.NotFoundError):
            await other.messages.create(**ASKED, container=name)


async def test_a_file_is_looked_for_at_every_account_once(client: anthropic.AsyncAnthropic, house: House) -> None:
    source = {"type": "file", "file_id": "file_south"}
    content = [{"type": "document", "source": source}, {"type": "text", "text": "hi"}]
    for at in range(6):
        await client.messages.create(**ASKED | {"messages": [{"role": "user", "content": content}]})
        record = await house.settled()
        assert (record.upstream, record.attempts <= (1 if at else 2)) == ("south", True)


async def test_a_cache_is_read_where_it_is(house: House) -> None:
    scripts = {name: google_account(name) for name in ("north", "south")}
    async with accounts(house, "vertex-express", scripts), httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=house.url, httpx_async_client=http)
        models = genai.Client(api_key=house.secret, http_options=options).aio.models
        config = types.GenerateContentConfig(cached_content="cachedContents/north")
        for at in range(6):
            assert (await models.generate_content(model=MODEL, contents="hi", config=config)).text == SAID
            record = await house.settled()
            assert (record.upstream, record.attempts <= (1 if at else 2)) == ("north", True)
