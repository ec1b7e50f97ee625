"""The grammar of each protocol's streams, as strictly as the strictest client reads them."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from gateway.canonical import Protocol
from gateway.framings.sse import split_frames


def check_chat(stream: bytes, failed: bool) -> None:
    """Chat: one role, calls one after another, one finish, usage right before the terminal."""
    frames = _unnamed(stream, "\n\n")
    if failed:
        assert "error" in json.loads(frames.pop())
    else:
        assert frames.pop() == "[DONE]"
    chunks = [json.loads(frame) for frame in frames]
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) <= 1
    told = [chunk for chunk in chunks if chunk["choices"]]
    assert chunks[: len(told)] == told
    assert len(chunks) - len(told) <= 1
    finishes = [chunk["choices"][0]["finish_reason"] for chunk in told]
    assert not any(finishes[:-1])
    assert failed or finishes[-1]
    deltas = [chunk["choices"][0]["delta"] for chunk in told]
    assert all(("role" in delta) == (at == 0) for at, delta in enumerate(deltas))
    assert failed or not deltas[-1] or set(deltas[-1]) <= {"role", "content"}
    _check_fragments([call for delta in deltas for call in delta.get("tool_calls") or ()], failed)


def _check_fragments(fragments: list[dict[str, Any]], failed: bool) -> None:
    written: list[str] = []
    for fragment in fragments:
        if fragment["index"] == len(written):
            assert fragment["id"]
            assert fragment["type"] in ("function", "custom")
            assert fragment[fragment["type"]]["name"]
            written.append("")
        else:
            assert fragment["index"] == len(written) - 1
            assert not {"id", "type"} & set(fragment)
            assert "name" not in fragment.get("function", {})
        written[-1] += fragment.get("function", {}).get("arguments", "")
    for text in written[: len(written) - failed]:
        assert isinstance(json.loads(text), dict)


def check_responses(stream: bytes, failed: bool) -> None:
    """Responses: numbered events, items one after another, all of them again in the terminal."""
    events = _named(stream)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    if events[0]["type"] == "response.created":
        assert events[0]["response"]["status"] == "in_progress"
        assert events[0]["response"]["output"] == []
        assert events[1]["type"] == "response.in_progress"
        last = events[-1]
        assert last["response"]["id"] == events[0]["response"]["id"]
        terminals = [e["type"] for e in events if e["type"] in TERMINALS]
        assert terminals == [last["type"]]
        done = _check_items([event for event in events[2:-1] if event["type"] != "error"])
        if not failed:
            assert last["response"]["output"] == done
    assert failed == (events[-1]["type"] in ("response.failed", "error"))


TERMINALS = ("response.completed", "response.incomplete", "response.failed")


def _check_items(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items as they were done; each was added once, and written between the two."""
    done: list[dict[str, Any]] = []
    added: dict[str, Any] | None = None
    texts: dict[tuple[str, int], str] = {}
    for event in events:
        kind = event["type"]
        if kind == "response.output_item.added":
            assert added is None
            assert event["output_index"] == len(done)
            added, texts = event["item"], {}
            continue
        assert added is not None
        assert event["output_index"] == len(done)
        if kind == "response.output_item.done":
            assert (event["item"]["id"], event["item"]["type"]) == (added["id"], added["type"])
            done.append(event["item"])
            added = None
            continue
        assert event["item_id"] == added["id"]
        _check_inner(kind, event, texts)
    assert added is None
    return done


def _check_inner(kind: str, event: dict[str, Any], texts: dict[tuple[str, int], str]) -> None:
    place = event.get("content_index", event.get("summary_index", 0))
    written = kind.rpartition(".")[0]
    if kind.endswith(".delta"):
        texts[written, place] = texts.get((written, place), "") + event["delta"]
    elif kind.endswith((".done",)) and "part" not in event:
        told = next(event[name] for name in ("text", "refusal", "arguments", "input") if name in event)
        assert texts.get((written, place), "") == told


def check_anthropic(stream: bytes, failed: bool) -> None:
    """Anthropic: blocks one after another without gaps, one message_delta, and nothing after the stop."""
    events = [event for event in _named(stream) if event["type"] != "ping"]
    last = events.pop()
    assert last["type"] == ("error" if failed else "message_stop")
    if not failed:
        closing = events.pop()
        assert closing["delta"]["stop_reason"]
        assert closing["usage"]["output_tokens"] >= 0
    if not events:
        assert failed
        return
    first = events.pop(0)
    assert (first["type"], first["message"]["content"], first["message"]["stop_reason"]) == ("message_start", [], None)
    assert first["message"]["usage"]["input_tokens"] >= 0
    _check_blocks(events)


EMPTY: dict[str, dict[str, object]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}
DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
}


def _check_blocks(events: list[dict[str, Any]]) -> None:
    index, block = -1, ""
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert not block
                index += 1
                block = event["content_block"]["type"]
                assert event["content_block"].items() >= EMPTY.get(block, {}).items()
                said = 0
            case "content_block_delta":
                assert event["delta"]["type"] in DELTAS[block]
                said += 1
            case "content_block_stop":
                assert block
                assert said or block not in ("text", "thinking")
                block = ""
            case other:
                raise AssertionError(other)
        assert event["index"] == index
    assert not block


def check_gemini(stream: bytes, failed: bool) -> None:
    """Gemini: bare chunks, whole calls, the finish on the last of them."""
    chunks = [json.loads(frame) for frame in _unnamed(stream, "\r\n\r\n")]
    if failed:
        assert "error" in chunks.pop()
    assert len({(chunk["responseId"], chunk["modelVersion"]) for chunk in chunks}) <= 1
    candidates = [candidate for chunk in chunks for candidate in chunk.get("candidates", ())]
    finishes = [candidate.get("finishReason") for candidate in candidates]
    assert not any(finishes[:-1])
    assert failed or finishes[-1]
    for candidate in candidates:
        for part in candidate.get("content", {}).get("parts", ()):
            b64decode(part.get("thoughtSignature", ""), validate=True)
            assert isinstance(part.get("functionCall", {}).get("args", {}), dict)
    assert failed or chunks[-1]["usageMetadata"]["totalTokenCount"] >= 0


def _unnamed(stream: bytes, end: str) -> list[str]:
    """The data of events that have nothing else."""
    text = stream.decode()
    assert text.endswith(end)
    frames = text.removesuffix(end).split(end)
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames)
    return [frame.removeprefix("data: ") for frame in frames]


def _named(stream: bytes) -> list[dict[str, Any]]:
    """The data of events whose name is its type."""
    events = []
    for frame in split_frames(stream):
        name, data, *rest = frame.decode().removesuffix("\n\n").split("\n")
        assert not rest
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


GRAMMARS: dict[Protocol, Callable[[bytes, bool], None]] = {
    "openai_chat": check_chat,
    "openai_responses": check_responses,
    "anthropic_messages": check_anthropic,
    "gemini": check_gemini,
}
"""By protocol: asserts that a stream keeps its grammar; the second argument says that it ended in an error."""
