"""Requests for messages, and what becomes of them on the way through the canonical model."""

import json
from typing import Any

from gateway.canonical import Part, Request, Text, Thinking, ToolCall, ToolResult, Turn
from gateway.protocols.anthropic_messages.requests import decode_request, encode_request
from gateway.protocols.codec import Call
from gateway.protocols.translation import Dialect, Encoded, ModelFacts, Target

CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}

GENUINE = Dialect()
CLONE = Dialect("clone", keeps_unknown=False, strict_tools=False, drops=("cache.ttl", "output_config", "tier"))


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {**user(*content), "role": "assistant"}


def text(said: str, **members: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **members}


def decoded(*messages: dict[str, Any], headers: dict[str, str] | None = None, **members: Any) -> Request:
    body = {"model": "m", "max_tokens": 9, "messages": list(messages) or [user("Hi.")], **members}
    return decode_request(Call("POST", "messages", {}, headers or {}, json.dumps(body).encode()))


def encoded(request: Request, dialect: Dialect = GENUINE, **facts: Any) -> Encoded:
    return encode_request(request, Target("claude", dialect, ModelFacts(**facts)))


def body_of(request: Request, dialect: Dialect = GENUINE, **facts: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encoded(request, dialect, **facts).call.body)
    return body


def asked(*turns: Turn, **fields: Any) -> Request:
    return Request(model="m", turns=turns or (Turn("user", (Text("Hi."),)),), **fields)


def lost(request: Request, dialect: Dialect = GENUINE, **facts: Any) -> set[str]:
    return {loss.field for loss in encoded(request, dialect, **facts).losses}


def thoughts(*parts: Part) -> Request:
    """A request that answers a call made after these."""
    said = Turn("assistant", (*parts, ToolCall("a", "look")))
    return asked(Turn("user", (Text("Hi."),)), said, Turn("user", (ToolResult("a"),)), thinking=Thinking("high"))
