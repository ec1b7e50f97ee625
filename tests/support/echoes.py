"""What clients of each protocol do with an answer: send it back as part of the conversation, as they got it."""

import json
from collections.abc import Callable
from typing import Any

from gateway.canonical import Protocol
from gateway.protocols.codec import Call

MODEL = "m-client"
ASKED = "When is high water?"


def call_for(protocol: Protocol, body: dict[str, Any], **query: str) -> Call:
    """A client's call with this body."""
    path = f"models/{MODEL}:generateContent" if protocol == "gemini" else "any"
    return Call("POST", path, query, {}, json.dumps(body).encode())


def echo(protocol: Protocol, answer: bytes) -> Call:
    """The next request of a client that got this answer: every call has its result."""
    return call_for(protocol, ECHOES[protocol](json.loads(answer)))


def _chat(answer: dict[str, Any]) -> dict[str, Any]:
    message = answer["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "3 m"} for call in message.get("tool_calls") or ()
    ]
    tools = [
        {"type": "function", "function": {"name": call["function"]["name"]}} for call in message.get("tool_calls") or ()
    ]
    turns = [{"role": "user", "content": ASKED}, message, *results, {"role": "user", "content": "And now?"}]
    return {"model": MODEL, "messages": turns, **({"tools": tools} if tools else {})}


def _responses(answer: dict[str, Any]) -> dict[str, Any]:
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "3 m"} for call in calls]
    items = [{"role": "user", "content": ASKED}, *answer["output"], *results, {"role": "user", "content": "And now?"}]
    return {"model": MODEL, "input": items, "store": False, "include": ["reasoning.encrypted_content"]}


def _anthropic(answer: dict[str, Any]) -> dict[str, Any]:
    calls = [block for block in answer["content"] if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "3 m"} for call in calls]
    turns = [
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": [*results, {"type": "text", "text": "And now?"}]},
    ]
    return {"model": MODEL, "max_tokens": 4096, "messages": turns}


def _gemini(answer: dict[str, Any]) -> dict[str, Any]:
    content = answer["candidates"][0]["content"]
    calls = [part["functionCall"] for part in content.get("parts", ()) if "functionCall" in part]
    results: list[dict[str, Any]] = [
        {"functionResponse": {**{name: call[name] for name in ("id", "name") if name in call}, "response": {"tide": 3}}}
        for call in calls
    ]
    turns = [{"role": "user", "parts": [{"text": ASKED}]}, content]
    if results:
        turns.append({"role": "user", "parts": results})
    return {"contents": [*turns, {"role": "user", "parts": [{"text": "And now?"}]}]}


ECHOES: dict[Protocol, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _anthropic,
    "gemini": _gemini,
}
"""By protocol: the body that follows on an answer."""


def names_in(protocol: Protocol, body: bytes) -> set[str]:
    """The names of tools that a request for this protocol holds, declared or called."""
    return {value for key, value in _walk(json.loads(body)) if key == "tool"}


def declared_in(body: bytes) -> set[tuple[str, str]]:
    """Namespace and name of the tools that a request declares."""
    found: set[tuple[str, str]] = set()
    for tool in json.loads(body).get("tools", ()):
        inner = (
            tool.get("tools")
            or tool.get("functionDeclarations")
            or (tool.get("function") or tool.get("custom") or tool,)
        )
        found |= {(tool.get("name", "") if "tools" in tool else "", each["name"]) for each in inner}
    return found


def ids_in(protocol: Protocol, body: bytes) -> set[str]:
    """The ids of calls and results that a request for this protocol holds."""
    return {value for key, value in _walk(json.loads(body)) if key == "id"}


def _walk(body: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for tool in body.get("tools", ()):
        functions = tool.get("functionDeclarations", (tool.get("function") or tool.get("custom") or tool,))
        found += [("tool", function["name"]) for function in functions]
    for turn in body.get("messages", body.get("contents", body.get("input", ()))):
        for call in turn.get("tool_calls", ()):
            found += [("id", call["id"]), ("tool", (call.get("function") or call["custom"])["name"])]
        if "tool_call_id" in turn:
            found.append(("id", turn["tool_call_id"]))
        if "call_id" in turn:
            found.append(("id", turn["call_id"]))
            found += [("tool", turn["name"])] if "name" in turn else []
        for part in [*_parts(turn.get("content")), *turn.get("parts", ())]:
            found += _in_part(part)
    return found


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def _in_part(part: dict[str, Any]) -> list[tuple[str, str]]:
    if part.get("type") == "tool_use":
        return [("id", part["id"]), ("tool", part["name"])]
    if part.get("type") == "tool_result":
        return [("id", part["tool_use_id"])]
    function = part.get("functionCall") or part.get("functionResponse") or {}
    return [(key, function[name]) for key, name in (("tool", "name"), ("id", "id")) if name in function]
