"""Operations that are never translated (embeddings, images, audio, moderations, rerank): bytes through, metered.

They share the path of every request and only read it differently, so they are one more codec record.
"""

import math
import re

import msgspec
from msgspec import Struct

from gateway.canonical import NO_DETAILS, Asked, Details, Finish, Piece, Usage
from gateway.endpoints import Endpoint
from gateway.errors import BadRequest, GatewayError
from gateway.framings.framing import Framing
from gateway.framings.sse import SSE
from gateway.metering import Meter
from gateway.protocols import openai, openai_chat, openai_responses, registry
from gateway.protocols.codec import Call, Codec
from gateway.protocols.counts import USUAL, note_counts, with_details

FORM_FIELD = rb'name="%s"(?:\r\n[^\r\n]+)*\r\n\r\n(?P<value>[^\r\n]*)\r\n'
"""A text field of a multipart form."""

USUAL_MODELS = {"moderations": "omni-moderation-latest"}
"""What OpenAI takes where its clients usually name no model."""
SPEECH = "audio/speech"
PAID = ("audio/", "images/")
"""Paths whose answers may say nothing of usage, and are paid for all the same."""
UNTOLD = Details(terms={"usage": "untold"})
LONGEST = 1_000_000_000
"""Seconds of a recording that are believed."""
LEGACY = "completions"
"""Answers with text and usage where Chat has them, so that Chat's codec meters it."""


class _Answer(Struct):
    model: str = ""
    usage: object = None
    duration: object = None


class _Speech(Struct):
    input: str = ""


class Passing:
    """No framing at all: binary answers go through as they come."""

    def feed(self, chunk: bytes) -> bytes:
        """All of it."""
        return chunk

    def rest(self) -> bytes:
        """Nothing is ever held."""
        return b""

    def payloads(self, frames: bytes) -> list[bytes]:
        """The bytes themselves, so that the first of them commit the answer."""
        return [frames]


class RelayReader:
    """Reads the usage that image, audio, embedding and rerank answers state, where they do."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model = ""
        self.finish: Finish | None = None
        self.ended = True
        self.error: GatewayError | None = None

    def read_body(self, body: bytes) -> None:
        """Take a whole answer."""
        self.read_payload(body)
        self.usage = self.usage or Usage()

    def read_payload(self, payload: bytes) -> None:
        """Take one event of a stream; anything that is not a JSON object says nothing."""
        if not payload.startswith(b"{"):
            return
        try:
            answer = msgspec.json.decode(payload, type=_Answer)
        except msgspec.DecodeError:
            return
        self.model = answer.model or self.model
        self.usage = _usage(answer) or self.usage

    def take_pieces(self) -> list[Piece]:
        """None: what passes is not text."""
        return []


def _usage(answer: _Answer) -> Usage | None:
    """Tokens, or how long a recording is."""
    counts: dict[str, int] = {}
    note_counts(counts, answer.usage, openai.USAGE)
    openai.note_details(counts, answer.usage)
    if "total" in counts:
        counts.setdefault("prompt", max(counts["total"] - counts.get("completion", 0), 0))
    seconds = answer.usage.get("seconds") if isinstance(answer.usage, dict) else None
    length = answer.duration if seconds is None else seconds
    if not counts and isinstance(length, int | float) and 0 <= length < LONGEST:
        counts["audio_seconds"] = math.floor(length + 0.5)
    return with_details(openai.to_usage(counts), counts, USUAL)


def completed(call: Call, usage: Usage) -> Usage:
    """The usage with what answers do not say: how much text was spoken, and that silence does not mean free."""
    if call.path == SPEECH:
        return _spoken(call, usage)
    told = usage.total or usage.details is not NO_DETAILS
    return usage if told or not call.path.startswith(PAID) else msgspec.structs.replace(usage, details=UNTOLD)


def _spoken(call: Call, usage: Usage) -> Usage:
    try:
        text = msgspec.json.decode(call.body, type=_Speech).input
    except msgspec.DecodeError:
        return usage
    return msgspec.structs.replace(usage, details=Details(characters=len(text)))


def read_call(call: Call) -> Asked:
    """The model and whether a stream was asked for, out of JSON or a multipart form."""
    if not is_form(call):
        return read_json(call)
    model = form_field(call, "model")
    if model is None:
        raise BadRequest("The form has no field 'model'.", param="model")
    stream = form_field(call, "stream")
    return Asked(
        model=model["value"].decode("utf-8", "replace"), stream=stream is not None and stream["value"] == b"true"
    )


def read_json(call: Call) -> Asked:
    """The same of a JSON body; some paths have a model of their own when none is named."""
    try:
        asked = openai_chat.CODEC.read_call(call)
    except BadRequest as error:
        if error.code != "missing_required_parameter" or call.path not in USUAL_MODELS:
            raise
        return Asked(model=USUAL_MODELS[call.path])
    return msgspec.structs.replace(asked, wants_usage=True)


def with_model(call: Call, model: str) -> Call:
    """The same call for another model name."""
    if not is_form(call):
        return openai_chat.CODEC.with_model(call, model)
    field = form_field(call, "model")
    if field is None:
        return call
    start, end = field.span("value")
    return msgspec.structs.replace(call, body=call.body[:start] + model.encode() + call.body[end:])


def is_form(call: Call) -> bool:
    """Whether the body is a multipart form."""
    return call.headers.get("content-type", "").startswith("multipart/form-data")


def form_field(call: Call, name: str) -> re.Match[bytes] | None:
    """A text field of the form, found without parsing the files in it."""
    return re.search(FORM_FIELD % name.encode(), call.body)


def new_framing(call: Call) -> Framing:
    """Events where a stream was asked for, otherwise whatever comes."""
    return SSE() if read_call(call).stream else Passing()


def is_binary(endpoint: Endpoint, content_type: bytes) -> bool:
    """Whether an answer is not JSON, so that it is handed on as it comes."""
    return endpoint.work == "relay" and not content_type.startswith(b"application/json")


def is_passing(meter: Meter | None) -> bool:
    """Whether an answer has no place for an error: it can only be broken off, so that nobody takes it for whole."""
    return meter is not None and isinstance(meter.framing, Passing)


def codec_for(endpoint: Endpoint, query: dict[str, str]) -> Codec:
    """The codec that reads an endpoint's requests and answers."""
    if endpoint.work == "response":
        return KEPT
    passed = endpoint.work in ("relay", "embed") and endpoint.protocol == "openai_chat"
    if passed and endpoint.path != LEGACY:
        return RELAY
    return registry.codec_for(endpoint.protocol or "openai_chat", query)


RELAY: Codec = msgspec.structs.replace(
    openai_chat.CODEC,
    read_call=read_call,
    with_model=with_model,
    with_usage=lambda call: call,
    without_usage=lambda frames: frames,
    new_framing=new_framing,
    new_reader=RelayReader,
    is_terminal=lambda frames: False,
    is_content=lambda payload: True,
)

KEPT: Codec = msgspec.structs.replace(
    openai_responses.CODEC,
    read_call=lambda call: Asked(model="", stream=call.query.get("stream") == "true"),
    with_usage=lambda call: call,
    new_reader=RelayReader,
    is_terminal=lambda frames: False,
    is_content=lambda payload: True,
)
"""Reads calls about a response that was made before: whatever it says of itself was settled then."""
