"""Why an answer ended and what it used, to and from the wire."""

from gateway.canonical import JSON, Ending, Finish, Usage
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.native import FINISHES


def read_ending(label: str, detail: str, *, called: bool, spoke: bool) -> Ending:
    """A call is told by its being there: the label says STOP for calls, too."""
    finish: Finish = FINISHES.get(label, "end")
    if label == "OTHER" and not spoke:
        finish = "error"
    elif finish == "end" and called:
        finish = "tool"
    return Ending(finish, raw=label, detail=detail)


def read_block(feedback: JSON) -> Ending:
    """A prompt that was refused has no answer."""
    reason, message = feedback.get("blockReason"), feedback.get("blockReasonMessage")
    return Ending("filter", raw=f"{wire.BLOCKED}{reason}", detail=message if isinstance(message, str) else "")


def write_ending(ending: Ending) -> str:
    """The upstream's own word where it is one of Gemini's."""
    return ending.raw if ending.raw in wire.LABELS else wire.FINISHES_OUT[ending.finish]


def write_block(ending: Ending) -> JSON:
    """What a client is told of a refused prompt; nothing when it was an answer that ended."""
    reason = ending.raw.removeprefix(wire.BLOCKED)
    if reason == ending.raw:
        return {}
    told: JSON = {"blockReason": reason if reason in wire.BLOCK_REASONS else "OTHER"}
    return told | ({"blockReasonMessage": ending.detail} if ending.detail else {})


def write_usage(usage: Usage) -> JSON:
    """The prompt includes what came from the cache; the answer does not include the thoughts."""
    counts = {
        "cachedContentTokenCount": usage.cache_read,
        "thoughtsTokenCount": usage.reasoning,
        "toolUsePromptTokenCount": usage.tool_prompt,
    }
    return {
        "promptTokenCount": usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h,
        "candidatesTokenCount": usage.output,
        **{name: count for name, count in counts.items() if count},
        "totalTokenCount": usage.total,
    }
