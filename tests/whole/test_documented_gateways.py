"""Samples as other gateways document them work here with only host and key changed; and what is passed through."""

import json
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic_upstream import ANTHROPIC
from google_upstream import GOOGLE
from harbour import MODEL, SAID
from house import House
from openai_upstream import OPENAI, SOUND
from scripted_provider import Received, Reply, ScriptedProvider

from gateway.operations import SaveAlias


def everything(request: Received) -> Reply:
    """One host that speaks all protocols."""
    if "x-goog-api-key" in request.headers or "/openai/" in request.path:
        return GOOGLE(request)  # type: ignore[no-any-return]
    return (ANTHROPIC if "x-api-key" in request.headers else OPENAI)(request)  # type: ignore[no-any-return]


@pytest.fixture
async def gate(house: House, provider: ScriptedProvider) -> House:
    """A gateway with an account for each protocol; models are told apart by who has them."""
    provider.script = everything
    for provider_id in ("openai", "anthropic", "google"):
        await house.add(provider_id, provider.url, name=provider_id)
    return house


@pytest.fixture
async def passing(house: House, provider: ScriptedProvider) -> Any:
    provider.script = OPENAI
    await house.add("openai", provider.url)
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret, max_retries=0) as sdk:
        yield sdk


# --- documented gateways --------------------------------------------------------------------------------------------


async def test_responses_and_messages_are_served_by_the_same_host(gate: House) -> None:
    async with (
        openai.AsyncOpenAI(base_url=f"{gate.url}/v1", api_key=gate.secret) as of_openai,
        anthropic.AsyncAnthropic(base_url=gate.url, api_key=gate.secret) as of_anthropic,
    ):
        response = await of_openai.responses.create(model=MODEL, input="When is high water?")
        said: Any = [{"role": "user", "content": "When is high water?"}]
        message: Any = await of_anthropic.messages.create(model=MODEL, max_tokens=1024, messages=said)
    assert response.output_text == message.content[0].text == SAID


async def test_content_parts_and_fields_that_nobody_knows_pass_unharmed(
    gate: House, provider: ScriptedProvider
) -> None:
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "When is high water?"}]}],
        "steam": False,
        "thinking_mode": {"deep": [1, None, 2.50]},
    }
    response = await gate.client.post("/v1/chat/completions", json=body)
    assert response.json()["choices"][0]["message"]["content"] == SAID
    assert provider.last.json == body


async def test_an_anthropic_body_with_nulls_and_an_api_key_header_is_taken(
    gate: House, provider: ScriptedProvider
) -> None:
    body = {
        "model": MODEL,
        "max_tokens": 1024,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "When is high water?"}]}],
        "top_p": 0.95,
        "stream": False,
        "temperature": 1.0,
        "stop_sequences": None,
        "thinking": {"type": "disabled"},
    }
    headers = {"api-key": gate.secret, "content-type": "application/json"}
    async with httpx.AsyncClient() as client:
        response = await client.post(f"{gate.url}/anthropic/v1/messages", json=body, headers=headers)
    assert response.json()["content"] == [{"type": "text", "text": SAID}]
    assert provider.last.json == body
    assert provider.last.headers["anthropic-version"] == "2023-06-01"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}),
        ("/anthropic/v1/messages", {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
        (f"/google/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}),
    ],
)
async def test_a_base_url_for_each_protocol_answers_in_that_protocol(
    gate: House, path: str, body: dict[str, Any]
) -> None:
    response = await gate.client.post(path, json=body)
    assert SAID in json.dumps(response.json(), ensure_ascii=False)


@pytest.mark.parametrize("separator", [":", "/"])
async def test_the_provider_may_stand_before_the_model_and_usage_ends_the_stream(
    gate: House, provider: ScriptedProvider, separator: str
) -> None:
    body = {
        "model": f"openai{separator}gpt-5",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    response = await gate.client.post("/v1/chat/completions", json=body)
    *_, last, done = [line for line in response.text.splitlines() if line.startswith("data: ")]
    assert done == "data: [DONE]"
    assert json.loads(last[6:])["usage"]["total_tokens"] == 168
    assert provider.last.json["model"] == "gpt-5"


async def test_an_error_has_its_four_fields_and_the_request_id_beside_it(gate: House) -> None:
    response = await gate.client.post("/v1/chat/completions", json={"model": "nobody:none", "messages": []})
    assert response.status_code == 404
    assert set(response.json()) == {"error", "request_id"}
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.json()["request_id"] == response.headers["x-request-id"]


# --- passed through, and metered ------------------------------------------------------------------------------------


async def metered(house: House) -> tuple[str, str, int, int]:
    record = await house.settled()
    return record.state, record.operation, record.input_tokens, record.output_tokens


async def test_images_are_passed_through_with_the_usage_they_state(passing: openai.AsyncOpenAI, house: House) -> None:
    images = await passing.images.generate(model=MODEL, prompt="A harbour")
    assert images.data is not None
    assert images.data[0].b64_json == "UE5H"
    assert await metered(house) == ("done", "relay", 12, 1056)


async def test_streamed_images_come_event_by_event_with_the_usage_of_the_last(
    passing: openai.AsyncOpenAI, house: House
) -> None:
    stream = await passing.images.generate(model=MODEL, prompt="A harbour", stream=True, partial_images=1)
    assert [event.type async for event in stream] == ["image_generation.partial_image", "image_generation.completed"]
    assert await metered(house) == ("done", "relay", 12, 1056)


async def test_an_image_to_edit_is_passed_on_whole(passing: openai.AsyncOpenAI, house: House) -> None:
    images = await passing.images.edit(model=MODEL, image=("tide.png", SOUND), prompt="Brighter")
    assert images.data is not None
    assert images.data[0].b64_json == "UE5H"
    assert await metered(house) == ("done", "relay", 77, 0)


async def test_speech_comes_through_as_the_bytes_it_is(passing: openai.AsyncOpenAI, house: House) -> None:
    async with passing.audio.speech.with_streaming_response.create(model=MODEL, voice="alloy", input=SAID) as speech:
        assert speech.headers["content-type"] == "audio/mpeg"
        assert await speech.read() == SOUND
    assert (await metered(house))[:2] == ("done", "relay")


async def test_speech_that_breaks_off_is_no_sound_to_anybody(
    passing: openai.AsyncOpenAI, house: House, provider: ScriptedProvider
) -> None:
    provider.replies(Reply([SOUND[:1000], 0.05], content_type="audio/mpeg", broken_off=True))
    with pytest.raises(httpx.RemoteProtocolError):
        await house.client.post("/v1/audio/speech", json={"model": MODEL, "voice": "alloy", "input": SAID})
    assert (await house.settled()).error_code == "upstream_protocol"


async def test_an_alias_changes_one_field_of_an_upload_and_nothing_else(
    passing: openai.AsyncOpenAI, house: House, provider: ScriptedProvider
) -> None:
    await house.service.ask(SaveAlias("ears", MODEL))
    heard = await passing.audio.transcriptions.create(model="ears", file=("tide.wav", SOUND), prompt="ears")
    assert heard.text == SAID
    body = provider.last.body
    assert body.count(b"\r\nears\r\n") == 1
    assert b'name="model"\r\n\r\nm-large\r\n' in body
    assert await metered(house) == ("done", "relay", 31, 14)


async def test_a_streamed_transcription_is_followed_to_its_end(passing: openai.AsyncOpenAI, house: House) -> None:
    stream = await passing.audio.transcriptions.create(model=MODEL, file=("tide.wav", SOUND), stream=True)
    events: Any = [event async for event in stream]
    assert events[-1].text == SAID
    record = await house.settled()
    assert (record.stream, record.input_tokens, record.output_tokens) == (True, 31, 14)


@pytest.mark.parametrize("named", [{"model": MODEL}, {}])
async def test_moderations_are_passed_through_also_where_no_model_is_named(
    passing: openai.AsyncOpenAI, house: House, provider: ScriptedProvider, named: Any
) -> None:
    await house.add("openai", provider.url, name="judge", models=("omni-moderation-latest",))
    verdict = await passing.moderations.create(input=SAID, **named)
    assert verdict.results[0].flagged is False
    assert provider.last.json == {"input": SAID, **named}
    assert (await metered(house))[:2] == ("done", "relay")


@pytest.mark.parametrize("streamed", [False, True])
async def test_legacy_completions_are_passed_through(passing: openai.AsyncOpenAI, house: House, streamed: bool) -> None:
    if streamed:
        stream = await passing.completions.create(model=MODEL, prompt="hi", stream=True)
        text = "".join([chunk.choices[0].text async for chunk in stream])
    else:
        text = (await passing.completions.create(model=MODEL, prompt="hi")).choices[0].text
    assert text == SAID
    record = await house.settled()
    assert (record.state, record.stream, record.output_tokens > 0) == ("done", streamed, True)


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
async def test_reranking_is_passed_through_wherever_it_is_asked_for(passing: object, house: House, path: str) -> None:
    body = {"model": MODEL, "query": "tide", "documents": ["low", "high"], "top_n": 1}
    response = await house.client.post(path, json=body)
    assert [result["index"] for result in response.json()["results"]] == [0, 1]
    assert await metered(house) == ("done", "relay", 23, 0)
