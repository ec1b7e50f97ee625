"""What becomes of members that only the client's own protocol has, when the target speaks another one.

A table by the protocol they came from: no target is named here. A name that begins with `_` is a codec's own note.
"""

from collections.abc import Iterator, Mapping

from gateway.canonical import Native, Protocol, Request
from gateway.errors import BadRequest
from gateway.protocols.translation import Loss

REFUSED: Mapping[str, Mapping[str, str]] = {
    "anthropic_messages": {
        "thread": "thread_unsupported_request",
        "container": "unsupported_parameter",
        "mcp_servers": "unsupported_parameter",
        "fallback_credit_token": "unsupported_parameter",
    },
    "openai_responses": {
        "previous_response_id": "unsupported_parameter",
        "conversation": "unsupported_parameter",
        "prompt": "unsupported_parameter",
        "background": "unsupported_parameter",
        "item_reference": "unsupported_parameter",
    },
    "gemini": {
        "cachedContent": "unsupported_parameter",
        "continuationToken": "unsupported_parameter",
    },
}
"""What lies at the provider, or changes what is asked: a request without it would be another one. With its code."""

REFUSED_PARTS = frozenset({"container_upload"})
"""The same among the parts of a conversation, by the kind of a native one."""

DROPPED: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset({"stream_options", "prompt_cache_retention", "prompt_cache_options"}),
    "openai_responses": frozenset(
        {"stream_options", "include", "client_metadata", "prompt_cache_retention", "prompt_cache_options"}
    ),
    "anthropic_messages": frozenset({"diagnostics", "billing_policy", "user_profile_id", "workspace_id"}),
    "gemini": frozenset({"safetySettings", "labels", "modelArmorConfig"}),
}
"""What says nothing to anybody else."""


def lose_foreign(request: Request, own: Protocol | None) -> Iterator[Loss]:
    """What the target cannot take over from other protocols, or from any where it only imitates its own.

    Raises `BadRequest` for what it may not leave out.
    """
    for protocol, members in request.extensions.items():
        if protocol == own:
            continue
        for name, value in members.items():
            if name.startswith("_") or value is None or value is False or name in DROPPED.get(protocol, ()):
                continue
            if code := REFUSED.get(protocol, {}).get(name):
                raise BadRequest(f"'{name}' is not supported with this model.", code=code, param=name)
            yield Loss(name, "Only the client's own protocol has it.")
    for part in (part for turn in request.turns for part in turn.parts):
        if isinstance(part, Native) and part.origin != own and part.kind in REFUSED_PARTS:
            raise BadRequest(
                f"'{part.kind}' is not supported with this model.", code="unsupported_parameter", param=part.kind
            )
