"""What relaying Chat needs: the facts that policy reads, a look at answers as they pass, errors and lists."""

import re

import msgspec
from msgspec import Struct

from gateway.canonical import Asked, Finish, Piece, TextKind, Usage
from gateway.errors import GatewayError
from gateway.framings.framing import Framing
from gateway.framings.sse import SSE, split_frames
from gateway.protocols import openai
from gateway.protocols.codec import Call, Codec
from gateway.protocols.counts import note_counts, terms_of, with_details
from gateway.protocols.reading import Choices, Tokens, decode, dicts, read_fields, read_model
from gateway.protocols.upstream_errors import read_error, read_streamed_error
from gateway.splice import Repeats, find_member, with_member, without_member

REPEATS = Repeats("model", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens")

FINISHES: dict[str, Finish] = {
    "stop": "end",
    "eos": "end",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "filter",
    "error": "error",
}
"""A label that is not here is an end like any other."""

FINISH_ORDER: tuple[Finish, ...] = ("end", "refusal", "tool", "length", "filter", "error")
"""With several choices the last of these counts."""

_NULL_USAGE = re.compile(rb',"usage":null(?=(?:,"\w+":"[^"\\]*")*\}(?:\n\n|\r\n\r\n))')
"""Last in its payload, or before texts that are: what closes right before a blank line is the outermost object."""

_BEFORE_DONE = re.compile(rb"(?:^|[\r\n])data: ?$")


class StreamOptions(Struct, gc=False):
    include_usage: bool | None = None


class Fields(Struct, gc=False):
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Choices | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None


class Function(Struct, gc=False):
    name: object = None
    arguments: object = None
    input: object = None


class ToolCall(Struct, gc=False):
    function: Function | None = None
    custom: Function | None = None


class Message(Struct, gc=False):
    content: object = None
    refusal: object = None
    reasoning_content: object = None
    reasoning: object = None
    reasoning_text: object = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None
    audio: object = None


class Choice(Struct, gc=False):
    index: object = 0
    delta: Message | None = None
    message: Message | None = None
    text: object = None
    finish_reason: object = None


class Chunk(Struct, gc=False):
    model: object = None
    choices: list[Choice] | None = None
    usage: object = None
    x_groq: object = None
    service_tier: object = None
    error: object = None


_FIELDS = msgspec.json.Decoder(Fields)
_CHUNK = msgspec.json.Decoder(Chunk)


# requests


def read_call(call: Call) -> Asked:
    fields = read_fields(call.body, _FIELDS, REPEATS)
    # Which of the two counts depends on who is asked.
    limits = [limit for limit in (fields.max_tokens, fields.max_completion_tokens) if limit is not None]
    options = fields.stream_options
    return Asked(
        model=read_model(fields.model),
        stream=fields.stream is True,
        max_output=max(limits, default=None),
        choices=fields.n or 1,
        wants_usage=not fields.stream or (options is not None and options.include_usage is True),
    )


def with_model(call: Call, model: str) -> Call:
    return msgspec.structs.replace(call, body=with_member(call.body, "model", msgspec.json.encode(model)))


def with_max_output(call: Call, tokens: int) -> Call:
    return msgspec.structs.replace(call, body=with_member(call.body, "max_completion_tokens", b"%d" % tokens))


def with_usage(call: Call) -> Call:
    fields = _FIELDS.decode(call.body)
    if not fields.stream or (fields.stream_options and fields.stream_options.include_usage):
        return call
    options = b"{}"
    if fields.stream_options and (member := find_member(call.body, "stream_options")):
        options = call.body[member.start : member.end]
    options = with_member(options, "include_usage", b"true")
    return msgspec.structs.replace(call, body=with_member(call.body, "stream_options", options))


# answers


class Reader:
    """Looks on at a Chat answer or stream."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model = ""
        self.finish: Finish | None = None
        self.ended = False
        self.error: GatewayError | None = None
        self._counts: dict[str, int] = {}
        self._tier: object = None
        self._pieces: list[Piece] = []
        self._running: set[object] = set()
        self._called = False
        self._refused = False

    def read_body(self, body: bytes) -> None:
        if chunk := decode(_CHUNK, body):
            self._read_chunk(chunk, body)
            self.ended = self.error is None

    def read_payload(self, payload: bytes) -> None:
        if payload == b"[DONE]":
            self.ended = True
            self._note_finish("stop")
        elif chunk := decode(_CHUNK, payload):
            self._read_chunk(chunk, payload)

    def take_pieces(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _read_chunk(self, chunk: Chunk, payload: bytes) -> None:
        if not self.model and isinstance(chunk.model, str):
            self.model = chunk.model
        self._tier = chunk.service_tier or self._tier
        for choice in chunk.choices or ():
            self._read_choice(choice)
        if chunk.usage is not None:
            self._read_usage(chunk.usage)
        elif isinstance(chunk.x_groq, dict):
            self._read_usage(chunk.x_groq.get("usage"))
        if chunk.error or self.finish == "error":
            self.error = self.error or read_streamed_error(payload)

    def _read_choice(self, choice: Choice) -> None:
        message = choice.delta or choice.message
        if message is not None:
            self._read_message(message)
        self._add("text", choice.text)
        key = choice.index if isinstance(choice.index, int) else 0
        if not choice.finish_reason:
            self._running.add(key)
            return
        self._running.discard(key)
        self._note_finish(str(choice.finish_reason))
        self.ended = self.ended or not self._running

    def _read_message(self, message: Message) -> None:
        self._add("reasoning", message.reasoning_content or message.reasoning or message.reasoning_text)
        if message.content:
            self._read_content(message.content)
        if message.refusal:
            self._refused = True
            self._add("text", message.refusal)
        for call in message.tool_calls or ():
            self._read_function(call.function or call.custom)
        if message.function_call:
            self._read_function(message.function_call)

    def _read_content(self, content: object) -> None:
        """Content is a text, or with Mistral a list of parts, some of them thinking."""
        self._add("text", content)
        for part in dicts(content):
            self._add("text", part.get("text"))
            for thought in dicts(part.get("thinking")):
                self._add("reasoning", thought.get("text"))

    def _read_function(self, function: Function | None) -> None:
        # some upstreams fill every member: a call that says nothing is none
        if function and (function.name or function.arguments or function.input):
            self._called = True
            self._add("tool", function.name)
            self._add("tool", function.input if function.arguments is None else function.arguments)

    def _add(self, kind: TextKind, text: object) -> None:
        if text and isinstance(text, str):
            self._pieces.append(Piece(kind, text))

    def _note_finish(self, label: str) -> None:
        finish = FINISHES.get(label, "end")
        if finish in ("end", "tool"):
            finish = "tool" if self._called else "refusal" if self._refused else "end"
        if self.finish is None or FINISH_ORDER.index(finish) > FINISH_ORDER.index(self.finish):
            self.finish = finish

    def _read_usage(self, usage: object) -> None:
        note_counts(self._counts, usage, openai.USAGE)
        openai.note_details(self._counts, usage)
        self.usage = with_details(openai.to_usage(self._counts), self._counts, terms_of(self._tier))


# streams


def is_terminal(frames: bytes) -> bool:
    at = frames.rfind(b"[DONE]")
    return at >= 0 and _BEFORE_DONE.search(frames[max(at - 7, 0) : at]) is not None


def is_content(payload: bytes) -> bool:
    """A role alone, or Azure's verdict on the prompt, may still be followed by a failure that another could mend."""
    chunk = decode(_CHUNK, payload)
    if chunk is None or chunk.usage is not None:
        return True
    return any(_says_something(choice) for choice in chunk.choices or ())


def without_usage(frames: bytes) -> bytes:
    """Takes out the chunk that only has usage, and the `"usage": null` of the others."""
    frames = _NULL_USAGE.sub(b"", frames)
    if b'"usage"' not in frames:
        return frames
    return b"".join(_without_usage(frame) for frame in split_frames(frames))


def error_frames(error: GatewayError, request_id: str, reader: object) -> bytes:
    """An error chunk, and no `[DONE]`: the SDKs raise on the `error` key."""
    return b"data: %s\n\n" % openai.error_body(error, request_id)


def new_framing(call: Call) -> Framing:
    return SSE()


def _says_something(choice: Choice) -> bool:
    if choice.finish_reason or choice.text:
        return True
    message = choice.delta
    return message is not None and any(getattr(message, name) for name in message.__struct_fields__)


def _without_usage(frame: bytes) -> bytes:
    start, end = frame.find(b"{"), frame.rfind(b"}") + 1
    if b'"usage"' not in frame or start < 0:
        return frame
    payload = frame[start:end]
    chunk = decode(_CHUNK, payload)
    if chunk and chunk.usage is None:
        return frame[:start] + without_member(payload, "usage") + frame[end:]
    return b"" if chunk and not chunk.choices else frame


# the record


CODEC = Codec(
    name="openai_chat",
    title="OpenAI Chat Completions",
    signer="bearer",
    read_call=read_call,
    with_model=with_model,
    with_max_output=with_max_output,
    with_usage=with_usage,
    without_usage=without_usage,
    new_framing=new_framing,
    new_reader=Reader,
    is_terminal=is_terminal,
    is_content=is_content,
    error_body=openai.error_body,
    error_status=openai.error_status,
    error_frames=error_frames,
    read_error=read_error,
    keep_alive=openai.KEEP_ALIVE,
    model_list=openai.model_list,
    model_item=openai.model_item,
    rate_headers=openai.rate_headers,
    count_body=openai.count_body,
)
