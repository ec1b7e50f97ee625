"""An upstream that speaks Anthropic Messages, as strictly as the real one about what it is sent."""

import json
from base64 import b64decode
from typing import Any

from harbour import CREDENTIAL, FOUND, MODEL, SAID, THOUGHT, events, harbours_in, require, upstream, words
from scripted_provider import Received, Reply, answer, sse

USAGE = {
    "input_tokens": 40,
    "cache_creation_input_tokens": 300,
    "cache_read_input_tokens": 64,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 48,
    "output_tokens_details": {"thinking_tokens": 10},
}
VERSIONS = ("2023-06-01", "2026-10-21")
TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}


def error(status: int, message: str) -> object:
    """Anthropic's error body."""
    return {"type": "error", "error": {"type": TYPES[status], "message": message}, "request_id": "req_upstream"}


def authorized(request: Received) -> bool:
    return request.headers.get("x-api-key") == CREDENTIAL and "authorization" not in request.headers


def messages(request: Received, asked: dict[str, Any]) -> Reply:
    """A message, whole or as events."""
    check(request, asked)
    require(asked.get("max_tokens"), "max_tokens: Field required")
    blocks = blocks_for(asked)
    called = any(block["type"] == "tool_use" for block in blocks)
    message = {
        "id": "msg_tide",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": blocks,
        "stop_reason": "tool_use" if called else "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }
    return sse(*events(message_events(message), named=True)) if asked.get("stream") else answer(message)


def check(request: Received, asked: dict[str, Any]) -> None:
    require(request.headers.get("anthropic-version") in VERSIONS, "anthropic-version: header is required")
    require(asked.get("model"), "model: Field required")
    require(asked.get("messages"), "messages: Field required")
    require(asked["messages"][0]["role"] == "user", "messages: first message must use the user role")
    require("reasoning_effort" not in asked, "reasoning_effort: Extra inputs are not permitted")


def blocks_for(asked: dict[str, Any]) -> list[dict[str, Any]]:
    content = asked["messages"][-1]["content"]
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    if results := [part for part in parts if part["type"] == "tool_result"]:
        check_results(asked, results)
        return [text(f"The table says: {', '.join(result['content'] for result in results)}.")]
    prompt = "".join(part.get("text", "") for part in parts)
    if asked.get("tools"):
        calls = [
            {"type": "tool_use", "id": f"toolu_{n}", "name": "tide", "input": {"harbour": harbour}}
            for n, harbour in enumerate(harbours_in(prompt))
        ]
        return [text("Looking it up."), *calls]
    if asked.get("output_config", {}).get("format"):
        require(asked["output_config"]["format"]["schema"]["properties"], "the schema has no properties")
        return [text(json.dumps(FOUND))]
    if pictures := [part["source"] for part in parts if part["type"] == "image"]:
        size = len(b64decode(pictures[0]["data"], validate=True))
        return [text(f"I see {pictures[0]['media_type']} of {size} bytes.")]
    if asked.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        return [{"type": "thinking", "thinking": THOUGHT, "signature": "c2lnbmVk"}, text(SAID)]
    return [text(SAID)]


def check_results(asked: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """All the calls of the turn before must be answered at once."""
    called = [block["id"] for block in asked["messages"][-2]["content"] if block["type"] == "tool_use"]
    require(called == [result["tool_use_id"] for result in results], "tool_use ids without tool_result blocks")


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def message_events(message: dict[str, Any]) -> list[dict[str, Any]]:
    early = {**USAGE, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 0}}
    begun = {**message, "content": [], "stop_reason": None, "usage": early}
    bodies: list[dict[str, Any]] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(message["content"]):
        bodies += [{**body, "index": index} for body in block_events(block)]
    late = {"output_tokens": USAGE["output_tokens"], "output_tokens_details": USAGE["output_tokens_details"]}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    return [*bodies, {"type": "message_delta", "delta": delta, "usage": late}, {"type": "message_stop"}]


def block_events(block: dict[str, Any]) -> list[dict[str, Any]]:
    opened: dict[str, Any]
    match block["type"]:
        case "text":
            opened, deltas = {"text": ""}, [{"type": "text_delta", "text": word} for word in words(block["text"])]
        case "thinking":
            opened = {"thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": word} for word in words(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case _:
            opened, written = {"input": {}}, json.dumps(block["input"], ensure_ascii=False)
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in words(written)]
    return [
        {"type": "content_block_start", "content_block": {**block, **opened}},
        *({"type": "content_block_delta", "delta": delta} for delta in deltas),
        {"type": "content_block_stop"},
    ]


def count_tokens(request: Received, asked: dict[str, Any]) -> Reply:
    check(request, asked)
    require("max_tokens" not in asked, "max_tokens: Extra inputs are not permitted")
    return answer({"input_tokens": 17})


def models(request: Received, asked: dict[str, Any]) -> Reply:
    item = {"type": "model", "id": MODEL, "display_name": "Large", "created_at": "2026-01-01T00:00:00Z"}
    return answer({"data": [item], "has_more": False, "first_id": MODEL, "last_id": MODEL})


ANTHROPIC = upstream(
    {"/v1/messages": messages, "/v1/messages/count_tokens": count_tokens, "/v1/models": models}, authorized, error
)
"""The whole upstream, as a script."""
