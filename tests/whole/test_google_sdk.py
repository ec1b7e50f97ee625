"""Google's own SDK against the gateway, as for AI Studio and as for Vertex: it works as if directly."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from google import genai
from google.auth.credentials import Credentials
from google.genai import errors, types
from google_upstream import GOOGLE, VECTOR
from harbour import CREDENTIAL, FOUND, MODEL, PICTURE, SAID, THOUGHT, TIDE
from house import House
from pydantic import BaseModel
from scripted_provider import Received, Reply, ScriptedProvider, answer, sse

from gateway.operations import SaveAlias

BY_HAND = types.AutomaticFunctionCallingConfig(disable=True)
TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[types.FunctionDeclaration(name="tide", parameters_json_schema=TIDE)])],
    automatic_function_calling=BY_HAND,
)
PATH = f"/v1beta/models/{MODEL}:streamGenerateContent"
BODY: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


class Tide(BaseModel):
    harbour: str
    metres: int


class Token(Credentials):
    """What Google Cloud's libraries hand to the SDK; here it holds a client key of the gateway."""

    def __init__(self, token: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.token = token

    def refresh(self, request: object) -> None:
        """It lasts."""


@pytest.fixture
async def upstream(house: House, provider: ScriptedProvider) -> House:
    provider.script = GOOGLE
    await house.add("google", provider.url)
    return house


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
async def models(upstream: House, http: httpx.AsyncClient) -> Any:
    return new_models(upstream, http)


def new_models(house: House, http: httpx.AsyncClient, key: str = "") -> Any:
    options = types.HttpOptions(base_url=house.url, httpx_async_client=http)
    return genai.Client(api_key=key or house.secret, http_options=options).aio.models


def new_vertex(house: House, http: httpx.AsyncClient) -> Any:
    options = types.HttpOptions(base_url=house.url, httpx_async_client=http)
    signed = Token(house.secret)
    client = genai.Client(
        vertexai=True, project="p-1", location="europe-west1", credentials=signed, http_options=options
    )
    return client.aio.models


def new_express(house: House, http: httpx.AsyncClient) -> Any:
    options = types.HttpOptions(base_url=house.url, httpx_async_client=http)
    return genai.Client(vertexai=True, api_key=house.secret, http_options=options).aio.models


CLIENTS = {"ai-studio": new_models, "vertex": new_vertex, "vertex-express": new_express}
EVERY_CLIENT = pytest.mark.parametrize("kind", CLIENTS)


def chunks_of(query: str = "?alt=sse") -> list[Any]:
    """A streamed answer, one chunk each."""
    request = Received("POST", f"{PATH}{query}", {"x-goog-api-key": CREDENTIAL}, json.dumps(BODY).encode())
    return list(GOOGLE(request).chunks)


@EVERY_CLIENT
async def test_an_answer_comes_whole(
    upstream: House, http: httpx.AsyncClient, provider: ScriptedProvider, kind: str
) -> None:
    response = await CLIENTS[kind](upstream, http).generate_content(model=MODEL, contents="hi")
    assert response.text == SAID
    assert response.candidates[0].content.parts[0].text == THOUGHT
    assert response.usage_metadata.thoughts_token_count == 10
    assert provider.last.path == f"/v1beta/models/{MODEL}:generateContent"


@EVERY_CLIENT
async def test_a_stream_comes_chunk_by_chunk(upstream: House, http: httpx.AsyncClient, kind: str) -> None:
    stream = await CLIENTS[kind](upstream, http).generate_content_stream(model=MODEL, contents="hi")
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks) == SAID
    assert chunks[-1].candidates[0].finish_reason == "STOP"
    assert chunks[-1].usage_metadata.total_token_count == 173


@EVERY_CLIENT
async def test_tokens_are_counted_upstream_and_cost_nothing(
    upstream: House, http: httpx.AsyncClient, kind: str
) -> None:
    counted = await CLIENTS[kind](upstream, http).count_tokens(model=MODEL, contents="hi")
    assert counted.total_tokens == 17
    record = await upstream.settled()
    assert (record.operation, record.input_tokens, record.cost_micros or 0) == ("count", 0, 0)


@EVERY_CLIENT
async def test_texts_are_embedded(upstream: House, http: httpx.AsyncClient, kind: str) -> None:
    embedded = await CLIENTS[kind](upstream, http).embed_content(model=MODEL, contents=["low", "high"])
    assert [each.values for each in embedded.embeddings] == [VECTOR, VECTOR]
    record = await upstream.settled()
    assert (record.operation, record.usage_source) == ("embed", "provider")
    assert record.input_tokens == (9 if kind == "ai-studio" else 18)  # Vertex says it of each text


@pytest.mark.parametrize("harbours", ["Bodø", "Tromsø and Bergen"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_functions_are_called_and_their_responses_go_back(models: Any, harbours: str, streamed: bool) -> None:
    contents: list[Any] = [types.UserContent(f"The tide in {harbours}?")]
    asked = {"model": MODEL, "contents": contents, "config": TOOLS}
    if streamed:
        parts = [
            part
            async for chunk in await models.generate_content_stream(**asked)
            for part in chunk.candidates[0].content.parts
            if part.function_call
        ]
    else:
        parts = (await models.generate_content(**asked)).candidates[0].content.parts
    assert [part.function_call.args["harbour"] for part in parts] == harbours.split(" and ")
    results = [types.Part.from_function_response(name="tide", response={"result": "3 m"}) for _ in parts]
    contents += [types.ModelContent(parts), types.UserContent(results)]
    final = await models.generate_content(**asked)
    assert final.text == f"The table says: {', '.join(['3 m'] * len(parts))}."


async def test_an_image_reaches_the_model_whole(models: Any) -> None:
    contents = [types.Part.from_bytes(data=PICTURE, mime_type="image/png"), "What is this?"]
    assert (await models.generate_content(model=MODEL, contents=contents)).text == "I see image/png of 256 bytes."


async def test_answers_are_parsed_into_the_clients_own_type(models: Any) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Tide)
    assert (await models.generate_content(model=MODEL, contents="hi", config=config)).parsed == Tide(**FOUND)


async def test_models_are_listed_and_looked_up_in_googles_shape(models: Any) -> None:
    listed = [model async for model in await models.list()]
    assert [(model.name, "generateContent" in model.supported_actions) for model in listed] == [
        (f"models/{MODEL}", True)
    ]
    assert (await models.get(model=MODEL)).name == f"models/{MODEL}"
    with pytest.raises(errors.ClientError) as missing:
        await models.get(model="no-such")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")


async def test_a_models_name_may_hold_slashes_and_colons(
    models: Any, upstream: House, provider: ScriptedProvider
) -> None:
    await upstream.service.ask(SaveAlias("team/large:free", MODEL))
    assert (await models.generate_content(model="team/large:free", contents="hi")).text == SAID
    embedded = await models.embed_content(model="team/large:free", contents=["low", "high"])
    assert len(embedded.embeddings) == 2
    assert provider.last.json["requests"][0]["model"] == f"models/{MODEL}"
    assert (await models.get(model="team/large:free")).name == "models/team/large:free"


# --- failures -------------------------------------------------------------------------------------------------------


def request_id_of(error: Any) -> str:
    """Our request id, where this SDK's users find it."""
    return next(str(detail["requestId"]) for detail in error.details["error"]["details"] if "requestId" in detail)


async def test_a_wrong_key_raises_a_client_error_that_says_so(upstream: House, http: httpx.AsyncClient) -> None:
    with pytest.raises(errors.ClientError) as refused:
        await new_models(upstream, http, "AIza-wrong").generate_content(model=MODEL, contents="hi")
    assert (refused.value.code, refused.value.status) == (401, "UNAUTHENTICATED")
    assert request_id_of(refused.value).startswith("req_")


async def test_an_unknown_model_raises_a_client_error_with_our_request_id(models: Any, upstream: House) -> None:
    with pytest.raises(errors.ClientError) as missing:
        await models.generate_content(model="no-such-model", contents="hi")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")
    assert request_id_of(missing.value) == (await upstream.settled()).request_id


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [
        (400, errors.ClientError, 400),
        (403, errors.ServerError, 502),
        (429, errors.ClientError, 429),
        (500, errors.ServerError, 502),
        (503, errors.ServerError, 503),
    ],
)
async def test_an_upstreams_failure_raises_the_exception_that_fits(
    models: Any, provider: ScriptedProvider, status: int, expected: type[errors.APIError], code: int
) -> None:
    provider.replies(answer({"error": {"code": status, "message": "cannot", "status": "ODD"}}, status))
    with pytest.raises(expected) as failed:
        await models.generate_content(model=MODEL, contents="hi")
    assert failed.value.code == code


async def test_an_upstream_that_is_gone_raises_a_server_error(house: House, http: httpx.AsyncClient) -> None:
    await house.add("google", "http://127.0.0.1:9", models=(MODEL,))
    with pytest.raises(errors.ServerError):
        await new_models(house, http).generate_content(model=MODEL, contents="hi")


async def test_an_error_in_a_stream_raises_after_what_had_come(models: Any, provider: ScriptedProvider) -> None:
    failing = b'data: {"error":{"code":503,"message":"tired","status":"UNAVAILABLE"}}\r\n\r\n'
    provider.replies(sse(*chunks_of()[:3], 0.05, failing))
    stream = await models.generate_content_stream(model=MODEL, contents="hi")
    assert (await anext(stream)).candidates
    with pytest.raises(errors.APIError, match="tired"):
        [chunk async for chunk in stream]


async def test_a_stream_that_breaks_off_raises_instead_of_ending(models: Any, provider: ScriptedProvider) -> None:
    provider.replies(sse(*chunks_of()[:3], 0.05, broken_off=True))
    with pytest.raises(errors.APIError):
        [chunk async for chunk in await models.generate_content_stream(model=MODEL, contents="hi")]


async def test_cancelling_who_reads_a_stream_closes_the_upstreams(
    models: Any, upstream: House, provider: ScriptedProvider
) -> None:
    provider.replies(sse(*chunks_of()[:3], asyncio.Event()))
    stream = await models.generate_content_stream(model=MODEL, contents="hi")
    for _ in range(3):
        await anext(stream)
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    reading.cancel()
    async with asyncio.timeout(5):
        await provider.gone.wait()
    assert (await upstream.settled()).state == "client_left"


# --- one array instead of events ------------------------------------------------------------------------------------


async def test_without_events_a_stream_is_the_upstreams_array_byte_for_byte(upstream: House) -> None:
    response = await upstream.client.post(PATH, json=BODY)
    assert response.content == b"".join(chunks_of(query=""))
    assert response.headers["content-type"] == "application/json"
    record = await upstream.settled()
    assert (record.state, record.stream, record.output_tokens, record.usage_source) == ("done", True, 38, "provider")


@pytest.mark.parametrize("ending", ["told", "broken_off"])
async def test_an_array_that_fails_in_the_middle_is_closed_behind_the_error(
    upstream: House, provider: ScriptedProvider, ending: str
) -> None:
    begun = chunks_of(query="")[:3]
    told = [b'\r\n,\r\n{"error":{"code":503,"message":"tired","status":"UNAVAILABLE"}}\r\n]']
    provider.replies(Reply([*begun, 0.05, *(told if ending == "told" else [])], broken_off=ending == "broken_off"))
    response = await upstream.client.post(PATH, json=BODY)
    *chunks, last = response.json()
    assert len(chunks) == 3
    assert last["error"]["code"] in (502, 503)
    assert (await upstream.settled()).state == "failed"
