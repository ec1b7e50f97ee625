"""Upstreams for conversations across protocols: each takes only what its real counterpart takes, and plays a scene.

Which scene is in the words of the user: harbours are called up where there is a tool, "Think" makes it think first,
and the words of `SCENES` end it in another way.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import anthropic_upstream
import google_upstream
import openai_upstream
from harbour import CREDENTIAL, FOUND, PICTURE, SAID, THOUGHT, Refusal, events, harbours_in, require, words
from pydantic.alias_generators import to_camel
from scripted_provider import Received, Reply, Script, answer, sse
from strict_checks import CHECKS
from strict_google import standard

from gateway.canonical import Protocol

MODELS: dict[Protocol, str] = {
    "openai_chat": "m-large",
    "openai_responses": "gpt-5.6-sol",
    "anthropic_messages": "claude-sonnet-5",
    "gemini": "gemini-3.6-flash",
}
"""What each upstream calls its model; how it is told to think depends on it."""

TOKENS = {
    "anthropic_messages": b64encode(b"a signature of a thought, made by the anthropic upstream").decode(),
    "openai_responses": b64encode(b"thoughts as the responses upstream keeps them, encrypted").decode(),
    "gemini": b64encode(b"what the gemini upstream signs its thoughts with, whatever").decode(),
}
SEEN = f"I see image/png of {len(PICTURE)} bytes."
DECLINED = "I would rather not."
CUT_SHORT = "High water in Bodø at"
LOST = {"message": "Lost the thread.", "type": "server_error", "param": None, "code": None}

TOTALS: dict[Protocol, tuple[int, int, int]] = {
    "openai_chat": (120, 64, 48),
    "openai_responses": (120, 64, 48),
    "anthropic_messages": (404, 64, 48),
    "gemini": (125, 64, 48),
}
"""Tokens taken in, of them from the cache, and given out, as each upstream says of every answer."""


@dataclass
class Scene:
    """What an upstream answers, in no protocol's words."""

    text: str = ""
    thought: str = ""
    harbours: tuple[str, ...] = ()
    finish: str = "end"
    breaks: bool = False
    """Ends in an error once the text is out."""
    hangs: bool = False
    """Says no more once the text is out."""


@dataclass
class Asked:
    """What decides the scene in a request."""

    prompt: str
    """All that the user said."""
    results: list[str]
    """What tools answered since the model last spoke."""
    thinks: bool = False
    tools: bool = False
    schema: bool = False
    picture: tuple[str, str] | None = None
    """Media type and base64."""
    held: str = ""
    """The token with the model's last turn."""


SCENES: dict[str, Scene] = {
    "at length": Scene(CUT_SHORT, finish="length"),
    "the unspeakable": Scene(DECLINED, finish="refusal"),
    "then break": Scene(CUT_SHORT, breaks=True),
    "for ever": Scene(CUT_SHORT, hangs=True),
}


def scene_for(protocol: Protocol, asked: Asked) -> Scene:
    """What happens on these words. Raises `Refusal` where the upstream has had enough."""
    if "too often" in asked.prompt:
        raise Refusal(429, "Slow down, please.")
    if asked.results:
        expected = TOKENS.get(protocol, "") if asked.thinks else ""
        require(asked.held == expected or not expected, f"The thought before the call is missing: {asked.held!r}")
        return Scene(f"The table says: {', '.join(asked.results)}.")
    for phrase, scene in SCENES.items():
        if phrase in asked.prompt:
            return scene
    thought = THOUGHT if asked.thinks else ""
    if asked.tools and (harbours := harbours_in(asked.prompt)):
        return Scene("" if thought else "Looking it up.", thought, tuple(harbours), "tool")
    if asked.schema:
        return Scene(json.dumps(FOUND))
    if asked.picture:
        kind, data = asked.picture
        return Scene(f"I see {kind} of {len(b64decode(data, validate=True))} bytes.")
    return Scene(SAID, thought)


def issued(protocol: Protocol) -> Callable[[str], bool]:
    """Whether a token or an item's id is this upstream's own."""
    own = TOKENS.get(protocol, "")
    return lambda token: token in (own, "rs_tide", "msg_tide", "fc_0", "fc_1", "fc_2")


def arguments(harbour: str) -> dict[str, str]:
    return {"harbour": harbour}


# --- Chat -----------------------------------------------------------------------------------------------------------


def asked_chat(body: dict[str, Any]) -> Asked:
    turns = body["messages"]
    last = max((at for at, turn in enumerate(turns) if turn["role"] == "assistant"), default=-1)
    parts = [part for turn in turns if turn["role"] == "user" for part in _listed(turn["content"], "text")]
    images = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    results = [_text(turn["content"]) for turn in turns[last + 1 :] if turn["role"] == "tool"]
    return Asked(
        prompt=" ".join(part.get("text", "") for part in parts),
        results=results,
        thinks=body.get("reasoning_effort", "none") != "none",
        tools="tools" in body,
        schema=body.get("response_format", {}).get("type") == "json_schema",
        picture=_data_url(images[-1]) if images else None,
    )


def play_chat(scene: Scene, body: dict[str, Any]) -> Reply:
    refused = scene.finish == "refusal"
    message: dict[str, Any] = {"role": "assistant", "content": None if refused else scene.text or None}
    message["refusal"] = scene.text if refused else None
    if scene.thought:
        message["reasoning_content"] = scene.thought
    if scene.harbours:
        message["tool_calls"] = [_chat_call(n, harbour) for n, harbour in enumerate(scene.harbours)]
    finish = {"tool": "tool_calls", "length": "length"}.get(scene.finish, "stop")
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        head = openai_upstream.chat_head(body, "chat.completion")
        return answer({**head, "choices": [choice], "usage": openai_upstream.CHAT_USAGE})
    head = openai_upstream.chat_head(body, "chat.completion.chunk")
    deltas = openai_upstream.chat_chunks(message, finish)
    if refused:
        deltas[1:1] = [({"refusal": word}, None) for word in words(scene.text)]
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": ended}]} for delta, ended in deltas
    ]
    if scene.breaks or scene.hangs:
        return _stopped(scene, events(chunks[:-1]), events([{"error": LOST}]))
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": openai_upstream.CHAT_USAGE})
    return sse(*events(chunks), b"data: [DONE]\n\n")


def _chat_call(number: int, harbour: str) -> dict[str, Any]:
    written = json.dumps(arguments(harbour), ensure_ascii=False)
    return {"id": f"call_{number}", "type": "function", "function": {"name": "tide", "arguments": written}}


# --- Responses ------------------------------------------------------------------------------------------------------


def asked_responses(body: dict[str, Any]) -> Asked:
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    parts = [part for item in items if item.get("role") == "user" for part in _listed(item["content"], "input_text")]
    images = [part["image_url"] for part in parts if part["type"] == "input_image"]
    told = [at for at, item in enumerate(items) if item.get("type", "message") != "function_call_output"]
    held = [item.get("encrypted_content", "") for item in items if item.get("type") == "reasoning"]
    return Asked(
        prompt=" ".join(part.get("text", "") for part in parts),
        results=[_text(item["output"]) for item in items[max(told) + 1 :]],
        thinks=body.get("reasoning", {}).get("effort", "none") != "none",
        tools="tools" in body,
        schema=body.get("text", {}).get("format", {}).get("type") == "json_schema",
        picture=_data_url(images[-1]) if images else None,
        held=held[-1] if held else "",
    )


def play_responses(scene: Scene, body: dict[str, Any]) -> Reply:
    items = list(_items(scene, "reasoning.encrypted_content" in body.get("include", ())))
    head = openai_upstream.response_head(body)
    done = {**head, "status": "completed", "output": items, "usage": openai_upstream.RESPONSES_USAGE}
    if scene.finish == "length":
        done |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    if not body.get("stream"):
        return answer(done)
    bodies: list[dict[str, Any]] = [
        {"type": f"response.{kind}", "response": head} for kind in ("created", "in_progress")
    ]
    for index, item in enumerate(items):
        bodies += [{**event, "output_index": index} for event in _item_events(item)]
    if scene.breaks or scene.hangs:
        return _stopped(scene, _numbered(bodies[:-4]), _numbered(_failed(head), len(bodies) - 4))
    return sse(*_numbered([*bodies, {"type": f"response.{done['status']}", "response": done}]))


def _items(scene: Scene, tokens: bool) -> Iterator[dict[str, Any]]:
    if scene.thought:
        token = {"encrypted_content": TOKENS["openai_responses"]} if tokens else {}
        summary = [{"type": "summary_text", "text": scene.thought}]
        yield {"id": "rs_tide", "type": "reasoning", "summary": summary, **token}
    if scene.text:
        item = openai_upstream.message_item(scene.text)
        refused = [{"type": "refusal", "refusal": scene.text}]
        yield {**item, "content": refused} if scene.finish == "refusal" else item
    for number, harbour in enumerate(scene.harbours):
        yield openai_upstream.call_item(number, harbour)


def _item_events(item: dict[str, Any]) -> list[dict[str, Any]]:
    if item["type"] == "reasoning":
        added = {**item, "summary": []}
        inner = _part_events("response.reasoning_summary", "summary_index", item["summary"][0])
    elif item["type"] == "message" and item["content"][0]["type"] == "refusal":
        added = {**item, "content": [], "status": "in_progress"}
        inner = _part_events("response.refusal", "content_index", item["content"][0])
    else:
        return openai_upstream.item_events(item)
    told = [{"item_id": item["id"], **event} for event in inner]
    opened, closed = "response.output_item.added", "response.output_item.done"
    return [{"type": opened, "item": added}, *told, {"type": closed, "item": item}]


def _part_events(kind: str, place: str, part: dict[str, Any]) -> list[dict[str, Any]]:
    name = "refusal" if part["type"] == "refusal" else "text"
    frame = "response.content_part" if name == "refusal" else f"{kind}_part"
    writing = kind if name == "refusal" else f"{kind}_text"
    told = [{"type": f"{writing}.delta", "delta": word} for word in words(part[name])]
    bodies: list[dict[str, Any]] = [
        {"type": f"{frame}.added", "part": {**part, name: ""}},
        *told,
        {"type": f"{writing}.done", name: part[name]},
        {"type": f"{frame}.done", "part": part},
    ]
    return [{place: 0, **body} for body in bodies]


def _failed(head: dict[str, Any]) -> list[dict[str, Any]]:
    error = {"type": "server_error", "code": "server_error", "message": "Lost the thread.", "param": None}
    response = {**head, "status": "failed", "error": {"code": "server_error", "message": "Lost the thread."}}
    return [{"type": "error", "error": error}, {"type": "response.failed", "response": response}]


def _numbered(bodies: list[dict[str, Any]], first: int = 0) -> list[bytes]:
    return events([{**body, "sequence_number": first + at} for at, body in enumerate(bodies)], named=True)


# --- Anthropic ------------------------------------------------------------------------------------------------------


def asked_anthropic(body: dict[str, Any]) -> Asked:
    turns = body["messages"]
    parts = [part for turn in turns if turn["role"] == "user" for part in _listed(turn["content"], "text")]
    images = [part["source"] for part in parts if part["type"] == "image"]
    last = _listed(turns[-1]["content"], "text")
    spoken = [block for turn in turns if turn["role"] == "assistant" for block in _listed(turn["content"], "text")]
    held = [block["signature"] for block in spoken if block["type"] == "thinking"]
    return Asked(
        prompt=" ".join(part.get("text", "") for part in parts),
        results=[_text(part.get("content", "")) for part in last if part["type"] == "tool_result"],
        thinks=body.get("thinking", {}).get("type") in ("enabled", "adaptive"),
        tools="tools" in body,
        schema="format" in body.get("output_config", {}),
        picture=(images[-1]["media_type"], images[-1]["data"]) if images else None,
        held=held[-1] if held else "",
    )


def play_anthropic(scene: Scene, body: dict[str, Any]) -> Reply:
    stop = {"tool": "tool_use", "length": "max_tokens", "refusal": "refusal"}.get(scene.finish, "end_turn")
    message: dict[str, Any] = {
        "id": "msg_tide",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": list(_blocks(scene)),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": anthropic_upstream.USAGE,
    }
    if not body.get("stream"):
        return answer(message)
    told = anthropic_upstream.message_events(message)
    if scene.breaks or scene.hangs:
        error = {"type": "error", "error": {"type": "api_error", "message": "Lost the thread."}}
        return _stopped(scene, events(told[:-3], named=True), events([error], named=True))
    return sse(*events(told, named=True))


def _blocks(scene: Scene) -> Iterator[dict[str, Any]]:
    if scene.thought:
        yield {"type": "thinking", "thinking": scene.thought, "signature": TOKENS["anthropic_messages"]}
    if scene.text:
        yield {"type": "text", "text": scene.text}
    for number, harbour in enumerate(scene.harbours):
        yield {"type": "tool_use", "id": f"toolu_{number}", "name": "tide", "input": arguments(harbour)}


# --- Gemini ---------------------------------------------------------------------------------------------------------


def asked_gemini(body: dict[str, Any]) -> Asked:
    turns = body["contents"]
    parts = [part for turn in turns if turn["role"] == "user" for part in turn["parts"]]
    images = [part["inlineData"] for part in parts if "inlineData" in part]
    results = [part["functionResponse"]["response"] for part in turns[-1]["parts"] if "functionResponse" in part]
    signed = [part.get("thoughtSignature", "") for turn in turns if turn["role"] == "model" for part in turn["parts"]]
    config = body.get("generationConfig", {})
    return Asked(
        prompt=" ".join(part.get("text", "") for part in parts),
        results=[str(next(iter(result.values()))) for result in results],
        thinks="thinkingConfig" in config,
        tools="tools" in body,
        schema=config.get("responseMimeType") == "application/json",
        picture=(images[-1]["mimeType"], standard(images[-1]["data"])) if images else None,
        held=standard(next(filter(None, signed), "")),
    )


FINISHES = {"length": "MAX_TOKENS", "refusal": "SAFETY"}


def play_gemini(scene: Scene, body: dict[str, Any], request: Received) -> Reply:
    parts = list(_gemini_parts(scene))
    finish = FINISHES.get(scene.finish, "STOP")
    if ":stream" not in request.path:
        return answer(google_upstream.envelope(request, parts, finish, google_upstream.USAGE))
    early = {"promptTokenCount": 120, "totalTokenCount": 120}
    told = [piece for part in parts for piece in google_upstream.pieces(part)]
    chunks = [google_upstream.envelope(request, [part], None, early) for part in told]
    if scene.breaks or scene.hangs:
        error = {"error": {"code": 500, "message": "Lost the thread.", "status": "INTERNAL"}}
        return _stopped(scene, events(chunks, end="\r\n\r\n"), events([error], end="\r\n\r\n"))
    chunks.append(google_upstream.envelope(request, [{"text": ""}], finish, google_upstream.USAGE))
    return sse(*events(chunks, end="\r\n\r\n"))


def _gemini_parts(scene: Scene) -> Iterator[dict[str, Any]]:
    if scene.thought:
        yield {"text": scene.thought, "thought": True}
    if scene.text and scene.finish != "refusal":
        yield {"text": scene.text}
    for number, harbour in enumerate(scene.harbours):
        signed = {} if number else {"thoughtSignature": TOKENS["gemini"]}
        yield {"functionCall": {"name": "tide", "args": arguments(harbour)}, **signed}


# --- all of them ----------------------------------------------------------------------------------------------------


def _stopped(scene: Scene, told: list[bytes], error: list[bytes]) -> Reply:
    return sse(*told, asyncio.Event()) if scene.hangs else sse(*told, *error)


def _listed(content: Any, kind: str) -> list[dict[str, Any]]:
    return [{"type": kind, "text": content}] if isinstance(content, str) else content


def _text(content: Any) -> str:
    """The text of a result, which may be a string or parts."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _data_url(url: str) -> tuple[str, str]:
    head, _, data = url.partition(",")
    require(head.startswith("data:") and head.endswith(";base64"), f"Invalid image URL: {head}")
    return head.removeprefix("data:").removesuffix(";base64"), data


def _key_of(request: Received) -> str:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return bearer or request.headers.get("x-api-key", "") or request.headers.get("x-goog-api-key", "")


CARRIED = ("args", "response", "properties", "parametersJsonSchema", "responseJsonSchema")


def camel_case(value: Any) -> Any:
    """Google takes its members in either spelling; what they carry is the client's own."""
    if isinstance(value, list):
        return [camel_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = {to_camel(name) if "_" in name else name: each for name, each in value.items()}
    return {name: each if name in CARRIED else camel_case(each) for name, each in named.items()}


PATHS: dict[str, Protocol] = {
    "/chat/completions": "openai_chat",
    "/responses": "openai_responses",
    "/messages": "anthropic_messages",
    ":generateContent": "gemini",
    ":streamGenerateContent": "gemini",
}
STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
TYPES = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error"}


def error_body(protocol: Protocol, status: int, message: str) -> object:
    """The error in its provider's own shape."""
    if protocol == "gemini":
        return {"error": {"code": status, "message": message, "status": STATUSES[status]}}
    if protocol == "anthropic_messages":
        return {"type": "error", "error": {"type": TYPES[status], "message": message}, "request_id": "req_upstream"}
    code = "rate_limit_exceeded" if status == 429 else None
    return {"error": {"message": message, "type": TYPES[status], "param": None, "code": code}}


def play(protocol: Protocol, request: Received) -> Reply:
    """Look hard at a request, and answer it. Raises `Refusal`."""
    require(_key_of(request) == CREDENTIAL, "The key is not known.")
    body = json.loads(request.body)
    if protocol == "gemini":
        body = camel_case(body)
    CHECKS[protocol](body, issued(protocol))
    if protocol == "gemini":
        require(
            unquote(request.path).rpartition("/models/")[2].partition(":")[0] == MODELS[protocol], "no such model", 404
        )
        return play_gemini(scene_for(protocol, asked_gemini(body)), body, request)
    require(body["model"] == MODELS[protocol], "no such model", 404)
    if protocol == "anthropic_messages":
        require(request.headers.get("anthropic-version"), "anthropic-version: header is required")
    readers = {"openai_chat": asked_chat, "openai_responses": asked_responses, "anthropic_messages": asked_anthropic}
    players = {"openai_chat": play_chat, "openai_responses": play_responses, "anthropic_messages": play_anthropic}
    return players[protocol](scene_for(protocol, readers[protocol](body)), body)


def strict_upstream(refused: list[str]) -> Script:
    """An upstream of all four protocols, each below a path of its name. What it refuses it also writes down."""

    def script(request: Received) -> Reply:
        path = request.path.partition("?")[0]
        if request.method == "GET":
            listed = [model for named, model in MODELS.items() if f"/{named}/" in path]
            names = [{"name": f"models/{model}", "supportedGenerationMethods": ["generateContent"]} for model in listed]
            return answer({"object": "list", "data": [{"id": model} for model in listed], "models": names})
        protocol = next((spoken for ending, spoken in PATHS.items() if path.endswith(ending)), None)
        if protocol is None:
            refused.append(f"404 {path}")
            return answer({"error": {"message": f"There is no {path}."}}, 404)
        try:
            return play(protocol, request)
        except Refusal as refusal:
            refused.append(f"{refusal.status} {protocol}: {refusal.message}\n{request.body.decode()}")
            return answer(error_body(protocol, refusal.status, refusal.message), refusal.status)

    return script
