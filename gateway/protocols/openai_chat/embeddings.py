"""OpenAI's embeddings, read and written: texts in, vectors out as numbers or packed."""

import array
import base64
import sys
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from gateway.canonical import JSON, EmbeddingRequest, Embeddings
from gateway.errors import BadRequest, UpstreamFailed
from gateway.protocols.codec import Call
from gateway.protocols.counts import note_counts
from gateway.protocols.openai import USAGE, to_usage
from gateway.protocols.reading import decode, read_fields, read_model
from gateway.protocols.translation import EmbeddingTranslation, Target
from gateway.splice import Repeats

PATH = "embeddings"
PACKED = "base64"


class Body(Struct, gc=False):
    model: str | None = None
    input: str | list[object] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    stream: bool | None = None


class Vector(Struct, gc=False):
    embedding: list[float] | str
    index: int = 0


class Answer(Struct, gc=False):
    data: list[Vector]
    model: str = ""
    usage: object = None


_BODY = msgspec.json.Decoder(Body)
_ANSWER = msgspec.json.Decoder(Answer)
_MEMBERS = msgspec.json.Decoder(dict[str, object])
_REPEATS = Repeats(*Body.__struct_fields__)


def decode_request(call: Call) -> EmbeddingRequest:
    body = read_fields(call.body, _BODY, _REPEATS)
    if body.stream:
        raise BadRequest("Embeddings cannot be streamed.", code="unsupported_parameter", param="stream")
    members = _MEMBERS.decode(call.body)
    return EmbeddingRequest(
        model=read_model(body.model),
        texts=tuple(_read_texts(body.input)),
        dimensions=body.dimensions,
        form=body.encoding_format or "float",
        own=tuple(name for name, value in members.items() if value and name not in Body.__struct_fields__),
    )


def _read_texts(given: str | list[object] | None) -> Iterable[str]:
    texts = [given] if isinstance(given, str) else given
    if not texts:
        raise BadRequest("You must give an input.", code="missing_required_parameter", param="input")
    if all(isinstance(text, int | list) for text in texts):
        raise BadRequest("This model takes texts, not the tokens of another.", code="invalid_type", param="input")
    for at, text in enumerate(texts):
        if not isinstance(text, str) or not text:
            place = f"input[{at}]" if isinstance(given, list) else "input"
            raise BadRequest(f"'{place}' must be a text that is not empty.", code="invalid_value", param=place)
        yield text


def encode_request(request: EmbeddingRequest, target: Target) -> Call:
    body: JSON = {"model": target.model, "input": request.texts}
    if request.dimensions:
        body["dimensions"] = request.dimensions
    return Call("POST", PATH, {}, {}, msgspec.json.encode(body))


def decode_response(body: bytes) -> Embeddings:
    answer = decode(_ANSWER, body)
    if answer is None:
        raise UpstreamFailed("The upstream's answer holds no embeddings.", code="upstream_protocol")
    counts: dict[str, int] = {}
    note_counts(counts, answer.usage, USAGE)
    vectors = [vector.embedding for vector in sorted(answer.data, key=lambda each: each.index)]
    numbers = tuple(unpack(vector) if isinstance(vector, str) else tuple(vector) for vector in vectors)
    return Embeddings(answer.model, numbers, to_usage(counts))


def encode_response(answer: Embeddings, request: EmbeddingRequest) -> bytes:
    write = pack if request.form == PACKED else list
    data = [
        {"object": "embedding", "index": index, "embedding": write(vector)}
        for index, vector in enumerate(answer.vectors)
    ]
    tokens = answer.usage.total if answer.usage else 0
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode({"object": "list", "data": data, "model": answer.model, "usage": usage})


def pack(vector: Iterable[float]) -> str:
    """The numbers as little-endian floats of four bytes, in base64."""
    return base64.b64encode(_little_endian(array.array("f", vector)).tobytes()).decode()


def unpack(text: str) -> tuple[float, ...]:
    """The numbers again. Raises `UpstreamFailed` for what holds none."""
    numbers = array.array("f")
    try:
        numbers.frombytes(base64.b64decode(text, validate=True))
    except ValueError:
        raise UpstreamFailed("The upstream's embeddings cannot be read.", code="upstream_protocol") from None
    return tuple(_little_endian(numbers))


def _little_endian(numbers: "array.array[float]") -> "array.array[float]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


EMBEDDINGS = EmbeddingTranslation(decode_request, encode_request, decode_response, encode_response)
