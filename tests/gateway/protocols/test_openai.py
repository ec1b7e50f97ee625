"""Errors and model lists as the official OpenAI SDK sees them."""

import httpx
import openai
import pytest

from gateway import errors
from gateway.canonical import ModelEntry
from gateway.framings.sse import SSE
from gateway.protocols import openai_chat, openai_responses
from gateway.protocols.openai import error_body, error_status, model_item, model_list

RAISED = [
    (errors.BadRequest("Bad.", code="unsupported_value", param="n"), openai.BadRequestError, "unsupported_value"),
    (errors.Unauthorized("No."), openai.AuthenticationError, "invalid_api_key"),
    (errors.InsufficientQuota("Spent."), openai.RateLimitError, "insufficient_quota"),
    (errors.Forbidden("No."), openai.PermissionDeniedError, "permission_denied"),
    (errors.NotFound("None.", code="model_not_found"), openai.NotFoundError, "model_not_found"),
    (errors.MethodNotAllowed("No."), openai.APIStatusError, "method_not_allowed"),
    (errors.UpgradeRequired("No."), openai.APIStatusError, "upgrade_required"),
    (errors.TooLarge("Big."), openai.APIStatusError, "request_too_large"),
    (errors.UnsupportedMedia("No."), openai.APIStatusError, "unsupported_media_type"),
    (errors.RateLimited("Slow."), openai.RateLimitError, "rate_limit_exceeded"),
    (errors.Internal("Ours."), openai.InternalServerError, "internal_error"),
    (errors.UpstreamFailed("Theirs.", code="upstream_auth"), openai.InternalServerError, "upstream_auth"),
    (errors.Unavailable("Busy."), openai.InternalServerError, "unavailable"),
    (errors.UpstreamTimeout("Slow."), openai.InternalServerError, "upstream_timeout"),
    (errors.Cut("Cut."), openai.InternalServerError, "cut"),
]


def client_of(url: str) -> openai.OpenAI:
    http = httpx.Client(trust_env=False)
    return openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0, http_client=http)


@pytest.mark.parametrize(("error", "raised", "code"), RAISED)
def test_the_sdk_raises_its_own_error_for_each_of_ours(serve, error, raised, code) -> None:
    with client_of(serve(error_status(error), error_body(error, "req_1"))) as client, pytest.raises(raised) as caught:
        client.responses.create(model="m", input="hi")
    told = caught.value
    assert (told.code, told.param, told.body["message"]) == (code, error.param, error.message)
    assert told.response.json()["request_id"] == "req_1"


def test_an_error_in_a_chat_stream_raises_with_our_message(serve) -> None:
    chunk = b'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    codec = openai_chat.CODEC
    frames = codec.error_frames(errors.Cut("The operator ended it."), "req_1", codec.new_reader())
    url = serve(200, chunk + frames, "text/event-stream")
    with client_of(url) as client, client.chat.completions.create(model="m", messages=[], stream=True) as stream:
        assert next(stream).choices[0].delta.content == "Hi"
        with pytest.raises(openai.APIError, match="The operator ended it") as caught:
            next(stream)
    assert caught.value.code == "cut"


def test_an_error_in_a_responses_stream_raises_and_follows_on(serve) -> None:
    created = b'{"type":"response.created","sequence_number":6,"response":{"id":"resp_1","model":"m","created_at":5}}'
    reader = openai_responses.CODEC.new_reader()
    reader.read_payload(created)
    frames = openai_responses.CODEC.error_frames(errors.RateLimited("Too much."), "req_1", reader)
    with client_of(serve(200, b"data: " + created + b"\n\n" + frames, "text/event-stream")) as client:
        stream = client.responses.create(model="m", input="hi", stream=True)
        assert next(stream).response.id == "resp_1"
        with pytest.raises(openai.APIError, match="Too much"):
            next(stream)
        stream.close()
    failed = SSE().payloads(frames)[-1]
    assert b'"sequence_number":8' in failed
    assert b'"id":"resp_1"' in failed


def test_the_sdk_lists_and_fetches_models(serve) -> None:
    model = ModelEntry(id="org/model:free", created=1763600000, owner="them")
    with client_of(serve(200, model_list([model], {}))) as client:
        assert [(listed.id, listed.owned_by) for listed in client.models.list()] == [("org/model:free", "them")]
    with client_of(serve(200, model_item(model))) as client:
        assert client.models.retrieve("org/model:free").created == 1763600000
