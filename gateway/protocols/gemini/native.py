"""What relaying Gemini needs: the facts that policy reads, a look at answers as they pass, errors and lists."""

import re
from typing import TypeVar

import msgspec
from msgspec import Struct

from gateway.canonical import Asked, Finish, ModelEntry, Piece, TextKind, Usage
from gateway.errors import (
    BadRequest,
    Forbidden,
    GatewayError,
    InsufficientQuota,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    UpstreamTimeout,
)
from gateway.framings.framing import Framing
from gateway.framings.json_array import JSONArray
from gateway.framings.sse import SSE
from gateway.meters import PARTS
from gateway.protocols.codec import Call, Codec
from gateway.protocols.codec import Reader as AnyReader
from gateway.protocols.counts import USUAL, Paths, note_counts, terms_of, with_details
from gateway.protocols.reading import Choices, Tokens, decode, dicts, read_fields, read_model
from gateway.protocols.upstream_errors import read_error, read_streamed_error
from gateway.splice import Repeats, find_member, with_member

CONFIG = ("generationConfig", "generation_config")
LIMIT = ("maxOutputTokens", "max_output_tokens")
COUNT = ("candidateCount", "candidate_count")
"""The server takes both spellings, and clients send both."""

REPEATS = Repeats(*CONFIG)
CONFIG_REPEATS = Repeats(*LIMIT, *COUNT)

NAMES_MODEL_IN_BODY = ("countTokens", "embedContent", "batchEmbedContents")
"""Methods whose body may say the path's model again."""

FINISHES: dict[str, Finish] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "SAFETY": "filter",
    "RECITATION": "filter",
    "LANGUAGE": "filter",
    "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter",
    "SPII": "filter",
    "MODEL_ARMOR": "filter",
    "IMAGE_SAFETY": "filter",
    "IMAGE_PROHIBITED_CONTENT": "filter",
    "IMAGE_RECITATION": "filter",
    "IMAGE_OTHER": "filter",
    "MALFORMED_FUNCTION_CALL": "malformed_call",
    "MALFORMED_RESPONSE": "malformed_call",
    "UNEXPECTED_TOOL_CALL": "malformed_call",
    "TOO_MANY_TOOL_CALLS": "malformed_call",
    "MISSING_THOUGHT_SIGNATURE": "malformed_call",
}
"""A label that is not here is an end like any other, but for OTHER without a text."""

USAGE: Paths = (
    ("prompt", ("promptTokenCount",)),
    ("cached", ("cachedContentTokenCount",)),
    ("output", ("candidatesTokenCount",)),
    ("reasoning", ("thoughtsTokenCount",)),
    ("tool_prompt", ("toolUsePromptTokenCount",)),
)

MODALITIES = (
    ("promptTokensDetails", "input"),
    ("cacheTokensDetails", "cache_read"),
    ("candidatesTokensDetails", "output"),
)
"""Where counts are divided by what they stand for, and which meters those are."""

PREDICTED: Paths = (("prompt", ("embeddings", "statistics", "token_count")),)

STATUSES: tuple[tuple[type[GatewayError], str], ...] = (
    (Unauthorized, "UNAUTHENTICATED"),
    (InsufficientQuota, "RESOURCE_EXHAUSTED"),
    (Forbidden, "PERMISSION_DENIED"),
    (NotFound, "NOT_FOUND"),
    (RateLimited, "RESOURCE_EXHAUSTED"),
    (Unavailable, "UNAVAILABLE"),
    (UpstreamTimeout, "DEADLINE_EXCEEDED"),
)

RPC = "type.googleapis.com/google.rpc."
METHODS = ["generateContent", "streamGenerateContent", "countTokens"]
PAGE = 50
LARGEST_PAGE = 1000

_PATH = re.compile(r"(.*?(?:models|tunedModels)/)(.+):(\w+)", re.DOTALL)
T = TypeVar("T")

_NAMED_MODEL = re.compile(rb'("model"\s*:\s*"models/)((?:[^"\\]|\\.)*)(")')
_CHARGED_BY_PROMPT = re.compile(r"gemini-[12]\b")
_FINISHED = re.compile(rb'"finishReason"\s*:\s*"|"blockReason"\s*:\s*"')


class Config(Struct, gc=False, rename=dict(zip(("limit", "limit_", "count", "count_"), LIMIT + COUNT, strict=True))):
    limit: Tokens | None = None
    limit_: Tokens | None = None
    count: Choices | None = None
    count_: Choices | None = None


class Fields(Struct, gc=False, rename=dict(zip(("config", "config_"), CONFIG, strict=True))):
    config: Config | None = None
    config_: Config | None = None


class FunctionCall(Struct, gc=False):
    name: object = None
    args: object = None


class Code(Struct, gc=False):
    code: object = None


class Part(Struct, gc=False, rename="camel"):
    text: object = None
    thought: object = None
    function_call: FunctionCall | None = None
    executable_code: Code | None = None


class Content(Struct, gc=False):
    parts: list[Part] | None = None


class Grounding(Struct, gc=False, rename="camel"):
    web_search_queries: object = None


class Candidate(Struct, gc=False, rename="camel"):
    index: object = 0
    content: Content | None = None
    finish_reason: object = None
    grounding_metadata: Grounding | None = None


class Feedback(Struct, gc=False, rename="camel"):
    block_reason: object = None


class Answer(Struct, gc=False, rename="camel"):
    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    predictions: object = None
    usage_metadata: object = None
    model_version: object = None
    error: object = None


_FIELDS = msgspec.json.Decoder(Fields)
_ANSWER = msgspec.json.Decoder(Answer)


# requests


def read_call(call: Call) -> Asked:
    path = _PATH.fullmatch(call.path)
    if not path:
        raise NotFound("There is no such path; a model and a method were expected, as in models/name:generateContent.")
    fields = read_fields(call.body, _FIELDS, REPEATS)
    config = _one_of(fields.config, fields.config_, CONFIG) or Config()
    _refuse_repeats(call.body)
    return Asked(
        model=read_model(path[2]),
        stream=path[3] == "streamGenerateContent",
        max_output=_one_of(config.limit, config.limit_, LIMIT),
        choices=_one_of(config.count, config.count_, COUNT) or 1,
    )


def with_model(call: Call, model: str) -> Call:
    path = _PATH.fullmatch(call.path)
    if not path or path[2] == model:
        return call
    body = call.body
    if path[3] in NAMES_MODEL_IN_BODY:
        named = msgspec.json.encode(model)[1:-1]
        body = _NAMED_MODEL.sub(lambda match: match[1] + named + match[3], body)
    return msgspec.structs.replace(call, path=f"{path[1]}{model}:{path[3]}", body=body)


def with_max_output(call: Call, tokens: int) -> Call:
    name = "generation_config" if find_member(call.body, "generation_config") else "generationConfig"
    member = find_member(call.body, name)
    config = call.body[member.start : member.end] if member else b"{}"
    config = with_member(b"{}" if config == b"null" else config, "maxOutputTokens", b"%d" % tokens)
    return msgspec.structs.replace(call, body=with_member(call.body, name, config))


def _one_of(camel: T | None, snake: T | None, names: tuple[str, str]) -> T | None:
    if camel is not None and snake is not None:
        raise BadRequest(f"'{names[0]}' is given more than once.", code="duplicate_parameter", param=names[0])
    return snake if camel is None else camel


def _refuse_repeats(body: bytes) -> None:
    """Look into the config too: it holds what policy reads."""
    for name in CONFIG:
        member = find_member(body, name)
        inner = body[member.start : member.end] if member else b"null"
        if inner != b"null" and (repeated := CONFIG_REPEATS.first(inner)):
            raise BadRequest(f"'{repeated}' is given more than once.", code="duplicate_parameter", param=repeated)


# answers


class Reader:
    """Looks on at an answer or at the chunks of one; both have the same shape."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model = ""
        self.finish: Finish | None = None
        self.ended = False
        self.error: GatewayError | None = None
        self.begun = False
        """Whether anything was sent, so that an array has its opening bracket."""
        self._counts: dict[str, int] = {}
        self._pieces: list[Piece] = []
        self._running: set[object] = set()
        self._called = False
        self._spoke = False

    def read_body(self, body: bytes) -> None:
        self.read_payload(body)
        self.ended = self.begun and self.error is None

    def read_payload(self, payload: bytes) -> None:
        answer = decode(_ANSWER, payload)
        if answer is None:
            return
        self.begun = self.begun or not answer.error
        if isinstance(answer.model_version, str):
            self.model = answer.model_version
        for candidate in answer.candidates or ():
            self._read_candidate(candidate)
        if answer.prompt_feedback and answer.prompt_feedback.block_reason:
            self.finish = "filter"
            self.ended = True
        if answer.usage_metadata is not None:
            note_counts(self._counts, answer.usage_metadata, USAGE)
            note_modalities(self._counts, answer.usage_metadata)
            self.usage = with_details(to_usage(self._counts), self._counts, told_terms(answer.usage_metadata))
        if answer.predictions is not None:
            self.usage = _embedded(answer.predictions)
        if answer.error:
            self.error = self.error or read_streamed_error(payload)

    def take_pieces(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _read_candidate(self, candidate: Candidate) -> None:
        content = candidate.content
        for part in (content.parts if content else None) or ():
            self._read_part(part)
        if grounding := candidate.grounding_metadata:
            self._note_searches(grounding.web_search_queries)
        key = candidate.index if isinstance(candidate.index, int) else 0
        if not candidate.finish_reason:
            self._running.add(key)
            return
        self._running.discard(key)
        self._note_finish(str(candidate.finish_reason))
        self.ended = self.ended or not self._running

    def _note_searches(self, queries: object) -> None:
        """Each query is charged for; with older models each prompt that was searched for."""
        found = len(queries) if isinstance(queries, list) else 0
        searches = min(found, 1) if _CHARGED_BY_PROMPT.match(self.model) else found
        if searches > self._counts.get("web_searches", 0):
            self._counts["web_searches"] = searches

    def _read_part(self, part: Part) -> None:
        self._add("reasoning" if part.thought else "text", part.text)
        if call := part.function_call:
            self._called = True
            self._add("tool", call.name)
            self._add("tool", msgspec.json.encode(call.args or {}).decode())
        if part.executable_code:
            self._add("tool", part.executable_code.code)

    def _note_finish(self, label: str) -> None:
        finish = FINISHES.get(label, "end")
        if label == "OTHER" and not self._spoke:
            finish = "error"
        elif finish == "end" and self._called:
            finish = "tool"
        if self.finish in (None, "end", "tool"):
            self.finish = finish

    def _add(self, kind: TextKind, text: object) -> None:
        if text and isinstance(text, str):
            self._spoke = True
            self._pieces.append(Piece(kind, text))


def note_modalities(counts: dict[str, int], usage: object) -> None:
    """Take over what of these counts is no text."""
    for member, bucket in MODALITIES:
        for part in dicts(usage.get(member) if isinstance(usage, dict) else None):
            meter = f"{bucket}_{str(part.get('modality')).lower()}"
            if meter in PARTS:
                note_counts(counts, part, ((meter, ("tokenCount",)),))


def told_terms(usage: object) -> dict[str, str]:
    """How the request was served, where that has a price of its own; Vertex calls it the kind of traffic."""
    if not isinstance(usage, dict):
        return USUAL
    tier = usage.get("serviceTier") or usage.get("trafficType")
    return terms_of(str(tier).lower().removeprefix("on_demand_"))


def to_usage(counts: dict[str, int]) -> Usage | None:
    """The prompt includes what came from the cache; candidates do not include thoughts."""
    if not counts:
        return None
    prompt = counts.get("prompt", 0)
    cached = min(counts.get("cached", 0), prompt)
    return Usage(
        input=prompt - cached,
        cache_read=cached,
        tool_prompt=counts.get("tool_prompt", 0),
        output=counts.get("output", 0),
        reasoning=counts.get("reasoning", 0),
    )


def _embedded(predictions: object) -> Usage | None:
    """Vertex says of each text by itself what it came to; of what is no text it says nothing."""
    total = 0
    for prediction in dicts(predictions):
        counts: dict[str, int] = {}
        note_counts(counts, prediction, PREDICTED)
        total += counts.get("prompt", 0)
    return Usage(input=total) if total else None


# streams


def is_terminal(frames: bytes) -> bool:
    return _FINISHED.search(frames) is not None


def is_content(payload: bytes) -> bool:
    """Vertex may begin with a chunk that says no more than how the traffic is billed."""
    answer = decode(_ANSWER, payload)
    return answer is None or bool(answer.candidates or answer.prompt_feedback)


def error_frames(error: GatewayError, request_id: str, reader: AnyReader) -> bytes:
    return b"data: %s\r\n\r\n" % error_body(error, request_id)


def array_error_frames(error: GatewayError, request_id: str, reader: AnyReader) -> bytes:
    """The array's last element and its end, so that what the client has is whole JSON."""
    begun = isinstance(reader, Reader) and reader.begun
    return b"%s%s]" % (b"," if begun else b"[", error_body(error, request_id))


def new_framing(call: Call) -> Framing:
    return SSE() if asks_for_events(call.query) else JSONArray()


def asks_for_events(query: dict[str, str]) -> bool:
    """Whether a stream is to come as server-sent events and not as one array."""
    return query.get("alt", query.get("$alt")) == "sse"


# errors


def error_status(error: GatewayError) -> int:
    """Google has no 402: a spent quota is a 429."""
    return 429 if isinstance(error, InsufficientQuota) else error.status


def error_body(error: GatewayError, request_id: str) -> bytes:
    details: list[dict[str, object]] = [
        {"@type": f"{RPC}RequestInfo", "requestId": request_id},
        {"@type": f"{RPC}ErrorInfo", "reason": error.code.upper()},
    ]
    if error.retry_after is not None:
        details.append({"@type": f"{RPC}RetryInfo", "retryDelay": f"{error.retry_after:g}s"})
    told = {"code": error_status(error), "message": error.message, "status": _status(error), "details": details}
    return msgspec.json.encode({"error": told})


def _status(error: GatewayError) -> str:
    told = next((name for kind, name in STATUSES if isinstance(error, kind)), None)
    return told or ("INVALID_ARGUMENT" if error.status < 500 else "INTERNAL")


# model lists


def model_list(models: list[ModelEntry], query: dict[str, str]) -> bytes:
    """A page of models; the token of a page is the id of its first model."""
    ids = [model.id for model in models]
    start = ids.index(token) if (token := query.get("pageToken")) in ids else 0
    wanted = query.get("pageSize", "")
    size = min(max(int(wanted), 1), LARGEST_PAGE) if wanted.isdecimal() else PAGE
    body: dict[str, object] = {"models": [_model(model) for model in models[start : start + size]]}
    if start + size < len(models):
        body["nextPageToken"] = ids[start + size]
    return msgspec.json.encode(body)


def model_item(model: ModelEntry) -> bytes:
    return msgspec.json.encode(_model(model))


def _model(model: ModelEntry) -> dict[str, object]:
    return {"name": f"models/{model.id}", "displayName": model.id, "supportedGenerationMethods": METHODS}


# the records


CODEC = Codec(
    name="gemini",
    title="Google Gemini",
    signer="x-goog-api-key",
    read_call=read_call,
    with_model=with_model,
    with_max_output=with_max_output,
    with_usage=lambda call: call,
    without_usage=lambda frames: frames,
    new_framing=new_framing,
    new_reader=Reader,
    is_terminal=is_terminal,
    is_content=is_content,
    error_body=error_body,
    error_status=error_status,
    error_frames=error_frames,
    read_error=read_error,
    keep_alive=b"\r\n",
    model_list=model_list,
    model_item=model_item,
    count_body=lambda count: msgspec.json.encode({"totalTokens": count}),
)

ARRAY_CODEC = msgspec.structs.replace(CODEC, error_frames=array_error_frames, stream_type=b"application/json")
"""For a stream that is one array."""
