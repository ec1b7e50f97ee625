"""Chat's requests on the wire, as declared types, and its words for what others call otherwise."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.canonical import JSON, Cache, Finish, Protocol
from gateway.protocols.reading import Choices, Tokens

OWN: Protocol = "openai_chat"

DETAILS = "openrouter"
"""Whose tokens `reasoning_details` are, when they are not ours in disguise."""

TIERS = {"standard": "default", "standard_only": "default"}
"""Other protocols' words for service tiers."""

KNOWN_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")

FINISH_REASONS: dict[Finish, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "tool": "tool_calls",
    "length": "length",
    "context_full": "length",
    "filter": "content_filter",
    "refusal": "stop",
    "pause": "stop",
}
"""How an answer that did not fail ends."""

AUDIO_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}
AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}

EXTENSIONS = (
    "audio",
    "moderation",
    "prediction",
    "prompt_cache_options",
    "prompt_cache_retention",
)
"""Members of OpenAI's own endpoint that no other protocol has."""

Name = Annotated[str, Meta(min_length=1)]


class CacheMark(Struct):
    """A place up to which the prompt is to be cached: OpenAI's breakpoint, or Anthropic's mark on a Chat part."""

    ttl: str | None = None


class TextPart(Struct, tag_field="type", tag="text"):
    text: str
    cache_control: CacheMark | None = None
    prompt_cache_breakpoint: CacheMark | None = None


class RefusalPart(Struct, tag_field="type", tag="refusal"):
    refusal: str


class ThinkingPart(Struct, tag_field="type", tag="thinking"):
    """Mistral's way to carry reasoning."""

    thinking: str | list[TextPart]


class Address(Struct):
    url: str
    detail: str | None = None


class ImagePart(Struct, tag_field="type", tag="image_url"):
    image_url: Address | str
    cache_control: CacheMark | None = None
    prompt_cache_breakpoint: CacheMark | None = None


class VideoPart(Struct, tag_field="type", tag="video_url"):
    video_url: Address | str


class AudioData(Struct):
    data: str
    format: str = "wav"


class AudioPart(Struct, tag_field="type", tag="input_audio"):
    input_audio: AudioData


class FileData(Struct):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Struct, tag_field="type", tag="file"):
    file: FileData
    cache_control: CacheMark | None = None
    prompt_cache_breakpoint: CacheMark | None = None


WirePart = TextPart | RefusalPart | ThinkingPart | ImagePart | VideoPart | AudioPart | FilePart
Content = str | list[WirePart] | None


class FunctionSaid(Struct):
    name: Name
    arguments: str | JSON | None = None


class CustomSaid(Struct):
    name: Name
    input: str = ""


class Call(Struct):
    """A call in the history. Some clients leave out its type."""

    id: Name
    type: Literal["function", "custom"] = "function"
    function: FunctionSaid | None = None
    custom: CustomSaid | None = None
    extra_content: JSON | None = None


class AudioSaid(Struct):
    id: str


class SystemMessage(Struct, tag_field="role", tag="system"):
    content: Content
    name: str | None = None


class DeveloperMessage(Struct, tag_field="role", tag="developer"):
    content: Content
    name: str | None = None


class UserMessage(Struct, tag_field="role", tag="user"):
    content: Content
    name: str | None = None


class AssistantMessage(Struct, tag_field="role", tag="assistant"):
    content: Content = None
    refusal: str | None = None
    name: str | None = None
    audio: AudioSaid | None = None
    tool_calls: list[Call] | None = None
    function_call: FunctionSaid | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_text: str | None = None
    reasoning_details: list[JSON] | None = None
    extra_content: JSON | None = None


class ToolMessage(Struct, tag_field="role", tag="tool"):
    tool_call_id: Name
    content: Content = None
    name: str | None = None


class FunctionMessage(Struct, tag_field="role", tag="function"):
    name: Name
    content: Content = None


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage


class FunctionDeclared(Struct):
    name: Name
    description: str | None = None
    parameters: JSON | None = None
    strict: bool | None = None


class CustomDeclared(Struct):
    name: Name
    description: str | None = None
    format: JSON | None = None


class ToolDeclared(Struct):
    type: str = "function"
    function: FunctionDeclared | None = None
    custom: CustomDeclared | None = None
    cache_control: CacheMark | None = None


class Named(Struct):
    name: Name


class ToolNamed(Struct):
    type: str = "function"
    function: Named | None = None
    custom: Named | None = None


class AllowedTools(Struct):
    mode: Literal["auto", "required"]
    tools: list[ToolNamed]


class ChosenTool(Struct):
    type: str = "function"
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(Struct):
    name: Name = "answer"
    description: str | None = None
    schema: JSON | None = None
    strict: bool | None = None


class ResponseFormat(Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Struct):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class OpenRouterReasoning(Struct):
    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class ThinkingSwitch(Struct):
    type: str | None = None
    budget_tokens: int | None = None


class Body(Struct):
    """A request as far as it has a meaning beyond Chat; its other members are carried as they are."""

    model: str | None = None
    messages: Annotated[list[Message], Meta(min_length=1)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[ToolDeclared] | None = None
    tool_choice: str | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    functions: list[FunctionDeclared] | None = None
    function_call: str | Named | None = None
    response_format: ResponseFormat | None = None
    max_completion_tokens: Tokens | None = None
    max_tokens: Tokens | None = None
    stop: str | list[str] | None = None
    n: Choices | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    logit_bias: JSON | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=100)] | None = None
    reasoning_effort: str | None = None
    reasoning: OpenRouterReasoning | None = None
    thinking: ThinkingSwitch | None = None
    enable_thinking: bool | None = None
    thinking_budget: int | None = None
    verbosity: str | None = None
    modalities: list[str] | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: JSON | None = None
    prompt_cache_key: str | None = None
    store: bool | None = None
    web_search_options: JSON | None = None


THINKING_MEMBERS = ("reasoning", "thinking", "enable_thinking", "thinking_budget")
"""Other upstreams' ways to ask a Chat model to think."""


def cache_of(part: TextPart | ImagePart | FilePart | ToolDeclared) -> Cache | None:
    breakpoint_ = None if isinstance(part, ToolDeclared) else part.prompt_cache_breakpoint
    mark = part.cache_control or breakpoint_
    return Cache(mark.ttl or "") if mark else None
