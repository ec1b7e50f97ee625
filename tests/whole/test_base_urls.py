"""Every base URL that people give their SDKs, and every place where these put a key."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic_upstream import ANTHROPIC
from google import genai
from google.genai import types
from google_upstream import GOOGLE
from harbour import MODEL, SAID
from house import House
from openai_upstream import OPENAI
from scripted_provider import ScriptedProvider

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
CONTENTS = {"contents": [{"parts": [{"text": "hi"}]}]}


@pytest.fixture
async def openai_house(house: House, provider: ScriptedProvider) -> House:
    provider.script = OPENAI
    await house.add("openai", provider.url)
    return house


@pytest.fixture
async def anthropic_house(house: House, provider: ScriptedProvider) -> House:
    provider.script = ANTHROPIC
    await house.add("anthropic", provider.url)
    return house


@pytest.fixture
async def google_house(house: House, provider: ScriptedProvider) -> House:
    provider.script = GOOGLE
    await house.add("google", provider.url)
    return house


@pytest.fixture
async def keyless(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends no key by itself."""
    async with httpx.AsyncClient(base_url=house.url) as client:
        yield client


@pytest.mark.parametrize("base", ["/v1", "", "/openai/v1", "/openai", "/v1/v1", "/v1/"])
async def test_the_openai_sdk_is_served_at_each_base_url(
    openai_house: House, provider: ScriptedProvider, base: str
) -> None:
    async with openai.AsyncOpenAI(base_url=openai_house.url + base, api_key=openai_house.secret) as sdk:
        chat = await sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
        assert provider.last.path == "/v1/chat/completions"
        response = await sdk.responses.create(model=MODEL, input="hi")
        assert provider.last.path == "/v1/responses"
        assert [model.id async for model in sdk.models.list()] == [MODEL, "org/m:free"]
    assert chat.choices[0].message.content == response.output_text == SAID


@pytest.mark.parametrize("kind", ["deployments", "v1"])
async def test_the_azure_client_is_served_with_its_own_paths_and_key_header(openai_house: House, kind: str) -> None:
    where: Any = {"azure_endpoint": openai_house.url}
    if kind == "v1":
        where = {"base_url": f"{openai_house.url}/openai/v1"}
    async with openai.AsyncAzureOpenAI(api_key=openai_house.secret, api_version="2026-01-01", **where) as sdk:
        chat = await sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    assert chat.choices[0].message.content == SAID


@pytest.mark.parametrize("base", ["", "/", "/anthropic", "/anthropic/v1", "/v1", "/v1/v1"])
async def test_the_anthropic_sdk_is_served_at_each_base_url(
    anthropic_house: House, provider: ScriptedProvider, base: str
) -> None:
    async with anthropic.AsyncAnthropic(base_url=anthropic_house.url + base, api_key=anthropic_house.secret) as sdk:
        message: Any = await sdk.messages.create(
            model=MODEL, max_tokens=99, messages=[{"role": "user", "content": "hi"}]
        )
        assert provider.last.path == "/v1/messages"
        assert [model.id async for model in sdk.models.list()] == [MODEL]
    assert message.content[0].text == SAID


@pytest.mark.parametrize("key", ["api_key", "auth_token"])
async def test_both_kinds_of_anthropic_keys_are_taken_and_neither_goes_on(
    anthropic_house: House, provider: ScriptedProvider, key: str
) -> None:
    given: Any = {key: anthropic_house.secret}
    async with anthropic.AsyncAnthropic(base_url=anthropic_house.url, **given) as sdk:
        await sdk.messages.create(model=MODEL, max_tokens=99, messages=[{"role": "user", "content": "hi"}])
    assert anthropic_house.secret not in str(provider.last)


async def test_beta_calls_of_agents_keep_their_query_and_their_betas(
    anthropic_house: House, provider: ScriptedProvider
) -> None:
    async with anthropic.AsyncAnthropic(base_url=anthropic_house.url, api_key=anthropic_house.secret) as sdk:
        await sdk.beta.messages.create(
            model=MODEL,
            max_tokens=99,
            messages=[{"role": "user", "content": "hi"}],
            betas=["context-management-2025-06-27"],
            extra_query={"beta": "true"},
        )
    assert provider.last.path == "/v1/messages?beta=true"
    assert provider.last.headers["anthropic-beta"] == "context-management-2025-06-27"


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
@pytest.mark.parametrize("base", ["", "/google", "/gemini"])
async def test_the_google_sdk_is_served_at_each_base_url(
    google_house: House, provider: ScriptedProvider, base: str, version: str
) -> None:
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=google_house.url + base, api_version=version, httpx_async_client=http)
        models = genai.Client(api_key=google_house.secret, http_options=options).aio.models
        answer = await models.generate_content(model=MODEL, contents="hi")
        assert provider.last.path == f"/v1beta/models/{MODEL}:generateContent"
        assert [model.name async for model in await models.list()] == [f"models/{MODEL}"]
    assert answer.text == SAID


@pytest.mark.parametrize("base", ["/v1beta", "/google/v1beta", "/v1beta/v1beta"])
async def test_the_google_sdk_is_served_where_the_version_was_written_into_the_base_url(
    google_house: House, base: str
) -> None:
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=google_house.url + base, httpx_async_client=http)
        models = genai.Client(api_key=google_house.secret, http_options=options).aio.models
        assert (await models.generate_content(model=MODEL, contents="hi")).text == SAID


@pytest.mark.parametrize(
    "prefix",
    [
        "/v1/projects/p-1/locations/global/publishers/google",
        "/v1beta1/projects/p-1/locations/us-east1/publishers/google",
        "/v1beta1/publishers/google",
        "/google/v1beta1/publishers/google",
    ],
)
async def test_vertex_paths_reach_an_upstream_at_ai_studio(
    google_house: House, provider: ScriptedProvider, prefix: str
) -> None:
    response = await google_house.client.post(f"{prefix}/models/{MODEL}:generateContent", json=CONTENTS)
    assert response.status_code == 200
    assert provider.last.path == f"/v1beta/models/{MODEL}:generateContent"


@pytest.mark.parametrize("name", ["x-api-key", "api-key", "x-goog-api-key", "authorization"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/openai/v1/chat/completions"])
async def test_a_key_is_taken_from_each_header_on_any_path(
    openai_house: House, keyless: httpx.AsyncClient, provider: ScriptedProvider, name: str, path: str
) -> None:
    value = f"Bearer {openai_house.secret}" if name == "authorization" else openai_house.secret
    response = await keyless.post(path, json=CHAT, headers={name: value})
    assert response.json()["choices"][0]["message"]["content"] == SAID
    assert openai_house.secret not in str(provider.last)


async def test_a_key_in_the_query_is_taken_and_goes_no_further(
    google_house: House, keyless: httpx.AsyncClient, provider: ScriptedProvider
) -> None:
    path = f"/v1beta/models/{MODEL}:streamGenerateContent"
    response = await keyless.post(path, params={"alt": "sse", "key": google_house.secret}, json=CONTENTS)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert provider.last.path == f"{path}?alt=sse"
    record = await google_house.settled()
    assert google_house.secret not in f"{record.path}{record.request_headers}"
    listed = await keyless.get("/v1/models", params={"key": google_house.secret})
    assert listed.json()["models"][0]["name"] == f"models/{MODEL}"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("path", ["/", "/api/hello"])
async def test_clients_that_only_look_whether_somebody_is_there_need_no_key(
    keyless: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await keyless.request(method, path)
    assert response.status_code == 200
    assert bool(response.content) == (method == "GET")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_supervisors_may_ask_whether_it_is_well_without_a_key(keyless: httpx.AsyncClient, path: str) -> None:
    assert (await keyless.get(path)).json() == {"status": "ok"}
