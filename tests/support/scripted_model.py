"""A model that an agent may have behind it, in any protocol: it has a file read, and tells what stands in it."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import anthropic_upstream
import google_upstream
import openai_upstream
from harbour import Refusal, events, require
from scripted_provider import Received, Reply, answer, sse
from strict_checks import CHECKS

from gateway.canonical import Protocol

MODELS: dict[Protocol, str] = {
    "openai_chat": "m-large",
    "openai_responses": "r-large",
    "anthropic_messages": "claude-sonnet-5",
    "gemini": "gemini-3.6-flash",
}
"""What each upstream calls its model; how it is told to think depends on it."""
TOKEN = b64encode(b"what this upstream signs its thoughts with").decode()
OWN = (TOKEN, "rs_tide", "msg_tide", "fc_tide")
THOUGHT = "The file must be read first."
LOOKING = "Let me look into the file."
Call = tuple[str, dict[str, Any]]
"""A tool by name, and what it is called with."""


class ScriptedModel:
    """A script for a `ScriptedProvider` that speaks one protocol."""

    def __init__(self, protocol: Protocol, calls: tuple[Call, ...], written: str, strict: bool) -> None:
        self.protocol = protocol
        self.calls = calls
        """Ways to have the file read; the first that the agent offers is taken."""
        self.written = written
        """What must stand in the tool's result."""
        self.strict = strict
        """Refuse what the real provider refuses; an agent that speaks the protocol itself may know more than we."""
        self.refused: list[str] = []
        self.read = 0
        """How often the file came back."""

    def __call__(self, request: Received) -> Reply:
        if request.method == "GET":
            return answer({"object": "list", "data": [{"id": MODELS[self.protocol]}]})
        try:
            return self._reply(request)
        except Refusal as refusal:
            self.refused.append(f"{refusal.message}\n{request.path}\n{request.body.decode()}")
            return answer({"error": {"message": refusal.message, "type": "invalid_request_error"}}, refusal.status)

    def _reply(self, request: Received) -> Reply:
        body = request.json
        if self.strict:
            CHECKS[self.protocol](body, lambda token: token in OWN)
        if ":countTokens" in request.path or "count_tokens" in request.path:
            return answer({"totalTokens": 17, "input_tokens": 17})
        write = WRITERS[self.protocol]
        if not (offered := OFFERED[self.protocol](body)):
            return write(request, body, "Reading a file", None)
        if results := RESULTS[self.protocol](body):
            require(self.written in results[-1], f"The file was not read: {results[-1]}")
            require(TOKEN in request.body.decode() or not self._signs(body), "The thought before the call is missing.")
            self.read += 1
            return write(request, body, f"It says: {self.written}.", None)
        call = next((call for call in self.calls if call[0] in offered), None)
        require(call, f"No tool that reads is among {offered}.")
        return write(request, body, LOOKING, call)

    def _signs(self, body: dict[str, Any]) -> bool:
        return self.protocol != "openai_chat" and thinks(self.protocol, body)


def thinks(protocol: Protocol, body: dict[str, Any]) -> bool:
    """Whether the model was told to think, and can give its thought along."""
    if protocol == "anthropic_messages":
        return body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if protocol == "openai_responses":
        return "reasoning.encrypted_content" in body.get("include", ())
    return True


# --- what is in a request -------------------------------------------------------------------------------------------


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _offered_gemini(body: dict[str, Any]) -> list[str]:
    return [each["name"] for tool in body.get("tools", ()) for each in tool.get("functionDeclarations", ())]


def _results_anthropic(body: dict[str, Any]) -> list[str]:
    listed = [turn["content"] for turn in body["messages"] if isinstance(turn["content"], list)]
    return [_text(part["content"]) for parts in listed for part in parts if part["type"] == "tool_result"]


def _results_gemini(body: dict[str, Any]) -> list[str]:
    parts = [part for turn in body["contents"] for part in turn["parts"]]
    return [_text(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part]


OFFERED: dict[Protocol, Callable[[dict[str, Any]], list[str]]] = {
    "openai_chat": lambda body: [tool[tool["type"]]["name"] for tool in body.get("tools", ())],
    "openai_responses": lambda body: [tool["name"] for tool in body.get("tools", ()) if tool["type"] == "function"],
    "anthropic_messages": lambda body: [tool["name"] for tool in body.get("tools", ())],
    "gemini": _offered_gemini,
}
RESULTS: dict[Protocol, Callable[[dict[str, Any]], list[str]]] = {
    "openai_chat": lambda body: [_text(turn["content"]) for turn in body["messages"] if turn["role"] == "tool"],
    "openai_responses": lambda body: [
        _text(item["output"]) for item in body["input"] if item.get("type") == "function_call_output"
    ],
    "anthropic_messages": _results_anthropic,
    "gemini": _results_gemini,
}


# --- what is answered -----------------------------------------------------------------------------------------------


def write_chat(request: Received, body: dict[str, Any], text: str, call: Call | None) -> Reply:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if call:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        message["reasoning_content"] = THOUGHT
        message["tool_calls"] = [{"id": "call_tide", "type": "function", "function": function}]
    finish = "tool_calls" if call else "stop"
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        head = openai_upstream.chat_head(body, "chat.completion")
        return answer({**head, "choices": [choice], "usage": openai_upstream.CHAT_USAGE})
    head = openai_upstream.chat_head(body, "chat.completion.chunk")
    deltas = openai_upstream.chat_chunks(message, finish)
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in deltas]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": openai_upstream.CHAT_USAGE})
    return sse(*events(chunks), b"data: [DONE]\n\n")


def write_responses(request: Received, body: dict[str, Any], text: str, call: Call | None) -> Reply:
    items: list[dict[str, Any]] = [openai_upstream.message_item(text)]
    if call:
        written = {"name": call[0], "arguments": json.dumps(call[1]), "call_id": "call_tide", "status": "completed"}
        token = {"encrypted_content": TOKEN} if thinks("openai_responses", body) else {}
        items.insert(0, {"id": "rs_tide", "type": "reasoning", "summary": [], **token})
        items.append({"id": "fc_tide", "type": "function_call", **written})
    head = openai_upstream.response_head(body)
    done = {**head, "status": "completed", "output": items, "usage": openai_upstream.RESPONSES_USAGE}
    if not body.get("stream"):
        return answer(done)
    told = openai_upstream.numbered(openai_upstream.response_events(body, items, done))
    return sse(*events(told, named=True))


def write_anthropic(request: Received, body: dict[str, Any], text: str, call: Call | None) -> Reply:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}]
    if call:
        blocks.append({"type": "tool_use", "id": "toolu_tide", "name": call[0], "input": call[1]})
        if thinks("anthropic_messages", body):
            blocks.insert(0, {"type": "thinking", "thinking": THOUGHT, "signature": TOKEN})
    message: dict[str, Any] = {
        "id": "msg_tide",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": blocks,
        "stop_reason": "tool_use" if call else "end_turn",
        "stop_sequence": None,
        "usage": anthropic_upstream.USAGE,
    }
    if not body.get("stream"):
        return answer(message)
    return sse(*events(anthropic_upstream.message_events(message), named=True))


def write_gemini(request: Received, body: dict[str, Any], text: str, call: Call | None) -> Reply:
    parts: list[dict[str, Any]] = [{"text": text}]
    if call:
        called = {"functionCall": {"name": call[0], "args": call[1]}, "thoughtSignature": TOKEN}
        parts = [{"text": THOUGHT, "thought": True}, *parts, called]
    if ":stream" not in request.path:
        return answer(google_upstream.envelope(request, parts, "STOP", google_upstream.USAGE))
    early = {"promptTokenCount": 120, "totalTokenCount": 120}
    pieces = [piece for part in parts for piece in google_upstream.pieces(part)]
    told = [google_upstream.envelope(request, [piece], None, early) for piece in pieces]
    told.append(google_upstream.envelope(request, [{"text": ""}], "STOP", google_upstream.USAGE))
    return sse(*events(told, end="\r\n\r\n"))


WRITERS: dict[Protocol, Callable[[Received, dict[str, Any], str, Call | None], Reply]] = {
    "openai_chat": write_chat,
    "openai_responses": write_responses,
    "anthropic_messages": write_anthropic,
    "gemini": write_gemini,
}
