"""Gemini's wire: members in either spelling, the objects it is made of, and the tables of its words."""

import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from gateway.canonical import JSON, Finish, Protocol
from gateway.errors import BadRequest
from gateway.protocols.gemini.native import FINISHES

NAME: Final[Protocol] = "gemini"
FAMILY = "google"
"""Whose reasoning tokens Gemini's thought signatures are."""

SIGNATURE = "thought_signature"
"""The kind of a signature that belongs to what the model says or calls next."""

THOUGHT = "thought"
"""The kind of a signature that came with a thought itself."""

NO_SIGNATURE = "skip_thought_signature_validator"
"""What the documentation gives for calls whose signature is lost."""

FILES = "https://generativelanguage.googleapis.com/"
BUCKETS = "gs://"

FINISHES_OUT: Mapping[Finish, str] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tool": "STOP",
    "length": "MAX_TOKENS",
    "context_full": "MAX_TOKENS",
    "filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "STOP",
    "malformed_call": "MALFORMED_FUNCTION_CALL",
    "error": "OTHER",
}

LABELS = frozenset([*FINISHES, "OTHER", "NO_IMAGE", "ESCALATION", "PUP_LIMITED_DISABLED"])
"""Labels that are given to clients as they came. CONTINUATION is none of them: it needs a token to go on with."""

BLOCKED = "blockReason:"
"""Before the reason why a prompt was refused, to tell it from the end of an answer."""

BLOCK_REASONS = frozenset(
    ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK"]
)

T = TypeVar("T")

_SNAKE = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")
_PATH = re.compile(r" - at `\$\.?(.*)`$")


class Content(Struct, gc=False):
    role: str | None = None
    parts: list[JSON] | JSON | None = None


class Part(Struct, gc=False, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: JSON | None = None
    file_data: JSON | None = None
    function_call: JSON | None = None
    function_response: JSON | None = None
    executable_code: JSON | None = None
    code_execution_result: JSON | None = None
    tool_call: JSON | None = None
    tool_response: JSON | None = None


class Blob(Struct, gc=False, rename="camel"):
    mime_type: str
    data: str


class FileData(Struct, gc=False, rename="camel"):
    file_uri: str
    mime_type: str | None = None


class PartialArgument(Struct, gc=False, rename="camel"):
    json_path: str
    string_value: str | None = None
    number_value: float | None = None
    bool_value: bool | None = None
    null_value: object = msgspec.UNSET


class FunctionCall(Struct, gc=False, rename="camel"):
    name: str | None = None
    id: str | None = None
    args: JSON | None = None
    partial_args: list[PartialArgument] | None = None
    will_continue: bool | None = None


class FunctionResponse(Struct, gc=False):
    name: str | None = None
    id: str | None = None
    response: JSON | None = None
    parts: list[JSON] | JSON | None = None


class FunctionDeclaration(Struct, gc=False, rename="camel"):
    name: str
    description: str | None = None
    parameters: JSON | None = None
    parameters_json_schema: JSON | None = None


class FunctionCallingConfig(Struct, gc=False, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | str | None = None


class ThinkingConfig(Struct, gc=False, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(Struct, gc=False, rename="camel"):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | str | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: JSON | None = None
    response_json_schema: JSON | None = None
    response_modalities: list[str] | str | None = None
    thinking_config: JSON | None = None


class Body(Struct, gc=False, rename="camel"):
    contents: list[JSON] | JSON | None = None
    system_instruction: JSON | str | None = None
    tools: list[JSON] | JSON | None = None
    tool_config: JSON | None = None
    generation_config: JSON | None = None
    service_tier: str | None = None
    store: bool | None = None


def camel(value: JSON) -> JSON:
    """An object with its own members in the one spelling, those that are null left out."""
    return {_spelt(name): item for name, item in value.items() if item is not None}


def read(kind: type[T], value: object, place: str) -> T:
    """An object as what it is to be, either spelling. Raises `BadRequest` naming the field."""
    if not isinstance(value, dict):
        raise invalid(place, "must be an object")
    try:
        return msgspec.convert(camel(value), kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        path = _PATH.search(text)
        inner = path[1] if path else ""
        raise invalid(join(place, inner), f"is not valid: {_PATH.sub('', text).replace('`', '').lower()}") from None


def objects(value: list[JSON] | JSON | None) -> list[JSON]:
    """A list, which may be given as its only item."""
    return [] if value is None else [value] if isinstance(value, dict) else value


def strings(value: list[str] | str | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def invalid(place: str, what: str, code: str | None = None) -> BadRequest:
    return BadRequest(f"'{place}' {what}.", param=place, code=code)


def join(place: str, name: str) -> str:
    return f"{place}.{name}" if place and name and name[0] != "[" else place + name


def _spelt(name: str) -> str:
    return _SNAKE.sub(lambda match: match[1].upper(), name) if "_" in name else name
