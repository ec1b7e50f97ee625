"""Bad input gets a clear error in the caller's own protocol, with a request id, and nothing goes upstream."""

import asyncio
import json

import httpx
import pytest
from house import House
from scripted_provider import ScriptedProvider, answer

PROTOCOLS = {
    "openai_chat": ("/v1/chat/completions", {"model": "m-large", "messages": [{"role": "user", "content": "hi"}]}),
    "openai_responses": ("/v1/responses", {"model": "m-large", "input": "hi"}),
    "anthropic_messages": (
        "/anthropic/v1/messages",
        {"model": "m-large", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]},
    ),
    "gemini": ("/v1beta/models/m-large:generateContent", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
}
EVERY_PROTOCOL = pytest.mark.parametrize("protocol", PROTOCOLS)


@pytest.fixture
async def serving(house: House, provider: ScriptedProvider) -> House:
    provider.replies(answer({}))
    await house.add("openai-compatible", provider.url)
    provider.received.clear()
    return house


def check_shape(protocol: str, response: httpx.Response) -> str:
    """Asserts the protocol's own error shape and our request id in body and header; the message."""
    body = response.json()
    request_id = response.headers["x-request-id"]
    assert request_id.startswith("req_")
    assert request_id in response.text
    error = body["error"]
    if protocol == "anthropic_messages":
        assert body["type"] == "error"
        assert set(error) >= {"type", "message"}
    elif protocol == "gemini":
        assert error["code"] == response.status_code
        assert isinstance(error["status"], str)
    else:
        assert set(error) == {"message", "type", "param", "code"}
    return str(error["message"])


@EVERY_PROTOCOL
@pytest.mark.parametrize("key", ["", "sk-nonsense", "sk-gh-0123456789_" + "a" * 38])
async def test_no_key_and_wrong_keys_are_unauthorized(
    serving: House, provider: ScriptedProvider, protocol: str, key: str
) -> None:
    path, body = PROTOCOLS[protocol]
    headers = {"authorization": f"Bearer {key}"} if key else {"authorization": ""}
    response = await serving.client.post(path, json=body, headers=headers)
    assert response.status_code == 401
    assert "API key" in check_shape(protocol, response)
    assert key not in response.text or not key
    assert provider.received == []


@EVERY_PROTOCOL
async def test_truncated_json_says_where_it_ends(serving: House, provider: ScriptedProvider, protocol: str) -> None:
    path, body = PROTOCOLS[protocol]
    response = await serving.client.post(path, content=json.dumps(body).encode()[:-2])
    assert response.status_code == 400
    assert "line 1, column" in check_shape(protocol, response)
    assert provider.received == []


@EVERY_PROTOCOL
@pytest.mark.parametrize("content", [b"[]", b'"text"', b"null", b"17"])
async def test_json_that_is_no_object_is_refused(serving: House, protocol: str, content: bytes) -> None:
    response = await serving.client.post(PROTOCOLS[protocol][0], content=content)
    assert response.status_code == 400
    assert "object" in check_shape(protocol, response)


@EVERY_PROTOCOL
async def test_a_body_over_the_limit_is_refused_before_it_is_read(serving: House, protocol: str) -> None:
    path, _ = PROTOCOLS[protocol]
    response = await serving.client.post(path, content=b"x" * (33 * 1024 * 1024))
    assert response.status_code == 413
    assert "32 MB" in check_shape(protocol, response)


@EVERY_PROTOCOL
async def test_nul_in_a_string_is_refused(serving: House, provider: ScriptedProvider, protocol: str) -> None:
    path, body = PROTOCOLS[protocol]
    content = json.dumps(body).replace("hi", "h\\u0000i").encode()
    response = await serving.client.post(path, content=content)
    assert response.status_code == 400
    assert "NUL" in check_shape(protocol, response)
    assert provider.received == []


@pytest.mark.parametrize("protocol", ["openai_chat", "openai_responses", "anthropic_messages"])
async def test_a_model_of_the_wrong_type_names_the_field(serving: House, protocol: str) -> None:
    path, body = PROTOCOLS[protocol]
    response = await serving.client.post(path, json={**body, "model": 17})
    assert response.status_code == 400
    assert "model" in check_shape(protocol, response)


@EVERY_PROTOCOL
async def test_an_unknown_model_is_not_found(serving: House, protocol: str) -> None:
    path, body = PROTOCOLS[protocol]
    path, body = path.replace("m-large", "nobody"), {**body, "model": "nobody"}
    response = await serving.client.post(path, json=body)
    assert response.status_code == 404
    assert "'nobody'" in check_shape(protocol, response)


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/v1/nothing", "openai_chat"),
        ("/anthropic/v1/nothing", "anthropic_messages"),
        ("/google/v1beta/nothing", "gemini"),
    ],
)
async def test_an_unknown_path_says_what_is_served(serving: House, path: str, protocol: str) -> None:
    response = await serving.client.post(path, json={})
    assert response.status_code == 404
    assert "chat/completions" in check_shape(protocol, response)


@EVERY_PROTOCOL
async def test_the_wrong_method_says_which_is_right(serving: House, protocol: str) -> None:
    response = await serving.client.put(PROTOCOLS[protocol][0], json={})
    assert response.status_code == 405
    assert "POST" in check_shape(protocol, response)


async def test_a_websocket_is_told_to_use_plain_http(serving: House) -> None:
    headers = {
        "upgrade": "websocket",
        "connection": "upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
    }
    response = await serving.client.get("/v1/responses", headers=headers)
    assert response.status_code == 426


async def test_a_compressed_body_is_refused(serving: House) -> None:
    response = await serving.client.post(
        "/v1/chat/completions", content=b"\x1f\x8b", headers={"content-encoding": "gzip"}
    )
    assert response.status_code == 415


@pytest.mark.parametrize("field", ["model", "stream", "max_tokens"])
async def test_a_field_that_policy_reads_may_occur_only_once(
    serving: House, provider: ScriptedProvider, field: str
) -> None:
    content = b'{"model":"m-large","stream":false,"max_tokens":1,"messages":[],"%s":null}' % field.encode()
    response = await serving.client.post("/v1/chat/completions", content=content)
    assert response.status_code == 400
    assert field in check_shape("openai_chat", response)
    assert provider.received == []


@pytest.mark.parametrize("path", ["/", "/api/hello", "/healthz", "/readyz"])
async def test_probes_need_no_key(house: House, path: str) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        assert (await client.get(path)).status_code == 200
        assert (await client.head(path)).status_code in (200, 405)


async def raw(house: House, data: bytes) -> bytes:
    """What the gateway answers to these bytes until it closes."""
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(15):
        said = await reader.read()
    writer.close()
    return said


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 300 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_requests_that_are_not_proper_http_are_refused_and_hung_up_on(house: House, head: bytes) -> None:
    assert (await raw(house, head)).startswith(b"HTTP/1.1 400")
