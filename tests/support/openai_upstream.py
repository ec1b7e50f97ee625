"""An upstream that speaks OpenAI's protocols, as strictly as the real one about what it is sent."""

import json
import struct
from base64 import b64decode, b64encode
from typing import Any

from harbour import CREDENTIAL, FOUND, MODEL, SAID, THOUGHT, events, harbours_in, require, upstream, words
from scripted_provider import Received, Reply, answer, sse

CHAT_USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 48,
    "total_tokens": 168,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 10},
}
RESPONSES_USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 16},
    "output_tokens": 48,
    "output_tokens_details": {"reasoning_tokens": 10},
    "total_tokens": 168,
}
VECTOR = [0.25, -0.5, 0.125]
SOUND = b"\xff\xfb\x90\x64" + bytes(range(256)) * 40


def error(status: int, message: str) -> object:
    """OpenAI's error body."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def authorized(request: Received) -> bool:
    return request.headers.get("authorization") == f"Bearer {CREDENTIAL}"


# --- Chat Completions -----------------------------------------------------------------------------------------------


def chat(request: Received, asked: dict[str, Any]) -> Reply:
    """A chat answer: a call for each harbour named when there is a tool, else what fits the last message."""
    require(asked.get("model"), "you must provide a model parameter")
    require(asked.get("messages"), "'messages' is a required property")
    require("stream_options" not in asked or asked.get("stream"), "stream_options needs stream")
    check_results(asked["messages"])
    message, finish = chat_message(asked)
    if not asked.get("stream"):
        choice = {"index": 0, "message": {"refusal": None, **message}, "finish_reason": finish, "logprobs": None}
        return answer({**chat_head(asked, "chat.completion"), "choices": [choice], "usage": CHAT_USAGE})
    chunks = chat_chunks(message, finish)
    wants_usage = (asked.get("stream_options") or {}).get("include_usage")
    bodies: list[dict[str, Any]] = [
        {
            **chat_head(asked, "chat.completion.chunk"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
            **({"usage": None} if wants_usage else {}),
        }
        for delta, reason in chunks
    ]
    if wants_usage:
        bodies.append({**chat_head(asked, "chat.completion.chunk"), "choices": [], "usage": CHAT_USAGE})
    return sse(b": waiting\n\n", *events(bodies), b"data: [DONE]\n\n")


def chat_head(asked: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-tide", "object": kind, "created": 1_763_600_000, "model": asked["model"]}


def check_results(messages: list[dict[str, Any]]) -> None:
    """Every call must have been answered before anybody else speaks."""
    called = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    answered = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    require(sorted(called) == sorted(answered), "tool_calls must be followed by tool messages")


def chat_message(asked: dict[str, Any]) -> tuple[dict[str, Any], str]:
    last = asked["messages"][-1]
    if last["role"] == "tool":
        results = [m["content"] for m in asked["messages"] if m["role"] == "tool"]
        return said(f"The table says: {', '.join(results)}."), "stop"
    if asked.get("tools"):
        names = harbours_in(text_of(last["content"]))
        calls = [
            {"id": f"call_{n}", "type": "function", "function": {"name": "tide", "arguments": arguments(harbour)}}
            for n, harbour in enumerate(names)
        ]
        return {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"
    if asked.get("response_format", {}).get("type") == "json_schema":
        require(asked["response_format"]["json_schema"]["schema"]["properties"], "the schema has no properties")
        return said(json.dumps(FOUND)), "stop"
    if pictures := [part for part in parts_of(last["content"]) if part["type"] == "image_url"]:
        return said(seen(pictures[0]["image_url"]["url"])), "stop"
    return {**said(SAID), "reasoning_content": THOUGHT}, "stop"


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def arguments(harbour: str) -> str:
    return json.dumps({"harbour": harbour}, ensure_ascii=False)


def parts_of(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def text_of(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in parts_of(content))


def seen(data_url: str) -> str:
    """What a model sees in an image: its type and its size."""
    head, _, data = data_url.partition(",")
    return f"I see {head} of {len(b64decode(data, validate=True))} bytes."


def chat_chunks(message: dict[str, Any], finish: str) -> list[tuple[dict[str, Any], str | None]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": word} for word in words(message.get("reasoning_content", ""))]
    deltas += [{"content": word} for word in words(message["content"] or "")]
    for index, call in enumerate(message.get("tool_calls", ())):
        opening = {**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [opening]})
        for piece in words(call["function"]["arguments"]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    return [*((delta, None) for delta in deltas), ({}, finish)]


# --- Responses ------------------------------------------------------------------------------------------------------


def responses(request: Received, asked: dict[str, Any]) -> Reply:
    """A response, whole or as events."""
    require(asked.get("model"), "Missing required parameter: 'model'.")
    require(asked.get("input"), "Missing required parameter: 'input'.")
    require("messages" not in asked and "max_tokens" not in asked, "Unknown parameter.")
    items = response_items(asked)
    done = {**response_head(asked), "status": "completed", "output": items, "usage": RESPONSES_USAGE}
    if not asked.get("stream"):
        return answer(done)
    return sse(*events(numbered(response_events(asked, items, done)), named=True))


def response_head(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "resp_tide",
        "object": "response",
        "created_at": 1_763_600_000,
        "status": "in_progress",
        "model": asked["model"],
        "output": [],
        "usage": None,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": asked.get("tools", []),
        "top_p": 1.0,
    }


def response_items(asked: dict[str, Any]) -> list[dict[str, Any]]:
    given = asked["input"] if isinstance(asked["input"], list) else [{"role": "user", "content": asked["input"]}]
    results = [item["output"] for item in given if item.get("type") == "function_call_output"]
    called = [item["call_id"] for item in given if item.get("type") == "function_call"]
    require(len(results) == len(called), "No tool output found for a function call.")
    if results:
        return [message_item(f"The table says: {', '.join(results)}.")]
    content = given[-1]["content"]
    if asked.get("tools"):
        require(asked["tools"][0].get("name") == "tide", "Missing required parameter: 'tools[0].name'.")
        return [call_item(n, harbour) for n, harbour in enumerate(harbours_in(text_of(content)))]
    if asked.get("text", {}).get("format", {}).get("type") == "json_schema":
        require(asked["text"]["format"]["schema"]["properties"], "the schema has no properties")
        return [message_item(json.dumps(FOUND))]
    if pictures := [part for part in parts_of(content) if part["type"] == "input_image"]:
        return [message_item(seen(pictures[0]["image_url"]))]
    return [{"id": "rs_tide", "type": "reasoning", "summary": [], "encrypted_content": "b3BhcXVl"}, message_item(SAID)]


def message_item(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": "msg_tide", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def call_item(number: int, harbour: str) -> dict[str, Any]:
    call = {"id": f"fc_{number}", "type": "function_call", "status": "completed", "call_id": f"call_{number}"}
    return {**call, "name": "tide", "arguments": arguments(harbour)}


def numbered(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"sequence_number": number, **body} for number, body in enumerate(bodies)]


def response_events(asked: dict[str, Any], items: list[dict[str, Any]], done: dict[str, Any]) -> list[dict[str, Any]]:
    begun = response_head(asked)
    bodies: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(items):
        bodies += [{**body, "output_index": index} for body in item_events(item)]
    return [*bodies, {"type": "response.completed", "response": done}]


def item_events(item: dict[str, Any]) -> list[dict[str, Any]]:
    empties: dict[str, Any] = {"message": {"content": []}, "function_call": {"arguments": ""}}
    status = {"status": "in_progress"} if "status" in item else {}
    opened = {**item, **empties.get(item["type"], {}), **status}
    return [
        {"type": "response.output_item.added", "item": opened},
        *({"item_id": item["id"], **body} for body in inner_events(item)),
        {"type": "response.output_item.done", "item": item},
    ]


def inner_events(item: dict[str, Any]) -> list[dict[str, Any]]:
    if item["type"] == "function_call":
        kind = "response.function_call_arguments"
        deltas = [{"type": f"{kind}.delta", "delta": piece} for piece in words(item["arguments"])]
        return [*deltas, {"type": f"{kind}.done", "name": item["name"], "arguments": item["arguments"]}]
    if item["type"] == "reasoning":
        return []
    part = item["content"][0]
    text = "response.output_text"
    bodies: list[dict[str, Any]] = [
        {"type": "response.content_part.added", "part": {**part, "text": ""}},
        *({"type": f"{text}.delta", "delta": word, "logprobs": []} for word in words(part["text"])),
        {"type": f"{text}.done", "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", "part": part},
    ]
    return [{"content_index": 0, **body} for body in bodies]


def input_tokens(request: Received, asked: dict[str, Any]) -> Reply:
    require(asked.get("input"), "Missing required parameter: 'input'.")
    return answer({"object": "response.input_tokens", "input_tokens": 17})


# --- the rest -------------------------------------------------------------------------------------------------------


def embeddings(request: Received, asked: dict[str, Any]) -> Reply:
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    packed = b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    vector = packed if asked.get("encoding_format") == "base64" else VECTOR
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, _ in enumerate(texts)]
    usage = {"prompt_tokens": 9, "total_tokens": 9}
    return answer({"object": "list", "data": data, "model": asked["model"], "usage": usage})


def image(request: Received, asked: dict[str, Any]) -> Reply:
    require(asked.get("prompt"), "Missing required parameter: 'prompt'.")
    usage = {"input_tokens": 12, "output_tokens": 1056, "total_tokens": 1068}
    if asked.get("stream"):
        drawn = {"b64_json": "UE5H", "created_at": 1_763_600_000, "size": "1024x1024", "quality": "high"}
        partial = {"type": "image_generation.partial_image", "partial_image_index": 0, **drawn}
        return sse(*events([partial, {"type": "image_generation.completed", "usage": usage, **drawn}], named=True))
    return answer({"created": 1_763_600_000, "data": [{"b64_json": "UE5H"}], "usage": usage})


def speech(request: Received, asked: dict[str, Any]) -> Reply:
    require(asked.get("voice"), "Missing required parameter: 'voice'.")
    return Reply([SOUND[:1000], SOUND[1000:]], content_type="audio/mpeg")


def transcription(request: Received, asked: dict[str, Any]) -> Reply:
    require(b'filename="tide.wav"' in request.body and SOUND in request.body, "the file is missing")
    usage = {"type": "tokens", "input_tokens": 31, "output_tokens": 14}
    if b'name="stream"\r\n\r\ntrue' in request.body:
        heard = [{"type": "transcript.text.delta", "delta": word} for word in words(SAID)]
        return sse(*events([*heard, {"type": "transcript.text.done", "text": SAID, "usage": usage}], named=True))
    return answer({"text": SAID, "usage": usage})


def edited(request: Received, asked: dict[str, Any]) -> Reply:
    require(SOUND in request.body and b'name="prompt"' in request.body, "the image is missing")
    return answer({"created": 1_763_600_000, "data": [{"b64_json": "UE5H"}], "usage": {"total_tokens": 77}})


def moderation(request: Received, asked: dict[str, Any]) -> Reply:
    result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    return answer({"id": "modr-1", "model": asked.get("model", "omni-moderation-latest"), "results": [result]})


def completion(request: Received, asked: dict[str, Any]) -> Reply:
    require(asked.get("prompt"), "Missing required parameter: 'prompt'.")
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1_763_600_000, "model": asked["model"]}
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    if not asked.get("stream"):
        choice = {"index": 0, "text": SAID, "finish_reason": "stop", "logprobs": None}
        return answer({**head, "choices": [choice], "usage": usage})
    choices = [{"index": 0, "text": word, "finish_reason": None, "logprobs": None} for word in words(SAID)]
    choices.append({"index": 0, "text": "", "finish_reason": "stop", "logprobs": None})
    return sse(*events({**head, "choices": [choice]} for choice in choices), b"data: [DONE]\n\n")


def rerank(request: Received, asked: dict[str, Any]) -> Reply:
    results = [{"index": index, "relevance_score": 0.5} for index, _ in enumerate(asked["documents"])]
    return answer({"id": "rr-1", "results": results, "usage": {"total_tokens": 23}})


def models(request: Received, asked: dict[str, Any]) -> Reply:
    listed = [{"id": name, "object": "model", "created": 1, "owned_by": "tides"} for name in (MODEL, "org/m:free")]
    return answer({"object": "list", "data": listed})


OPENAI = upstream(
    {
        "/chat/completions": chat,
        "/completions": completion,
        "/responses": responses,
        "/responses/input_tokens": input_tokens,
        "/embeddings": embeddings,
        "/images/generations": image,
        "/images/edits": edited,
        "/audio/speech": speech,
        "/audio/transcriptions": transcription,
        "/moderations": moderation,
        "/rerank": rerank,
        "/models": models,
    },
    authorized,
    error,
)
"""The whole upstream, as a script."""
