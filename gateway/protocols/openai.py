"""What the two OpenAI protocols share: usage, error bodies, model lists, how likely tokens were."""

import math

import msgspec

from gateway.canonical import JSON, Allowance, ModelEntry, TokenLogprob, Usage
from gateway.errors import GatewayError, InsufficientQuota, RateLimited
from gateway.protocols.counts import Paths, note_counts
from gateway.protocols.reading import dicts

USAGE: Paths = (
    ("prompt", ("prompt_tokens",)),
    ("prompt", ("input_tokens",)),
    ("completion", ("completion_tokens",)),
    ("completion", ("output_tokens",)),
    ("total", ("total_tokens",)),
    ("cached", ("cached_tokens",)),
    ("cached", ("prompt_tokens_details", "cached_tokens")),
    ("cached", ("input_tokens_details", "cached_tokens")),
    ("cached", ("prompt_cache_hit_tokens",)),
    ("written", ("prompt_tokens_details", "cache_write_tokens")),
    ("written", ("input_tokens_details", "cache_write_tokens")),
    ("reasoning", ("completion_tokens_details", "reasoning_tokens")),
    ("reasoning", ("output_tokens_details", "reasoning_tokens")),
)

DIVIDED = {
    "prompt_tokens_details": "input",
    "input_tokens_details": "input",
    "input_token_details": "input",
    "completion_tokens_details": "output",
    "output_tokens_details": "output",
}
"""Where counts are divided by what they stand for, and of which bucket that is."""
KINDS = {"audio_tokens": "audio", "image_tokens": "image"}
ASIDE: Paths = (
    ("audio_seconds", ("prompt_audio_seconds",)),
    ("web_searches", ("server_tool_use", "web_search_requests")),
    ("web_searches", ("server_tool_use_details", "web_search_requests")),
)
_ASIDE = frozenset(path[0] for _, path in ASIDE)
KEEP_ALIVE = b": keep-alive\n\n"


def note_details(counts: dict[str, int], usage: object) -> None:
    """Take over what of a usage object has a price of its own; in most there is nothing of the kind."""
    if not isinstance(usage, dict):
        return
    for member, bucket in DIVIDED.items():
        part = usage.get(member)
        if isinstance(part, dict):
            _note_kinds(counts, part, bucket)
            if cached := part.get("cached_tokens_details"):
                _note_kinds(counts, cached, "cache_read")
    if not _ASIDE.isdisjoint(usage):
        note_counts(counts, usage, ASIDE)


def _note_kinds(counts: dict[str, int], part: object, bucket: str) -> None:
    if isinstance(part, dict) and any(map(part.get, KINDS)):
        note_counts(counts, part, tuple((f"{bucket}_{kind}", (member,)) for member, kind in KINDS.items()))


def to_usage(counts: dict[str, int]) -> Usage | None:
    """Disjoint buckets out of counts that include each other."""
    if not counts:
        return None
    prompt = counts.get("prompt", 0)
    completion = counts.get("completion", 0)
    reasoning = counts.get("reasoning", 0)
    cached = min(counts.get("cached", 0), prompt)
    written = min(counts.get("written", 0), prompt - cached)
    if "prompt" in counts and (unlisted := counts.get("total", 0) - prompt - completion) > 0:
        # some providers leave reasoning out of the completion and show it in the total alone
        completion += unlisted
        reasoning = max(reasoning, unlisted)
    reasoning = min(reasoning, completion)
    return Usage(
        input=prompt - cached - written,
        cache_read=cached,
        cache_write_5m=written,
        output=completion - reasoning,
        reasoning=reasoning,
    )


def error_status(error: GatewayError) -> int:
    """OpenAI has no 402: a spent quota is a 429 with its own code."""
    return 429 if isinstance(error, InsufficientQuota) else error.status


def error_object(error: GatewayError) -> dict[str, object]:
    """What stands under `error`."""
    return {"message": error.message, "type": _error_type(error), "param": error.param, "code": error.code}


def error_body(error: GatewayError, request_id: str) -> bytes:
    return msgspec.json.encode({"error": error_object(error), "request_id": request_id})


def rate_headers(allowances: list[Allowance], now: int) -> list[tuple[bytes, bytes]]:
    """Reset as a duration, such as `6m0s`."""
    return [
        (f"x-ratelimit-{name}-{allowance.what}".encode(), value.encode())
        for allowance in allowances
        for name, value in (
            ("limit", str(allowance.limit)),
            ("remaining", str(allowance.left)),
            ("reset", _duration(allowance.reset)),
        )
    ]


def model_list(models: list[ModelEntry], query: dict[str, str]) -> bytes:
    """All models: OpenAI's list has no pages."""
    return msgspec.json.encode({"object": "list", "data": [_model(model) for model in models]})


def model_item(model: ModelEntry) -> bytes:
    return msgspec.json.encode(_model(model))


def count_body(count: int) -> bytes:
    """As Responses answers; Chat has no counting of its own."""
    return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": count})


def _model(model: ModelEntry) -> dict[str, object]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owner}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _error_type(error: GatewayError) -> str:
    if isinstance(error, InsufficientQuota):
        return "insufficient_quota"
    if isinstance(error, RateLimited):
        return "requests"
    return "invalid_request_error" if error.status < 500 else "server_error"


# how likely tokens were


def read_logprobs(value: object) -> tuple[TokenLogprob, ...]:
    """As both protocols list them; what is no such list says nothing."""
    return tuple(_read_logprob(entry) for entry in dicts(value))


def _read_logprob(entry: JSON) -> TokenLogprob:
    token, logprob, utf8 = entry.get("token"), entry.get("logprob"), entry.get("bytes")
    return TokenLogprob(
        token if isinstance(token, str) else "",
        float(logprob) if isinstance(logprob, int | float) else 0.0,
        tuple(byte for byte in utf8 if isinstance(byte, int)) if isinstance(utf8, list) else None,
        read_logprobs(entry.get("top_logprobs")),
    )


def write_logprobs(logprobs: tuple[TokenLogprob, ...]) -> list[JSON]:
    return [
        _write_token(one) | {"top_logprobs": [_write_token(other) for other in one.alternatives]} for one in logprobs
    ]


def _write_token(one: TokenLogprob) -> JSON:
    utf8 = one.token.encode(errors="replace") if one.utf8 is None else one.utf8
    return {"token": one.token, "logprob": one.logprob, "bytes": list(utf8)}
