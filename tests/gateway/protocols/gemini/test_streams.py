"""Gemini's streams: repaired as they are read, and written so that Google's own SDK takes them."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from google import genai
from google.genai import types

from gateway.canonical import (
    Citation,
    Ending,
    Event,
    Opaque,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Request,
    ResponseEnded,
    ResponseStarted,
    Text,
    Thinking,
    ToolCall,
    Usage,
    UsageReported,
)
from gateway.errors import Unavailable, UpstreamFailed
from gateway.framings.framing import Framing
from gateway.framings.json_array import JSONArray
from gateway.framings.sse import SSE
from gateway.protocols.capsules import seal
from gateway.protocols.gemini.native import Reader
from gateway.protocols.gemini.translation import TRANSLATION, new_array_encoder
from tests.support.looked_on import buckets

PROTOCOL = "gemini"
CLIENT = Request("m-large", (), stream=True, thinking=Thinking(show="summary"))
SIGNATURE = "c2lnbmF0dXJl"
SIGNED = Opaque("google", "thought_signature", SIGNATURE)
FOREIGN = Opaque("anthropic", "signature", "abc")
STARTED = ResponseStarted("doc1", "m-upstream")
ENDED = ResponseEnded(Ending("end"))

GOLDEN: list[Event] = [
    STARTED,
    UsageReported(Usage(input=56, cache_read=64)),
    PartStarted(0, Reasoning()),
    PartDelta(0, "Need two cities."),
    PartEnded(0),
    PartStarted(1, Text()),
    PartDelta(1, "Checking."),
    PartEnded(1),
    PartStarted(2, ToolCall("call_a1", "weather", opaque=SIGNED)),
    PartDelta(2, '{"city":"Oslo"}'),
    PartEnded(2),
    UsageReported(Usage(input=56, cache_read=64, output=38, reasoning=10)),
    ResponseEnded(Ending("tool")),
]

Serve = Callable[[int, bytes, str], str]


def chunk(*parts: object, finish: str = "", **members: object) -> bytes:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return json.dumps({"candidates": [candidate | members], "modelVersion": "m", "responseId": "r1"}).encode()


def decode(*payloads: bytes) -> list[Event]:
    decoder = TRANSLATION.new_decoder()
    return [event for payload in payloads for event in decoder.feed(payload)] + decoder.end()


def encode(*events: Event, request: Request = CLIENT) -> list[dict[str, Any]]:
    encoder = TRANSLATION.new_encoder(request)
    return chunks_of(b"".join(encoder.encode(event) for event in events))


def chunks_of(frames: bytes) -> list[dict[str, Any]]:
    assert re.fullmatch(rb"(data: \{.*\}\r\n\r\n)*", frames)
    return [json.loads(line[6:]) for line in frames.split(b"\r\n\r\n") if line]


def parts_in(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for one in chunks for candidate in one["candidates"] for part in candidate["content"]["parts"]]


# reading


def test_text_is_passed_on_as_it_comes_and_a_late_signature_ends_it() -> None:
    events = decode(
        chunk({"text": "He"}), chunk({"text": "llo"}), chunk({"text": "", "thoughtSignature": SIGNATURE}, finish="STOP")
    )
    assert events == [
        ResponseStarted("r1", "m"),
        PartStarted(0, Text()),
        PartDelta(0, "He"),
        PartDelta(0, "llo"),
        PartEnded(0, SIGNED),
        ResponseEnded(Ending("end", "STOP")),
    ]


def test_arguments_in_pieces_become_one_call_when_they_are_whole() -> None:
    pieces = [
        {"name": "x", "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.city", "stringValue": "Os", "willContinue": True}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.city", "stringValue": "lo"}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.at[1].x", "numberValue": 2}, {"jsonPath": "$.no", "nullValue": None}]},
    ]
    events = decode(*(chunk({"functionCall": piece}) for piece in pieces), chunk(finish="STOP"))
    assert [event.text for event in events if isinstance(event, PartDelta)] == [
        '{"city":"Oslo","at":[null,{"x":2}],"no":null}'
    ]
    assert events[-1] == ResponseEnded(Ending("tool", "STOP"))


def test_calls_without_ids_or_with_the_same_one_get_ids_of_their_own() -> None:
    calls = [{"functionCall": {"name": "x", "id": id_}} for id_ in ("a", "a", "x", "")]
    events = decode(chunk(*calls, finish="STOP"))
    ids = [event.part.id for event in events if isinstance(event, PartStarted) and isinstance(event.part, ToolCall)]
    assert ids[0] == "a"
    assert len(set(ids)) == 4
    assert all(re.fullmatch("[A-Za-z0-9]{9}", id_) for id_ in ids[1:])


def test_sources_that_come_last_belong_to_the_text_before_them() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [{"segment": {"endIndex": 6, "text": "Zürich"}, "groundingChunkIndices": [0]}],
    }
    events = decode(chunk({"text": "Zür"}), chunk({"text": "ich"}), chunk(finish="STOP", groundingMetadata=grounding))
    assert PartEnded(0, None, (Citation("https://a.example", start=0, end=6),)) in events


def test_what_comes_after_the_reason_still_counts() -> None:
    late = json.dumps({"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}).encode()
    events = decode(chunk({"text": "x"}, finish="STOP"), late, b"[DONE]")
    assert events[-2:] == [PartEnded(0), ResponseEnded(Ending("end", "STOP"))]
    assert UsageReported(Usage(input=3)) in events


@pytest.mark.parametrize("payloads", [[], [chunk({"text": "x"})], [chunk({"functionCall": {"name": "x"}})]])
def test_a_stream_that_breaks_off_is_no_answer(payloads: list[bytes]) -> None:
    with pytest.raises(UpstreamFailed):
        decode(*payloads)


def test_an_error_within_the_stream_is_raised() -> None:
    with pytest.raises(Unavailable):
        decode(chunk({"text": "x"}), b'{"error":{"code":503,"message":"Busy","status":"UNAVAILABLE"}}')


# writing


def test_a_stream_has_the_grammar_that_clients_know() -> None:
    chunks = encode(*GOLDEN)
    assert [part for one in chunks for part in one["candidates"][0]["content"]["parts"]] == [
        {"text": "Need two cities.", "thought": True},
        {"text": "Checking."},
        {"functionCall": {"id": "call_a1", "name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": SIGNATURE},
        {"text": ""},
    ]
    assert {(one["responseId"], one["modelVersion"]) for one in chunks} == {("doc1", "m-large")}
    assert [one["candidates"][0].get("finishReason") for one in chunks] == [None, None, None, "STOP"]
    assert chunks[0]["usageMetadata"] == {
        "promptTokenCount": 120,
        "candidatesTokenCount": 0,
        "cachedContentTokenCount": 64,
        "totalTokenCount": 120,
    }
    assert chunks[-1]["usageMetadata"]["totalTokenCount"] == 168


def test_a_client_that_asked_for_no_events_gets_one_array() -> None:
    encoder = new_array_encoder(CLIENT)
    text = b"".join(encoder.encode(event) for event in GOLDEN)
    assert json.loads(text) == encode(*GOLDEN)
    assert [json.loads(payload) for payload in JSONArray().payloads(text)] == encode(*GOLDEN)


def test_parts_side_by_side_are_written_one_after_another() -> None:
    chunks = encode(
        STARTED,
        PartStarted(0, ToolCall("a", "x")),
        PartStarted(1, Text("La")),
        PartStarted(2, ToolCall("b", "y")),
        PartDelta(2, "{}"),
        PartDelta(1, "ter"),
        PartEnded(2),
        PartDelta(0, '{"n":'),
        PartDelta(0, "1}"),
        PartEnded(0),
        PartDelta(1, "."),
        ENDED,
    )
    assert [next(iter(part)) for part in parts_in(chunks)] == ["functionCall", "text", "text", "functionCall", "text"]
    assert parts_in(chunks)[0]["functionCall"]["args"] == {"n": 1}
    assert "".join(part.get("text", "") for part in parts_in(chunks)) == "Later."


def test_a_call_that_never_became_json_ends_the_stream_as_malformed() -> None:
    chunks = encode(
        STARTED, PartStarted(0, ToolCall("a", "x")), PartDelta(0, '{"n":'), PartEnded(0), ResponseEnded(Ending("tool"))
    )
    assert parts_in(chunks) == [{"text": ""}]
    assert chunks[-1]["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"


def test_a_thoughts_foreign_token_is_carried_by_what_comes_next_for_clients_that_drop_thoughts() -> None:
    events: list[Event] = [
        STARTED,
        PartStarted(0, Reasoning()),
        PartDelta(0, "Hm"),
        PartEnded(0, FOREIGN),
        PartStarted(1, Text()),
        PartDelta(1, "Yes"),
        PartEnded(1),
        ENDED,
    ]
    shown = parts_in(encode(*events))
    assert shown == [{"text": "Hm", "thought": True}, {"text": "Yes", "thoughtSignature": seal(FOREIGN)}, *shown[2:]]
    hidden = parts_in(encode(*events, request=Request("m", ())))
    assert hidden[0] == {"text": "Yes", "thoughtSignature": seal(FOREIGN)}


def test_sources_are_told_at_the_end_in_bytes_of_the_whole_text() -> None:
    chunks = encode(
        STARTED,
        PartStarted(0, Text()),
        PartDelta(0, "Né "),
        PartEnded(0),
        PartStarted(1, Text()),
        PartDelta(1, "à Nîmes"),
        PartEnded(1, None, (Citation("https://a.example", "A", start=2, end=7),)),
        ENDED,
    )
    assert chunks[-1]["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 7, "endIndex": 13, "text": "Nîmes"}, "groundingChunkIndices": [0]}
        ],
    }


def test_nothing_follows_the_end_of_a_stream() -> None:
    encoder = TRANSLATION.new_encoder(CLIENT)
    encoder.encode(ENDED)
    assert encoder.encode(PartStarted(0, Text("late"))) == b""
    assert encoder.fail(Unavailable("Busy"), "req_1") == b""


def test_a_failure_is_the_last_thing_said_in_either_form() -> None:
    encoder, array = TRANSLATION.new_encoder(CLIENT), new_array_encoder(CLIENT)
    events: list[Event] = [STARTED, PartStarted(0, Text("Hel")), PartStarted(1, ToolCall("a", "x", '{"n'))]
    frames = b"".join(encoder.encode(event) for event in events) + encoder.fail(Unavailable("Busy"), "req_1")
    text = b"".join(array.encode(event) for event in events) + array.fail(Unavailable("Busy"), "req_1")
    assert chunks_of(frames)[-1]["error"]["status"] == "UNAVAILABLE"
    assert json.loads(text) == chunks_of(frames)
    assert encoder.encode(ENDED) == b""


def test_an_array_that_fails_before_it_began_is_an_array_still() -> None:
    assert json.loads(new_array_encoder(CLIENT).fail(Unavailable("Busy"), "req_1"))[0]["error"]["message"] == "Busy"


# recorded


def payloads_of(recording: dict[str, Any], size: int = 0) -> list[bytes]:
    """Cut into pieces of that many bytes on the way, if any."""
    events = recording["response"].get("sse")
    framing: Framing = SSE() if events else JSONArray()
    data = (events or recording["response"]["json_array_text"]).encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)] if size else [data]
    return [payload for piece in pieces for payload in framing.payloads(framing.feed(piece))]


def frames_of(payloads: list[bytes]) -> bytes:
    return b"".join(b"data: %s\r\n\r\n" % json.dumps(json.loads(payload)).encode() for payload in payloads)


def test_a_recorded_stream_agrees_with_what_relaying_learns_of_it(recorded_stream: dict[str, Any]) -> None:
    payloads = payloads_of(recorded_stream)
    reader, events = Reader(), decode(*payloads)
    for payload in payloads:
        reader.read_payload(payload)
    started, ended = events[0], events[-1]
    assert isinstance(started, ResponseStarted)
    assert isinstance(ended, ResponseEnded)
    assert (started.model, ended.ending.finish) == (reader.model, reader.finish)
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    assert (usages[-1] if usages else None) == buckets(reader)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_where_a_recorded_stream_is_cut_does_not_matter(recorded_stream: dict[str, Any], size: int) -> None:
    assert decode(*payloads_of(recorded_stream, size)) == decode(*payloads_of(recorded_stream))


def test_the_sdk_sees_a_recorded_stream_as_it_was(recorded_stream: dict[str, Any], serve: Serve) -> None:
    payloads = payloads_of(recorded_stream)
    encoder = TRANSLATION.new_encoder(CLIENT)
    ours = b"".join(encoder.encode(event) for event in decode(*payloads))
    theirs = frames_of(payloads)
    assert seen(serve(200, ours, "text/event-stream")) == seen(serve(200, theirs, "text/event-stream"))


def test_the_sdk_raises_the_failure_of_a_stream(serve: Serve) -> None:
    encoder = TRANSLATION.new_encoder(CLIENT)
    frames = encoder.encode(PartStarted(0, Text("Hel"))) + encoder.fail(Unavailable("All busy."), "req_1")
    with pytest.raises(genai.errors.ServerError, match="All busy"):
        seen(serve(200, frames, "text/event-stream"))


def seen(url: str) -> list[object]:
    """What people read of a stream. Pieces of calls are put together by us alone, so only names are compared then."""
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url))
    answers = list(client.models.generate_content_stream(model="m", contents="Hello"))
    parts = [
        part
        for answer in answers
        for candidate in answer.candidates or []
        for part in (candidate.content and candidate.content.parts) or []
    ]
    usages = [answer.usage_metadata.total_token_count for answer in answers if answer.usage_metadata]
    reasons = [candidate.finish_reason for answer in answers for candidate in answer.candidates or []]
    return [
        "".join(part.text for part in parts if part.text and not part.thought),
        "".join(part.text for part in parts if part.text and part.thought),
        [part.function_call.name for part in parts if part.function_call and part.function_call.name],
        [part.executable_code or part.code_execution_result for part in parts if part.executable_code],
        sorted(part.thought_signature for part in parts if part.thought_signature),
        [reason for reason in reasons if reason],
        next((total for total in reversed(usages) if total), None),
    ]
