"""What encoding a request knows of its model."""

import pytest
from genai_prices import data

from gateway.models import facts_for
from gateway.protocols.translation import ModelFacts

BUDGET = ("claude-3-7-sonnet-latest", "claude-sonnet-4-20250514", "claude-opus-4-1-20250805", "claude-haiku-4-5")
ADAPTIVE = ("claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-7", "claude-sonnet-5", "claude-opus-5-5")


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "anthropic/claude-sonnet-4.5", "CLAUDE-SONNET-4-5@20250929"])
@pytest.mark.parametrize("prefix", ["", "us.anthropic.", "models/"])
def test_a_model_is_known_however_its_host_spells_its_name(model: str, prefix: str) -> None:
    assert facts_for(prefix + model, "openrouter") == facts_for("claude-sonnet-4-5", "anthropic")


@pytest.mark.parametrize("model", BUDGET)
def test_older_claude_models_are_given_a_budget_and_take_sampling(model: str) -> None:
    facts = facts_for(model, "anthropic")
    assert (facts.family, facts.thinking_style, facts.samples) == ("anthropic", "budget", True)


@pytest.mark.parametrize("model", ADAPTIVE)
def test_newer_claude_models_decide_for_themselves_how_long_to_think(model: str) -> None:
    facts = facts_for(model, "anthropic")
    assert (facts.thinking_style, facts.max_output) == ("adaptive", 128000)
    assert facts.samples == ("4-6" in model)


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-opus-20240229", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-opus-4-0", 32000),
        ("claude-sonnet-4-0", 64000),
        ("gpt-4o", 16384),
        ("gpt-4.1-mini", 32768),
        ("o4-mini", 100000),
        ("gpt-5.6-sol", 128000),
        ("gemini-2.0-flash", 8192),
        ("gemini-3.6-flash", 65536),
    ],
)
def test_the_most_that_a_model_answers_is_known(model: str, limit: int) -> None:
    assert facts_for(model, "openrouter").max_output == limit


@pytest.mark.parametrize(
    ("model", "least", "most"),
    [
        ("gpt-5", "minimal", "high"),
        ("gpt-5.1", "none", "high"),
        ("gpt-5.2-2025-12-11", "none", "xhigh"),
        ("gpt-6-sol", "none", "max"),
        ("gpt-6.1-sol", "low", "max"),
        ("gpt-5-pro", "high", "high"),
        ("o3", "low", "high"),
        ("claude-opus-4-6", "none", "max"),
        ("claude-opus-5-5", "low", "max"),
        ("gemini-3-pro-preview", "low", "high"),
        ("gemini-3-flash-preview", "minimal", "high"),
        ("deepseek-v4-pro", "none", "max"),
        ("grok-4.5", "low", "high"),
        ("gpt-4o-mini", "none", "none"),
    ],
)
def test_a_model_takes_efforts_between_its_least_and_its_most(model: str, least: str, most: str) -> None:
    efforts = facts_for(model, "openrouter").efforts
    assert (efforts[0], efforts[-1]) == (least, most)


def test_gemini_models_are_told_a_budget_before_the_third_and_a_level_since() -> None:
    pro, flash = facts_for("gemini-2.5-pro", "google"), facts_for("models/gemini-2.5-flash", "vertex")
    assert (pro.thinking_style, pro.largest_budget, "none" in pro.efforts) == ("budget", 32768, False)
    assert (flash.thinking_style, flash.largest_budget, "none" in flash.efforts) == ("budget", 24576, True)
    assert facts_for("gemini-4-argon", "google").thinking_style == "level"


def test_an_unknown_model_is_of_the_family_of_the_upstream_it_is_at() -> None:
    assert facts_for("m-large", "anthropic") == ModelFacts(family="anthropic")
    assert facts_for("m-large", "vertex") == ModelFacts(family="google")
    assert facts_for("m-large", "openai-compatible") == ModelFacts()


@pytest.mark.parametrize("family", ["anthropic", "openai", "google"])
def test_every_chat_model_with_a_published_price_has_its_family_anywhere(family: str) -> None:
    marks = {"anthropic": "claude", "openai": "gpt-", "google": "gemini-"}
    provider = next(provider for provider in data.providers if provider.id == family)
    apart = ("oss", "image", "live", "realtime", "rosalind", "transcribe", "chat-latest")
    named = [model.id for model in provider.models if model.id.startswith(marks[family])]
    names = [name for name in named if not any(word in name for word in apart)]
    assert names
    assert [name for name in names if facts_for(name, "openrouter").family != family] == []
