"""What relaying Messages needs: the facts that policy reads, a look at answers as they pass, errors and lists."""

import math
import re
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical import Allowance, Asked, Finish, ModelEntry, Piece, TextKind, Usage
from gateway.errors import (
    Forbidden,
    GatewayError,
    InsufficientQuota,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
    UpstreamTimeout,
)
from gateway.framings.framing import Framing
from gateway.framings.sse import SSE
from gateway.meters import BUCKETS
from gateway.protocols.codec import Call, Codec
from gateway.protocols.codec import Reader as AnyReader
from gateway.protocols.counts import USUAL, Paths, note_counts, terms_of, with_details
from gateway.protocols.reading import Tokens, decode, dicts, read_fields, read_model
from gateway.protocols.upstream_errors import read_error, read_streamed_error
from gateway.splice import Repeats, with_member

REPEATS = Repeats("model", "stream", "max_tokens")

FINISHES: dict[str, Finish] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_full",
}

USAGE: Paths = (
    ("input", ("input_tokens",)),
    ("cache_read", ("cache_read_input_tokens",)),
    ("written", ("cache_creation_input_tokens",)),
    ("cache_write_5m", ("cache_creation", "ephemeral_5m_input_tokens")),
    ("cache_write_1h", ("cache_creation", "ephemeral_1h_input_tokens")),
    ("output", ("output_tokens",)),
    ("reasoning", ("output_tokens_details", "thinking_tokens")),
    ("web_searches", ("server_tool_use", "web_search_requests")),
)

ASIDE = ("advisor_message", "compaction")
"""Steps of a message that its own counts leave out."""

DELTAS: dict[str, TextKind] = {"text_delta": "text", "thinking_delta": "reasoning", "input_json_delta": "tool"}

CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")

PRELUDE = ("message_start", "ping", "error")
"""Events that come before anything of the answer does."""

ERROR_TYPES: tuple[tuple[type[GatewayError], str], ...] = (
    (Unauthorized, "authentication_error"),
    (InsufficientQuota, "billing_error"),
    (Forbidden, "permission_error"),
    (NotFound, "not_found_error"),
    (TooLarge, "request_too_large"),
    (RateLimited, "rate_limit_error"),
    (Unavailable, "overloaded_error"),
    (UpstreamTimeout, "timeout_error"),
)

UNTHREADED = "thread_unsupported_request"
"""Clients that read this code send the whole conversation again, without a thread."""

OVERLOADED = 529
PAGE = 20
LARGEST_PAGE = 1000

_TERMINAL = re.compile(rb'"type"\s*:\s*"message_stop"')


class Fields(Struct, gc=False):
    model: str | None = None
    stream: bool | None = None
    max_tokens: Tokens | None = None


class Block(Struct, gc=False):
    type: object = None
    text: object = None
    thinking: object = None
    partial_json: object = None
    name: object = None
    input: object = None
    stop_reason: object = None


class Message(Struct, gc=False):
    model: object = None
    content: list[Block] | None = None
    stop_reason: object = None
    usage: object = None
    type: object = None
    error: object = None


class Event(Struct, gc=False):
    type: object = None
    message: Message | None = None
    content_block: Block | None = None
    delta: Block | None = None
    usage: object = None
    error: object = None


_FIELDS = msgspec.json.Decoder(Fields)
_MESSAGE = msgspec.json.Decoder(Message)
_EVENT = msgspec.json.Decoder(Event)


# requests


def read_call(call: Call) -> Asked:
    fields = read_fields(call.body, _FIELDS, REPEATS)
    return Asked(model=read_model(fields.model), stream=fields.stream is True, max_output=fields.max_tokens)


def with_model(call: Call, model: str) -> Call:
    return msgspec.structs.replace(call, body=with_member(call.body, "model", msgspec.json.encode(model)))


def with_max_output(call: Call, tokens: int) -> Call:
    return msgspec.structs.replace(call, body=with_member(call.body, "max_tokens", b"%d" % tokens))


# answers


class Reader:
    """Looks on at a message or its events."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model = ""
        self.finish: Finish | None = None
        self.ended = False
        self.error: GatewayError | None = None
        self._counts: dict[str, int] = {}
        self._terms = USUAL
        self._others: dict[str, dict[str, int]] = {}
        self._pieces: list[Piece] = []
        self._called = False

    def read_body(self, body: bytes) -> None:
        message = decode(_MESSAGE, body)
        if message is None:
            return
        self._read_message(message)
        for block in message.content or ():
            self._read_block(block)
        self._note_finish(message.stop_reason)
        if message.error:
            self.error = read_streamed_error(body)
        self.ended = self.error is None

    def read_payload(self, payload: bytes) -> None:
        event = decode(_EVENT, payload)
        if event is None:
            return
        if event.content_block is not None:
            self._read_block(event.content_block)
        elif event.delta is not None:
            self._read_delta(event.delta)
        elif event.message is not None:
            self._read_message(event.message)
        if event.usage is not None:
            self._read_usage(event.usage)
        if event.type == "message_stop":
            self.ended = True
        elif event.type == "error" or event.error:
            self.error = self.error or read_streamed_error(payload)

    def take_pieces(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _read_message(self, message: Message) -> None:
        if isinstance(message.model, str):
            self.model = message.model
        if message.usage is not None:
            self._read_usage(message.usage)

    def _read_delta(self, delta: Block) -> None:
        if kind := DELTAS.get(str(delta.type)):
            self._add(kind, delta.text or delta.thinking or delta.partial_json)
        if delta.stop_reason is not None:
            self._note_finish(delta.stop_reason)
            # some upstreams leave out the message_stop that should follow
            self.ended = True

    def _read_block(self, block: Block) -> None:
        if block.type == "text":
            self._add("text", block.text)
        elif block.type == "thinking":
            self._add("reasoning", block.thinking)
        elif block.type in CALLS:
            self._called = self._called or block.type == "tool_use"
            self._add("tool", block.name)
            if block.input:
                self._add("tool", msgspec.json.encode(block.input).decode())

    def _note_finish(self, reason: object) -> None:
        if reason is None:
            return
        self.finish = FINISHES.get(str(reason), "end")
        if self.finish in ("end", "tool"):
            self.finish = "tool" if self._called else "end"

    def _read_usage(self, usage: object) -> None:
        note_counts(self._counts, usage, USAGE)
        self._terms = told_terms(usage) or self._terms
        self._others = told_others(usage, self.model) or self._others
        usage_told = with_details(to_usage(self._counts), self._counts, self._terms)
        if usage_told and self._others:
            usage_told = replace(usage_told, details=replace(usage_told.details, others=self._others))
        self.usage = usage_told

    def _add(self, kind: TextKind, text: object) -> None:
        if text and isinstance(text, str):
            self._pieces.append(Piece(kind, text))


def told_terms(usage: object) -> dict[str, str]:
    """How the message was made, where that has a price of its own."""
    if not isinstance(usage, dict):
        return USUAL
    return {"speed": "fast"} if usage.get("speed") == "fast" else terms_of(usage.get("service_tier"))


def told_others(usage: object, model: str) -> dict[str, dict[str, int]]:
    """What was done beside the message's own counts: by a model that advised, or to compact the conversation."""
    others: dict[str, dict[str, int]] = {}
    for step in dicts(usage.get("iterations") if isinstance(usage, dict) else None):
        counts: dict[str, int] = {}
        note_counts(counts, step, USAGE)
        used = to_usage(counts) if step.get("type") in ASIDE else None
        if used and used.total:
            sums = others.setdefault(str(step.get("model") or model), {})
            for bucket in BUCKETS:
                if count := getattr(used, bucket):
                    sums[bucket] = sums.get(bucket, 0) + count
    return others


def to_usage(counts: dict[str, int]) -> Usage | None:
    """Disjoint buckets. A message's counts do not include each other, but for thinking, which is part of the output."""
    if not counts:
        return None
    output = counts.get("output", 0)
    reasoning = min(counts.get("reasoning", 0), output)
    hour = counts.get("cache_write_1h", 0)
    five_minutes = max(counts.get("cache_write_5m", 0), counts.get("written", 0) - hour)
    return Usage(
        input=counts.get("input", 0),
        cache_read=counts.get("cache_read", 0),
        cache_write_5m=five_minutes,
        cache_write_1h=hour,
        output=output - reasoning,
        reasoning=reasoning,
    )


# streams


def is_terminal(frames: bytes) -> bool:
    return b"message_stop" in frames and _TERMINAL.search(frames) is not None


def is_content(payload: bytes) -> bool:
    event = decode(_EVENT, payload)
    return event is None or event.type not in PRELUDE


def error_frames(error: GatewayError, request_id: str, reader: AnyReader) -> bytes:
    """An `error` event, and no `message_stop`."""
    return b"event: error\ndata: %s\n\n" % error_body(error, request_id)


def new_framing(call: Call) -> Framing:
    return SSE()


# errors


def rate_headers(allowances: list[Allowance], now: int) -> list[tuple[bytes, bytes]]:
    """Reset as a time."""
    return [
        (f"anthropic-ratelimit-{allowance.what}-{name}".encode(), value.encode())
        for allowance in allowances
        for name, value in (
            ("limit", str(allowance.limit)),
            ("remaining", str(allowance.left)),
            (
                "reset",
                f"{datetime.fromtimestamp(now // 1_000_000 + math.ceil(allowance.reset), UTC):%Y-%m-%dT%H:%M:%SZ}",
            ),
        )
    ]


def error_status(error: GatewayError) -> int:
    return OVERLOADED if isinstance(error, Unavailable) else error.status


def error_body(error: GatewayError, request_id: str) -> bytes:
    told: dict[str, object] = {"type": _error_type(error), "message": _message(error)}
    if error.code == UNTHREADED:
        told["details"] = {"error_code": UNTHREADED, "unsupported": ["thread"]}
    return msgspec.json.encode({"type": "error", "error": told, "request_id": request_id})


def _error_type(error: GatewayError) -> str:
    told = next((name for kind, name in ERROR_TYPES if isinstance(error, kind)), None)
    return told or ("invalid_request_error" if error.status < 500 else "api_error")


def _message(error: GatewayError) -> str:
    """Clients make their conversation shorter when they read this phrase."""
    if error.code == "context_length_exceeded" and "prompt is too long" not in error.message.lower():
        return f"prompt is too long: {error.message}"
    return error.message


# model lists


def model_list(models: list[ModelEntry], query: dict[str, str]) -> bytes:
    """A page of models, after or before an id."""
    ids = [model.id for model in models]
    start = ids.index(after) + 1 if (after := query.get("after_id")) in ids else 0
    stop = ids.index(before) if (before := query.get("before_id")) in ids else len(ids)
    wanted = query.get("limit", "")
    size = min(max(int(wanted), 1), LARGEST_PAGE) if wanted.isdecimal() else PAGE
    if before in ids and after not in ids:
        start = max(stop - size, 0)
    page = models[start : min(start + size, stop)]
    return msgspec.json.encode(
        {
            "data": [_model(model) for model in page],
            "has_more": start > 0 if before in ids else start + size < stop,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
    )


def model_item(model: ModelEntry) -> bytes:
    return msgspec.json.encode(_model(model))


def _model(model: ModelEntry) -> dict[str, object]:
    created = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": model.id, "display_name": model.id, "created_at": created}


# the record


CODEC = Codec(
    name="anthropic_messages",
    title="Anthropic Messages",
    signer="x-api-key",
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
    keep_alive=b'event: ping\ndata: {"type":"ping"}\n\n',
    model_list=model_list,
    model_item=model_item,
    rate_headers=rate_headers,
    count_body=lambda count: msgspec.json.encode({"input_tokens": count}),
)
