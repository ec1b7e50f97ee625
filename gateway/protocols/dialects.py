"""The ways upstreams speak a protocol, one row each. A new quirk of a known kind is a value here."""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.canonical import Protocol
from gateway.protocols.translation import Dialect

_OPENAI_ONLY = (
    "store",
    "metadata",
    "cache_key",
    "safety_identifier",
    "verbosity",
    "prediction",
    "moderation",
    "prompt_cache_options",
    "prompt_cache_retention",
)
"""What OpenAI's own endpoint has and others refuse or do not know."""

_NINE = r"[A-Za-z0-9]{9}"

_OPENAI = Dialect("openai", keeps_unknown=False)

_OTHERS = Dialect(system_role="system", result_images=False, custom_tools=False, web_search="")
"""What no other upstream took over from OpenAI."""

_CHAT = (
    Dialect("standard"),
    replace(
        _OTHERS,
        name="compatible",
        limit_field="max_tokens",
        echo_reasoning="allowed",
        web_search="web_search_options",
    ),
    _OPENAI,
    Dialect("azure", keeps_unknown=False),
    replace(
        _OTHERS,
        name="deepseek",
        limit_field="max_tokens",
        reasoning_request="thinking",
        efforts=("low", "high", "max"),
        echo_reasoning="required",
        drops=(*_OPENAI_ONLY, "seed", "logit_bias", "parallel_calls", "tier", "choices", "output.schema", "top_k"),
    ),
    replace(
        _OTHERS,
        name="qwen",
        limit_field="max_tokens",
        reasoning_request="enable_thinking",
        thinks_streaming_only=True,
        echo_reasoning="allowed",
        videos=True,
        cache_marks=True,
        web_search="enable_search",
        drops=(*_OPENAI_ONLY, "frequency_penalty", "logit_bias", "tier"),
    ),
    replace(
        _OTHERS,
        name="ark",
        limit_field="max_tokens",
        reasoning_request="thinking",
        efforts=("minimal", "low", "medium", "high"),
        echo_reasoning="allowed",
        videos=True,
        drops=(*_OPENAI_ONLY, "seed", "choices", "top_k"),
    ),
    replace(
        _OTHERS,
        name="mimo",
        reasoning_request="thinking",
        echo_reasoning="required",
        null_content=False,
        videos=True,
        drops=(*_OPENAI_ONLY, "seed", "logit_bias", "logprobs", "tier", "choices", "top_k"),
    ),
    replace(
        _OTHERS,
        name="moonshot",
        limit_field="max_tokens",
        reasoning_request="thinking",
        echo_reasoning="required",
        videos=True,
        drops=(
            "store",
            "metadata",
            "verbosity",
            "prediction",
            "moderation",
            "seed",
            "logit_bias",
            "logprobs",
            "tier",
            "top_k",
        ),
    ),
    replace(
        _OTHERS,
        name="zai",
        limit_field="max_tokens",
        reasoning_request="thinking",
        echo_reasoning="allowed",
        videos=True,
        drops=(*_OPENAI_ONLY, "seed", "logit_bias", "logprobs", "tier", "choices", "top_k"),
    ),
    replace(
        _OTHERS,
        name="mistral",
        limit_field="max_tokens",
        seed_field="random_seed",
        reasoning_request="none",
        call_id_pattern=_NINE,
        required_choice="any",
        keeps_unknown=False,
        drops=(*_OPENAI_ONLY, "user", "name", "logit_bias", "logprobs", "tier", "top_k"),
    ),
    replace(
        _OTHERS,
        name="groq",
        reasoning_field="reasoning",
        drops=(*_OPENAI_ONLY, "name", "logit_bias", "logprobs", "choices", "top_k"),
    ),
    replace(
        _OTHERS,
        name="xai",
        drops=("metadata", "verbosity", "prediction", "moderation", "logit_bias", "top_k"),
    ),
    replace(
        _OTHERS,
        name="openrouter",
        limit_field="max_tokens",
        reasoning_field="reasoning",
        reasoning_request="reasoning",
        echo_reasoning="allowed",
        videos=True,
        cache_marks=True,
        document_urls=True,
        web_search="openrouter",
    ),
    replace(
        _OTHERS,
        name="ollama",
        limit_field="max_tokens",
        reasoning_field="reasoning",
        echo_reasoning="allowed",
        image_urls=False,
        drops=(*_OPENAI_ONLY, "parallel_calls", "tier", "choices"),
    ),
    replace(
        _OTHERS,
        name="vllm",
        limit_field="max_tokens",
        reasoning_field="reasoning",
        echo_reasoning="allowed",
        videos=True,
        drops=(*_OPENAI_ONLY, "tier"),
    ),
    replace(
        _OTHERS,
        name="lmstudio",
        limit_field="max_tokens",
        echo_reasoning="allowed",
        image_urls=False,
        drops=(*_OPENAI_ONLY, "tier", "choices"),
    ),
    replace(
        _OTHERS,
        name="google-compat",
        result_images=True,
        drops=(*_OPENAI_ONLY, "logit_bias", "tier", "top_k", "parallel_calls"),
    ),
    replace(
        _OTHERS,
        name="siliconflow",
        limit_field="max_tokens",
        reasoning_request="enable_thinking",
        echo_reasoning="allowed",
        videos=True,
        drops=(*_OPENAI_ONLY, "tier"),
    ),
)

_ANTHROPIC_ONLY = ("cache.ttl", "context_management", "diagnostics", "speed", "inference_geo", "fallbacks", "tier")
"""What clones of Anthropic's endpoint refuse, or do not know."""

_CLONE = Dialect(
    system_role="system",
    strict_tools=False,
    keeps_unknown=False,
    document_urls=True,
    reads_addresses=False,
    drops=(*_ANTHROPIC_ONLY, "output_config"),
    web_search="",
)
"""Knows no betas, no lifetimes of caches, no instructions between turns, and of a tool only what it was at first."""

_ANTHROPIC = (
    Dialect("standard", document_urls=True),
    *(replace(_CLONE, name=name) for name in ("qwen", "moonshot", "zai", "siliconflow", "ollama", "vllm", "lmstudio")),
    replace(_CLONE, name="mimo", echo_reasoning="required"),
    replace(_CLONE, name="deepseek", echo_reasoning="required", drops=_ANTHROPIC_ONLY),
)

_RESPONSES = (Dialect("standard", document_urls=True), replace(_OPENAI, document_urls=True))

_GEMINI = (
    Dialect("standard", document_urls=True, reads_addresses=False),
    Dialect("vertex", document_urls=True, predicts=True, announces_mixed_tools=False),
)

DIALECTS: Mapping[Protocol, Mapping[str, Dialect]] = {
    "openai_chat": {dialect.name: dialect for dialect in _CHAT},
    "openai_responses": {dialect.name: dialect for dialect in _RESPONSES},
    "anthropic_messages": {dialect.name: dialect for dialect in _ANTHROPIC},
    "gemini": {dialect.name: dialect for dialect in _GEMINI},
}


def dialect_for(protocol: Protocol, name: str) -> Dialect:
    """The row of that name; an upstream without one speaks the protocol as its maker does."""
    rows = DIALECTS[protocol]
    return rows.get(name) or rows["standard"]
