"""The canonical model: what any protocol's request, answer and stream amount to. Pure values, no behaviour."""

from typing import Literal

from msgspec import Struct

Protocol = Literal["openai_chat", "openai_responses", "anthropic_messages", "gemini"]
PROTOCOLS: tuple[Protocol, ...] = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")

VideoShape = Literal["openai_video", "ark_video"]
VIDEO_SHAPES: tuple[VideoShape, ...] = ("openai_video", "ark_video")
"""The ways to ask for a video, which is made by a task: OpenAI's videos, and Ark's generation tasks."""

Finish = Literal[
    "end", "stop_sequence", "tool", "length", "context_full", "filter", "refusal", "pause", "malformed_call", "error"
]
"""Why a model stopped, in one vocabulary."""

TextKind = Literal["text", "reasoning", "tool"]
"""What a piece of passing output is: the answer, the thinking, or a call's name and arguments."""


class Details(Struct, frozen=True, gc=False, omit_defaults=True):
    """What of a request may have a price of its own. Tokens here are a part of the bucket that they are named for."""

    input_audio: int = 0
    input_image: int = 0
    input_video: int = 0
    cache_read_audio: int = 0
    cache_read_image: int = 0
    output_audio: int = 0
    output_image: int = 0
    output_video: int = 0
    web_searches: int = 0
    file_searches: int = 0
    audio_seconds: int = 0
    video_seconds: int = 0
    characters: int = 0
    terms: dict[str, str] = {}
    """What else a price may hang on, such as `service_tier` or `resolution`."""
    others: dict[str, dict[str, int]] = {}
    """What other models did for the answer, beside its own buckets: the buckets of each."""


NO_DETAILS = Details()
"""Those of the usual request; readers give no other of its kind, so that identity tells."""


class Usage(Struct, frozen=True, gc=False):
    """Tokens in disjoint buckets: their sum is what the provider processed. See ExchangeRecord for each."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    tool_prompt: int = 0
    output: int = 0
    reasoning: int = 0
    details: Details = NO_DETAILS
    """Read of answers for their price; translation leaves them out."""

    @property
    def total(self) -> int:
        """All tokens, in and out."""
        return (
            self.input
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.tool_prompt
            + self.output
            + self.reasoning
        )


class Piece(Struct, frozen=True, gc=False):
    """A piece of output as it passed."""

    kind: TextKind
    text: str


class Asked(Struct, frozen=True):
    """What policy reads of a request, in any protocol. The body itself stays bytes."""

    model: str
    stream: bool = False
    max_output: int | None = None
    choices: int = 1
    """How many answers were asked for (`n`, `candidateCount`)."""
    wants_usage: bool = True
    """False when the client did not ask for usage in its Chat stream, so ours must be taken out again."""
    film_seconds: int = 0
    """How long the film may become that is asked for."""
    film_tokens: int = 0
    """The same, where films are counted in them."""


class Allowance(Struct, frozen=True):
    """What a rate allows a client still, for the head of an answer."""

    what: Literal["requests", "tokens"]
    """Counted by the minute."""
    limit: int
    left: int
    reset: float
    """Seconds until all of it may be used again."""


class ModelEntry(Struct, frozen=True):
    """A model as the model lists of all protocols show it."""

    id: str
    created: int
    """Unix seconds."""
    owner: str


# --- what a conversation is made of -------------------------------------------------------------------------------

JSON = dict[str, object]
"""A JSON object that is carried and not understood."""


class Opaque(Struct, frozen=True):
    """A token that only its maker can read: it goes back to the same family unchanged, or nowhere."""

    origin: str
    """The model family that made it: `anthropic`, `openai`, `google`, or an upstream's own."""
    kind: str
    """`signature`, `redacted`, `encrypted`, `thought_signature`, `details`."""
    data: str
    account: str = ""
    """The upstream's account that alone can read it, where that matters."""


class Cache(Struct, frozen=True):
    """The client asks for the prompt to be cached up to here."""

    ttl: str = ""
    """`5m`, `1h`, or empty for the upstream's usual."""


class Inline(Struct, frozen=True, tag=True):
    """Media in the request itself."""

    media_type: str
    data: str
    """Standard base64, padded."""


class Remote(Struct, frozen=True, tag=True):
    """Media at an address. It is passed on, not fetched."""

    url: str
    media_type: str = ""


class Stored(Struct, frozen=True, tag=True):
    """Media in an upstream's own file store."""

    origin: Protocol
    id: str
    media_type: str = ""


Source = Inline | Remote | Stored


class Citation(Struct, frozen=True):
    """A source that an answer names for a stretch of its text."""

    url: str = ""
    title: str = ""
    quoted: str = ""
    start: int | None = None
    end: int | None = None
    """The stretch, in code points of its part; None where the protocol does not say."""


class TokenLogprob(Struct, frozen=True):
    """How likely a token of an answer was, beside those that might have stood in its place."""

    token: str
    logprob: float
    utf8: tuple[int, ...] | None = None
    """Its bytes, which alone may be no character; None where the protocol does not tell them."""
    alternatives: "tuple[TokenLogprob, ...]" = ()


class Text(Struct, frozen=True, tag=True):
    text: str = ""
    citations: tuple[Citation, ...] = ()
    opaque: Opaque | None = None
    cache: Cache | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


class Refusal(Struct, frozen=True, tag=True):
    text: str = ""


class Image(Struct, frozen=True, tag=True):
    source: Source
    detail: str = ""
    """`low`, `high`, `auto`, or empty."""
    cache: Cache | None = None


class Audio(Struct, frozen=True, tag=True):
    source: Source


class Video(Struct, frozen=True, tag=True):
    source: Source


class Document(Struct, frozen=True, tag=True):
    source: Source
    name: str = ""
    title: str = ""
    context: str = ""
    cited: bool = False
    """Citations from it are asked for."""
    cache: Cache | None = None


class Reasoning(Struct, frozen=True, tag=True):
    """What a model thought. Its text is shown; its token lets the model take the thought up again."""

    text: str = ""
    summary: bool = False
    """The text is a summary of the thinking and not the thinking itself."""
    opaque: Opaque | None = None


class ToolCall(Struct, frozen=True, tag=True):
    id: str
    """Empty where the protocol gives none; the decoder then mints one that is the same for the same request."""
    name: str
    arguments: str = ""
    """JSON text as it was written, or free text of a custom tool."""
    custom: bool = False
    namespace: str = ""
    opaque: Opaque | None = None
    cache: Cache | None = None


class ToolResult(Struct, frozen=True, tag=True):
    call_id: str
    parts: "tuple[Part, ...]" = ()
    name: str = ""
    is_error: bool = False
    custom: bool = False
    structured: JSON | None = None
    """The result as an object, where the protocol has it so (Gemini)."""
    cache: Cache | None = None


class Searched(Struct, frozen=True):
    """A search of the web that a provider ran for an answer."""

    queries: tuple[str, ...] = ()
    sources: tuple[Citation, ...] = ()
    """What was found, as far as it was told."""


class Native(Struct, frozen=True, tag=True):
    """A part that only its own protocol can say: server tools' calls and results, containers, compactions."""

    origin: Protocol
    kind: str
    item: JSON
    searched: Searched | None = None
    """What of it others can say."""


Part = Text | Refusal | Image | Audio | Video | Document | Reasoning | ToolCall | ToolResult | Native


class Turn(Struct, frozen=True):
    """What one side said in one go, its parts in the order they were said."""

    role: Literal["user", "assistant", "system"]
    parts: tuple[Part, ...]
    name: str = ""


# --- a request ----------------------------------------------------------------------------------------------------


class FunctionTool(Struct, frozen=True, tag=True):
    name: str
    description: str = ""
    schema: JSON | None = None
    """JSON Schema of the arguments; None when it takes none."""
    strict: bool | None = None
    namespace: str = ""
    cache: Cache | None = None


class CustomTool(Struct, frozen=True, tag=True):
    """Takes free text instead of JSON."""

    name: str
    description: str = ""
    format: JSON | None = None
    namespace: str = ""


class Location(Struct, frozen=True):
    """Roughly where a user is."""

    city: str = ""
    region: str = ""
    country: str = ""
    """In two letters."""
    timezone: str = ""


class WebSearch(Struct, frozen=True):
    """How the web is to be searched, as far as several providers have a word for it."""

    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    max_uses: int | None = None
    location: Location | None = None
    context_size: str = ""
    """`low`, `medium` or `high`: how much of what is found the model reads."""
    others: tuple[str, ...] = ()
    """The names of options that only the tool's own provider has."""


class ServerTool(Struct, frozen=True, tag=True):
    """Run by the upstream itself."""

    kind: str
    """`web_search`, `code_execution`, or the protocol's own name for what has no counterpart."""
    origin: Protocol
    item: JSON
    search: WebSearch | None = None
    """What another provider's search of the web can be told instead."""


Tool = FunctionTool | CustomTool | ServerTool


class ToolChoice(Struct, frozen=True):
    """Whether and which tools may or must be called. One name with `required` is the forced call of one tool."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()
    """Only these; empty for all."""


class OutputFormat(Struct, frozen=True):
    """What the answer's text must be."""

    kind: Literal["json", "schema"]
    name: str = ""
    description: str = ""
    schema: JSON | None = None
    strict: bool | None = None


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Thinking(Struct, frozen=True):
    """How much a model is to think, in whichever of the two ways the client said it."""

    effort: Effort | None = None
    budget: int | None = None
    """Tokens; 0 for none, -1 for as many as the model likes."""
    adaptive: bool = False
    """The model decides for itself (Anthropic's adaptive mode)."""
    show: Literal["none", "summary", "full"] | None = None


class Request(Struct, frozen=True):
    """What a client asks, in any protocol. None or empty means that the client did not say."""

    model: str
    turns: tuple[Turn, ...]
    instructions: tuple[Text, ...] = ()
    """Above the conversation; system turns within it stay where they are."""
    stream: bool = False
    wants_usage: bool = True
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_calls: bool | None = None
    output: OutputFormat | None = None
    max_output: int | None = None
    stop: tuple[str, ...] = ()
    choices: int = 1
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    logit_bias: JSON | None = None
    logprobs: int | None = None
    """How many alternatives for each token; 0 for the chosen ones alone."""
    thinking: Thinking | None = None
    verbosity: str = ""
    modalities: tuple[str, ...] = ()
    tier: str = ""
    user: str = ""
    metadata: JSON | None = None
    cache_key: str = ""
    cache: Cache | None = None
    """The client asks for the whole prompt to be cached, without naming a place."""
    store: bool | None = None
    extensions: dict[str, JSON] = {}
    """By protocol: members that only that protocol understands, as they came. Only its codec reads them."""


# --- an answer ----------------------------------------------------------------------------------------------------


class Ending(Struct, frozen=True):
    """Why an answer ended."""

    finish: Finish
    raw: str = ""
    """The upstream's own word."""
    sequence: str = ""
    """The stop sequence that was met."""
    detail: str = ""


class Response(Struct, frozen=True):
    """A whole answer."""

    id: str
    model: str
    parts: tuple[Part, ...]
    ending: Ending
    usage: Usage | None = None
    created: int = 0
    """Unix seconds; 0 where the protocol does not say."""
    tier: str = ""


# --- an answer as it streams --------------------------------------------------------------------------------------


class ResponseStarted(Struct, frozen=True, tag=True, gc=False):
    id: str
    model: str
    created: int = 0


class PartStarted(Struct, frozen=True, tag=True):
    """A part begins, as far as it is known. Parts may run side by side; each has its own index."""

    index: int
    part: Part


class PartDelta(Struct, frozen=True, tag=True, gc=False):
    """More text of a part: of an answer, a thought, or a call's arguments."""

    index: int
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of the tokens in it, where they were asked for."""


class PartEnded(Struct, frozen=True, tag=True):
    """A part is complete; with what became known of it only at its end."""

    index: int
    opaque: Opaque | None = None
    citations: tuple[Citation, ...] = ()


class UsageReported(Struct, frozen=True, tag=True, gc=False):
    """Usage so far; a later report replaces an earlier one."""

    usage: Usage


class ResponseEnded(Struct, frozen=True, tag=True):
    ending: Ending


Event = ResponseStarted | PartStarted | PartDelta | PartEnded | UsageReported | ResponseEnded
"""A stream is: started, then parts and usage in any order, then ended. Errors are raised, not told."""


# --- texts as vectors ---------------------------------------------------------------------------------------------


class EmbeddingRequest(Struct, frozen=True):
    """Texts that a client wants as vectors."""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    form: str = ""
    """In which of its protocol's ways the client wants the answer."""
    own: tuple[str, ...] = ()
    """Members that only the client's own protocol has."""


class Embeddings(Struct, frozen=True):
    """The vectors, in the order of the texts."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None = None
