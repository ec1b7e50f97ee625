"""Gemini's embeddings in their three forms: what a request may be, and what is told to be its client's alone."""

import json
from typing import Any

import pytest
from google.genai import types

from gateway.canonical import EmbeddingRequest, Embeddings, Usage
from gateway.errors import BadRequest, UpstreamFailed
from gateway.protocols.codec import Call
from gateway.protocols.gemini.embeddings import decode_request, decode_response, encode_response

LOW: dict[str, Any] = {"content": {"parts": [{"text": "low"}]}}
LABELS = {"taskType": "CLUSTERING", "title": "Tides"}


def read(method: str, body: Any) -> EmbeddingRequest:
    return decode_request(Call("POST", f"models/m:{method}", {}, {}, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("embedContent", LOW | LABELS),
        ("embedContent", {"content": {"parts": {"text": "low"}}, "embed_content_config": LABELS}),
        ("batchEmbedContents", {"requests": [{"model": "models/m", **LOW, **LABELS}]}),
        ("batchEmbedContents", {"requests": [{**LOW, "embedContentConfig": LABELS}]}),
        ("predict", {"instances": [{"content": "low", "task_type": "CLUSTERING", "title": "Tides"}], "parameters": {}}),
    ],
)
def test_each_form_says_the_same(method: str, body: Any) -> None:
    assert read(method, body) == EmbeddingRequest("m", ("low",), form=method, own=("taskType", "title"))


def test_the_strings_of_one_content_are_one_text() -> None:
    assert read("embedContent", {"content": {"parts": [{"text": "low"}, {"text": "high"}]}}).texts == ("low\nhigh",)


@pytest.mark.parametrize(
    ("method", "body", "param"),
    [
        ("embedContent", {}, "content"),
        ("embedContent", {"content": 3}, "content"),
        ("embedContent", {"content": {"parts": [{"text": ""}]}}, "content"),
        ("embedContent", {"content": {"parts": [{"inlineData": {"data": "UE5H"}}]}}, "content.parts"),
        ("batchEmbedContents", {"requests": []}, "requests"),
        ("batchEmbedContents", {"requests": ["low"]}, "requests[0]"),
        ("batchEmbedContents", {"requests": [LOW, {"content": {"parts": []}}]}, "requests[1].content"),
        ("batchEmbedContents", {"requests": [LOW, LOW | {"outputDimensionality": 4}]}, None),
        ("predict", {"instances": [{"prompt": "a harbour at dusk"}]}, "instances[0].content"),
        ("predict", {"instances": [{"content": "low"}], "parameters": {"outputDimensionality": -1}}, None),
        ("predict", {"instances": [{"content": "low"}], "parameters": {"outputDimensionality": "many"}}, None),
        ("embedContent", LOW | {"outputDimensionality": [3]}, None),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_the_name_of_its_field(method: str, body: Any, param: str | None) -> None:
    with pytest.raises(BadRequest) as refused:
        read(method, body)
    assert refused.value.param == (param or "outputDimensionality")


@pytest.mark.parametrize("name", sorted(types.EmbedContentConfig.model_fields.keys() - {"http_options"}))
def test_every_option_of_the_sdk_is_understood_or_told(name: str) -> None:
    spelt = types.EmbedContentConfig.model_fields[name].alias or name
    asked = read("embedContent", LOW | {"embedContentConfig": {spelt: 3}})
    assert (asked.dimensions == 3) != (asked.own == (spelt,))


def test_what_is_off_is_not_lost() -> None:
    assert read("embedContent", LOW | {"autoTruncate": False, "title": ""}).own == ()


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("embedContent", {"embedding": {"values": [1.0]}, "usageMetadata": {"promptTokenCount": 9}}),
        ("batchEmbedContents", {"embeddings": [{"values": [1.0]}], "usageMetadata": {"promptTokenCount": 9}}),
        (
            "predict",
            {"predictions": [{"embeddings": {"values": [1.0], "statistics": {"token_count": 9, "truncated": False}}}]},
        ),
    ],
)
def test_an_answer_has_the_form_of_its_request_and_is_read_in_each(form: str, written: Any) -> None:
    found = Embeddings("", ((1.0,),), Usage(input=9))
    body = encode_response(found, EmbeddingRequest("m", ("low",), form=form))
    assert json.loads(body) == written
    assert decode_response(body) == found


@pytest.mark.parametrize("body", [b'{"embedding":{}}', b'{"predictions":[{}]}', b"<html>"])
def test_an_answer_without_vectors_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        decode_response(body)
