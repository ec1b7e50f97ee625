"""What answers say of their usage beside its buckets: audio, images, searches, and how they were served."""

import json
from typing import Any

import pytest

from gateway.canonical import NO_DETAILS, Details, Usage
from gateway.protocols import anthropic_messages, gemini, openai_chat, openai_responses
from gateway.protocols.codec import Codec

CHAT, RESPONSES = openai_chat.CODEC, openai_responses.CODEC
MESSAGES, GEMINI = anthropic_messages.CODEC, gemini.CODEC


def read(codec: Codec, body: dict[str, Any]) -> Usage:
    reader = codec.new_reader()
    reader.read_body(json.dumps(body).encode())
    assert reader.usage is not None
    return reader.usage


def modality(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items()]


def test_audio_and_images_are_told_apart_without_what_of_them_was_cached() -> None:
    cached = {"cached_tokens": 40, "cached_tokens_details": {"audio_tokens": 30}}
    details = {"audio_tokens": 50, "image_tokens": 20, **cached}
    output = {"audio_tokens": 7, "reasoning_tokens": 2}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    usage |= {"prompt_tokens_details": details, "completion_tokens_details": output}
    assert read(CHAT, {"usage": usage}) == Usage(
        input=60,
        cache_read=40,
        output=8,
        reasoning=2,
        details=Details(input_audio=20, input_image=20, cache_read_audio=30, output_audio=7),
    )


def test_no_part_is_larger_than_its_bucket_whatever_an_upstream_says() -> None:
    usage = {"prompt_tokens": 10, "prompt_tokens_details": {"audio_tokens": 8, "image_tokens": 8}}
    details = read(CHAT, {"usage": usage}).details
    assert (details.input_audio, details.input_image) == (8, 2)


def test_gemini_divides_its_counts_by_modality() -> None:
    usage = {"promptTokenCount": 373, "cachedContentTokenCount": 204, "candidatesTokenCount": 89}
    usage |= {"promptTokensDetails": modality(TEXT=115, IMAGE=258), "cacheTokensDetails": modality(TEXT=63, IMAGE=141)}
    usage |= {"candidatesTokensDetails": modality(TEXT=80, AUDIO=9, SMELL=3)}
    details = Details(input_image=117, cache_read_image=141, output_audio=9)
    assert read(GEMINI, {"usageMetadata": usage}) == Usage(input=169, cache_read=204, output=89, details=details)


@pytest.mark.parametrize(("model", "searches"), [("gemini-2.5-flash", 1), ("gemini-3-pro-preview", 2)])
def test_gemini_searches_are_charged_by_prompt_and_later_by_query(model: str, searches: int) -> None:
    grounded = {"groundingMetadata": {"webSearchQueries": ["one", "two"]}}
    body = {"modelVersion": model, "candidates": [grounded], "usageMetadata": {"promptTokenCount": 1}}
    assert read(GEMINI, body).details == Details(web_searches=searches)


def test_searches_of_responses_are_counted_by_their_items_but_not_looks_at_what_was_found() -> None:
    actions = [{"type": kind} for kind in ("search", "open_page", "find_in_page", "search")]
    output = [{"type": "web_search_call", "action": action} for action in actions]
    body = {"output": [*output, {"type": "file_search_call"}, {"type": "message"}], "usage": {"input_tokens": 1}}
    assert read(RESPONSES, body).details == Details(web_searches=2, file_searches=1)


def test_messages_and_openrouter_say_how_often_they_searched() -> None:
    told = {"server_tool_use": {"web_search_requests": 3}}
    assert read(MESSAGES, {"usage": {"input_tokens": 1} | told}).details == Details(web_searches=3)
    assert read(CHAT, {"usage": {"prompt_tokens": 1} | told}).details == Details(web_searches=3)


@pytest.mark.parametrize(
    ("codec", "body", "terms"),
    [
        (CHAT, {"service_tier": "flex", "usage": {"prompt_tokens": 1}}, {"service_tier": "flex"}),
        (RESPONSES, {"service_tier": "priority", "usage": {"input_tokens": 1}}, {"service_tier": "priority"}),
        (MESSAGES, {"usage": {"input_tokens": 1, "service_tier": "batch"}}, {"processing": "batch"}),
        (MESSAGES, {"usage": {"input_tokens": 1, "service_tier": "standard", "speed": "fast"}}, {"speed": "fast"}),
        (GEMINI, {"usageMetadata": {"promptTokenCount": 1, "serviceTier": "priority"}}, {"service_tier": "priority"}),
        (GEMINI, {"usageMetadata": {"promptTokenCount": 1, "trafficType": "ON_DEMAND_FLEX"}}, {"service_tier": "flex"}),
    ],
)
def test_how_a_request_was_served_is_read_where_that_has_a_price(
    codec: Codec, body: dict[str, Any], terms: dict[str, str]
) -> None:
    assert read(codec, body).details == Details(terms=terms)


@pytest.mark.parametrize("tier", ["default", "auto", "standard", "on_demand", "", None, 7, ["flex"], "ON_DEMAND"])
def test_the_usual_answer_has_no_details_at_all(tier: object) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"audio_tokens": 0}}
    assert read(CHAT, {"service_tier": tier, "usage": usage}).details is NO_DETAILS
    told = {"promptTokenCount": 9, "trafficType": tier, "promptTokensDetails": modality(TEXT=9)}
    assert read(GEMINI, {"usageMetadata": told}).details is NO_DETAILS


def test_what_is_no_count_is_not_read() -> None:
    nonsense = {"audio_tokens": -4, "image_tokens": "9", "cached_tokens_details": [1]}
    assert read(CHAT, {"usage": {"prompt_tokens": 9, "prompt_tokens_details": nonsense}}).details is NO_DETAILS
    assert read(GEMINI, {"usageMetadata": {"promptTokenCount": 9, "promptTokensDetails": "many"}}).details is NO_DETAILS


def test_what_another_model_advised_and_what_compacting_took_is_told_beside_the_messages_own_counts() -> None:
    advice = {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 30, "output_tokens": 2}
    compaction = {"type": "compaction", "input_tokens": 90, "output_tokens": 9}
    own = {"type": "message", "input_tokens": 5, "output_tokens": 1}
    usage = {"input_tokens": 5, "output_tokens": 1, "iterations": [own, advice, advice, compaction, "odd", {}]}
    others = {"claude-opus-4-8": {"input": 60, "output": 4}, "m": {"input": 90, "output": 9}}
    assert read(MESSAGES, {"model": "m", "usage": usage}) == Usage(input=5, output=1, details=Details(others=others))
