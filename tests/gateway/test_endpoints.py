"""Every base URL that people configure comes to the same few endpoints."""

import pytest

from gateway.endpoints import read_query, repeated_in, resolve, resolve_path


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/v1/chat/completions",
        "/openai/v1/chat/completions",
        "/openai/chat/completions",
        "/v1/chat/completions/",
        "/openai/deployments/my-model/chat/completions",
    ],
)
def test_every_openai_base_url_reaches_chat_completions(path: str) -> None:
    endpoint = resolve_path(path.encode())
    assert (endpoint.work, endpoint.protocol, endpoint.path) == ("generate", "openai_chat", "chat/completions")


@pytest.mark.parametrize(
    ("path", "below", "methods"),
    [
        ("/v1/videos", "videos", ("POST", "GET")),
        ("/openai/v1/videos/video_1", "videos/video_1", ("GET", "DELETE")),
        ("/v1/videos/video_1/content", "videos/video_1/content", ("GET",)),
        ("/api/v3/contents/generations/tasks", "contents/generations/tasks", ("POST", "GET")),
        ("/api/v3/contents/generations/tasks/task-1", "contents/generations/tasks/task-1", ("GET", "DELETE")),
    ],
)
def test_video_tasks_are_reached_by_openais_and_arks_base_urls(path: str, below: str, methods: tuple[str, ...]) -> None:
    endpoint = resolve_path(path.encode())
    assert (endpoint.work, endpoint.path, endpoint.methods) == ("video", below, methods)


@pytest.mark.parametrize(
    "path", ["/v1/videos/video_1/remix", "/v1/videos/edits", "/v1/videos/a%2Fb", "/v1/videos/a/b/content"]
)
def test_what_is_not_done_with_videos_is_no_endpoint(path: str) -> None:
    assert resolve_path(path.encode()).work == "unknown"


def test_arks_base_url_reaches_chat_as_well() -> None:
    assert resolve_path(b"/api/v3/chat/completions").path == "chat/completions"


@pytest.mark.parametrize("path", ["/v1/messages", "/messages", "/anthropic/v1/messages", "/anthropic/messages"])
def test_every_anthropic_base_url_reaches_messages(path: str) -> None:
    endpoint = resolve_path(path.encode())
    assert (endpoint.work, endpoint.protocol, endpoint.path) == ("generate", "anthropic_messages", "messages")


@pytest.mark.parametrize(
    "prefix",
    [
        "/v1beta",
        "/v1",
        "/google/v1beta",
        "/gemini/v1",
        "/google",
        "/v1beta1/projects/p-1/locations/eu/publishers/google",
        "/google/v1/projects/p-1/locations/global/publishers/google",
        "/v1beta1/publishers/google",
    ],
)
def test_every_google_base_url_reaches_generate_content(prefix: str) -> None:
    endpoint = resolve_path(f"{prefix}/models/gemini-3-pro:generateContent".encode())
    assert (endpoint.work, endpoint.protocol) == ("generate", "gemini")
    assert endpoint.path == "models/gemini-3-pro:generateContent"


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/models/anthropic/claude-x:generateContent", "models/anthropic/claude-x:generateContent"),
        ("/v1/models/demo:demo-1:streamGenerateContent", "models/demo:demo-1:streamGenerateContent"),
        ("/v1beta/models/org%2Fname:generateContent", "models/org/name:generateContent"),
    ],
)
def test_model_names_in_the_path_may_hold_slashes_and_colons(path: str, model: str) -> None:
    endpoint = resolve_path(path.encode())
    assert (endpoint.work, endpoint.path) == ("generate", model)


def test_a_model_with_a_colon_is_one_model_when_no_method_follows() -> None:
    endpoint = resolve_path(b"/v1/models/org%2Fmodel:free")
    assert (endpoint.work, endpoint.path) == ("model", "models/org/model:free")


@pytest.mark.parametrize("prefix", ["/v1", "", "/openai/v1", "/openai", "/v1/v1"])
@pytest.mark.parametrize(
    ("part", "methods"), [("", ("GET", "DELETE")), ("/cancel", ("POST",)), ("/input_items", ("GET",))]
)
def test_every_openai_base_url_reaches_a_stored_response(prefix: str, part: str, methods: tuple[str, ...]) -> None:
    endpoint = resolve_path(f"{prefix}/responses/resp_6f-2{part}".encode())
    assert (endpoint.work, endpoint.protocol, endpoint.methods) == ("response", "openai_responses", methods)
    assert endpoint.path == f"responses/resp_6f-2{part}"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses/..",
        "/v1/responses/..%2Ffiles",
        "/v1/responses/a%3Fb",
        "/v1/responses/compact",
        "/v1/responses/a/b",
    ],
)
def test_what_cannot_be_a_response_id_reaches_nothing(path: str) -> None:
    assert resolve_path(path.encode()).work == "unknown"


@pytest.mark.parametrize(
    ("headers", "query", "protocol"),
    [
        ({"anthropic-version": "2026-10-21", "x-goog-api-key": "k"}, {}, "anthropic_messages"),
        ({"x-goog-api-key": "k"}, {}, "gemini"),
        ({"x-goog-api-client": "google-genai-sdk"}, {}, "gemini"),
        ({}, {"key": "k"}, "gemini"),
        ({"authorization": "Bearer k"}, {}, "openai_chat"),
    ],
)
def test_one_model_list_serves_three_kinds_of_client(
    headers: dict[str, str], query: dict[str, str], protocol: str
) -> None:
    assert resolve(b"/v1/models", headers, query).protocol == protocol


def test_a_base_url_that_names_its_protocol_settles_what_the_model_list_is() -> None:
    assert resolve(b"/google/v1beta/models", {"anthropic-version": "x"}, {}).protocol == "gemini"


@pytest.mark.parametrize("path", ["/", "/api/hello", "/anthropic/api/hello"])
def test_probes_are_understood_without_a_key(path: str) -> None:
    assert resolve_path(path.encode()).work == "probe"


@pytest.mark.parametrize("path", ["/v1/files", "/admin", "/v1/models:generateContent", "/..", "/v1/chat"])
def test_anything_else_is_unknown(path: str) -> None:
    assert resolve_path(path.encode()).work == "unknown"


def test_members_of_the_query_that_come_again_are_not_lost() -> None:
    query = b"include[]=a&limit=5&include[]=b&include[]=c"
    assert read_query(query) == {"include[]": "c", "limit": "5"}
    assert repeated_in(query) == (("include[]", "a"), ("include[]", "b"))


def test_the_query_is_read_with_its_empty_members() -> None:
    assert read_query(b"alt=sse&key=k%20y&beta=") == {"alt": "sse", "key": "k y", "beta": ""}
