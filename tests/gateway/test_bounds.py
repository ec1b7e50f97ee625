"""What a request can come to: never less than any tokenizer makes of it, and not absurdly more."""

import base64
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.ranks import load_ranks
from gateway import bounds
from gateway.bounds import BYTES_PER_TOKEN, LONGEST_UNDECLARED, MEDIUM, SMALL, heaviest, longest, weigh
from gateway.canonical import Details, Usage
from gateway.rates import Origin, Rate, Variant, charge, make_rate
from gateway.tokens import count, count_request

TEXTS = {
    "english": "The quick brown fox jumps over the lazy dog. " * 20,
    "chinese": "敏捷的棕色狐狸跳过了那只懒狗。" * 20,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🧑🏽‍🚀" * 20,
    "thai": "สุนัขจิ้งจอกสีน้ำตาล" * 20,
    "digits": "0123456789" * 50,
    "blanks": " \n\t" * 200,
    "rare": "\U000e0061\U0001f9ff\u0fff\ufffd" * 40,
    "code": 'if (a[i] != "\\n") { return -1; } // ' * 20,
    "letters": "a b c d e f g h " * 40,
}


def chat(text: str, *, ascii_only: bool = False) -> bytes:
    message = {"role": "user", "content": text}
    return json.dumps({"model": "gpt-5", "messages": [message]}, ensure_ascii=ascii_only).encode()


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_no_text_has_more_tokens_than_its_request_is_taken_to_have(text: str, escaped: bool) -> None:
    body = chat(text, ascii_only=escaped)
    for model in ("gpt-5", "gpt-4"):
        assert await count(text, model) <= weigh(body).most
    assert await count_request("openai_chat", body) <= weigh(body).most


@given(st.text(max_size=300))
def test_no_token_is_less_than_a_byte(text: str) -> None:
    assert weigh(chat(text)).most >= len(text.encode())


@pytest.mark.parametrize("encoding", ["o200k_base", "cl100k_base"])
def test_every_token_of_a_tokenizer_is_at_least_a_byte(encoding: str) -> None:
    assert min(map(len, load_ranks(encoding))) == 1


async def test_the_estimate_of_plain_english_is_rather_too_high() -> None:
    text = TEXTS["english"] * 5
    assert await count(text) < weigh(chat(text)).estimate < 2 * await count(text)


# --- media


def with_media(kind: str, size: int) -> bytes:
    data = base64.b64encode(bytes(size)).decode()
    parts = {
        "picture": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        "source": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        "inline": {"inlineData": {"mimeType": "image/png", "data": data}},
        "document": {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"},
        "sound": {"type": "input_audio", "input_audio": {"format": "mp3", "data": data}},
    }
    return json.dumps({"messages": [{"role": "user", "content": [parts[kind]]}]}).encode()


@pytest.mark.parametrize("kind", ["picture", "source", "inline"])
def test_a_large_picture_counts_as_one_whatever_its_bytes(kind: str) -> None:
    assert MEDIUM <= weigh(with_media(kind, 1_000_000)).most < MEDIUM + 1000


@pytest.mark.parametrize("kind", ["picture", "source", "inline"])
def test_a_picture_that_is_packed_into_few_bytes_still_counts_as_one(kind: str) -> None:
    assert heaviest(with_media(kind, 150)) > MEDIUM


@pytest.mark.parametrize("kind", ["document", "sound"])
def test_documents_and_sound_count_by_their_length(kind: str) -> None:
    short, long = (weigh(with_media(kind, size)).most for size in (200_000, 2_000_000))
    assert 5 * short < long < 10 * short


def test_a_form_counts_by_its_files() -> None:
    head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'
    weight = weigh(head + bytes(1_600_000) + b"\r\n--x--\r\n")
    assert MEDIUM + 100_000 <= weight.estimate == weight.most < MEDIUM + 100_100


def test_text_beside_media_still_counts() -> None:
    body = with_media("picture", 2 * SMALL)
    assert weigh(body[:-1] + b',"x":"' + b"a" * 9000 + b'"}').most == weigh(body).most + 9007


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"fileData": {"fileUri": "gs://b/c"}},
    ],
)
def test_what_is_only_referred_to_counts_where_money_is_short(part: dict[str, object]) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode()
    assert weigh(body).most == len(body)
    assert heaviest(body) >= len(body) + MEDIUM


def test_what_providers_say_about_tools_counts_where_money_is_short() -> None:
    body = b'{"model":"m","tools":[{"name":"a"}]}'
    assert heaviest(body) == len(body) + bounds.TOOLS


def test_words_that_merely_look_like_media_do_not_count() -> None:
    body = chat('a "type": "image" and a "file_id" in my JSON', ascii_only=True)
    assert heaviest(body) == len(body)


# --- output


@pytest.mark.parametrize(
    ("declared", "known", "choices", "tokens"),
    [
        (100, 4000, 1, 100),
        (5000, 4000, 1, 4000),
        (None, 4000, 1, 4000),
        (100, None, 1, 100),
        (None, None, 1, LONGEST_UNDECLARED),
        (100, 4000, 8, 800),
    ],
)
def test_output_is_bounded_by_what_is_declared_and_what_a_model_can(
    declared: int | None, known: int | None, choices: int, tokens: int
) -> None:
    assert longest(declared, known, choices) == tokens


# --- money


def rate(**prices: int) -> Rate:
    return make_rate(Origin("test"), {meter: Decimal(price) for meter, price in prices.items()})


def test_an_estimate_takes_all_input_as_fresh_and_the_dearest_kind_of_output() -> None:
    asked = rate(input=2_000_000, output=8_000_000, reasoning=9_000_000, cache_write_1h=4_000_000)
    assert bounds.estimate(asked, 0, 100, 10) == 100 * 2 + 10 * 9
    assert bounds.most(asked, 0, 100, 10) == 100 * 4 + 10 * 9


def test_a_fraction_of_a_micro_unit_is_rounded_up() -> None:
    assert bounds.estimate(rate(input=1), 0, 1, 0) == 1
    assert bounds.estimate(rate(input=0), 0, 1, 0) == 0


def test_what_is_priced_by_the_request_the_character_and_the_second_is_counted() -> None:
    assert bounds.estimate(rate(request=5_000_000), 10, 0, 0) == 5
    assert bounds.estimate(rate(characters=2_000_000), 10, 0, 0) == 20
    assert bounds.estimate(rate(audio_seconds=3_000_000), 10_000, 0, 0) == 11 * 3
    assert bounds.estimate(rate(video_seconds=1_000_000), 10, 0, 0, film=8) == 8
    assert bounds.most(rate(web_searches=1_000_000), 10, 0, 0) == bounds.SEARCHES


def test_a_long_input_is_taken_at_the_price_for_long_ones() -> None:
    tiers = [(1000, {"input": Decimal(2_000_000), "output": Decimal(0)})]
    asked = make_rate(Origin("test"), {"input": Decimal(1_000_000), "output": Decimal(0)}, tiers)
    assert [bounds.estimate(asked, 0, tokens, 0) for tokens in (1000, 1001)] == [1000, 2002]


def test_the_most_is_on_the_dearest_terms_that_a_request_may_be_served_on() -> None:
    usual = {"input": Decimal(1_000_000), "output": Decimal(0)}
    fast = Variant({"service_tier": "priority"}, {"input": Decimal(2_000_000), "output": Decimal(0)})
    asked = make_rate(Origin("test"), usual, variants=[fast])
    assert (bounds.estimate(asked, 0, 100, 0), bounds.most(asked, 0, 100, 0)) == (100, 200)


PRICES = st.fixed_dictionaries(
    {"input": st.integers(1, 10**8), "output": st.integers(1, 10**8)},
    optional={meter: st.integers(0, 10**8) for meter in ("cache_read", "cache_write_5m", "reasoning", "output_audio")},
)


@given(PRICES, st.integers(1, 10_000), st.integers(0, 10_000), st.data())
def test_no_use_within_its_bounds_costs_more_than_the_most(
    prices: dict[str, int], taken_in: int, put_out: int, data: st.DataObject
) -> None:
    asked = rate(**prices)
    cached, written = (data.draw(st.integers(0, taken_in // 2)) for _ in range(2))
    thought = data.draw(st.integers(0, put_out))
    usage = Usage(
        input=taken_in - cached - written,
        cache_read=cached,
        cache_write_5m=written,
        output=put_out - thought,
        reasoning=thought,
        details=Details(output_audio=put_out - thought),
    )
    assert charge(asked, usage).total_micros <= bounds.most(asked, 0, taken_in, put_out)
    assert bounds.estimate(asked, 0, taken_in // BYTES_PER_TOKEN, put_out) <= bounds.most(asked, 0, taken_in, put_out)
