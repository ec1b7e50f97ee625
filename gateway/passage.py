"""How a request gets to one target and its answer back to the client: as they are, or translated."""

from collections.abc import Mapping
from typing import Protocol as Interface

import msgspec
from msgspec.structs import replace

from gateway import tokens
from gateway.canonical import Asked, Event, Inline, Request, ResponseStarted
from gateway.errors import BadRequest, GatewayError, UpstreamFailed
from gateway.intake import Headers
from gateway.models import facts_for
from gateway.protocols.client_calls import ClientCalls
from gateway.protocols.codec import Call, Codec, Reader
from gateway.protocols.dialects import dialect_for
from gateway.protocols.patches import patched
from gateway.protocols.registry import EMBEDDINGS, TRANSLATIONS, codec_for, translation_for
from gateway.protocols.remote_media import Address, with_media
from gateway.protocols.translation import Loss, ModelFacts
from gateway.protocols.translation import Target as Addressee
from gateway.routing import Target
from gateway.upstream import Answer

LONGEST_WARNINGS = 1024


class Passage(Interface):
    """One way there and back."""

    codec: Codec
    """The upstream's protocol."""
    call: Call
    """What is sent."""
    losses: tuple[Loss, ...]
    """What of the request the target cannot say."""
    content_type: bytes | None
    """The answer's, where it is not the upstream's own."""

    def body(self, body: bytes) -> bytes:
        """A whole answer, as the client gets it."""
        ...

    def frames(self, frames: bytes) -> bytes:
        """Whole frames of a stream, as the client gets them; may be empty."""
        ...

    def rest(self, rest: bytes) -> bytes:
        """The end of a stream, given what stood behind its last whole frame. Raises when the stream broke off."""
        ...

    def error_frames(self, error: GatewayError, request_id: str, reader: Reader) -> bytes:
        """An error in the middle of the stream, after which nothing follows."""
        ...


class Relayed:
    """Both sides speak the same protocol: bytes go through, but for what this upstream has in a way of its own."""

    losses: tuple[Loss, ...] = ()
    content_type: bytes | None = None

    def __init__(self, codec: Codec, call: Call, asked: Asked, target: Target, *, strict: bool) -> None:
        self.codec = codec
        self._usage_hidden = not asked.wants_usage
        if target.model != asked.model:
            call = codec.with_model(call, target.model)
        call, self.losses = patched(call, codec.name, dialect_for(codec.name, target.upstream.dialect))
        if strict:
            check_lossless(self.losses)
        if asked.stream:
            call = codec.with_usage(call)
        self.call = call

    def body(self, body: bytes) -> bytes:
        """As it is."""
        return body

    def frames(self, frames: bytes) -> bytes:
        """As they are, but for usage that only we asked for."""
        return self.codec.without_usage(frames) if self._usage_hidden else frames

    def rest(self, rest: bytes) -> bytes:
        """As it is."""
        return rest

    def error_frames(self, error: GatewayError, request_id: str, reader: Reader) -> bytes:
        """The error in the protocol's own form."""
        return self.codec.error_frames(error, request_id, reader)


class Counted(Relayed):
    """Nothing is sent: no upstream of another protocol can count this request, so we do, and say so."""

    losses: tuple[Loss, ...] = (
        Loss("input_tokens", "Counted by the gateway: the model's provider does not count in this protocol."),
    )
    content_type: bytes | None = b"application/json"

    def __init__(self, codec: Codec, call: Call) -> None:
        self.codec = codec
        self.call = call

    async def count(self) -> bytes:
        """The answer in the client's protocol."""
        return self.codec.count_body(await tokens.count_request(self.codec.name, self.call.body))


class Embedded(Relayed):
    """Texts as vectors, where the sides ask for them in different protocols. Such answers are never streamed."""

    content_type: bytes | None = b"application/json"

    def __init__(self, client: Codec, call: Call, target: Target, *, strict: bool) -> None:
        ours, theirs = EMBEDDINGS[client.name], EMBEDDINGS[target.endpoint.protocol]
        self._request = request = ours.decode_request(call)
        dialect = dialect_for(target.endpoint.protocol, target.upstream.dialect)
        self.call = theirs.encode_request(request, Addressee(target.model, dialect))
        self.losses = tuple(Loss(name, "Only the client's own protocol has it.") for name in request.own)
        if strict:
            check_lossless(self.losses)
        self.codec = codec_for(target.endpoint.protocol, self.call.query)
        self._model = target.model
        self._encode_response = ours.encode_response
        self._decode_response = theirs.decode_response

    def body(self, body: bytes) -> bytes:
        """The vectors in the client's protocol."""
        found = self._decode_response(body)
        if len(found.vectors) != len(self._request.texts):
            raise UpstreamFailed("The upstream gave another number of vectors than texts.", code="upstream_protocol")
        if found.usage is None:
            self.losses = (*self.losses, Loss("usage", "The upstream does not say how many tokens it read."))
        return self._encode_response(replace(found, model=found.model or self._model), self._request)


class Translated:
    """The sides speak different protocols: the client's is decoded, the upstream's encoded, and the answer back."""

    def __init__(
        self,
        client: Codec,
        call: Call,
        asked: Asked,
        target: Target,
        *,
        strict: bool,
        answer_id: str = "",
        media: Mapping[Address, Inline] = {},
    ) -> None:
        """`answer_id` is what the client is to know the answer by, where it is not the upstream's own id.

        `media` is what was fetched for the target.
        """
        ours, theirs = translation_for(client), TRANSLATIONS[target.endpoint.protocol]
        self._request = request = with_media(ours.decode_request(call), media)
        dialect = dialect_for(target.endpoint.protocol, target.upstream.dialect)
        facts = facts_for(target.model, target.upstream.provider_id)
        sayable, unthought = without_idle_thinking(request, facts)
        encoded = theirs.encode_request(sayable, Addressee(target.model, dialect, facts, target.web_search))
        self.losses = (*unthought, *encoded.losses)
        if strict:
            check_lossless(self.losses)
        self.call = encoded.call
        self.codec = codec_for(target.endpoint.protocol, encoded.call.query)
        self.content_type: bytes | None = client.stream_type if asked.stream else b"application/json"
        self._encode_response = ours.encode_response
        self._decode_response = theirs.decode_response
        self._answer_id = answer_id
        self._calls = ClientCalls(request, encoded.names)
        self._framing = self.codec.new_framing(encoded.call)
        self._decoder = theirs.new_decoder()
        self._encoder = ours.new_encoder(request)

    def body(self, body: bytes) -> bytes:
        """The answer in the client's protocol."""
        response = self._calls.response(self._decode_response(body))
        if self._answer_id:
            response = replace(response, id=self._answer_id)
        return self._encode_response(response, self._request)

    def frames(self, frames: bytes) -> bytes:
        """What these frames amount to, in the client's protocol."""
        payloads = self._framing.payloads(frames)
        return b"".join(self._written(event) for payload in payloads for event in self._decoder.feed(payload))

    def rest(self, rest: bytes) -> bytes:
        """What was held back until the end was seen."""
        return b"".join(self._written(event) for event in self._decoder.end())

    def error_frames(self, error: GatewayError, request_id: str, reader: Reader) -> bytes:
        """Whatever is open is closed first."""
        return self._encoder.fail(error, request_id)

    def _written(self, event: Event) -> bytes:
        if self._answer_id and isinstance(event, ResponseStarted):
            event = replace(event, id=self._answer_id)
        return b"".join(map(self._encoder.encode, self._calls.event(event)))


def without_idle_thinking(request: Request, facts: ModelFacts) -> tuple[Request, tuple[Loss, ...]]:
    """The request as a model takes it that cannot think: it answers any word about thinking with an error."""
    if request.thinking is None or facts.efforts != ("none",):
        return request, ()
    asked = request.thinking.effort not in (None, "none") or bool(request.thinking.budget)
    losses = (Loss("thinking", "This model does not think."),) if asked else ()
    return replace(request, thinking=None), losses


def check_lossless(losses: tuple[Loss, ...]) -> None:
    """Raises `BadRequest` for the first thing that would be lost."""
    for loss in losses[:1]:
        raise BadRequest(f"{loss.field} would be lost on the way to this model: {loss.why}", param=loss.field)


def headers_of(passage: Passage | None, answer: Answer | None, usual: bytes) -> Headers:
    """An answer's headers that a client may see; `usual` is the content type where nobody gives another."""
    own = passage.content_type if passage else None
    headers = answer.returned if answer and not own else [(b"content-type", own or usual)]
    if passage is None or not passage.losses:
        return headers
    return [*headers, (b"x-gateway-warnings", warnings_header(passage.losses))]


def warnings_header(losses: tuple[Loss, ...]) -> bytes:
    """The losses for the response's head: the fields' names, as many as fit."""
    return ",".join(loss.field for loss in losses).encode("ascii", "replace")[:LONGEST_WARNINGS]


def warnings_record(losses: tuple[Loss, ...]) -> str:
    """The losses for the exchange's record, as JSON."""
    return msgspec.json.encode(losses).decode() if losses else ""
