"""Provider presets, and what an operator's base URL makes of them."""

import re

import pytest

from data.presets import endpoints_for, load_presets
from data.records import ProviderPreset

PROTOCOLS = {"openai_chat", "openai_responses", "anthropic_messages", "gemini", "openai_video", "ark_video"}
SIGNERS = {"bearer", "x-api-key", "x-goog-api-key", "api-key", "none", "google-service-account"}
PRESETS = {preset.id: preset for preset in load_presets()}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_every_preset_names_known_protocols_and_signers_and_says_how_to_start(preset: ProviderPreset) -> None:
    assert preset.endpoints
    assert set(preset.endpoints) <= PROTOCOLS
    assert set(preset.signers) <= set(preset.endpoints)
    assert set(preset.signers.values()) <= SIGNERS
    assert preset.title
    assert preset.hint.endswith(".")


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_endpoints_are_whole_urls_unless_the_operator_must_give_the_host(preset: ProviderPreset) -> None:
    for url in preset.endpoints.values():
        assert preset.needs_base_url != bool(re.match(r"(https?|demo)://[^/]+", url))
        assert not url.endswith("/")


def test_the_promised_providers_are_all_there() -> None:
    promised = (
        "openai anthropic google vertex deepseek dashscope dashscope-intl volcengine mimo openrouter mistral groq xai "
        "moonshot zhipu zai siliconflow ollama vllm lmstudio openai-compatible anthropic-compatible demo"
    )
    assert set(promised.split()) <= set(PRESETS)


def test_without_a_base_url_the_endpoints_are_the_providers_own() -> None:
    assert endpoints_for(PRESETS["deepseek"]) == PRESETS["deepseek"].endpoints


@pytest.mark.parametrize(
    ("provider", "given", "chat"),
    [
        ("openai-compatible", "example.com", "https://example.com/v1"),
        ("openai-compatible", " https://example.com/ ", "https://example.com/v1"),
        ("openai-compatible", "https://example.com/v1/", "https://example.com/v1"),
        ("openai-compatible", "https://example.com/v1/chat/completions", "https://example.com/v1"),
        ("openai-compatible", "https://example.com/v1/models?limit=5", "https://example.com/v1"),
        ("openai-compatible", "https://example.com/chat/completions", "https://example.com"),
        ("openai-compatible", "https://example.com/inference", "https://example.com/inference"),
        ("openai-compatible", "localhost:8080", "http://localhost:8080/v1"),
        ("openai", "https://proxy.example.com/openai/v1", "https://proxy.example.com/openai/v1"),
        ("zhipu", "https://proxy.example.com", "https://proxy.example.com/api/paas/v4"),
        ("vllm", "gpu-box:9000", "http://gpu-box:9000/v1"),
        ("ollama", "http://10.0.0.5:11434/v1", "http://10.0.0.5:11434/v1"),
    ],
)
def test_a_base_url_is_understood_however_it_was_pasted(provider: str, given: str, chat: str) -> None:
    assert endpoints_for(PRESETS[provider], given)["openai_chat"] == chat


@pytest.mark.parametrize("given", ["https://x.io", "https://x.io/v1", "https://x.io/v1/messages", "https://x.io/"])
def test_an_anthropic_base_url_never_ends_in_v1(given: str) -> None:
    assert endpoints_for(PRESETS["anthropic-compatible"], given) == {"anthropic_messages": "https://x.io"}


@pytest.mark.parametrize(
    "given", ["api.moonshot.cn", "https://api.moonshot.cn/v1", "https://api.moonshot.cn/anthropic"]
)
def test_one_base_url_moves_all_the_endpoints_of_a_provider(given: str) -> None:
    assert endpoints_for(PRESETS["moonshot"], given) == {
        "openai_chat": "https://api.moonshot.cn/v1",
        "openai_responses": "https://api.moonshot.cn/v1",
        "anthropic_messages": "https://api.moonshot.cn/anthropic",
    }


@pytest.mark.parametrize("given", ["https://x.io", "https://x.io/v1beta", "https://x.io/v1beta/openai/"])
def test_a_gemini_base_url_may_be_that_of_the_openai_endpoint(given: str) -> None:
    assert endpoints_for(PRESETS["google"], given)["gemini"] == "https://x.io/v1beta"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_vertex_puts_project_and_location_into_host_and_path(location: str, host: str) -> None:
    url = endpoints_for(PRESETS["vertex"], project="acme", location=location)["gemini"]
    assert url == f"https://{host}/v1beta1/projects/acme/locations/{location}/publishers/google"


def test_vertex_may_be_reached_by_another_host_or_by_a_whole_address_that_was_pasted() -> None:
    behind = endpoints_for(PRESETS["vertex"], "https://proxy.example.com", project="acme", location="eu")["gemini"]
    assert behind == "https://proxy.example.com/v1beta1/projects/acme/locations/eu/publishers/google"
    assert endpoints_for(PRESETS["vertex"], behind)["gemini"] == behind


@pytest.mark.parametrize(
    ("provider", "given"),
    [
        ("vertex", ""),
        ("vertex", "https://proxy.example.com"),
        ("openai-compatible", ""),
        ("openai", "ftp://x"),
        ("openai", "what is this"),
        ("openai", "https://"),
    ],
)
def test_what_cannot_be_an_address_is_refused_in_words(provider: str, given: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        endpoints_for(PRESETS[provider], given)


def test_a_base_url_that_holds_a_credential_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="credential") as refused:
        endpoints_for(PRESETS["openai"], "https://user:hunter2@example.com/v1")
    assert "hunter2" not in str(refused.value)
