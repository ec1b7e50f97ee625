"""Anthropic Messages: usage, finish reasons, and errors as the official SDK sees them."""

import json
from typing import Any

import anthropic
import pytest
from anthropic.types import ThreadUnsupportedRequestError

from gateway import errors
from gateway.canonical import ModelEntry, Piece, Usage
from gateway.protocols.anthropic_messages import CODEC

PROTOCOL = "anthropic_messages"

START = {"type": "message_start", "message": {"model": "claude", "usage": {"input_tokens": 5, "output_tokens": 1}}}

RAISED = [
    (errors.BadRequest("Bad.", code="x"), anthropic.BadRequestError, 400, "invalid_request_error"),
    (errors.Unauthorized("No."), anthropic.AuthenticationError, 401, "authentication_error"),
    (errors.InsufficientQuota("Spent."), anthropic.PaymentRequiredError, 402, "billing_error"),
    (errors.Forbidden("No."), anthropic.PermissionDeniedError, 403, "permission_error"),
    (errors.NotFound("None."), anthropic.NotFoundError, 404, "not_found_error"),
    (errors.MethodNotAllowed("No."), anthropic.APIStatusError, 405, "invalid_request_error"),
    (errors.UpgradeRequired("No."), anthropic.APIStatusError, 426, "invalid_request_error"),
    (errors.TooLarge("Big."), anthropic.ContentTooLargeError, 413, "request_too_large"),
    (errors.UnsupportedMedia("No."), anthropic.APIStatusError, 415, "invalid_request_error"),
    (errors.RateLimited("Slow."), anthropic.RateLimitError, 429, "rate_limit_error"),
    (errors.Internal("Ours."), anthropic.InternalServerError, 500, "api_error"),
    (errors.UpstreamFailed("Theirs."), anthropic.InternalServerError, 502, "api_error"),
    (errors.Unavailable("Busy."), anthropic.OverloadedError, 529, "overloaded_error"),
    (errors.UpstreamTimeout("Slow."), anthropic.GatewayTimeoutError, 504, "timeout_error"),
    (errors.Cut("Cut."), anthropic.ServiceUnavailableError, 503, "api_error"),
]


def client_of(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)


def reader_of(*events: dict[str, Any]) -> Any:
    reader = CODEC.new_reader()
    for event in events:
        reader.read_payload(json.dumps(event).encode())
    return reader


def ended(reason: str, **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


@pytest.mark.parametrize(("error", "raised", "status", "kind"), RAISED)
def test_the_sdk_raises_its_own_error_for_each_of_ours(serve, error, raised, status, kind) -> None:
    url = serve(CODEC.error_status(error), CODEC.error_body(error, "req_1"))
    with client_of(url) as client, pytest.raises(raised) as caught:
        client.messages.create(model="m", max_tokens=1, messages=[])
    body = caught.value.body
    assert (caught.value.status_code, body["error"]["type"]) == (status, kind)
    assert (body["error"]["message"], body["request_id"]) == (error.message, "req_1")


def test_an_error_in_a_stream_raises_with_our_message_and_request_id(serve) -> None:
    message = {"id": "1", "type": "message", "role": "assistant", "content": [], **START["message"]}
    start = b"event: message_start\ndata: %s\n\n" % json.dumps({**START, "message": message}).encode()
    frames = CODEC.error_frames(errors.Unavailable("All busy."), "req_1", CODEC.new_reader())
    url = serve(200, start + CODEC.keep_alive + frames, "text/event-stream")
    with client_of(url) as client, client.messages.create(model="m", max_tokens=1, messages=[], stream=True) as stream:
        assert next(stream).type == "message_start"
        with pytest.raises(anthropic.APIStatusError) as caught:
            next(stream)
    assert caught.value.body["error"] == {"type": "overloaded_error", "message": "All busy."}
    assert caught.value.body["request_id"] == "req_1"


def test_a_prompt_that_is_too_long_is_said_in_the_words_that_clients_know() -> None:
    error = errors.BadRequest("Over the context window.", code="context_length_exceeded")
    assert json.loads(CODEC.error_body(error, "r"))["error"]["message"].startswith("prompt is too long")


def test_cache_writes_are_told_apart_by_their_lifetime() -> None:
    split = {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7}
    usage = {"input_tokens": 1, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 9, "cache_creation": split}
    reader = reader_of({"type": "message_start", "message": {"usage": usage}})
    assert reader.usage == Usage(input=1, cache_read=4, cache_write_5m=2, cache_write_1h=7)


def test_cache_writes_without_a_split_live_five_minutes() -> None:
    reader = reader_of({"type": "message_start", "message": {"usage": {"cache_creation_input_tokens": 9}}})
    assert reader.usage == Usage(cache_write_5m=9)


def test_the_last_word_on_usage_is_that_of_the_message_delta() -> None:
    thinking = {"thinking_tokens": 3}
    reader = reader_of(START, ended("end_turn", input_tokens=50, output_tokens=9, output_tokens_details=thinking))
    assert reader.usage == Usage(input=50, output=6, reasoning=3)
    assert reader_of(START, ended("end_turn", output_tokens=0)).usage == Usage(input=5)


@pytest.mark.parametrize(
    ("reason", "block", "finish"),
    [
        ("end_turn", "text", "end"),
        ("end_turn", "tool_use", "tool"),
        ("tool_use", "server_tool_use", "end"),
        ("max_tokens", "tool_use", "length"),
        ("stop_sequence", "text", "stop_sequence"),
        ("pause_turn", "server_tool_use", "pause"),
        ("refusal", "text", "refusal"),
        ("model_context_window_exceeded", "text", "context_full"),
        ("something_new", "text", "end"),
    ],
)
def test_every_stop_reason_has_its_finish(reason: str, block: str, finish: str) -> None:
    started = {"type": "content_block_start", "content_block": {"type": block, "name": "n", "input": {}}}
    assert reader_of(START, started, ended(reason)).finish == finish


def test_pieces_are_text_thinking_and_calls() -> None:
    deltas = [{"thinking": "Hm", "type": "thinking_delta"}, {"text": "Hi", "type": "text_delta"}]
    deltas.append({"partial_json": "{}", "type": "input_json_delta"})
    reader = reader_of(*({"type": "content_block_delta", "delta": delta} for delta in deltas))
    assert reader.take_pieces() == [Piece("reasoning", "Hm"), Piece("text", "Hi"), Piece("tool", "{}")]


def test_what_comes_before_content_does_not_commit() -> None:
    for event in (START, {"type": "ping"}, {"type": "error", "error": {}}):
        assert not CODEC.is_content(json.dumps(event).encode())
    assert CODEC.is_content(b'{"type":"content_block_start"}')


def test_the_sdk_pages_through_the_models(serve) -> None:
    models = [ModelEntry(id=f"m{number}", created=1763600000, owner="us") for number in range(5)]
    page = json.loads(CODEC.model_list(models, {"limit": "2", "after_id": "m1"}))
    assert ([model["id"] for model in page["data"]], page["has_more"], page["last_id"]) == (["m2", "m3"], True, "m3")
    page = json.loads(CODEC.model_list(models, {"limit": "2", "before_id": "m2"}))
    assert ([model["id"] for model in page["data"]], page["has_more"], page["first_id"]) == (["m0", "m1"], False, "m0")
    with client_of(serve(200, CODEC.model_list(models, {}))) as client:
        assert [model.created_at.year for model in client.models.list()] == [2025] * 5


def test_the_sdk_knows_by_an_errors_details_that_it_must_go_on_without_a_thread(serve) -> None:
    error = errors.BadRequest("No threads here.", code="thread_unsupported_request", param="thread")
    url = serve(CODEC.error_status(error), CODEC.error_body(error, "req_1"))
    with client_of(url) as client, pytest.raises(ThreadUnsupportedRequestError) as caught:
        client.messages.create(model="m", max_tokens=1, messages=[])
    assert caught.value.body["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }
