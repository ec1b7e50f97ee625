"""What relaying Responses needs: the facts that policy reads, a look at answers as they pass, errors and lists."""

import re
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from gateway.canonical import Asked, Finish, Piece, TextKind, Usage
from gateway.errors import GatewayError, RateLimited
from gateway.framings.framing import Framing
from gateway.framings.sse import SSE
from gateway.protocols import openai
from gateway.protocols.codec import Call, Codec
from gateway.protocols.codec import Reader as AnyReader
from gateway.protocols.counts import note_counts, terms_of, with_details
from gateway.protocols.reading import Tokens, decode, dicts, read_fields, read_model
from gateway.protocols.upstream_errors import read_error, read_streamed_error
from gateway.splice import Repeats, with_member

REPEATS = Repeats("model", "stream", "max_output_tokens")

DELTAS: dict[str, TextKind] = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "text",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.function_call_arguments.delta": "tool",
    "response.custom_tool_call_input.delta": "tool",
    "response.mcp_call_arguments.delta": "tool",
    "response.code_interpreter_call_code.delta": "tool",
    "response.apply_patch_call_operation_diff.delta": "tool",
}

DONE_CALLS = ("response.function_call_arguments.done", "response.custom_tool_call_input.done")

TERMINALS = ("response.completed", "response.incomplete", "response.failed")

PRELUDE = ("response.created", "response.queued", "response.in_progress", "keepalive", "error")
"""Events that come before anything of the answer does."""

SEARCHES = {"web_search_call": "web_searches", "file_search_call": "file_searches"}
"""Calls that the provider charges for, each by itself."""

LOOKS = ("open_page", "find_in_page", "find")

CLIENT_CALLS = (
    "function_call",
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
)
"""Items that wait for the client; the other calls are run by the provider."""

INCOMPLETE: dict[str, Finish] = {"max_output_tokens": "length", "content_filter": "filter"}

_LAST = (b"response.completed", b"response.incomplete", b"response.failed")
_TERMINAL = re.compile(rb'"type"\s*:\s*"response\.(?:completed|incomplete|failed)"')


class Fields(Struct, gc=False):
    model: str | None = None
    stream: bool | None = None
    max_output_tokens: Tokens | None = None


class Item(Struct, gc=False):
    type: object = None
    name: object = None
    arguments: object = None
    input: object = None
    content: object = None
    summary: object = None
    action: object = None


class Incomplete(Struct, gc=False):
    reason: object = None


class Response(Struct, gc=False):
    id: object = None
    model: object = None
    created_at: object = None
    status: object = None
    service_tier: object = None
    output: list[Item] | None = None
    usage: object = None
    error: object = None
    incomplete_details: Incomplete | None = None


class Event(Struct, gc=False):
    type: object = None
    sequence_number: object = None
    output_index: object = None
    delta: object = None
    arguments: object = None
    input: object = None
    item: Item | None = None
    response: Response | None = None
    error: object = None


_FIELDS = msgspec.json.Decoder(Fields)
_RESPONSE = msgspec.json.Decoder(Response)
_EVENT = msgspec.json.Decoder(Event)


# requests


def read_call(call: Call) -> Asked:
    fields = read_fields(call.body, _FIELDS, REPEATS)
    return Asked(model=read_model(fields.model), stream=fields.stream is True, max_output=fields.max_output_tokens)


def with_model(call: Call, model: str) -> Call:
    return msgspec.structs.replace(call, body=with_member(call.body, "model", msgspec.json.encode(model)))


def with_max_output(call: Call, tokens: int) -> Call:
    return msgspec.structs.replace(call, body=with_member(call.body, "max_output_tokens", b"%d" % tokens))


# answers


class Reader:
    """Looks on at a response or its events."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model = ""
        self.finish: Finish | None = None
        self.ended = False
        self.error: GatewayError | None = None
        self.response_id = ""
        self.created_at = 0
        self.next_number = 0
        """The sequence number that an event of ours would have."""
        self._counts: dict[str, int] = {}
        self._pieces: list[Piece] = []
        self._fragmented: set[object] = set()
        self._called = False
        self._refused = False

    def read_body(self, body: bytes) -> None:
        response = decode(_RESPONSE, body)
        if response is None:
            return
        self._read_response(response)
        for item in response.output or ():
            self._read_item(item)
        self._close(response)
        if response.error:
            self.error = read_streamed_error(body)
        self.ended = self.error is None

    def read_payload(self, payload: bytes) -> None:
        event = decode(_EVENT, payload)
        if event is None or not isinstance(event.type, str):
            return
        if isinstance(event.sequence_number, int):
            self.next_number = event.sequence_number + 1
        if kind := DELTAS.get(event.type):
            self._refused = self._refused or event.type == "response.refusal.delta"
            self._fragmented.add(str(event.output_index))
            self._add(kind, event.delta)
        elif event.response is not None:
            self._read_lifecycle(event.type, event.response, payload)
        elif event.item is not None:
            self._read_announced(event.type, event.item)
        elif event.type in DONE_CALLS and str(event.output_index) not in self._fragmented:
            self._add("tool", event.arguments or event.input)
        elif event.type == "error" or event.error:
            self.error = self.error or read_streamed_error(payload)

    def take_pieces(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _read_lifecycle(self, kind: str, response: Response, payload: bytes) -> None:
        self._read_response(response)
        if kind not in TERMINALS:
            return
        self.ended = True
        for item in response.output or ():
            self._called = self._called or item.type in CLIENT_CALLS
        self._close(response)
        if kind == "response.failed":
            self.finish = "error"
            self.error = self.error or read_streamed_error(payload)

    def _read_response(self, response: Response) -> None:
        if isinstance(response.model, str):
            self.model = response.model
        if isinstance(response.id, str):
            self.response_id = response.id
        if isinstance(response.created_at, int):
            self.created_at = response.created_at
        if response.usage is not None:
            note_counts(self._counts, response.usage, openai.USAGE)
            openai.note_details(self._counts, response.usage)
            self._counts.update(searches(response.output or ()))
            self.usage = with_details(openai.to_usage(self._counts), self._counts, terms_of(response.service_tier))

    def _close(self, response: Response) -> None:
        reason = response.incomplete_details.reason if response.incomplete_details else None
        if response.status == "incomplete":
            self.finish = INCOMPLETE.get(str(reason), "end")
        elif response.status == "completed":
            self.finish = "tool" if self._called else "refusal" if self._refused else "end"

    def _read_announced(self, kind: str, item: Item) -> None:
        self._called = self._called or item.type in CLIENT_CALLS
        if kind == "response.output_item.added":
            self._add("tool", item.name)

    def _read_item(self, item: Item) -> None:
        self._called = self._called or item.type in CLIENT_CALLS
        kind: TextKind = "reasoning" if item.type == "reasoning" else "text"
        for part in (*dicts(item.summary), *dicts(item.content)):
            self._refused = self._refused or part.get("type") == "refusal"
            self._add(kind, part.get("text") or part.get("refusal"))
        self._add("tool", item.name)
        self._add("tool", item.arguments or item.input)

    def _add(self, kind: TextKind, text: object) -> None:
        if text and isinstance(text, str):
            self._pieces.append(Piece(kind, text))


def searches(items: Iterable[Item]) -> dict[str, int]:
    """What was searched for; opening a page that was found, and looking through it, costs nothing more."""
    counts: dict[str, int] = {}
    for item in items:
        meter = SEARCHES.get(item.type) if isinstance(item.type, str) else None
        if meter and not (isinstance(item.action, dict) and item.action.get("type") in LOOKS):
            counts[meter] = counts.get(meter, 0) + 1
    return counts


# streams


def is_terminal(frames: bytes) -> bool:
    return any(name in frames for name in _LAST) and _TERMINAL.search(frames) is not None


def is_content(payload: bytes) -> bool:
    event = decode(_EVENT, payload)
    return event is None or event.type not in PRELUDE


def error_frames(error: GatewayError, request_id: str, reader: AnyReader) -> bytes:
    """An `error` event for those who read events one by one, then `response.failed` for those who wait for the end."""
    seen = reader if isinstance(reader, Reader) else Reader()
    number = seen.next_number
    told = {"type": "error", "sequence_number": number, **told_twice(error), "request_id": request_id}
    failed = {"type": "response.failed", "sequence_number": number + 1, "response": _failed(error, request_id, seen)}
    return frame(told) + frame(failed)


def new_framing(call: Call) -> Framing:
    return SSE()


def told_twice(error: GatewayError) -> dict[str, object]:
    """Both forms that clients look for: the fields beside the type, and again under `error`."""
    told = openai.error_object(error)
    return {"code": told["code"], "message": told["message"], "param": told["param"], "error": told}


def failure(error: GatewayError) -> dict[str, object]:
    """What a failed response says of why."""
    code = "rate_limit_exceeded" if isinstance(error, RateLimited) else "server_error"
    return {"code": code, "message": error.message}


def _failed(error: GatewayError, request_id: str, seen: Reader) -> dict[str, object]:
    return {
        "id": seen.response_id or f"resp_{request_id}",
        "object": "response",
        "created_at": seen.created_at,
        "status": "failed",
        "error": failure(error),
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": seen.model,
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def frame(event: dict[str, object]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), msgspec.json.encode(event))


# the record


CODEC = Codec(
    name="openai_responses",
    title="OpenAI Responses",
    signer="bearer",
    read_call=read_call,
    with_model=with_model,
    with_max_output=with_max_output,
    with_usage=lambda call: call,
    without_usage=lambda frames: frames,
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
