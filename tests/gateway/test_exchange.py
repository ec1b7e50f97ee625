"""The path of a request: what goes in comes out, whatever happens on the way is on record, once."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from house import House
from scripted_provider import Reply, ScriptedProvider, answer, sse

from gateway.operations import CutExchange, GetExchange, RevokeKey, SaveRoute, TargetView

CHAT = "/v1/chat/completions"


def chunk(delta: dict[str, Any], finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-large",
        "choices": [choice],
        **more,
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def usage_chunk(prompt: int, completion: int) -> bytes:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    body = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-large",
        "choices": [],
        "usage": usage,
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
HELLO = (chunk({"role": "assistant", "content": ""}), chunk({"content": "Hello"}), chunk({}, "stop"))
WHOLE = {
    "id": "c1",
    "object": "chat.completion",
    "model": "m-large",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}


def asking(stream: bool = False, **more: object) -> dict[str, object]:
    return {"model": "m-large", "stream": stream, "messages": [{"role": "user", "content": "hi"}], **more}


async def test_the_upstream_receives_the_clients_bytes_with_our_credential(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(answer(WHOLE))
    await house.add("openai-compatible", provider.url)
    body = b'{ "model" : "m-large","messages":[{"role":"user","content":"\\u00e9"}], "steam": false, "x": 1.0e3 }'
    response = await house.client.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200
    assert provider.last.body == body
    assert provider.last.headers["authorization"] == "Bearer sk-upstream-secret"
    assert house.secret not in str(provider.last)


async def test_another_model_name_changes_those_bytes_and_no_others(house: House, provider: ScriptedProvider) -> None:
    provider.replies(answer(WHOLE))
    await house.add("openai-compatible", provider.url)
    body = (
        b'{"messages":[{"role":"user","content":"the \\"model\\": is"}],"tools":[{"model":1}],\n "model":"up:m-large"}'
    )
    await house.client.post(CHAT, content=body)
    assert provider.last.body == body.replace(b'"up:m-large"', b'"m-large"')


async def test_the_client_receives_the_upstreams_bytes(house: House, provider: ScriptedProvider) -> None:
    odd = b'{"id":"c1",  "choices":[], "usage":{"prompt_tokens":1,"completion_tokens":1}, "new_field": 1.50}'
    provider.replies(Reply([odd[:20], odd[20:]]))
    await house.add("openai-compatible", provider.url)
    response = await house.client.post(CHAT, json=asking())
    assert response.content == odd
    assert response.headers["x-request-id"].startswith("req_")


async def test_a_stream_arrives_byte_for_byte_wherever_the_network_cut_it(
    house: House, provider: ScriptedProvider
) -> None:
    whole = b": hello\n\n" + b"".join(HELLO) + usage_chunk(9, 3) + DONE
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    provider.replies(sse(*pieces))
    await house.add("openai-compatible", provider.url)
    response = await house.client.post(CHAT, json=asking(True, stream_options={"include_usage": True}))
    assert response.content == whole
    record = await house.settled()
    assert (record.state, record.usage_source, record.input_tokens, record.output_tokens) == ("done", "provider", 9, 3)


async def test_usage_is_asked_for_and_taken_out_again_when_the_client_did_not_ask(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(sse(*HELLO, usage_chunk(9, 3), DONE))
    await house.add("openai-compatible", provider.url)
    response = await house.client.post(CHAT, json=asking(True))
    assert provider.last.json["stream_options"] == {"include_usage": True}
    assert response.content == b"".join((*HELLO, DONE))
    assert (await house.settled()).output_tokens == 3


async def test_an_answer_without_usage_is_counted_and_says_so(house: House, provider: ScriptedProvider) -> None:
    provider.replies(sse(chunk({"role": "assistant", "content": "one two three four"}), chunk({}, "stop"), DONE))
    await house.add("openai-compatible", provider.url)
    await house.client.post(CHAT, json=asking(True))
    record = await house.settled()
    assert (record.usage_source, record.output_tokens) == ("counted", 4)
    assert record.input_tokens > 0


async def test_an_upstream_that_breaks_off_never_looks_finished(house: House, provider: ScriptedProvider) -> None:
    provider.replies(sse(*HELLO[:2], 0.05, broken_off=True))
    await house.add("openai-compatible", provider.url)
    response = await house.client.post(CHAT, json=asking(True))
    assert response.status_code == 200
    assert b"[DONE]" not in response.content
    assert b'"error"' in response.content.split(b"\n\n")[-2]
    record = await house.settled()
    assert (record.state, record.usage_source) == ("failed", "counted")


async def test_an_error_inside_the_stream_reaches_the_client_without_what_it_gives_away(
    house: House, provider: ScriptedProvider
) -> None:
    leak = {
        "error": {
            "message": "overloaded at https://10.9.8.7/x for org-a1B2c3D4e5F6g7H8i9J0k1L2",
            "type": "server_error",
        }
    }
    provider.replies(sse(*HELLO[:2], 0.05, b"data: " + json.dumps(leak).encode() + b"\n\n"))
    await house.add("openai-compatible", provider.url)
    response = await house.client.post(CHAT, json=asking(True))
    assert response.content.startswith(HELLO[0])
    assert b'"error"' in response.content
    assert b"10.9.8.7" not in response.content
    assert b"org-a1B2" not in response.content


async def test_a_failure_before_any_content_goes_to_the_next_target(house: House, provider: ScriptedProvider) -> None:
    provider.replies(answer({"error": {"message": "busy"}}, 503), sse(*HELLO, usage_chunk(1, 1), DONE))
    await house.add("openai-compatible", provider.url, name="first")
    await house.add("openai-compatible", provider.url, name="second")
    targets = [TargetView("first", priority=1), TargetView("second", priority=2)]
    await house.service.ask(SaveRoute(name="both", pattern="*", targets=targets))
    response = await house.client.post(CHAT, json=asking(True))
    assert response.content.endswith(DONE)
    detail = await house.service.ask(GetExchange((await house.settled()).id))
    assert [(a.upstream, a.http_status) for a in detail.attempts] == [("first", 503), ("second", 200)]
    assert "next target" in detail.attempts[0].decision


async def test_an_error_in_the_first_event_is_still_before_any_content(
    house: House, provider: ScriptedProvider
) -> None:
    failing = sse(b": ping\n\n", b'data: {"error":{"message":"nope","type":"server_error"}}\n\n')
    provider.replies(failing, sse(*HELLO, usage_chunk(1, 1), DONE))
    await house.add("openai-compatible", provider.url, name="first")
    await house.add("openai-compatible", provider.url, name="second")
    targets = [TargetView("first", priority=1), TargetView("second", priority=2)]
    await house.service.ask(SaveRoute(name="both", pattern="*", targets=targets))
    response = await house.client.post(CHAT, json=asking(True))
    assert response.content == b"".join((*HELLO, DONE))


async def test_our_credential_being_refused_is_not_told_as_the_clients_fault(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(answer({"error": {"message": "bad key sk-upstream-secret"}}, 401))
    await house.add("openai-compatible", provider.url)
    response = await house.client.post(CHAT, json=asking())
    assert response.status_code == 502
    assert "sk-upstream-secret" not in response.text
    assert response.json()["error"]["code"] == "upstream_auth"


async def test_an_upstream_that_cannot_be_reached_is_a_bad_gateway(house: House, provider: ScriptedProvider) -> None:
    await house.add("openai-compatible", "http://127.0.0.1:9", models=("m-large",))
    response = await house.client.post(CHAT, json=asking())
    assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert "127.0.0.1" not in response.text


async def streaming(house: House, provider: ScriptedProvider) -> tuple[httpx.Response, asyncio.Event]:
    """A stream that has said `Hello` and now waits."""
    release = asyncio.Event()
    provider.replies(sse(*HELLO[:2], release, HELLO[2], usage_chunk(1, 1), DONE))
    await house.add("openai-compatible", provider.url)
    request = house.client.build_request("POST", CHAT, json=asking(True))
    response = await house.client.send(request, stream=True)
    return response, release


async def test_a_client_that_leaves_in_the_middle_closes_the_upstream_and_pays_for_its_part(
    house: House, provider: ScriptedProvider
) -> None:
    response, _ = await streaming(house, provider)
    await anext(response.aiter_raw())
    await response.aclose()
    async with asyncio.timeout(5):
        await provider.gone.wait()
    record = await house.settled()
    assert (record.state, record.usage_source) == ("client_left", "counted")
    assert record.output_tokens == 1


async def test_a_client_that_leaves_before_the_first_byte_closes_the_upstream(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(Reply([asyncio.Event()]))
    await house.add("openai-compatible", provider.url)
    with pytest.raises(httpx.ReadTimeout):
        await house.client.post(CHAT, json=asking(), timeout=0.3)
    async with asyncio.timeout(5):
        await provider.gone.wait()
    assert (await house.settled()).state == "client_left"


async def test_revoking_a_key_ends_its_running_streams_in_their_protocol(
    house: House, provider: ScriptedProvider
) -> None:
    response, _ = await streaming(house, provider)
    told = asyncio.create_task(response.aread())
    await house.service.ask(RevokeKey(house.key.key.id))
    body = await told
    assert b'"key_revoked"' in body
    assert b"[DONE]" not in body
    async with asyncio.timeout(5):
        await provider.gone.wait()
    assert (await house.settled()).state == "cut"
    assert (await house.client.post(CHAT, json=asking())).status_code == 401


async def test_a_key_revoked_while_the_body_is_still_on_its_way_gets_nothing(
    house: House, provider: ScriptedProvider
) -> None:
    provider.replies(answer(WHOLE))
    await house.add("openai-compatible", provider.url)

    async def body() -> AsyncIterator[bytes]:
        yield b'{"model":"m-large",'
        await asyncio.sleep(0.2)
        await house.service.ask(RevokeKey(house.key.key.id))
        yield b'"messages":[]}'

    response = await house.client.post(CHAT, content=body())
    assert response.status_code == 401
    assert not any(request.method == "POST" for request in provider.received)


async def test_an_operator_may_cut_one_answer(house: House, provider: ScriptedProvider) -> None:
    response, _ = await streaming(house, provider)
    told = asyncio.create_task(response.aread())
    running = (await house.exchanges())[0]
    await house.service.ask(CutExchange(running.id))
    assert b'"error"' in await told
    record = await house.settled()
    assert (record.state, record.usage_source) == ("cut", "counted")


async def test_what_came_before_a_failure_is_on_record_with_its_key_and_model(
    house: House, provider: ScriptedProvider
) -> None:
    await house.client.post(CHAT, json={"model": "nobody-has-this", "messages": []})
    record = await house.settled()
    assert (record.state, record.error_code, record.model_asked) == ("failed", "model_not_found", "nobody-has-this")
    assert record.key_id == house.key.key.id
