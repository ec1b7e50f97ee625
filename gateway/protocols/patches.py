"""Requests that stay in their protocol, for upstreams that speak it in a way of their own."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from gateway.canonical import JSON, Protocol
from gateway.protocols import clones
from gateway.protocols.capsules import PREFIX, unseal
from gateway.protocols.codec import Call
from gateway.protocols.editing import Draft
from gateway.protocols.openai_chat import patches as chat
from gateway.protocols.translation import Dialect, Loss

AS_WRITTEN = ("standard", "compatible", "openai", "azure")
"""Dialects of upstreams that speak as their protocol's maker does, or that may be anybody's: the client knows best."""

OPERATIONS = ("chat/completions", "messages", "messages/count_tokens")
"""What is patched, as the path ends; the other operations of a protocol have other members."""

BETA = "anthropic-beta"

_MARK = PREFIX.encode()


def patched(call: Call, protocol: Protocol, dialect: Dialect) -> tuple[Call, tuple[Loss, ...]]:
    """The call as this upstream takes it, and what it loses. Where nothing is to be changed it is the same call."""
    patch = _PATCHES.get(protocol) if _has_own_way(call, dialect) else None
    sealed = _MARK in call.body
    if patch is None and not sealed:
        return call, ()
    try:
        draft = Draft(call.body)
    except msgspec.DecodeError:
        return call, ()
    if sealed:
        _WITHOUT_CAPSULES[protocol](draft)
    headers = call.headers
    if patch is not None:
        patch(draft, dialect)
        headers = {name: value for name, value in headers.items() if name != BETA}
    if draft.body == call.body and headers == call.headers:
        return call, ()
    return replace(call, body=draft.body, headers=headers), tuple(dict.fromkeys(draft.losses))


def _has_own_way(call: Call, dialect: Dialect) -> bool:
    return dialect.name not in AS_WRITTEN and call.path.strip("/").removeprefix("v1/") in OPERATIONS


def _responses_without_capsules(draft: Draft) -> None:
    """Without the reasoning items that other families' models made."""
    items = draft.get("input")
    if isinstance(items, list):
        draft.put("input", [item for item in items if not (isinstance(item, dict) and _is_sealed(item))])


def _is_sealed(item: JSON) -> bool:
    token = item.get("encrypted_content")
    return isinstance(token, str) and unseal(token) is not None


def _gemini_without_capsules(draft: Draft) -> None:
    """Without the signatures that are not Google's; the parts stay."""
    contents = draft.get("contents")
    if isinstance(contents, list | dict):
        draft.put("contents", _unsigned(contents))


def _unsigned(value: object) -> object:
    if isinstance(value, list):
        return [_unsigned(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _unsigned(item) for name, item in value.items() if not _is_signature(name, item)}


def _is_signature(name: str, value: object) -> bool:
    return name in ("thoughtSignature", "thought_signature") and isinstance(value, str) and unseal(value) is not None


_PATCHES: Mapping[Protocol, Callable[[Draft, Dialect], None]] = {
    "openai_chat": chat.patch,
    "anthropic_messages": clones.patch,
}

_WITHOUT_CAPSULES: Mapping[Protocol, Callable[[Draft], None]] = {
    "openai_chat": chat.without_capsules,
    "openai_responses": _responses_without_capsules,
    "anthropic_messages": clones.without_capsules,
    "gemini": _gemini_without_capsules,
}
