"""What is read of answers that are passed on untranslated, as far as they are paid for by it."""

import json

import pytest

from gateway.canonical import NO_DETAILS, Details, Usage
from gateway.protocols.codec import Call
from gateway.relay import RELAY, UNTOLD, completed


def usage_of(body: dict[str, object]) -> Usage | None:
    reader = RELAY.new_reader()
    reader.read_body(json.dumps(body).encode())
    return reader.usage


def test_an_image_is_paid_for_by_its_text_and_image_tokens() -> None:
    told = {"input_tokens": 50, "output_tokens": 400, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}}
    assert usage_of({"usage": told}) == Usage(input=50, output=400, details=Details(input_image=40))


def test_a_transcript_is_paid_for_by_its_audio_tokens_or_by_its_length() -> None:
    tokens = {"type": "tokens", "input_tokens": 14, "input_token_details": {"audio_tokens": 14}, "output_tokens": 3}
    assert usage_of({"usage": tokens}) == Usage(input=14, output=3, details=Details(input_audio=14))
    assert usage_of({"usage": {"type": "duration", "seconds": 8.5}}) == Usage(details=Details(audio_seconds=9))
    assert usage_of({"text": "Hi", "duration": 2.4}) == Usage(details=Details(audio_seconds=2))


def test_embeddings_and_ranks_say_their_tokens_or_only_a_total() -> None:
    assert usage_of({"usage": {"prompt_tokens": 6, "total_tokens": 6}}) == Usage(input=6)
    assert usage_of({"usage": {"total_tokens": 7}}) == Usage(input=7)


@pytest.mark.parametrize("usage", [None, [], "all", {"input_tokens": -1}, {"seconds": "long"}, {"seconds": 1e300}])
def test_usage_that_says_nothing_is_none(usage: object) -> None:
    assert usage_of({"usage": usage}) == Usage()


def test_speech_is_paid_for_by_the_characters_that_were_asked_for() -> None:
    call = Call("POST", "audio/speech", {}, {}, json.dumps({"input": "Grüezi"}).encode())
    assert completed(call, Usage(input=3)).details == Details(characters=6)
    other = Call("POST", "embeddings", {}, {}, call.body)
    assert completed(other, Usage(input=3)) == Usage(input=3)


@pytest.mark.parametrize(("path", "details"), [("images/generations", UNTOLD), ("moderations", NO_DETAILS)])
def test_what_is_paid_for_and_says_nothing_of_usage_is_not_taken_for_free(path: str, details: Details) -> None:
    assert completed(Call("POST", path, {}, {}, b"{}"), Usage()).details == details
    assert completed(Call("POST", path, {}, {}, b"{}"), Usage(input=1)) == Usage(input=1)
