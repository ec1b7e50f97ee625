"""What is on record of an answer: the provider's own figures in disjoint buckets, and what they cost."""

from typing import Any

import pytest
from anthropic_upstream import ANTHROPIC
from google_upstream import GOOGLE
from house import House
from openai_upstream import OPENAI
from scripted_provider import ScriptedProvider

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
