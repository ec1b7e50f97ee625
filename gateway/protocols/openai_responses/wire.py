"""Responses' words: kinds of items, and how members of its objects are read strictly. No meaning is made here."""

import re

import msgspec

from gateway.canonical import JSON, Cache, Opaque, Protocol, Request
from gateway.errors import BadRequest
from gateway.protocols.capsules import seal, unseal
from gateway.protocols.ids import item_id
from gateway.protocols.translation import Loss

NAME: Protocol = "openai_responses"
FAMILY = "openai"
ENCRYPTED = "encrypted"
"""The kind of token that OpenAI's models keep their reasoning in."""

SEES_REASONING = "reasoning.encrypted_content"
SEES_LOGPROBS = "message.output_text.logprobs"
SEES_SOURCES = "web_search_call.action.sources"

AS_SENT = "_as_sent"
"""Under this name an extension keeps what the canonical model has no word for: ids, item boundaries, odd members."""

USER_ITEMS = frozenset(
    {
        "apply_patch_call_output",
        "compaction_trigger",
        "computer_call_output",
        "configuration_update",
        "local_shell_call_output",
        "mcp_approval_response",
        "program_output",
        "shell_call_output",
    }
)
"""Items of the client's side that only this protocol knows."""

MODEL_ITEMS = frozenset(
    {
        "apply_patch_call",
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "file_search_call",
        "image_generation_call",
        "item_reference",
        "local_shell_call",
        "mcp_approval_request",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "shell_call",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Items of the model's side, and of tools that the provider runs."""

REMEMBERED = frozenset({"item_reference", "compaction"})
"""Items that stand for others the provider has: a call may be answered whose item is not here."""

_OURS = re.compile(r"[a-z]+_gw_[A-Za-z0-9]{24}")


class Losses:
    """What could not be said, each once."""

    def __init__(self) -> None:
        self._found: dict[Loss, None] = {}

    def note(self, field: str, why: str) -> None:
        self._found[Loss(field, why)] = None

    def all(self) -> tuple[Loss, ...]:
        return tuple(self._found)


# ids


def mint_item(prefix: str, *seed: str | int) -> str:
    """An item's id, known as ours when a client sends it back."""
    return item_id(f"{prefix}_gw_", *seed)


def is_ours(given: object) -> bool:
    return isinstance(given, str) and _OURS.fullmatch(given) is not None


# tokens


def write_token(opaque: Opaque) -> str:
    """The token as this protocol's clients carry it."""
    return opaque.data if (opaque.origin, opaque.kind) == (FAMILY, ENCRYPTED) else seal(opaque)


def read_token(text: str) -> Opaque:
    return unseal(text) or Opaque(FAMILY, ENCRYPTED, text)


# extensions


def own_extension(request: Request) -> JSON | None:
    """What this protocol's own client sent beside the canonical fields; None for a client of another protocol."""
    return request.extensions.get(NAME)


def as_sent(extension: JSON | None) -> JSON:
    kept = extension.get(AS_SENT) if extension else None
    return kept if isinstance(kept, dict) else {}


def member(value: JSON, name: str) -> JSON:
    """The object of that name within, or an empty one."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


# reading what a client sent


def wrong(param: str, expected: str) -> BadRequest:
    return BadRequest(f"'{param}' must be {expected}.", code="invalid_type", param=param)


def missing(param: str) -> BadRequest:
    return BadRequest(f"'{param}' is missing.", code="missing_required_parameter", param=param)


def read_text(item: JSON, name: str, at: str) -> str:
    value = item.get(name)
    if value is None:
        raise missing(f"{at}.{name}")
    if not isinstance(value, str):
        raise wrong(f"{at}.{name}", "a string")
    return value


def read_optional(item: JSON, name: str, at: str) -> str:
    """A string, or nothing where it is absent or null."""
    return "" if item.get(name) is None else read_text(item, name, at)


def read_list(value: object, at: str) -> list[JSON]:
    if not isinstance(value, list):
        raise wrong(at, "a list")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise wrong(f"{at}[{index}]", "an object")
    return value


def read_object(value: object, at: str) -> JSON:
    if not isinstance(value, dict):
        raise wrong(at, "an object")
    return value


def read_cache(part: JSON, at: str) -> Cache | None:
    mark = part.get("prompt_cache_breakpoint")
    if mark is None:
        return None
    at = f"{at}.prompt_cache_breakpoint"
    return Cache(read_optional(read_object(mark, at), "ttl", at))


def write_cache(cache: Cache) -> JSON:
    return {"mode": "explicit", "ttl": cache.ttl} if cache.ttl else {"mode": "explicit"}


def rest_of(item: JSON, *known: str) -> JSON:
    """The members that nothing canonical stands for; null says nothing."""
    return {name: value for name, value in item.items() if name not in known and value is not None}


def to_text(value: object) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
