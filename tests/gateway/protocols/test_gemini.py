"""Gemini: paths, both spellings, both forms of a stream, and errors as the official SDK sees them."""

import json
import warnings
from typing import Any

import pytest

from gateway import errors
from gateway.canonical import ModelEntry, Piece, Usage
from gateway.framings.json_array import JSONArray
from gateway.protocols.codec import Call
from gateway.protocols.gemini import ARRAY_CODEC, CODEC
from gateway.protocols.registry import codec_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from google import genai
    from google.genai import errors as raised

PROTOCOL = "gemini"

RAISED = [
    (errors.BadRequest("Bad.", code="x"), raised.ClientError, 400, "INVALID_ARGUMENT"),
    (errors.Unauthorized("No."), raised.ClientError, 401, "UNAUTHENTICATED"),
    (errors.InsufficientQuota("Spent."), raised.ClientError, 429, "RESOURCE_EXHAUSTED"),
    (errors.Forbidden("No."), raised.ClientError, 403, "PERMISSION_DENIED"),
    (errors.NotFound("None."), raised.ClientError, 404, "NOT_FOUND"),
    (errors.MethodNotAllowed("No."), raised.ClientError, 405, "INVALID_ARGUMENT"),
    (errors.UpgradeRequired("No."), raised.ClientError, 426, "INVALID_ARGUMENT"),
    (errors.TooLarge("Big."), raised.ClientError, 413, "INVALID_ARGUMENT"),
    (errors.UnsupportedMedia("No."), raised.ClientError, 415, "INVALID_ARGUMENT"),
    (errors.RateLimited("Slow."), raised.ClientError, 429, "RESOURCE_EXHAUSTED"),
    (errors.Internal("Ours."), raised.ServerError, 500, "INTERNAL"),
    (errors.UpstreamFailed("Theirs."), raised.ServerError, 502, "INTERNAL"),
    (errors.Unavailable("Busy."), raised.ServerError, 503, "UNAVAILABLE"),
    (errors.UpstreamTimeout("Slow."), raised.ServerError, 504, "DEADLINE_EXCEEDED"),
    (errors.Cut("Cut."), raised.ServerError, 503, "INTERNAL"),
]


def call(path: str, body: Any = None, **query: str) -> Call:
    return Call(method="POST", path=path, query=query, headers={}, body=json.dumps(body or {}).encode())


def client_of(url: str) -> genai.Client:
    return genai.Client(api_key="k", http_options={"base_url": url})


def reader_of(*chunks: dict[str, Any]) -> Any:
    reader = CODEC.new_reader()
    for chunk in chunks:
        reader.read_payload(json.dumps(chunk).encode())
    return reader


def said(*parts: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": finish}]}


@pytest.mark.parametrize(("error", "kind", "status", "name"), RAISED)
def test_the_sdk_raises_its_own_error_for_each_of_ours(serve, error, kind, status, name) -> None:
    url = serve(CODEC.error_status(error), CODEC.error_body(error, "req_1"))
    with client_of(url) as client, pytest.raises(kind) as caught:
        client.models.generate_content(model="m", contents="hi")
    assert (caught.value.code, caught.value.status, caught.value.message) == (status, name, error.message)
    details = caught.value.details["error"]["details"]
    assert [detail["requestId"] for detail in details if "requestId" in detail] == ["req_1"]


def test_an_error_in_a_stream_raises_with_our_message(serve) -> None:
    chunk = b"data: %s\r\n\r\n" % json.dumps(said({"text": "Hi"})).encode()
    frames = CODEC.error_frames(errors.Unavailable("All busy."), "req_1", CODEC.new_reader())
    with client_of(serve(200, chunk + CODEC.keep_alive + frames, "text/event-stream")) as client:
        stream = client.models.generate_content_stream(model="m", contents="hi")
        assert next(stream).text == "Hi"
        with pytest.raises(raised.APIError, match="All busy"):
            next(stream)


def test_an_error_in_an_array_is_its_last_element_and_closes_it() -> None:
    framing, reader = JSONArray(), ARRAY_CODEC.new_reader()
    out = framing.feed(b'[{"candidates":[]}\r\n,\r\n{"cand')
    for payload in framing.payloads(out):
        reader.read_payload(payload)
    for start, seen in ((out, reader), (b"", ARRAY_CODEC.new_reader())):
        whole = json.loads(start + ARRAY_CODEC.error_frames(errors.Cut("Cut."), "req_1", seen))
        assert whole[-1]["error"]["message"] == "Cut."


def test_the_query_says_which_form_a_stream_has() -> None:
    assert codec_for("gemini", {"alt": "sse"}) is CODEC
    assert codec_for("gemini", {}) is ARRAY_CODEC
    assert isinstance(CODEC.new_framing(call("models/m:streamGenerateContent")), JSONArray)


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("models/gemini-3-pro:generateContent", "gemini-3-pro", False),
        ("models/gemini-3-pro:streamGenerateContent", "gemini-3-pro", True),
        ("models/anthropic/claude:beta:generateContent", "anthropic/claude:beta", False),
        ("tunedModels/mine:countTokens", "mine", False),
    ],
)
def test_model_and_streaming_stand_in_the_path(path: str, model: str, stream: bool) -> None:
    asked = CODEC.read_call(call(path))
    assert (asked.model, asked.stream) == (model, stream)
    assert CODEC.with_model(call(path), "a:b/c").path == path.replace(model, "a:b/c")


def test_both_spellings_of_the_limits_are_read() -> None:
    for body in (
        {"generationConfig": {"maxOutputTokens": 5, "candidateCount": 2}},
        {"generation_config": {"max_output_tokens": 5, "candidate_count": 2}},
    ):
        asked = CODEC.read_call(call("models/m:generateContent", body))
        assert (asked.max_output, asked.choices) == (5, 2)


def test_null_for_the_config_is_no_config() -> None:
    asked = CODEC.read_call(call("models/m:generateContent", {"generationConfig": None, "candidateCount": "x"}))
    assert (asked.max_output, asked.choices) == (None, 1)


def test_a_limit_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(errors.BadRequest) as caught:
        CODEC.read_call(call("models/m:generateContent", {"generationConfig": {"maxOutputTokens": -5}}))
    assert caught.value.param == "generationConfig.maxOutputTokens"


def test_the_body_names_the_new_model_where_it_named_the_old() -> None:
    asked = call("models/old:countTokens", {"generateContentRequest": {"model": "models/old", "contents": []}})
    assert json.loads(CODEC.with_model(asked, "new").body)["generateContentRequest"]["model"] == "models/new"
    asked = call("models/old:generateContent", {"contents": [{"model": "models/old"}]})
    assert CODEC.with_model(asked, "new").body == asked.body


def test_usage_is_cumulative_and_the_last_chunk_counts() -> None:
    first = {"usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}
    counts = {"promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 3}
    last = {"usageMetadata": {**counts, "thoughtsTokenCount": 2, "toolUsePromptTokenCount": 5}}
    assert reader_of({"usageMetadata": {"trafficType": "ON_DEMAND"}}).usage is None
    assert reader_of(first, last).usage == Usage(input=6, cache_read=4, tool_prompt=5, output=3, reasoning=2)


@pytest.mark.parametrize(
    ("label", "parts", "finish"),
    [
        ("STOP", [{"text": "a"}], "end"),
        ("STOP", [{"functionCall": {"name": "f"}}], "tool"),
        ("MAX_TOKENS", [{"functionCall": {"name": "f"}}], "length"),
        ("SAFETY", [], "filter"),
        ("MALFORMED_FUNCTION_CALL", [], "malformed_call"),
        ("OTHER", [{"text": "a"}], "end"),
        ("OTHER", [], "error"),
        ("SOMETHING_NEW", [], "end"),
    ],
)
def test_every_finish_reason_has_its_finish(label: str, parts: list[dict[str, Any]], finish: str) -> None:
    reader = reader_of(said(*parts, finish=label))
    assert (reader.finish, reader.ended) == (finish, True)


def test_a_blocked_prompt_is_a_whole_answer() -> None:
    reader = reader_of({"promptFeedback": {"blockReason": "SAFETY"}})
    assert (reader.finish, reader.ended, reader.error) == ("filter", True, None)


def test_pieces_are_thoughts_text_and_whole_calls() -> None:
    parts = [{"text": "Hm", "thought": True}, {"text": "Hi"}, {"functionCall": {"name": "f", "args": {"a": 1}}}]
    pieces = [Piece("reasoning", "Hm"), Piece("text", "Hi"), Piece("tool", "f"), Piece("tool", '{"a":1}')]
    assert reader_of(said(*parts)).take_pieces() == pieces


def test_the_sdk_pages_through_the_models(serve) -> None:
    models = [ModelEntry(id=f"org/m{number}", created=0, owner="us") for number in range(3)]
    page = json.loads(CODEC.model_list(models, {"pageSize": "2"}))
    rest = json.loads(CODEC.model_list(models, {"pageSize": "2", "pageToken": page["nextPageToken"]}))
    assert [model["name"] for model in page["models"] + rest["models"]] == [f"models/org/m{n}" for n in range(3)]
    with client_of(serve(200, CODEC.model_list(models, {}))) as client:
        assert [model.name for model in client.models.list()] == [f"models/org/m{n}" for n in range(3)]
