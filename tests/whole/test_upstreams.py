"""What upstreams receive: at their own addresses, in each of their protocols, byte for byte what the client sent."""

import json
from typing import Any

import pytest
from anthropic_upstream import ANTHROPIC
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google_upstream import GOOGLE
from harbour import CREDENTIAL, MODEL
from house import House
from openai_upstream import OPENAI
from scripted_provider import Received, Reply, ScriptedProvider, answer

from gateway.operations import AddUpstream

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = {**CHAT, "max_tokens": 99}
CONTENTS = {"contents": [{"parts": [{"text": "hi"}]}]}
GRANTED = "ya29.made-up"


async def test_a_vertex_upstream_is_called_below_its_own_path(house: House, provider: ScriptedProvider) -> None:
    provider.script = GOOGLE
    below = "/v1beta1/publishers/google"
    await house.add("vertex-express", provider.url + below, models=(MODEL,))
    response = await house.client.post(f"/v1beta/models/{MODEL}:generateContent", json=CONTENTS)
    assert response.status_code == 200
    assert provider.last.path == f"{below}/models/{MODEL}:generateContent"


@pytest.mark.parametrize("base", ["", "/v1", "/anthropic"])
async def test_one_account_serves_each_of_its_protocols_at_its_own_path(
    house: House, provider: ScriptedProvider, base: str
) -> None:
    provider.script = lambda request: (ANTHROPIC if "/anthropic/" in request.path else OPENAI)(request)
    await house.add("deepseek", provider.url + base)
    for path, body in (
        ("chat/completions", CHAT),
        ("responses", {"model": MODEL, "input": "hi"}),
        ("messages", MESSAGE),
    ):
        assert (await house.client.post(f"/v1/{path}", json=body)).status_code == 200
    called = [request.path for request in provider.received if request.method == "POST"]
    assert called == ["/v1/chat/completions", "/v1/responses", "/anthropic/v1/messages"]


async def test_an_openai_compatible_upstream_answers_clients_of_other_protocols_too(
    house: House, provider: ScriptedProvider
) -> None:
    provider.script = OPENAI
    await house.add("openai-compatible", f"{provider.url}/v1")
    response = await house.client.post("/v1/messages", json=MESSAGE, headers={"anthropic-version": "2023-06-01"})
    assert (response.status_code, response.json()["type"]) == (200, "message")
    assert provider.last.path.endswith("/chat/completions")


def new_account(token_uri: str) -> str:
    """The JSON key of a service account that does not exist."""
    written = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    account = {"client_email": "tides@example.iam", "private_key": written.decode(), "token_uri": token_uri}
    return json.dumps(account)


def vertex(request: Received) -> Reply:
    """Google's token server and Vertex in one."""
    if request.path == "/token":
        return answer({"access_token": GRANTED, "expires_in": 3600})
    granted = request.headers.get("authorization") == f"Bearer {GRANTED}"
    as_at_ai_studio = Received(request.method, request.path, {"x-goog-api-key": CREDENTIAL}, request.body)
    return GOOGLE(as_at_ai_studio) if granted else answer({"error": {"message": "who is this?"}}, 401)


async def test_a_service_account_gets_one_token_for_all_its_calls(house: House, provider: ScriptedProvider) -> None:
    provider.script = vertex
    adding = AddUpstream(
        provider_id="vertex",
        credential=new_account(f"{provider.url}/token"),
        base_url=provider.url,
        project="p-1",
        location="europe-west1",
        models=[MODEL],
        unpriced=True,
    )
    await house.service.ask(adding)
    for _ in range(2):
        response = await house.client.post(f"/v1beta/models/{MODEL}:generateContent", json=CONTENTS)
        assert response.status_code == 200
    below = "/v1beta1/projects/p-1/locations/europe-west1/publishers/google"
    assert provider.last.path == f"{below}/models/{MODEL}:generateContent"
    assert [request.path for request in provider.received].count("/token") == 1


# --- byte for byte --------------------------------------------------------------------------------------------------

ODD = '{ "x_unknown" : 1.0e3, "note":"caf\\u00e9 \\/ %s",\n %s}'
"""A body as no JSON library writes it."""
HI = '"messages":[{"role":"user","content":"hi"}]'
ASKED: list[Any] = [
    pytest.param("openai", "/v1/chat/completions", f'"model": "NAME", {HI}', id="chat"),
    pytest.param(
        "openai",
        "/v1/chat/completions",
        f'"stream":true,"stream_options":{{ "include_usage":true}},"model" : "NAME",{HI}',
        id="chat-streamed",
    ),
    pytest.param("openai", "/v1/responses", '"input":"hi","model":"NAME"', id="responses"),
    pytest.param("openai", "/v1/responses", '"input":"hi","model":"NAME" ,"stream":true', id="responses-streamed"),
    pytest.param("anthropic", "/v1/messages", f'"max_tokens":9,{HI},"model":"NAME"', id="messages"),
    pytest.param(
        "anthropic", "/v1/messages", f'"stream": true,"max_tokens":9,{HI},"model":"NAME"', id="messages-streamed"
    ),
    pytest.param(
        "google", "/v1beta/models/NAME:generateContent", '"contents":[ {"parts":[{"text":"hi"}]}]', id="gemini"
    ),
    pytest.param(
        "google",
        "/v1beta/models/NAME:streamGenerateContent?alt=sse",
        '"contents":[ {"parts":[{"text":"hi"}]}]',
        id="gemini-streamed",
    ),
]


@pytest.mark.parametrize(("provider_id", "path", "members"), ASKED)
async def test_only_the_models_name_differs_on_the_way_there_and_nothing_on_the_way_back(
    house: House, provider: ScriptedProvider, provider_id: str, path: str, members: str
) -> None:
    said: list[bytes] = []

    def script(request: Received) -> Reply:
        reply: Reply = {"openai": OPENAI, "anthropic": ANTHROPIC, "google": GOOGLE}[provider_id](request)
        said[:] = [chunk for chunk in reply.chunks if isinstance(chunk, bytes)]
        return reply

    provider.script = script
    await house.add(provider_id, provider.url, name="up")
    sent = ODD % ("NAME", members)
    response = await house.client.post(
        path.replace("NAME", f"up:{MODEL}"), content=sent.replace('"NAME"', f'"up:{MODEL}"').encode()
    )
    assert provider.last.body == sent.replace('"NAME"', f'"{MODEL}"').encode()
    assert response.content == b"".join(said)
    assert response.status_code == 200
