"""A request goes through as it is where it can, is changed where its upstream needs that, and says what is lost."""

from house import House
from scripted_provider import ScriptedProvider, answer

from gateway.operations import GetExchange, SaveRoute, TargetView

CHAT = {"model": "m-large", "seed": 7, "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m-large",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}


async def test_what_the_target_cannot_say_is_told_to_the_client_and_on_the_record(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(answer(MESSAGE))
    await house.add("anthropic-compatible", provider.url, models=("m-large",))
    response = await house.client.post("/v1/chat/completions", json=CHAT)
    assert response.json()["choices"][0]["message"]["content"] == "Hello"
    assert response.headers["x-gateway-warnings"] == "seed"
    record = (await house.service.ask(GetExchange((await house.settled()).id))).record
    assert '"field":"seed"' in record.warnings


async def test_a_model_that_cannot_think_is_not_told_how_to(house: House, provider: ScriptedProvider) -> None:
    provider.replies(answer(MESSAGE))
    await house.add("anthropic-compatible", provider.url, models=("claude-3-5-sonnet-20241022",))
    body = {**CHAT, "model": "claude-3-5-sonnet-20241022", "reasoning_effort": "high"}
    response = await house.client.post("/v1/chat/completions", json=body)
    assert "thinking" not in provider.last.json
    assert "thinking" in response.headers["x-gateway-warnings"]


async def test_a_strict_route_refuses_what_would_be_lost(house: House, provider: ScriptedProvider) -> None:
    provider.replies(answer(MESSAGE))
    await house.add("anthropic-compatible", provider.url, models=("m-large",))
    await house.service.ask(SaveRoute(name="exact", pattern="*", targets=[TargetView("up")], strict=True))
    provider.received.clear()
    response = await house.client.post("/v1/chat/completions", json=CHAT)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "seed")
    assert provider.received == []


async def test_a_route_may_let_the_models_own_provider_search_the_web(house: House, provider: ScriptedProvider) -> None:
    cited = [{"type": "web_search_result_location", "url": "https://a", "title": "A", "cited_text": "x"}]
    provider.replies(answer({**MESSAGE, "content": [{"type": "text", "text": "Hello", "citations": cited}]}))
    up = await house.add("anthropic", provider.url, models=("m-large",))
    body = {**CHAT, "web_search_options": {}}
    refused = await house.client.post("/v1/chat/completions", json=body)
    assert "--web-search" in refused.json()["error"]["message"]
    route = await house.service.ask(SaveRoute("found", "*", [TargetView(up.name)], web_search=True))
    message = (await house.client.post("/v1/chat/completions", json=body)).json()["choices"][0]["message"]
    assert route.web_search
    assert provider.last.json["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]
    assert message["annotations"][0]["url_citation"]["url"] == "https://a"


async def test_an_upstream_with_a_way_of_its_own_gets_the_request_in_it(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(answer({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}))
    await house.add("deepseek", f"{provider.url}/v1", models=("deepseek-chat",))
    await house.client.post("/v1/chat/completions", json={**CHAT, "model": "deepseek-chat", "max_completion_tokens": 9})
    assert provider.last.json["max_tokens"] == 9
    assert "max_completion_tokens" not in provider.last.json


async def test_tokens_are_counted_here_where_no_upstream_counts_in_the_clients_protocol(
    house: House, provider: ScriptedProvider
) -> None:
    await house.add("openai-compatible", provider.url, models=("m-large",))
    body = {"model": "m-large", "messages": [{"role": "user", "content": "one two three four"}]}
    response = await house.client.post("/v1/messages/count_tokens", json=body)
    assert response.json()["input_tokens"] >= 4
    assert response.headers["x-gateway-warnings"] == "input_tokens"
