"""Gemini's embeddings, read and written in its three forms: one content, a batch, and Vertex's predictions."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gateway.canonical import JSON, EmbeddingRequest, Embeddings, Usage
from gateway.errors import BadRequest, UpstreamFailed
from gateway.protocols.codec import Call
from gateway.protocols.gemini import native, wire
from gateway.protocols.translation import EmbeddingTranslation, Target

ONE, BATCH, PREDICT = "embedContent", "batchEmbedContents", "predict"
CONFIG = "embedContentConfig"
DIMENSIONS = "outputDimensionality"
UNDERSTOOD = frozenset(("model", "content", CONFIG, DIMENSIONS, "instances", "parameters", "requests"))


Size = Annotated[int, Meta(ge=1)]


class Vector(Struct, gc=False):
    values: list[float]


class Prediction(Struct, gc=False):
    embeddings: Vector


class Answer(Struct, gc=False):
    embedding: Vector | None = None
    embeddings: list[Vector] | None = None
    predictions: list[Prediction] | None = None


_ANSWER = msgspec.json.Decoder(Answer)


# reading


def decode_request(call: Call) -> EmbeddingRequest:
    asked = native.read_call(call)
    form = call.path.rpartition(":")[2]
    body = wire.camel(msgspec.json.decode(call.body, type=JSON))
    items = _items(body, form)
    options = [_options(item) | _options(body) for item in items]
    return EmbeddingRequest(
        model=asked.model,
        texts=tuple(_text(item.get("content"), _place(form, at)) for at, item in enumerate(items)),
        dimensions=_dimensions(options),
        form=form,
        own=tuple(dict.fromkeys(name for told in options for name in told if name not in UNDERSTOOD)),
    )


def _items(body: JSON, form: str) -> list[JSON]:
    """What is to be embedded, each with what is said of it alone."""
    if form == ONE:
        return [body]
    name = "requests" if form == BATCH else "instances"
    given = body.get(name)
    if not isinstance(given, list) or not given:
        raise wire.invalid(name, "must be a list of what is to be embedded", "missing_required_parameter")
    for at, item in enumerate(given):
        if not isinstance(item, dict):
            raise wire.invalid(f"{name}[{at}]", "must be an object")
    return [wire.camel(item) for item in given]


def _options(told: JSON) -> JSON:
    """What is said of one content or of all, wherever it stands; what is off says nothing."""
    inner = [config for name in (CONFIG, "parameters") if isinstance(config := told.get(name), dict)]
    merged = {name: value for each in (told, *map(wire.camel, inner)) for name, value in each.items()}
    return {name: value for name, value in merged.items() if value}


def _dimensions(options: list[JSON]) -> int | None:
    given = [told.get(DIMENSIONS) for told in options]
    if any(other != given[0] for other in given):
        raise BadRequest(f"'{DIMENSIONS}' must be the same for all of them.", param=DIMENSIONS)
    try:
        return msgspec.convert(given[0], Size | None, strict=False)
    except msgspec.ValidationError:
        raise wire.invalid(DIMENSIONS, "must be a number above zero") from None


def _place(form: str, at: int) -> str:
    return {ONE: "content", BATCH: f"requests[{at}].content", PREDICT: f"instances[{at}].content"}[form]


def _text(content: object, place: str) -> str:
    """A content's text. Its parts are one text, since they become one vector."""
    if isinstance(content, dict):
        read = wire.read(wire.Content, content, place)
        parts = [wire.read(wire.Part, part, f"{place}.parts") for part in wire.objects(read.parts)]
        if any(part.text is None for part in parts):
            raise wire.invalid(f"{place}.parts", "can hold nothing but text with this model", "unsupported_parameter")
        content = "\n".join(part.text for part in parts if part.text)
    if not isinstance(content, str) or not content:
        raise wire.invalid(place, "must hold a text", "missing_required_parameter")
    return content


# writing


def encode_request(request: EmbeddingRequest, target: Target) -> Call:
    size: JSON = {DIMENSIONS: request.dimensions} if request.dimensions else {}
    if not target.dialect.predicts:
        method, body = BATCH, _batch(request, {"model": f"models/{target.model}"}, size)
    elif "gemini" in target.model:
        method, body = BATCH, _batch(request, {}, {CONFIG: size} if size else {})
    else:
        method, body = PREDICT, {"instances": [{"content": text} for text in request.texts]}
        body |= {"parameters": size} if size else {}
    return Call("POST", f"models/{target.model}:{method}", {}, {}, msgspec.json.encode(body))


def _batch(request: EmbeddingRequest, before: JSON, after: JSON) -> JSON:
    return {"requests": [{**before, "content": {"parts": [{"text": text}]}, **after} for text in request.texts]}


# answers


def decode_response(body: bytes) -> Embeddings:
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamFailed("The upstream's answer holds no embeddings.", code="upstream_protocol") from None
    reader = native.Reader()
    reader.read_body(body)
    vectors = [answer.embedding] if answer.embedding else answer.embeddings or []
    vectors = [each.embeddings for each in answer.predictions] if answer.predictions else vectors
    return Embeddings(reader.model, tuple(tuple(vector.values) for vector in vectors), reader.usage)


def encode_response(answer: Embeddings, request: EmbeddingRequest) -> bytes:
    vectors = [{"values": vector} for vector in answer.vectors]
    if request.form == PREDICT:
        return msgspec.json.encode({"predictions": [_prediction(answer, vector) for vector in vectors]})
    usage = {"usageMetadata": {"promptTokenCount": answer.usage.total}} if answer.usage else {}
    found = {"embedding": vectors[0]} if request.form == ONE else {"embeddings": vectors}
    return msgspec.json.encode({**found, **usage})


def _prediction(answer: Embeddings, vector: object) -> JSON:
    """What each text came to is not known where there are several."""
    alone: Usage | None = answer.usage if len(answer.vectors) == 1 else None
    statistics = {"statistics": {"token_count": alone.total, "truncated": False}} if alone else {}
    return {"embeddings": {**(vector if isinstance(vector, dict) else {}), **statistics}}


EMBEDDINGS = EmbeddingTranslation(decode_request, encode_request, decode_response, encode_response)
