"""What upstreams say when they fail, and what a client may hear of it."""

import json
from typing import Any

import pytest

from gateway import errors
from gateway.protocols.upstream_errors import clean, read_error, read_streamed_error


def openai_body(message: str = "Oops.", **more: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": "t", "param": None, "code": None, **more}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, openai_body(code="unsupported_value"), errors.BadRequest, "unsupported_value"),
        (422, openai_body(), errors.BadRequest, "invalid_request"),
        (400, openai_body("This model's maximum context length is 8 tokens."), errors.BadRequest, None),
        (401, openai_body(code="invalid_api_key"), errors.UpstreamFailed, "upstream_auth"),
        (403, b"", errors.UpstreamFailed, "upstream_auth"),
        (400, openai_body(details=[{"reason": "API_KEY_INVALID"}]), errors.UpstreamFailed, "upstream_auth"),
        (402, openai_body(), errors.UpstreamFailed, "upstream_quota"),
        (429, openai_body(code="insufficient_quota"), errors.UpstreamFailed, "upstream_quota"),
        (400, openai_body("Your credit balance is too low."), errors.UpstreamFailed, "upstream_quota"),
        (404, openai_body("The model `x` does not exist."), errors.NotFound, "model_not_found"),
        (400, openai_body(code="model_not_found"), errors.NotFound, "model_not_found"),
        (404, openai_body("Response 'resp_1' not found."), errors.NotFound, "not_found"),
        (404, b"<html>nginx</html>", errors.UpstreamFailed, "upstream_error"),
        (409, openai_body(), errors.UpstreamFailed, "upstream_error"),
        (413, openai_body(), errors.TooLarge, "request_too_large"),
        (429, openai_body(), errors.RateLimited, "upstream_rate_limit"),
        (500, openai_body(), errors.UpstreamFailed, "upstream_error"),
        (502, b"<html>bad gateway</html>", errors.UpstreamFailed, "upstream_error"),
        (503, b"", errors.Unavailable, "upstream_overloaded"),
        (529, openai_body(type="overloaded_error"), errors.Unavailable, "upstream_overloaded"),
        (504, b"", errors.UpstreamTimeout, "upstream_timeout"),
    ],
)
def test_every_failure_of_an_upstream_has_its_place_in_our_tree(status, body, kind, code) -> None:
    error = read_error(status, {}, body)
    assert type(error) is kind
    assert error.code == (code or "context_length_exceeded")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "Said."}}, "Said."),
        ({"error": "Said."}, "Said."),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "Said."}}, "Said."),
        ([{"error": {"code": 400, "message": "Said.", "status": "INVALID_ARGUMENT"}}], "Said."),
        ({"object": "error", "message": "Said.", "type": "x", "raw_status_code": 400}, "Said."),
        ({"object": "error", "message": {"detail": [{"msg": "x"}]}}, "The upstream answered with status 400."),
        ({"detail": "Said."}, "Said."),
        ({"detail": [{"loc": ["body"], "msg": "Said."}]}, "Said."),
        (
            {"error": {"code": 400, "message": "Said.", "metadata": {"provider_name": "x"}}, "user_id": "user_1"},
            "Said.",
        ),
        ({"code": "InvalidParameter", "message": "Said.", "request_id": "1"}, "Said."),
        ("text", "The upstream answered with status 400."),
        ([], "The upstream answered with status 400."),
    ],
)
def test_the_message_is_found_in_every_shape_of_body(body: Any, message: str) -> None:
    assert read_error(400, {}, json.dumps(body).encode()).message == message


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<!doctype html><p>no", b"{", b"[" * 5000])
def test_a_body_that_is_no_json_is_replaced_by_words_of_ours(body: bytes) -> None:
    assert read_error(500, {}, body).message == "The upstream answered with status 500."


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abc123DEF456ghi789",
        "sk-ant-api03-abcdefgh",
        "sk-abcd****wxyz",
        "AIzaSyA1234567890abcdef",
        "Bearer abc.def",
        "gsk_12345678abcdef",
        "eyJhbGciOi.eyJpc3MiOi.c2ln",
        "org-Ab12Cd34Ef56Gh78",
        "proj_Ab12Cd34Ef",
        "projects/my-company-prod",
        "project 123456789012",
        "https://internal.example.com:8443/v1?key=1",
        "api.internal.example.com",
        "llm-box.local:8080/v1",
        "localhost:11434",
        "10.0.12.7:8000",
        "fe80:0:0:0:1ff:fe23:4567:890a",
        "ops@example.com",
        "a8f5f167f44f4964e6c998dee827110ca8f5f167f44f",
    ],
)
def test_nothing_that_is_ours_alone_reaches_a_client(secret: str) -> None:
    cleaned = clean(f"Failed for '{secret}' just now")
    assert cleaned.startswith("Failed for '[removed]")
    assert cleaned.endswith("just now")
    assert read_error(401, {}, openai_body(f"Incorrect key: {secret}")).message.find(secret) == -1


@pytest.mark.parametrize(
    "text",
    [
        "messages.0.content.1.text: text content blocks must be non-empty",
        "Unsupported value: 'messages[0].role' does not support 'developer' with this model.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The model `claude-3-7-sonnet-20250219` does not exist",
        "Invalid schema for response_format 'json_schema': user_location is required",
        "No tool output found for function call call_abcdefghijklmnopqrstuvwx.",
    ],
)
def test_what_a_client_needs_to_read_stays_as_it_was(text: str) -> None:
    assert clean(text) == text


def test_a_message_is_one_line_and_of_bounded_length() -> None:
    assert clean("a\n\x1b[31mb" + " c" * 9999).startswith("a [31mb c")
    assert len(clean("word " * 9999)) <= 500


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "86400"}, 3600),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "inf"}, 3.6),
        ({"date": "Fri, 20 Nov 2026 10:00:00 GMT", "retry-after": "Fri, 20 Nov 2026 10:00:20 GMT"}, 20),
        ({"date": "Fri, 20 Nov 2026 10:00:00 GMT", "retry-after": "Fri, 20 Nov 2020 10:00:20 GMT"}, 0),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:20 GMT"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_and_garbage_is_not(headers: dict[str, str], seconds: float | None) -> None:
    assert read_error(429, headers, b"").retry_after == seconds


def test_google_says_in_the_body_how_long_to_wait() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}, "x", {"retryDelay": 5}]
    assert read_error(429, {}, openai_body(details=details)).retry_after == 34


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b'{"error":{"code":429,"message":"x"}}', errors.RateLimited),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', errors.Unavailable),
        (b'{"error":{"message":"x","type":"invalid_request_error","code":"y"}}', errors.BadRequest),
        (b'{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}', errors.Unavailable),
        (b'{"type":"response.failed","response":{"error":{"code":"server_error"}}}', errors.UpstreamFailed),
        (b'{"type":"error","code":"rate_limit_exceeded","message":"x"}', errors.RateLimited),
        (b'{"error":"x"}', errors.UpstreamFailed),
    ],
)
def test_an_error_without_a_status_is_known_by_its_type(payload: bytes, kind: type[errors.GatewayError]) -> None:
    assert type(read_streamed_error(payload)) is kind
