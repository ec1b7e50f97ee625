"""Gemini's whole answers: what they amount to, and what a Gemini client gets from any upstream."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from google import genai
from google.genai import types

from gateway.canonical import (
    Citation,
    Ending,
    Finish,
    Image,
    Inline,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from gateway.errors import RateLimited, UpstreamFailed
from gateway.protocols.capsules import seal, unseal
from gateway.protocols.gemini.native import Reader
from gateway.protocols.gemini.translation import TRANSLATION
from tests.support.looked_on import buckets

PROTOCOL = "gemini"
CLIENT = Request("m-client", ())
THINKING_CLIENT = Request("m-client", (), thinking=Thinking(show="summary"))
SIGNATURE = "c2lnbmF0dXJl"
SIGNED = Opaque("google", "thought_signature", SIGNATURE)
FOREIGN = Opaque("anthropic", "signature", "abc")

Serve = Callable[[int, bytes, str], str]


def decode(*parts: object, finish: str | None = "STOP", **members: object) -> Response:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish, **members}
    body = {"candidates": [candidate], "modelVersion": "m", "responseId": "r1"}
    return TRANSLATION.decode_response(json.dumps(body).encode())


def encode(*parts: Part, ending: Ending = Ending("end"), request: Request = CLIENT) -> dict[str, Any]:  # noqa: B008
    body = json.loads(TRANSLATION.encode_response(Response("r1", "m", parts, ending), request))
    assert isinstance(body, dict)
    return body


def parts_of(*parts: Part, request: Request = CLIENT) -> list[dict[str, Any]]:
    written = encode(*parts, request=request)["candidates"][0]["content"]["parts"]
    assert isinstance(written, list)
    return written


# reading


def test_texts_run_together_and_thoughts_calls_and_media_are_parts_of_their_own() -> None:
    response = decode(
        {"text": "Hm", "thought": True},
        {"text": "Che"},
        {"text": "cking."},
        {"functionCall": {"name": "x", "args": {"a": 1}}, "thoughtSignature": SIGNATURE},
        {"functionCall": {"id": "given", "name": "x"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": SIGNATURE},
    )
    first = response.parts[2]
    assert isinstance(first, ToolCall)
    assert response.parts == (
        Reasoning("Hm"),
        Text("Checking."),
        ToolCall(first.id, "x", '{"a":1}', opaque=SIGNED),
        ToolCall("given", "x", "{}"),
        Reasoning(opaque=SIGNED),
        Image(Inline("image/png", "AAAA")),
    )
    assert len(first.id) == 9


@pytest.mark.parametrize(
    ("label", "parts", "finish"),
    [
        ("STOP", [{"text": "x"}], "end"),
        ("STOP", [{"functionCall": {"name": "x"}}], "tool"),
        ("STOP", [{"executableCode": {"code": "1"}}], "end"),
        ("MAX_TOKENS", [{"functionCall": {"name": "x"}}], "length"),
        ("RECITATION", [], "filter"),
        ("IMAGE_SAFETY", [], "filter"),
        ("MODEL_ARMOR", [], "filter"),
        ("MALFORMED_FUNCTION_CALL", [], "malformed_call"),
        ("UNEXPECTED_TOOL_CALL", [], "malformed_call"),
        ("MISSING_THOUGHT_SIGNATURE", [], "malformed_call"),
        ("OTHER", [], "error"),
        ("OTHER", [{"text": "x"}], "end"),
        ("SOMETHING_NEW", [{"text": "x"}], "end"),
        (None, [{"text": "x"}], "end"),
    ],
)
def test_why_an_answer_ended_is_told_by_its_label_and_by_what_is_in_it(
    label: str | None, parts: list[object], finish: Finish
) -> None:
    ending = decode(*parts, finish=label).ending
    assert (ending.finish, ending.raw) == (finish, label or "")


def test_a_refused_prompt_is_a_filtered_answer_and_stays_one_for_a_client() -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "No."}
    response = TRANSLATION.decode_response(json.dumps({"promptFeedback": feedback}).encode())
    assert response.ending == Ending("filter", "blockReason:PROHIBITED_CONTENT", detail="No.")
    assert encode(ending=response.ending)["promptFeedback"] == feedback


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"candidates":[]}', b"[]"])
def test_an_answer_that_is_none_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        TRANSLATION.decode_response(body)


def test_an_error_with_a_good_status_is_raised_for_what_it_is() -> None:
    with pytest.raises(RateLimited):
        TRANSLATION.decode_response(b'{"error":{"code":429,"message":"Slow down","status":"RESOURCE_EXHAUSTED"}}')


def test_sources_are_placed_in_code_points_and_given_back_in_bytes() -> None:
    text = "Où? À Paris. Là."
    segment = {"startIndex": 5, "endIndex": 14, "text": "À Paris."}
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}, {"retrievedContext": {"text": "q"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 1]}],
    }
    response = decode({"text": text}, groundingMetadata=grounding)
    cited = (Citation("https://a.example", "A", "", 4, 12), Citation("", "", "q", 4, 12))
    assert response.parts == (Text(text, cited),)
    assert encode(*response.parts)["candidates"][0]["groundingMetadata"] == grounding


def test_usage_is_read_disjoint_and_written_as_gemini_counts() -> None:
    told = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 3,
        "toolUsePromptTokenCount": 5,
        "totalTokenCount": 115,
    }
    body = {"candidates": [{"content": {}, "finishReason": "STOP"}], "usageMetadata": told}
    usage = TRANSLATION.decode_response(json.dumps(body).encode()).usage
    assert usage == Usage(input=40, cache_read=60, tool_prompt=5, output=7, reasoning=3)
    answer = Response("r", "m", (), Ending("end"), usage)
    assert json.loads(TRANSLATION.encode_response(answer, CLIENT))["usageMetadata"] == told


# writing


def test_a_client_gets_its_own_name_of_the_model_and_calls_with_objects() -> None:
    body = encode(Refusal("No."), ToolCall("a", "x", ""), ending=Ending("tool", "tool_calls"))
    assert (body["modelVersion"], body["responseId"]) == ("m-client", "r1")
    assert body["candidates"] == [
        {
            "content": {
                "role": "model",
                "parts": [{"text": "No."}, {"functionCall": {"id": "a", "name": "x", "args": {}}}],
            },
            "finishReason": "STOP",
            "index": 0,
        }
    ]


@pytest.mark.parametrize("arguments", ["{", "[]", '"x"', "x"])
def test_a_call_that_is_no_json_object_is_told_as_malformed(arguments: str) -> None:
    candidate = encode(ToolCall("a", "x", arguments), ending=Ending("tool"))["candidates"][0]
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert candidate["content"]["parts"] == []


@pytest.mark.parametrize(
    ("ending", "label"),
    [
        (Ending("end"), "STOP"),
        (Ending("stop_sequence", sequence="x"), "STOP"),
        (Ending("length", "length"), "MAX_TOKENS"),
        (Ending("context_full"), "MAX_TOKENS"),
        (Ending("filter", "content_filter"), "SAFETY"),
        (Ending("filter", "RECITATION"), "RECITATION"),
        (Ending("refusal", "refusal"), "SAFETY"),
        (Ending("pause", "pause_turn"), "STOP"),
        (Ending("malformed_call"), "MALFORMED_FUNCTION_CALL"),
        (Ending("error"), "OTHER"),
        (Ending("end", "CONTINUATION"), "STOP"),
    ],
)
def test_every_ending_has_its_label(ending: Ending, label: str) -> None:
    assert encode(ending=ending)["candidates"][0]["finishReason"] == label


def test_thoughts_are_shown_to_those_who_asked_and_their_tokens_are_kept_by_all() -> None:
    said = (Reasoning("Hm", opaque=FOREIGN), Text("Yes"))
    assert parts_of(*said, request=THINKING_CLIENT) == [
        {"text": "Hm", "thought": True},
        {"text": "Yes", "thoughtSignature": seal(FOREIGN)},
    ]
    assert parts_of(*said) == [{"text": "Yes", "thoughtSignature": seal(FOREIGN)}]


def test_tokens_that_nothing_comes_after_or_that_pile_up_are_all_kept() -> None:
    other = Opaque("openai", "encrypted", "xyz")
    parts = parts_of(Reasoning(opaque=FOREIGN), Reasoning("Hm", opaque=other))
    assert [unseal(part["thoughtSignature"]) for part in parts] == [FOREIGN, other]
    assert all(part["text"] == "" for part in parts)


def test_geminis_own_parts_go_through_and_those_of_others_do_not() -> None:
    code: dict[str, object] = {"executableCode": {"language": "PYTHON", "code": "1"}}
    assert parts_of(Native("gemini", "executableCode", code), Native("openai_chat", "x", {})) == [code]


# recorded


def learnt(body: bytes) -> Reader:
    reader = Reader()
    reader.read_body(body)
    return reader


def raw_of(recording: dict[str, Any]) -> bytes:
    body = recording["response"]["body"]
    if "candidates" not in body and "promptFeedback" not in body:
        pytest.skip("not an answer of a model")
    return json.dumps(body).encode()


def test_a_recorded_answer_agrees_with_what_relaying_learns_of_it(recorded_answer: dict[str, Any]) -> None:
    raw = raw_of(recorded_answer)
    reader, response = learnt(raw), TRANSLATION.decode_response(raw)
    assert (response.ending.finish, response.usage, response.model) == (reader.finish, buckets(reader), reader.model)
    pieces = reader.take_pieces()
    texts = "".join(part.text for part in response.parts if isinstance(part, Text))
    assert texts == "".join(piece.text for piece in pieces if piece.kind == "text")


def test_the_sdk_sees_a_recorded_answer_as_it_was(recorded_answer: dict[str, Any], serve: Serve) -> None:
    raw = raw_of(recorded_answer)
    ours = TRANSLATION.encode_response(TRANSLATION.decode_response(raw), THINKING_CLIENT)
    assert seen(ask(serve(200, ours, "application/json"))) == seen(ask(serve(200, raw, "application/json")))


def ask(url: str) -> types.GenerateContentResponse:
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url))
    return client.models.generate_content(model="m", contents="Hello")


def seen(response: types.GenerateContentResponse) -> list[object]:
    """What people read of an answer. Calls without ids are given some."""
    candidate = response.candidates[0] if response.candidates else None
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    usage, feedback = response.usage_metadata, response.prompt_feedback
    return [
        "".join(part.text for part in parts if part.text and not part.thought),
        "".join(part.text for part in parts if part.text and part.thought),
        [(part.function_call.name, part.function_call.args or {}) for part in parts if part.function_call],
        [part.executable_code or part.code_execution_result for part in parts if not (part.text or part.function_call)],
        [part.thought_signature for part in parts if part.thought_signature],
        candidate and candidate.finish_reason,
        feedback and feedback.block_reason,
        usage and usage.total_token_count,
        ((usage.candidates_token_count or 0), (usage.thoughts_token_count or 0)) if usage else (0, 0),
    ]
