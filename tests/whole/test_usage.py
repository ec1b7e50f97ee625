"""What is on record of an answer: the provider's own figures in disjoint buckets, and what they cost."""

from typing import Any

import pytest
from anthropic_upstream import ANTHROPIC
from google_upstream import GOOGLE
from house import House
from openai_upstream import OPENAI
from scripted_provider import ScriptedProvider, answer

from data.records import ExchangeRecord

HI = [{"role": "user", "content": "hi"}]
CONTENTS = {"contents": [{"parts": [{"text": "hi"}]}]}
SCRIPTS = {"openai": OPENAI, "anthropic": ANTHROPIC, "google": GOOGLE}

# Prices in dollars per million tokens, from genai-prices 0.2.3, which has them from the makers' own price pages:
# gpt-5 input 1.25, cached 0.125, output 10; claude-sonnet-4-5 input 3, cached 0.30, written for five minutes 3.75 and
# for an hour 6, output 15; gemini-2.5-flash input 0.30, cached 0.03, output 2.50. Reasoning is priced as output.
CASES = [
    # protocol, provider and model, buckets in the order of `buckets`, micro-dollars worked out by hand
    pytest.param("chat", "openai", "gpt-5", (56, 64, 0, 0, 0, 38, 10), 558, id="chat"),  # 70 + 8 + 380 + 100
    # 50 + 8 + 20 (written, which gpt-5 has no price for, as input) + 380 + 100
    pytest.param("responses", "openai", "gpt-5", (40, 64, 16, 0, 0, 38, 10), 558, id="responses"),
    # 120 + 19.2 + 375 + 1200 + 570 + 150, rounded once
    pytest.param("messages", "anthropic", "claude-sonnet-4-5", (40, 64, 100, 200, 0, 38, 10), 2434, id="messages"),
    # 16.8 + 1.92 + 1.5 (what tools put into the prompt, as input) + 95 + 25, rounded once
    pytest.param("gemini", "google", "gemini-2.5-flash", (56, 64, 0, 0, 5, 38, 10), 140, id="gemini"),
]


def request_for(protocol: str, model: str, stream: bool) -> tuple[str, dict[str, Any]]:
    match protocol:
        case "chat":
            return "/v1/chat/completions", {"model": model, "messages": HI, "stream": stream}
        case "responses":
            return "/v1/responses", {"model": model, "input": "hi", "stream": stream}
        case "messages":
            return "/v1/messages", {"model": model, "max_tokens": 99, "messages": HI, "stream": stream}
        case _:
            method = "streamGenerateContent?alt=sse" if stream else "generateContent"
            return f"/v1beta/models/{model}:{method}", CONTENTS


def buckets(record: ExchangeRecord) -> tuple[int, ...]:
    return (
        record.input_tokens,
        record.cache_read_tokens,
        record.cache_write_5m_tokens,
        record.cache_write_1h_tokens,
        record.tool_prompt_tokens,
        record.output_tokens,
        record.reasoning_tokens,
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("protocol", "provider_id", "model", "expected", "cost"), CASES)
async def test_the_providers_figures_are_on_record_and_priced(
    house: House,
    provider: ScriptedProvider,
    protocol: str,
    provider_id: str,
    model: str,
    expected: tuple[int, ...],
    cost: int,
    stream: bool,
) -> None:
    provider.script = SCRIPTS[provider_id]
    await house.add(provider_id, provider.url, models=(model,))
    path, body = request_for(protocol, model, stream)
    response = await house.client.post(path, json=body)
    assert response.status_code == 200, response.text
    record = await house.settled()
    assert (record.state, record.usage_source, record.stream) == ("done", "provider", stream)
    assert buckets(record) == expected
    assert record.cost_micros == cost
    assert (record.model_asked, record.model_served) == (model, model)


async def test_an_embedding_costs_what_its_input_costs(house: House, provider: ScriptedProvider) -> None:
    provider.script = OPENAI
    await house.add("openai", provider.url, models=("text-embedding-3-large",))
    await house.client.post("/v1/embeddings", json={"model": "text-embedding-3-large", "input": "hi"})
    record = await house.settled()
    assert (buckets(record), record.cost_micros) == ((9, 0, 0, 0, 0, 0, 0), 1)  # 9 x 0.13, rounded


async def test_a_model_without_a_known_price_has_no_cost_instead_of_none_to_pay(
    house: House, provider: ScriptedProvider
) -> None:
    provider.script = OPENAI
    await house.add("openai-compatible", f"{provider.url}/v1")
    path, body = request_for("chat", "m-large", False)
    await house.client.post(path, json=body)
    assert (await house.settled()).cost_micros is None


async def test_speech_costs_what_its_characters_do(house: House, provider: ScriptedProvider) -> None:
    provider.script = OPENAI
    await house.add("openai", provider.url, models=("tts-1",))
    await house.client.post("/v1/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": "Hello there"})
    record = await house.settled()
    assert (record.usage_details, record.cost_micros) == ('{"characters":11}', 165)  # 11 x 15


async def test_searches_and_the_tier_that_served_a_request_are_on_record_and_paid(
    house: House, provider: ScriptedProvider
) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    searched = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    body = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5.1", "output": [searched]}
    provider.replies(answer(body | {"usage": usage, "service_tier": "flex"}))
    await house.add("openai", provider.url, models=("gpt-5.1",))
    await house.client.post("/v1/responses", json={"model": "gpt-5.1", "input": "hi", "service_tier": "flex"})
    record = await house.settled()
    assert record.usage_details == '{"web_searches":1,"terms":{"service_tier":"flex"}}'
    assert record.cost_micros == 11_125  # flex 1000 x 0.625 + 100 x 5, and a search at 10 a thousand


async def test_an_image_whose_provider_says_nothing_of_usage_is_not_taken_for_free(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(answer({"created": 1, "data": [{"url": "https://x.io/1.png"}]}))
    await house.add("openai", provider.url, models=("gpt-image-1",))
    await house.client.post("/v1/images/generations", json={"model": "gpt-image-1", "prompt": "a tide"})
    assert (await house.settled()).cost_micros is None
