"""How a request gets to one target and its answer back to the client: as they are, but for what must be changed."""

from gateway.canonical import Asked
from gateway.errors import GatewayError
from gateway.protocols.codec import Call, Codec, Reader
from gateway.routing import Target


class Relayed:
    """Both sides speak the same protocol: bytes go through."""

    def __init__(self, codec: Codec, call: Call, asked: Asked, target: Target) -> None:
        self.codec = codec
        """The upstream's protocol."""
        self._usage_hidden = not asked.wants_usage
        if target.model != asked.model:
            call = codec.with_model(call, target.model)
        if asked.stream:
            call = codec.with_usage(call)
        self.call = call
        """What is sent."""

    def body(self, body: bytes) -> bytes:
        """A whole answer, as the client gets it."""
        return body

    def frames(self, frames: bytes) -> bytes:
        """Whole frames of a stream, as the client gets them."""
        return self.codec.without_usage(frames) if self._usage_hidden else frames

    def rest(self, rest: bytes) -> bytes:
        """What stands behind the last whole frame at the end of a stream."""
        return rest

    def error_frames(self, error: GatewayError, request_id: str, reader: Reader) -> bytes:
        """An error in the middle of the stream."""
        return self.codec.error_frames(error, request_id, reader)
