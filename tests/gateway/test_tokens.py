"""Counting tokens offline."""

import asyncio
import hashlib
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public  # type: ignore[import-untyped]

from data.ranks import load_ranks
from gateway.canonical import Protocol
from gateway.tokens import (
    MEDIA_TOKENS,
    MESSAGE_TOKENS,
    REQUEST_TOKENS,
    count,
    count_request,
    encoding_name,
    estimate,
)

SAMPLES = [
    "Hello, world!",
    "def f(x):\n    return x ** 2  # square\n",
    "你好世界。今天的天气怎么样呢",
    "Съешь же ещё этих мягких французских булок",
    "مرحبا بالعالم 🙂👩‍👩‍👧",
    "<|endoftext|> is plain text here",
    "it's   \t  \r\n\r\n 1234567 don't WE'LL",
    "\ud800 lone surrogate",
    "a" * 5000,
    " " * 5000,
]
URLS = {
    "o200k_base": b"https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
    "cl100k_base": b"https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
}


def body(**members: object) -> bytes:
    return msgspec.json.encode(members)


async def tokens_of(protocol: Protocol, **members: object) -> int:
    return await count_request(protocol, body(**members))


@pytest.mark.parametrize(("name", "model"), [("o200k_base", "gpt-5"), ("cl100k_base", "gpt-4-turbo")])
async def test_counts_are_those_of_tiktokens_own_encoding(
    name: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = b"".join(b"%s %d\n" % (b64encode(token), rank) for token, rank in load_ranks(name).items())
    (tmp_path / hashlib.sha1(URLS[name], usedforsecurity=False).hexdigest()).write_bytes(cached)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    theirs = tiktoken.Encoding(**getattr(openai_public, name)())
    for sample in SAMPLES:
        assert await count(sample, model) == len(theirs.encode_ordinary(sample))


async def test_long_text_counts_as_its_parts_do_together() -> None:
    line = "The quick brown fox jumps over the lazy dog.\n"
    assert await count(line * 5000) == pytest.approx(5000 * await count(line), abs=10)


@pytest.mark.parametrize("blank", [" ", "\n", "a", "\u3000"])
async def test_a_million_equal_characters_are_counted_like_any_other_text(blank: str) -> None:
    assert 1000 < await count(blank * 1_000_000) <= 1_000_000


async def test_many_first_counts_at_once_agree() -> None:
    assert set(await asyncio.gather(*(count("Hello, world!") for _ in range(20)))) == {4}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("gpt-4o", "o200k_base"),
        ("gpt-4.1-mini", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("claude-sonnet-4-5", "o200k_base"),
        ("", "o200k_base"),
    ],
)
def test_only_openais_older_models_use_the_older_encoding(model: str, name: str) -> None:
    assert encoding_name(model) == name


@pytest.mark.parametrize("sample", [SAMPLES[1] * 20, SAMPLES[2] * 20, "The quick brown fox. " * 50])
async def test_the_rule_of_thumb_is_near_the_true_count(sample: str) -> None:
    assert 0.5 < estimate(sample) / await count(sample) < 2


@given(st.text(), st.text())
def test_estimates_of_pieces_never_fall_short_of_the_whole(head: str, tail: str) -> None:
    assert estimate(head + tail) <= estimate(head) + estimate(tail)


async def test_every_protocol_counts_the_same_prompt_alike() -> None:
    prompt = "Tell me about the sea, please."
    chat = await tokens_of("openai_chat", model="m", messages=[{"role": "user", "content": prompt}])
    assert chat == REQUEST_TOKENS + MESSAGE_TOKENS + await count(prompt)
    assert await tokens_of("openai_responses", model="m", input=prompt) == chat
    assert (
        await tokens_of(
            "anthropic_messages", messages=[{"role": "user", "content": [{"type": "text", "text": prompt}]}]
        )
        == chat
    )
    assert await tokens_of("gemini", contents=[{"parts": [{"text": prompt}]}]) == chat


async def test_instructions_tools_and_tool_results_count_too() -> None:
    plain = await tokens_of("openai_chat", messages=[{"content": "hi"}])
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    assert await tokens_of("openai_chat", messages=[{"content": "hi"}], tools=tools) > plain + 10
    assert await tokens_of("anthropic_messages", messages=[{"content": "hi"}], system="Be brief and kind.") > plain + 3
    used = [{"content": [{"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Oslo"}}]}]
    assert await tokens_of("anthropic_messages", messages=used) > plain + 3


async def test_an_image_costs_a_fixed_sum_whatever_its_bytes() -> None:
    sum_of_one = REQUEST_TOKENS + MESSAGE_TOKENS + MEDIA_TOKENS
    data = "A" * 10_000
    linked = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + data}}
    assert await tokens_of("openai_chat", messages=[{"content": [linked]}]) == sum_of_one
    block = {"type": "image", "source": {"type": "base64", "data": data}}
    assert await tokens_of("anthropic_messages", messages=[{"content": [block]}]) == sum_of_one
    inline = {"inlineData": {"mimeType": "image/png", "data": data}}
    assert await tokens_of("gemini", contents=[{"parts": [inline]}]) == sum_of_one


@pytest.mark.parametrize("broken", [b"", b"{", b"[1]", b'{"messages": 5}', b"[" * 100_000, b"\xff\xfe"])
async def test_a_body_that_makes_no_sense_counts_for_little(broken: bytes) -> None:
    assert await count_request("openai_chat", broken) <= REQUEST_TOKENS + MESSAGE_TOKENS
