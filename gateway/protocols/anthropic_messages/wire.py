"""What Messages looks like on the wire: its objects as far as they are understood, its limits and its names."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.canonical import JSON, Cache, Finish, Protocol
from gateway.protocols.reading import Tokens, dicts

OWN: Protocol = "anthropic_messages"
FAMILY = "anthropic"

VERSION = "2023-06-01"
"""The API version that takes every parameter."""

WITHOUT_SAMPLING = "2026-10-21"
"""From this version on the API refuses temperature, top_p and top_k."""

PATH = "messages"

USUAL_OUTPUT = 8192
"""`max_tokens` for a model of which nothing is known."""

BREAKPOINTS = 4
"""How many places of a prompt may be marked for caching."""

IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")

PDF = "application/pdf"

STOP_REASONS: dict[Finish, str] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "tool": "tool_use",
    "length": "max_tokens",
    "context_full": "model_context_window_exceeded",
    "filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}
"""The finishes that an answer can have here; the others are errors."""

SERVER_CALLS = ("server_tool_use", "mcp_tool_use")
"""Calls that the upstream runs itself: their input streams as that of a client's call does."""

NATIVE_BLOCKS = (
    *SERVER_CALLS,
    "web_search_tool_result",
    "web_fetch_tool_result",
    "advisor_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_result",
    "mcp_tool_listing",
    "container_upload",
    "compaction",
    "fallback",
    "tool_addition",
    "tool_removal",
    "tool_reference",
    "browser_state",
)
"""Blocks that nobody else can say."""

Named = Annotated[str, Meta(min_length=1)]


class CacheControl(Struct):
    type: Literal["ephemeral"] = "ephemeral"
    ttl: str | None = None


class TextBlock(Struct, tag_field="type", tag="text"):
    text: str
    cache_control: CacheControl | None = None
    citations: list[JSON] | None = None


class Base64Source(Struct, tag_field="type", tag="base64"):
    media_type: Named
    data: str


class URLSource(Struct, tag_field="type", tag="url"):
    url: str


class FileSource(Struct, tag_field="type", tag="file"):
    file_id: Named


class TextSource(Struct, tag_field="type", tag="text"):
    data: str
    media_type: str | None = None


class ContentSource(Struct, tag_field="type", tag="content"):
    content: str | list[JSON]


class ImageBlock(Struct):
    source: Base64Source | URLSource | FileSource
    cache_control: CacheControl | None = None


class Citations(Struct):
    enabled: bool | None = None


class DocumentBlock(Struct):
    source: Base64Source | URLSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class SearchResultBlock(Struct):
    source: str
    title: str
    content: list[TextBlock]
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Struct):
    thinking: str
    signature: str | None = None


class RedactedThinkingBlock(Struct):
    data: str


class ToolUseBlock(Struct):
    id: Named
    name: Named
    input: JSON | None = None
    cache_control: CacheControl | None = None


class ToolResultBlock(Struct):
    tool_use_id: Named
    content: str | list[JSON] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class MessageIn(Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[JSON]


class ToolIn(Struct):
    name: Named
    description: str | None = None
    input_schema: JSON | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoiceIn(Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingIn(Struct):
    type: Literal["enabled", "adaptive", "between_tools", "disabled"]
    budget_tokens: Tokens | None = None
    display: str | None = None


class FormatIn(Struct):
    type: Literal["json_schema"]
    schema: JSON


class OutputConfigIn(Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: FormatIn | None = None


class MetadataIn(Struct):
    user_id: str | None = None


class Body(Struct):
    """A request's members as far as they have a canonical meaning."""

    messages: list[MessageIn]
    model: str | None = None
    system: str | list[TextBlock] | None = None
    max_tokens: Tokens | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Tokens | None = None
    thinking: ThinkingIn | None = None
    output_config: OutputConfigIn | None = None
    output_format: FormatIn | None = None
    tools: list[JSON] | None = None
    tool_choice: ToolChoiceIn | None = None
    metadata: MetadataIn | None = None
    service_tier: str | None = None
    cache_control: CacheControl | None = None


def to_cache(control: CacheControl | None) -> Cache | None:
    return None if control is None else Cache(control.ttl or "")


def blocks_of(message: JSON) -> list[JSON]:
    """The content of a message that was written here."""
    return dicts(message.get("content"))
