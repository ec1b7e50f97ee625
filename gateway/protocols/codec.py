"""What a protocol is: a frozen record of functions, the same for each of the four."""

from collections.abc import Callable
from typing import Protocol as Interface

from msgspec import Struct

from gateway.canonical import Allowance, Asked, Finish, ModelEntry, Piece, Protocol, Usage
from gateway.errors import GatewayError
from gateway.framings.framing import Framing


class Call(Struct, frozen=True):
    """A client's request as it arrived, the base URL's prefix taken off the path."""

    method: str
    path: str
    """Below the base URL, decoded, such as `chat/completions` or `models/gemini-3-pro:generateContent`."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case; credentials already taken out."""
    body: bytes
    repeated: tuple[tuple[str, str], ...] = ()
    """Members of the query whose name comes again in `query`."""


class Reader(Interface):
    """Looks on at one answer and learns what it amounts to. Never raises on what it does not understand."""

    usage: Usage | None
    """As far as the provider has said, normalised to disjoint buckets."""
    model: str
    finish: Finish | None
    ended: bool
    """The protocol's own terminal was seen: anything that stops before it was cut off."""
    error: GatewayError | None
    """The provider reported an error inside the stream or in a body with status 200."""

    def read_body(self, body: bytes) -> None:
        """Take a whole answer that was not streamed."""
        ...

    def read_payload(self, payload: bytes) -> None:
        """Take the payload of one frame of a stream."""
        ...

    def take_pieces(self) -> list[Piece]:
        """The output text read since the last call, in order."""
        ...


def no_rate_headers(allowances: list[Allowance], now: int) -> list[tuple[bytes, bytes]]:
    """For protocols whose clients read no such headers."""
    return []


class Codec(Struct, frozen=True):
    """One wire protocol."""

    name: Protocol
    title: str
    signer: str
    """The usual way to send a credential: a name in `gateway.signers`."""
    read_call: Callable[[Call], Asked]
    """What policy needs. Raises `BadRequest` naming the field."""
    with_model: Callable[[Call, str], Call]
    """The same call for another model name, every other byte as it was."""
    with_max_output: Callable[[Call, int], Call]
    """The same call, declaring the most output tokens it may be answered with."""
    with_usage: Callable[[Call], Call]
    """The same call, asking for usage in the stream where the protocol must be asked."""
    without_usage: Callable[[bytes], bytes]
    """Whole frames as the client would have got them had it not been asked."""
    new_framing: Callable[[Call], Framing]
    new_reader: Callable[[], Reader]
    is_terminal: Callable[[bytes], bool]
    """Whether these frames hold the stream's last event: cheap, may look at bytes only."""
    is_content: Callable[[bytes], bool]
    """Whether one frame's payload is more than a keep-alive: the first such frame commits the answer."""
    error_body: Callable[[GatewayError, str], bytes]
    """The body of an error response; the string is our request id."""
    error_status: Callable[[GatewayError], int]
    """The HTTP status that makes this protocol's SDKs raise the right exception."""
    error_frames: Callable[[GatewayError, str, Reader], bytes]
    """What to write into a running stream so that the client's SDK raises and never takes it for finished."""
    read_error: Callable[[int, dict[str, str], bytes], GatewayError]
    """An upstream's error response, cleaned of hosts, keys and accounts."""
    keep_alive: bytes
    """A frame that says nothing, safe in every official SDK."""
    model_list: Callable[[list[ModelEntry], dict[str, str]], bytes]
    """The model list's body; the mapping is the query (paging)."""
    model_item: Callable[[ModelEntry], bytes]
    count_body: Callable[[int], bytes]
    """The answer to a request for counting tokens."""
    stream_type: bytes = b"text/event-stream; charset=utf-8"
    """The content type of its streams."""
    rate_headers: Callable[[list[Allowance], int], list[tuple[bytes, bytes]]] = no_rate_headers
    """What rates allow still, as its clients read it; the number is the time in UTC microseconds."""
