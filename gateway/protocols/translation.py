"""What translating between a protocol and the canonical model is: a record of functions, and what may get lost.

No code knows a pair: a client's codec decodes, an upstream's codec encodes, and the answer goes the other way.
"""

from collections.abc import Callable, Mapping
from typing import Literal
from typing import Protocol as Interface

from msgspec import Struct

from gateway.canonical import Effort, EmbeddingRequest, Embeddings, Event, Request, Response
from gateway.errors import GatewayError
from gateway.protocols.codec import Call

Fate = Literal["exact", "approximated", "warned", "refused", "dropped"]
"""What becomes of a field at a target. Exact and approximated keep its meaning; warned is lost and told (a strict route
refuses it); refused is a 400 naming it; dropped is telemetry that means nothing to anybody else."""


class Loss(Struct, frozen=True):
    """Something of a request that its target cannot say."""

    field: str
    """The canonical field, or its place: `temperature`, `turns[2].parts[0]`."""
    why: str
    """In a sentence for the client and the operator."""


class ModelFacts(Struct, frozen=True):
    """What the catalogue knows of a target's model, where encoding depends on it."""

    family: str = ""
    """Whose reasoning tokens it understands: `anthropic`, `openai`, `google`, or empty."""
    max_output: int | None = None
    efforts: tuple[Effort, ...] = ()
    """The efforts it takes; empty when it is not known."""
    thinking_style: Literal["", "adaptive", "budget", "level"] = ""
    samples: bool = True
    """Takes temperature, top_p and top_k."""
    largest_budget: int | None = None


class Dialect(Struct, frozen=True):
    """An upstream's way of speaking a protocol: switches, each a quirk of a known kind."""

    name: str = "standard"
    system_role: Literal["system", "developer"] = "developer"
    limit_field: str = "max_completion_tokens"
    seed_field: str = "seed"
    reasoning_field: str = "reasoning_content"
    """The member of a Chat message that holds reasoning; it is read under all known names."""
    reasoning_request: Literal["effort", "thinking", "enable_thinking", "reasoning", "none"] = "effort"
    """How a Chat upstream is told to think."""
    efforts: tuple[Effort, ...] = ()
    """The efforts that it knows by name; empty for all, or for none where it is told in another way."""
    thinks_streaming_only: bool = False
    echo_reasoning: Literal["required", "allowed", "forbidden"] = "forbidden"
    """Whether earlier reasoning is sent back to it as plain text."""
    call_id_pattern: str = ""
    """A regular expression that call ids must match; others are replaced. Empty for the protocol's own."""
    required_choice: str = "required"
    null_content: bool = True
    """Takes `content: null` beside tool calls."""
    result_images: bool = True
    """Takes images in tool results."""
    image_urls: bool = True
    videos: bool = False
    """Takes `video_url` parts."""
    cache_marks: bool = False
    """Takes Anthropic's `cache_control` on the content parts of Chat."""
    document_urls: bool = False
    """Takes addresses of documents."""
    reads_addresses: bool = True
    """Looks at what lies at addresses; some take them, and then only know those of their own files."""
    custom_tools: bool = True
    """Takes OpenAI's free-text tools, and a choice among some of the tools; elsewhere both are said otherwise."""
    strict_tools: bool = True
    drops: tuple[str, ...] = ()
    """Canonical fields, or members of its own protocol, that it refuses."""
    keeps_unknown: bool = True
    """Takes members that are not OpenAI's, such as `top_k`."""
    api_version: str = ""
    predicts: bool = False
    """Embeds texts by Vertex's `predict`, but for models that are Gemini themselves."""
    web_search: Literal["", "web_search_options", "openrouter", "enable_search"] = "web_search_options"
    """How a Chat upstream is told to search the web; empty for an upstream, of any protocol, that does not."""
    announces_mixed_tools: bool = True
    """Wants to be asked for word of its own tools where they stand beside functions (Gemini, but not on Vertex)."""
    json_schemas: bool = True
    """Takes JSON Schema; otherwise a provider's older dialect of it alone."""


class Target(Struct, frozen=True):
    """For whom a request is encoded."""

    model: str
    """Its name at the upstream."""
    dialect: Dialect = Dialect()
    facts: ModelFacts = ModelFacts()
    web_search: bool = False
    """Where a client asks for its own provider's search of the web, the target's may take its place."""


class Encoded(Struct, frozen=True):
    """A request in a target's protocol."""

    call: Call
    losses: tuple[Loss, ...] = ()
    names: Mapping[str, str] = {}
    """Tool names as the target sees them to those the client gave, where they had to be changed."""


class Decoder(Interface):
    """An upstream's stream as canonical events. It repairs what upstreams break; errors it raises."""

    def feed(self, payload: bytes) -> list[Event]:
        """The events of one frame's payload."""
        ...

    def end(self) -> list[Event]:
        """The stream is over: what was held back. Raises `UpstreamFailed` when it broke off."""
        ...


class Encoder(Interface):
    """A stream in a client's protocol. Keeps its grammar whatever comes; it alone writes the terminal."""

    def encode(self, event: Event) -> bytes:
        """The frames for one event; may be empty."""
        ...

    def fail(self, error: GatewayError, request_id: str) -> bytes:
        """Close what is open, then the error in the protocol's own form. Nothing may follow."""
        ...


class Translation(Struct, frozen=True):
    """One protocol's functions to and from the canonical model."""

    decode_request: Callable[[Call], Request]
    """Raises `BadRequest` naming the field."""
    encode_request: Callable[[Request, Target], Encoded]
    """Deterministic: the same request gives the same bytes. Raises `BadRequest` for what is refused."""
    decode_response: Callable[[bytes], Response]
    """Raises `GatewayError` for an answer that is none."""
    encode_response: Callable[[Response, Request], bytes]
    """As the client of that request expects it."""
    new_decoder: Callable[[], Decoder]
    new_encoder: Callable[[Request], Encoder]
    fields: Mapping[str, str]
    """Every parameter of the newest SDKs to the canonical field it becomes, or to `extension` or `ignored`."""
    fates: Mapping[str, Fate]
    """Every canonical field to what this protocol, as a target, does with it."""


class EmbeddingTranslation(Struct, frozen=True):
    """One protocol's functions to and from embeddings in the canonical model."""

    decode_request: Callable[[Call], EmbeddingRequest]
    """Raises `BadRequest` naming the field."""
    encode_request: Callable[[EmbeddingRequest, Target], Call]
    decode_response: Callable[[bytes], Embeddings]
    """Raises `GatewayError` for an answer that is none."""
    encode_response: Callable[[Embeddings, EmbeddingRequest], bytes]
    """As the client of that request expects it."""
