"""Texts become vectors through OpenAI's SDK and Google's, whichever of the two the provider speaks."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from described import describe_provider
from google import genai
from google.genai import errors, types
from google_upstream import GOOGLE, VECTOR
from harbour import MODEL
from house import House
from openai_upstream import OPENAI
from scripted_provider import ScriptedProvider, answer

from gateway.canonical import Protocol
from gateway.operations import SaveRoute, TargetView


async def behind(house: House, directory: Path, url: str, protocol: Protocol, dialect: str = "standard") -> None:
    """A provider that speaks this protocol and no other."""
    describe_provider(directory, protocol, dialect)
    await house.add(protocol, url, models=(MODEL, "text-embedding-3-small"))


@pytest.fixture
async def google(house: House, provider: ScriptedProvider, tmp_path: Path) -> ScriptedProvider:
    provider.script = GOOGLE
    await behind(house, tmp_path / "data", f"{provider.url}/v1beta", "gemini")
    return provider


@pytest.fixture
async def openai_provider(house: House, provider: ScriptedProvider, tmp_path: Path) -> ScriptedProvider:
    provider.script = OPENAI
    await behind(house, tmp_path / "data", provider.url, "openai_chat")
    return provider


@pytest.fixture
async def client(house: House) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
async def genai_client(house: House) -> AsyncIterator[Any]:
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=house.url, httpx_async_client=http)
        yield (
            lambda vertexai=False: (
                genai.Client(vertexai=vertexai, api_key=house.secret, http_options=options).aio.models
            )
        )


# --- OpenAI's SDK in front of Gemini ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
async def test_a_gemini_model_embeds_for_openais_sdk(
    client: openai.AsyncOpenAI, google: ScriptedProvider, house: House, form: Any
) -> None:
    embedded = await client.embeddings.create(model=MODEL, input=["low", "high"], dimensions=3, **form)
    packed = "AACAPgAAAL8AAAA+"  # 0.25, -0.5 and 0.125 as little-endian floats of four bytes
    wanted = packed if form.get("encoding_format") == "base64" else VECTOR
    assert [(each.index, each.embedding) for each in embedded.data] == [(0, wanted), (1, wanted)]
    assert (embedded.model, embedded.usage.prompt_tokens, embedded.usage.total_tokens) == (MODEL, 9, 9)
    asked = {"model": f"models/{MODEL}", "outputDimensionality": 3}
    assert google.last.path == f"/v1beta/models/{MODEL}:batchEmbedContents"
    assert google.last.json["requests"] == [{"content": {"parts": [{"text": t}]}, **asked} for t in ("low", "high")]
    record = await house.settled()
    assert (record.operation, record.input_tokens, record.usage_source) == ("embed", 9, "provider")


@pytest.mark.parametrize("model", [MODEL, "gemini-embedding-001"])
async def test_vertex_is_asked_in_its_own_way(
    client: openai.AsyncOpenAI, house: House, provider: ScriptedProvider, model: str
) -> None:
    provider.script = GOOGLE if model == MODEL else lambda _: answer({"embeddings": [{"values": VECTOR}]})
    await house.add("vertex-express", f"{provider.url}/v1beta1/publishers/google", models=(model,))
    embedded = await client.embeddings.create(model=model, input="low", dimensions=3)
    assert embedded.data[0].embedding == VECTOR
    size, content = {"outputDimensionality": 3}, {"parts": [{"text": "low"}]}
    wanted: dict[str, Any] = {"requests": [{"content": content, "embedContentConfig": size}]}
    if model == MODEL:
        wanted = {"instances": [{"content": "low"}], "parameters": size}
    assert provider.last.json == wanted


async def test_a_user_is_told_to_be_lost_and_refused_where_the_route_is_strict(
    client: openai.AsyncOpenAI, google: ScriptedProvider, house: House
) -> None:
    told = await client.embeddings.with_raw_response.create(model=MODEL, input="low", user="u-1")
    assert told.headers["x-gateway-warnings"] == "user"
    assert "user" in (await house.settled()).warnings
    await house.service.ask(SaveRoute("strict", "s-*", [TargetView("up", MODEL)], strict=True))
    with pytest.raises(openai.BadRequestError, match="lost on the way") as refused:
        await client.embeddings.create(model="s-1", input="low", user="u-1")
    assert refused.value.param == "user"


async def test_tokens_that_are_not_told_are_counted(
    client: openai.AsyncOpenAI, google: ScriptedProvider, house: House
) -> None:
    google.script = lambda _: answer({"embeddings": [{"values": VECTOR}]})
    told = await client.embeddings.with_raw_response.create(model=MODEL, input="High water in Bergen at six.")
    assert told.headers["x-gateway-warnings"] == "usage"
    record = await house.settled()
    assert record.usage_source == "counted"
    assert record.input_tokens > 7


async def test_googles_refusal_reaches_openais_client_in_its_own_protocol(
    client: openai.AsyncOpenAI, google: ScriptedProvider
) -> None:
    google.script = lambda _: answer({"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}}, 404)
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model=MODEL, input="low")


# --- Google's SDK in front of OpenAI ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vertexai", [False, True])
async def test_an_openai_model_embeds_for_googles_sdk(
    genai_client: Any, openai_provider: ScriptedProvider, house: House, vertexai: bool
) -> None:
    config = types.EmbedContentConfig(output_dimensionality=3)
    embedded = await genai_client(vertexai).embed_content(model=MODEL, contents=["low", "high"], config=config)
    assert [each.values for each in embedded.embeddings] == [VECTOR, VECTOR]
    assert openai_provider.last.json == {"model": MODEL, "input": ["low", "high"], "dimensions": 3}
    record = await house.settled()
    assert (record.operation, record.input_tokens, record.usage_source) == ("embed", 9, "provider")


async def test_vertex_clients_learn_what_a_single_text_came_to(
    genai_client: Any, openai_provider: ScriptedProvider
) -> None:
    embedded = await genai_client(True).embed_content(model=MODEL, contents="low")
    assert embedded.embeddings[0].statistics.token_count == 9


async def test_what_only_google_knows_is_told_to_be_lost(house: House, openai_provider: ScriptedProvider) -> None:
    body = {"instances": [{"content": "low", "task_type": "CLUSTERING"}], "parameters": {"autoTruncate": True}}
    told = await house.client.post(f"/v1beta/models/{MODEL}:predict", json=body)
    assert told.headers["x-gateway-warnings"] == "taskType,autoTruncate"
    assert openai_provider.last.json == {"model": MODEL, "input": ["low"]}


async def test_an_image_is_refused_in_googles_words(genai_client: Any, openai_provider: ScriptedProvider) -> None:
    picture = types.Part.from_bytes(data=b"PNG", mime_type="image/png")
    with pytest.raises(errors.ClientError, match="nothing but text") as refused:
        await genai_client().embed_content(model=MODEL, contents=[types.Content(parts=[picture])])
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")


async def test_an_answer_with_too_few_vectors_is_the_upstreams_failure(
    genai_client: Any, openai_provider: ScriptedProvider
) -> None:
    openai_provider.script = lambda _: answer({"object": "list", "model": MODEL, "data": []})
    with pytest.raises(errors.ServerError) as failed:
        await genai_client().embed_content(model=MODEL, contents="low")
    assert failed.value.code == 502


async def test_vectors_come_packed_from_upstreams_that_pack_them(
    genai_client: Any, openai_provider: ScriptedProvider
) -> None:
    packed = [{"index": 1, "embedding": "AAAAPwAAAD8="}, {"index": 0, "embedding": "AACAPgAAAL8="}]
    openai_provider.script = lambda _: answer({"object": "list", "model": MODEL, "data": packed})
    embedded = await genai_client().embed_content(model=MODEL, contents=["low", "high"])
    assert [each.values for each in embedded.embeddings] == [[0.25, -0.5], [0.5, 0.5]]
