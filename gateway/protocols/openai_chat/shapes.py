"""The pieces of an answer as Chat's clients know them, whole and streamed: calls, media, sources, usage, the finish."""

from collections.abc import Sequence

from gateway.canonical import (
    JSON,
    Audio,
    Citation,
    Ending,
    Image,
    Inline,
    Request,
    Stored,
    TokenLogprob,
    ToolCall,
    Usage,
)
from gateway.errors import GatewayError, UpstreamFailed
from gateway.protocols import openai
from gateway.protocols.ids import full_name, item_id
from gateway.protocols.media import data_url
from gateway.protocols.openai_chat import wire
from gateway.protocols.openai_chat.reasoning import write_signature

ID = "chatcmpl-"

AUDIO_LIFE = 3600
"""Seconds for which an answer's audio can be referred to."""

AUDIO_MARKS = {
    "UklGR": "audio/wav",
    "SUQz": "audio/mpeg",
    "//": "audio/mpeg",
    "ZkxhQ": "audio/flac",
    "T2dnUw": "audio/opus",
}
"""How audio begins, in base64: an answer does not say what it is."""


def full_id(given: str) -> str:
    return given if given.startswith(ID) else f"{ID}{given}"


def shows_thoughts(request: Request) -> bool:
    """Chat's clients see what a model thinks, unless they said that they do not want to."""
    return request.thinking is None or request.thinking.show != "none"


def call_head(call: ToolCall) -> JSON:
    """A call as its first fragment: all but what is yet to come of its arguments."""
    kind, text = ("custom", "input") if call.custom else ("function", "arguments")
    said = {"name": full_name(call.namespace, call.name), text: call.arguments}
    return {"id": call.id, "type": kind, kind: said, **write_signature(call.opaque)}


def write_annotations(citations: Sequence[Citation], index: int) -> list[JSON]:
    """Sources; the first of them gets this index, by which clients tell a stream's entries apart."""
    return [
        {
            "type": "url_citation",
            "index": index + at,
            "url_citation": {
                "url": citation.url,
                "title": citation.title,
                "start_index": citation.start or 0,
                "end_index": citation.end or 0,
            },
        }
        for at, citation in enumerate(citations)
    ]


def write_logprobs(logprobs: tuple[TokenLogprob, ...]) -> JSON:
    return {"content": openai.write_logprobs(logprobs), "refusal": None}


def write_image(image: Image, index: int) -> JSON:
    """An image as other upstreams put it into a message: OpenAI's own models draw none here."""
    source = image.source
    url = data_url(source) if isinstance(source, Inline) else source.id if isinstance(source, Stored) else source.url
    return {"type": "image_url", "index": index, "image_url": {"url": url}}


def write_audio(audio: Audio, transcript: str, base: JSON) -> JSON:
    created = base["created"]
    return {
        "id": item_id("audio_", str(base["id"])),
        "data": audio.source.data if isinstance(audio.source, Inline) else "",
        "transcript": transcript,
        "expires_at": (created if isinstance(created, int) else 0) + AUDIO_LIFE,
    }


def write_usage(usage: Usage) -> JSON:
    written = usage.cache_write_5m + usage.cache_write_1h
    prompt = usage.input + usage.cache_read + written + usage.tool_prompt
    completion = usage.output + usage.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def finish_reason(ending: Ending, legacy: bool, refused: bool) -> str:
    """`legacy` is whether the client knows functions and not tools, `refused` whether a refusal was written."""
    label = wire.FINISH_REASONS[ending.finish]
    if ending.finish == "refusal" and not refused:
        return "content_filter"
    return "function_call" if legacy and label == "tool_calls" else label


def failure(ending: Ending) -> GatewayError | None:
    """Why an answer is none, where it ended in a way that Chat has no word for."""
    if ending.finish == "malformed_call":
        message = ending.detail or "The model called a tool in a way that cannot be read."
        return UpstreamFailed(message, code="upstream_malformed_tool_call")
    if ending.finish == "error":
        return UpstreamFailed(ending.detail or "The model's answer broke off with an error.")
    return None
