"""OpenAI's embeddings: what a request may be, and vectors as numbers or packed."""

import json
from typing import Any

import pytest
from openai.types import EmbeddingCreateParams

from gateway.canonical import EmbeddingRequest, Embeddings
from gateway.errors import BadRequest, UpstreamFailed
from gateway.protocols.codec import Call
from gateway.protocols.openai_chat.embeddings import decode_request, decode_response, encode_request, encode_response
from gateway.protocols.translation import Target

ASKED: dict[str, Any] = {"model": "m", "input": "low"}
NUMBERS = (0.25, -0.5, 0.125)
PACKED = "AACAPgAAAL8AAAA+"


def read(body: Any) -> EmbeddingRequest:
    return decode_request(Call("POST", "embeddings", {}, {}, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": [1, 2]}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["low", ""]}, "input[1]"),
        ({"input": ["low", 3]}, "input[1]"),
        ({"input": {"text": "low"}}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "3"}, "dimensions"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"stream": True}, "stream"),
        ({"model": ""}, "model"),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_the_name_of_its_field(body: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(ASKED | body)
    assert refused.value.param == param


@pytest.mark.parametrize("name", EmbeddingCreateParams.__annotations__)
def test_every_parameter_of_the_sdk_is_understood_or_told(name: str) -> None:
    values: dict[str, Any] = {"input": ["high"], "model": "n", "dimensions": 3, "encoding_format": "base64"}
    asked = read(ASKED | {name: values.get(name, "u-1")})
    assert (asked != read(ASKED)) or asked.own == (name,)
    assert asked.own == (() if name in values else (name,))


def test_a_request_is_written_as_it_was_read_but_for_what_is_its_clients_alone() -> None:
    asked = read({"model": "m", "input": ["low", "high"], "dimensions": 3, "user": "u-1", "encoding_format": "base64"})
    sent = encode_request(asked, Target("n"))
    assert sent.path == "embeddings"
    assert json.loads(sent.body) == {"model": "n", "input": ["low", "high"], "dimensions": 3}


@pytest.mark.parametrize(("form", "written"), [("float", list(NUMBERS)), ("base64", PACKED)])
def test_vectors_are_written_as_the_client_wants_them(form: str, written: Any) -> None:
    answer = json.loads(encode_response(Embeddings("m", (NUMBERS,)), EmbeddingRequest("m", ("low",), form=form)))
    assert answer["data"] == [{"object": "embedding", "index": 0, "embedding": written}]


def test_vectors_come_in_the_order_of_the_texts_packed_or_not() -> None:
    data = [{"index": 1, "embedding": PACKED}, {"index": 0, "embedding": [1, 2]}]
    found = decode_response(json.dumps({"data": data, "model": "m", "usage": {"prompt_tokens": 9}}).encode())
    assert found.vectors == ((1.0, 2.0), NUMBERS)
    assert found.usage is not None
    assert found.usage.input == 9


@pytest.mark.parametrize("body", [b"{}", b'{"data":null}', b'{"data":[{"embedding":"!"}]}', b"<html>"])
def test_an_answer_without_vectors_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        decode_response(body)
