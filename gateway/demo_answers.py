"""Writes the demo model's answers: whole, and as streams by the book, in each of the four protocols."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from gateway.canonical import Protocol
from gateway.demo_script import MODELS, Answer, pieces_of

CREATED = 1_767_225_600
"""All of the demo's times: the start of 2026. Nothing about it depends on the clock."""
SIGNATURE = "ZGVtbw=="
Json = dict[str, object]


class Step(Struct, frozen=True):
    """Bytes of a stream, and how many words of the answer they hold: that decides when they are due."""

    data: bytes
    words: int = 0


def json(value: object) -> bytes:
    """JSON as it goes out."""
    return msgspec.json.encode(value)


# --- Chat Completions -----------------------------------------------------------------------------------------------

_CHAT_FINISH = {"end": "stop", "tool": "tool_calls", "length": "length"}


def chat_body(answer: Answer) -> Json:
    """A chat completion."""
    message: Json = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.call:
        function = {"name": answer.call.name, "arguments": answer.arguments}
        message["tool_calls"] = [{"id": f"call_{answer.id}", "type": "function", "function": function}]
    finish = _CHAT_FINISH[answer.finish]
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": _chat_usage(answer),
    }


def chat_stream(answer: Answer, wants_usage: bool) -> Iterator[Step]:
    """The chunks of a chat completion."""
    envelope: Json = {
        "id": f"chatcmpl-{answer.id}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": answer.model,
    }

    def chunk(delta: Json, finish: str | None = None, words: int = 0) -> Step:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        usage: Json = {"usage": None} if wants_usage else {}
        return Step(_data(envelope | {"choices": [choice]} | usage), words)

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces_of(answer.reasoning):
        yield chunk({"reasoning_content": piece}, words=1)
    for piece in pieces_of(answer.text):
        yield chunk({"content": piece}, words=1)
    if answer.call:
        start = {"id": f"call_{answer.id}", "type": "function", "function": {"name": answer.call.name, "arguments": ""}}
        yield chunk({"tool_calls": [{"index": 0} | start]})
        for piece in _argument_pieces(answer):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, words=1)
    yield chunk({}, _CHAT_FINISH[answer.finish])
    if wants_usage:
        yield Step(_data(envelope | {"choices": [], "usage": _chat_usage(answer)}))
    yield Step(b"data: [DONE]\n\n")


def _chat_usage(answer: Answer) -> Json:
    usage = answer.usage
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output + usage.reasoning,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def _data(value: object) -> bytes:
    return b"data: " + json(value) + b"\n\n"


def _argument_pieces(answer: Answer) -> list[str]:
    """The arguments in two pieces, so that clients must put them together."""
    half = (len(answer.arguments) + 1) // 2
    return [answer.arguments[:half], answer.arguments[half:]]


# --- Responses ------------------------------------------------------------------------------------------------------


Event = tuple[str, Json, int]
"""An event's name, its members, and how many words of the answer it holds."""


def responses_body(answer: Answer) -> Json:
    """A finished response."""
    return _response(answer, _items(answer), finished=True)


def responses_stream(answer: Answer) -> Iterator[Step]:
    """The events of a response: numbered, every item announced, filled and closed."""
    started = _response(answer, [], finished=False)
    finished = _response(answer, _items(answer), finished=True)
    events: list[tuple[str, Json, int]] = [
        ("created", {"response": started}, 0),
        ("in_progress", {"response": started}, 0),
    ]
    for index, item in enumerate(_items(answer)):
        kind = str(item["type"])
        opened = item | _BEGUN[kind] | {"status": "in_progress"}
        events.append(("output_item.added", {"output_index": index, "item": opened}, 0))
        place = {"item_id": item["id"], "output_index": index}
        events += [(name, place | members, words) for name, members, words in _FILLS[kind](answer)]
        events.append(("output_item.done", {"output_index": index, "item": item}, 0))
    events.append((str(finished["status"]), {"response": finished}, 0))
    for number, (name, members, words) in enumerate(events):
        event: Json = {"type": f"response.{name}", "sequence_number": number}
        yield Step(_event(event | members), words)


def _items(answer: Answer) -> list[Json]:
    items: list[Json] = []
    if answer.reasoning:
        summary = [{"type": "summary_text", "text": answer.reasoning}]
        items.append({"id": f"rs_{answer.id}", "type": "reasoning", "summary": summary, "status": "completed"})
    if answer.text or not answer.call:
        content = [_output_text(answer.text)]
        items.append(
            {
                "id": f"msg_{answer.id}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        )
    if answer.call:
        call: Json = {"call_id": f"call_{answer.id}", "name": answer.call.name, "arguments": answer.arguments}
        items.append({"id": f"fc_{answer.id}", "type": "function_call", "status": "completed"} | call)
    return items


def _output_text(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _fill_reasoning(answer: Answer) -> Iterator[Event]:
    def part(text: str) -> Json:
        return {"summary_index": 0, "part": {"type": "summary_text", "text": text}}

    yield "reasoning_summary_part.added", part(""), 0
    for piece in pieces_of(answer.reasoning):
        yield "reasoning_summary_text.delta", {"summary_index": 0, "delta": piece}, 1
    yield "reasoning_summary_text.done", {"summary_index": 0, "text": answer.reasoning}, 0
    yield "reasoning_summary_part.done", part(answer.reasoning), 0


def _fill_message(answer: Answer) -> Iterator[Event]:
    yield "content_part.added", {"content_index": 0, "part": _output_text("")}, 0
    for piece in pieces_of(answer.text):
        yield "output_text.delta", {"content_index": 0, "delta": piece, "logprobs": []}, 1
    yield "output_text.done", {"content_index": 0, "text": answer.text, "logprobs": []}, 0
    yield "content_part.done", {"content_index": 0, "part": _output_text(answer.text)}, 0


def _fill_call(answer: Answer) -> Iterator[Event]:
    for piece in _argument_pieces(answer):
        yield "function_call_arguments.delta", {"delta": piece}, 1
    name = answer.call.name if answer.call else ""
    yield "function_call_arguments.done", {"name": name, "arguments": answer.arguments}, 0


_FILLS = {"reasoning": _fill_reasoning, "message": _fill_message, "function_call": _fill_call}
_BEGUN: dict[str, Json] = {
    "reasoning": {"summary": []},
    "message": {"content": []},
    "function_call": {"arguments": ""},
}
"""Each kind of item when it is announced."""


def _response(answer: Answer, output: list[Json], finished: bool) -> Json:
    """The response object with every field that strict clients ask for."""
    usage = answer.usage
    cut = answer.finish == "length"
    counted = {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.output + usage.reasoning,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": CREATED,
        "completed_at": CREATED if finished and not cut else None,
        "status": ("incomplete" if cut else "completed") if finished else "in_progress",
        "model": answer.model,
        "output": output,
        "usage": counted if finished else None,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if finished and cut else None,
        **_UNUSED,
    }


_UNUSED: Json = {
    "background": False,
    "conversation": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}


def _event(value: Json) -> bytes:
    return b"event: " + str(value["type"]).encode() + b"\n" + _data(value)


# --- Anthropic Messages ---------------------------------------------------------------------------------------------

_ANTHROPIC_FINISH = {"end": "end_turn", "tool": "tool_use", "length": "max_tokens"}


def anthropic_body(answer: Answer) -> Json:
    """A message."""
    blocks: list[Json] = []
    if answer.reasoning:
        blocks.append({"type": "thinking", "thinking": answer.reasoning, "signature": SIGNATURE})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    if answer.call:
        arguments = msgspec.json.decode(answer.arguments)
        blocks.append({"type": "tool_use", "id": f"toolu_{answer.id}", "name": answer.call.name, "input": arguments})
    return _message(answer) | {
        "content": blocks,
        "stop_reason": _ANTHROPIC_FINISH[answer.finish],
        "usage": _anthropic_usage(answer),
    }


def anthropic_stream(answer: Answer) -> Iterator[Step]:
    """The events of a message: blocks one after the other, totals in the last delta."""
    begun = _anthropic_usage(answer) | {"output_tokens": 1}
    yield Step(_event({"type": "message_start", "message": _message(answer) | {"usage": begun}}))
    yield Step(_event({"type": "ping"}))
    for index, (block, deltas) in enumerate(_blocks(answer)):
        yield Step(_event({"type": "content_block_start", "index": index, "content_block": block}))
        for delta, words in deltas:
            yield Step(_event({"type": "content_block_delta", "index": index, "delta": delta}), words)
        yield Step(_event({"type": "content_block_stop", "index": index}))
    end: Json = {"stop_reason": _ANTHROPIC_FINISH[answer.finish], "stop_sequence": None}
    yield Step(_event({"type": "message_delta", "delta": end, "usage": _anthropic_usage(answer)}))
    yield Step(_event({"type": "message_stop"}))


def _blocks(answer: Answer) -> Iterator[tuple[Json, list[tuple[Json, int]]]]:
    """Each block as it starts, with its deltas and their words."""
    if answer.reasoning:
        thoughts: list[tuple[Json, int]] = [
            ({"type": "thinking_delta", "thinking": piece}, 1) for piece in pieces_of(answer.reasoning)
        ]
        signed: tuple[Json, int] = ({"type": "signature_delta", "signature": SIGNATURE}, 0)
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signed]
    if answer.text:
        yield {"type": "text", "text": ""}, [({"type": "text_delta", "text": p}, 1) for p in pieces_of(answer.text)]
    if answer.call:
        block: Json = {"type": "tool_use", "id": f"toolu_{answer.id}", "name": answer.call.name, "input": {}}
        yield block, [({"type": "input_json_delta", "partial_json": p}, 1) for p in _argument_pieces(answer)]


def _message(answer: Answer) -> Json:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _anthropic_usage(answer: Answer) -> Json:
    usage = answer.usage
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": usage.output + usage.reasoning,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


# --- Gemini ---------------------------------------------------------------------------------------------------------


def gemini_body(answer: Answer) -> Json:
    """A generateContent response."""
    parts = [{"text": answer.reasoning, "thought": True}] if answer.reasoning else []
    parts += [{"text": answer.text}] if answer.text else []
    finish = "MAX_TOKENS" if answer.finish == "length" else "STOP"
    usage = answer.usage
    return _gemini_chunk(answer, [*parts, *_gemini_call(answer)], usage.output, usage.reasoning, finish)


def gemini_stream(answer: Answer, sse: bool) -> Iterator[Step]:
    """A streamGenerateContent response: as server-sent events, or as one JSON array that grows."""
    start, between, end = (b"data: ", b"\r\n\r\ndata: ", b"\r\n\r\n") if sse else (b"[", b",\r\n", b"]")
    before = start
    for chunk, words in _gemini_chunks(answer):
        yield Step(before + json(chunk) + (b"\r\n\r\n" if sse else b""), words)
        before = start if sse else between
    if not sse:
        yield Step(end)


def _gemini_chunks(answer: Answer) -> Iterator[tuple[Json, int]]:
    thought = said = 0
    for piece in pieces_of(answer.reasoning):
        thought += 1
        yield _gemini_chunk(answer, [{"text": piece, "thought": True}], said, thought), 1
    for piece in pieces_of(answer.text):
        said += 1
        yield _gemini_chunk(answer, [{"text": piece}], said, thought), 1
    if answer.call:
        yield _gemini_chunk(answer, _gemini_call(answer), answer.usage.output, thought), 1
    finish = "MAX_TOKENS" if answer.finish == "length" else "STOP"
    yield _gemini_chunk(answer, [{"text": ""}], answer.usage.output, thought, finish), 0


def _gemini_call(answer: Answer) -> list[Json]:
    if answer.call is None:
        return []
    arguments = msgspec.json.decode(answer.arguments)
    call: Json = {"id": f"call_{answer.id}", "name": answer.call.name, "args": arguments}
    return [{"functionCall": call, "thoughtSignature": SIGNATURE}]


def _gemini_chunk(answer: Answer, parts: list[Json], said: int, thought: int, finish: str | None = None) -> Json:
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    usage: Json = {"promptTokenCount": answer.usage.input, "candidatesTokenCount": said}
    if answer.usage.reasoning:
        usage["thoughtsTokenCount"] = thought
    usage["totalTokenCount"] = answer.usage.input + said + thought
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": answer.model,
        "responseId": answer.id,
    }


# --- errors and model lists -----------------------------------------------------------------------------------------

_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_OPENAI_ERRORS = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
_GEMINI_ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error_body(protocol: Protocol, status: int, message: str) -> Json:
    """An error as this protocol's provider would word it."""
    if protocol == "anthropic_messages":
        error: Json = {"type": _ANTHROPIC_ERRORS.get(status, "api_error"), "message": message}
        return {"type": "error", "error": error, "request_id": "req_demo"}
    if protocol == "gemini":
        return {"error": {"code": status, "message": message, "status": _GEMINI_ERRORS.get(status, "INTERNAL")}}
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": _OPENAI_ERRORS.get(status)}}


def model_item(protocol: Protocol, model: str) -> Json:
    """One model, as this protocol describes it."""
    if protocol == "anthropic_messages":
        return {"type": "model", "id": model, "display_name": model, "created_at": "2026-01-01T00:00:00Z"}
    if protocol == "gemini":
        methods = ["generateContent", "streamGenerateContent", "countTokens", "embedContent"]
        described: Json = {"displayName": model, "inputTokenLimit": 1_000_000, "outputTokenLimit": 50_000}
        return {"name": f"models/{model}", "version": "1"} | described | {"supportedGenerationMethods": methods}
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "gatehouse"}


def model_list(protocol: Protocol) -> Json:
    """All of the demo's models."""
    items = [model_item(protocol, model) for model in MODELS]
    if protocol == "anthropic_messages":
        return {"data": items, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
    if protocol == "gemini":
        return {"models": items}
    return {"object": "list", "data": items}
