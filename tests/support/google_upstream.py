"""An upstream that speaks Gemini, as strictly as the real one about what it is sent."""

import json
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs, unquote

from harbour import CREDENTIAL, FOUND, MODEL, SAID, THOUGHT, events, harbours_in, require, upstream, words
from scripted_provider import Received, Reply, answer, sse

USAGE = {
    "promptTokenCount": 120,
    "cachedContentTokenCount": 64,
    "candidatesTokenCount": 38,
    "thoughtsTokenCount": 10,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 173,
}
VECTOR = [0.25, -0.5, 0.125]
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND"}


def error(status: int, message: str) -> object:
    """Google's error body."""
    return {"error": {"code": status, "message": message, "status": STATUSES[status]}}


def authorized(request: Received) -> bool:
    """The key must stand in its header and nowhere else."""
    if "/openai/" in request.path:
        return request.headers.get("authorization") == f"Bearer {CREDENTIAL}"
    return request.headers.get("x-goog-api-key") == CREDENTIAL and "key=" not in request.path


def model_of(request: Received) -> str:
    return unquote(request.path.partition("?")[0]).rpartition("/models/")[2].rpartition(":")[0]


def generate(request: Received, asked: dict[str, Any]) -> Reply:
    """A whole answer."""
    return answer(envelope(request, parts_for(asked), "STOP", USAGE))


def stream(request: Received, asked: dict[str, Any]) -> Reply:
    """An answer in chunks: as events, or as one array."""
    early = {"promptTokenCount": 120, "totalTokenCount": 120}
    parts = [piece for part in parts_for(asked) for piece in pieces(part)]
    chunks = [envelope(request, [part], None, early) for part in parts]
    chunks.append(envelope(request, [{"text": ""}], "STOP", USAGE))
    if parse_qs(request.path.partition("?")[2]).get("alt") == ["sse"]:
        return sse(*events(chunks, end="\r\n\r\n"))
    return Reply(array(chunks))


def array(chunks: list[dict[str, Any]]) -> list[bytes | float | Any]:
    """The chunks as Google writes them into one array."""
    written = [json.dumps(chunk, ensure_ascii=False, indent=2).encode() for chunk in chunks]
    return [b"[" + written[0], *(b"\r\n,\r\n" + chunk for chunk in written[1:]), b"\r\n]\r\n"]


def envelope(request: Received, parts: list[Any], finish: str | None, usage: dict[str, int]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    head = {"modelVersion": model_of(request), "responseId": "tide"}
    return {"candidates": [candidate], "usageMetadata": usage, **head}


def pieces(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**part, "text": word} for word in words(part["text"])] if "text" in part else [part]


def parts_for(asked: dict[str, Any]) -> list[dict[str, Any]]:
    require(asked.get("contents"), "contents is not specified")
    require(all(turn.get("role", "user") in ("user", "model") for turn in asked["contents"]), "valid role: user, model")
    parts = asked["contents"][-1]["parts"]
    if results := [part["functionResponse"] for part in parts if "functionResponse" in part]:
        called = [part for part in asked["contents"][-2]["parts"] if "functionCall" in part]
        require(len(called) == len(results), "the number of function response parts must equal that of the calls")
        require(called[0].get("thoughtSignature") == "c2lnbmVk", "a thought signature is missing")
        return [{"text": f"The table says: {', '.join(str(result['response']['result']) for result in results)}."}]
    prompt = "".join(part.get("text", "") for part in parts)
    if asked.get("tools"):
        require(asked["tools"][0]["functionDeclarations"][0]["name"] == "tide", "the function has no name")
        calls: list[dict[str, Any]] = [
            {"functionCall": {"name": "tide", "args": {"harbour": h}}} for h in harbours_in(prompt)
        ]
        calls[0]["thoughtSignature"] = "c2lnbmVk"
        return calls
    if asked.get("generationConfig", {}).get("responseMimeType") == "application/json":
        return [{"text": json.dumps(FOUND)}]
    if pictures := [part["inlineData"] for part in parts if "inlineData" in part]:
        kind = pictures[0].get("mimeType") or pictures[0].get("mime_type")
        return [{"text": f"I see {kind} of {len(urlsafe_b64decode(pictures[0]['data']))} bytes."}]
    return [{"text": THOUGHT, "thought": True}, {"text": SAID}]


def count_tokens(request: Received, asked: dict[str, Any]) -> Reply:
    require(asked.get("contents"), "contents is not specified")
    return answer({"totalTokens": 17})


def embed_batch(request: Received, asked: dict[str, Any]) -> Reply:
    named = {each["model"] for each in asked["requests"]}
    require(named == {f"models/{model_of(request)}"}, "the model of a request is not that of the path")
    return answer(
        {"embeddings": [{"values": VECTOR} for _ in asked["requests"]], "usageMetadata": {"promptTokenCount": 9}}
    )


def embed(request: Received, asked: dict[str, Any]) -> Reply:
    return answer({"embedding": {"values": VECTOR}, "usageMetadata": {"promptTokenCount": 9}})


def predict(request: Received, asked: dict[str, Any]) -> Reply:
    require(asked.get("instances"), "instances is not specified")
    vectors = {"values": VECTOR, "statistics": {"token_count": 9, "truncated": False}}
    return answer({"predictions": [{"embeddings": vectors} for _ in asked["instances"]]})


def models(request: Received, asked: dict[str, Any]) -> Reply:
    return answer({"models": [{"name": f"models/{MODEL}", "supportedGenerationMethods": ["generateContent"]}]})


def openai_models(request: Received, asked: dict[str, Any]) -> Reply:
    """What Google's endpoint for OpenAI clients lists: the same names."""
    return answer({"object": "list", "data": [{"id": f"models/{MODEL}", "object": "model"}]})


GOOGLE = upstream(
    {
        ":generateContent": generate,
        ":streamGenerateContent": stream,
        ":countTokens": count_tokens,
        ":batchEmbedContents": embed_batch,
        ":embedContent": embed,
        ":predict": predict,
        "/openai/models": openai_models,
        "/v1beta/models": models,
    },
    authorized,
    error,
)
"""The whole upstream, as a script."""
