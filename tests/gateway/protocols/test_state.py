"""What lies at a provider is refused by name where another protocol would have to say it; never left out."""

import json
from typing import Any

import pytest

from gateway.canonical import PROTOCOLS, Protocol
from gateway.errors import BadRequest
from gateway.protocols.codec import Call
from gateway.protocols.dialects import DIALECTS
from gateway.protocols.registry import TRANSLATIONS
from gateway.protocols.translation import Target

PATHS: dict[Protocol, str] = {
    "openai_chat": "chat/completions",
    "openai_responses": "responses",
    "anthropic_messages": "messages",
    "gemini": "models/m:generateContent",
}
FILES = "https://generativelanguage.googleapis.com/v1beta/files/1"


def asked(protocol: Protocol, *parts: Any, **members: Any) -> tuple[Protocol, dict[str, Any]]:
    """A request whose only turn has these parts besides a text."""
    text = {"openai_responses": {"type": "input_text", "text": "hi"}, "gemini": {"text": "hi"}}
    said = [text.get(protocol, {"type": "text", "text": "hi"}), *parts]
    turn = {"role": "user", ("parts" if protocol == "gemini" else "content"): said}
    place = {"openai_responses": "input", "gemini": "contents"}.get(protocol, "messages")
    return protocol, {"model": "m", "max_tokens": 9, place: [turn]} | members


CASES: dict[str, tuple[Protocol, dict[str, Any]]] = {
    "chat file": asked("openai_chat", {"type": "file", "file": {"file_id": "file-1"}}),
    "responses file": asked("openai_responses", {"type": "input_file", "file_id": "file-1"}),
    "responses image": asked("openai_responses", {"type": "input_image", "file_id": "file-1"}),
    "responses conversation": asked("openai_responses", conversation="conv_1"),
    "responses prompt": asked("openai_responses", prompt={"id": "pmpt_1"}),
    "responses background": asked("openai_responses", background=True),
    "responses previous": asked("openai_responses", previous_response_id="resp_1"),
    "responses container": asked("openai_responses", tools=[{"type": "code_interpreter", "container": "cntr_1"}]),
    "responses store": asked("openai_responses", tools=[{"type": "file_search", "vector_store_ids": ["vs_1"]}]),
    "anthropic container": asked("anthropic_messages", container="container_1"),
    "anthropic skills": asked("anthropic_messages", container={"id": "container_1", "skills": []}),
    "anthropic upload": asked("anthropic_messages", {"type": "container_upload", "file_id": "file_1"}),
    "anthropic image": asked("anthropic_messages", {"type": "image", "source": {"type": "file", "file_id": "file_1"}}),
    "anthropic document": asked(
        "anthropic_messages", {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    ),
    "anthropic thread": asked("anthropic_messages", thread={"type": "continue", "previous_message_id": "msg_1"}),
    "anthropic new thread": asked("anthropic_messages", thread={"type": "create"}),
    "anthropic mcp": asked("anthropic_messages", mcp_servers=[{"type": "url", "url": "https://m.test", "name": "m"}]),
    "gemini cache": asked("gemini", cachedContent="cachedContents/1"),
    "gemini token": asked("gemini", continuationToken="opaque"),
    "gemini file": asked("gemini", {"fileData": {"fileUri": FILES, "mimeType": "image/png"}}),
    "gemini document": asked("gemini", {"fileData": {"fileUri": FILES, "mimeType": "application/pdf"}}),
    "gemini bucket": asked("gemini", {"fileData": {"fileUri": "gs://b/1.png", "mimeType": "image/png"}}),
}


def translate(call: Call, spoken: Protocol, protocol: Protocol, target: Target) -> None:
    TRANSLATIONS[protocol].encode_request(TRANSLATIONS[spoken].decode_request(call), target)


@pytest.mark.parametrize("case", CASES)
def test_what_lies_at_a_provider_is_refused_by_name_in_every_other_protocol(case: str) -> None:
    spoken, body = CASES[case]
    call = Call("POST", PATHS[spoken], {}, {}, json.dumps(body).encode())
    for protocol in PROTOCOLS:
        for dialect in DIALECTS[protocol].values() if protocol != spoken else ():
            with pytest.raises(BadRequest) as refused:
                translate(call, spoken, protocol, Target("n", dialect))
            assert refused.value.param, (protocol, dialect.name)


def test_a_thread_is_refused_with_the_code_at_which_sdks_send_the_whole_conversation() -> None:
    spoken, body = CASES["anthropic thread"]
    call = Call("POST", PATHS[spoken], {}, {}, json.dumps(body).encode())
    with pytest.raises(BadRequest) as refused:
        translate(call, spoken, "openai_chat", Target("n"))
    assert refused.value.code == "thread_unsupported_request"
