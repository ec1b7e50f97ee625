"""What models think, as Chat carries it in messages, and how Chat's upstreams are told to think.

Tokens of other families travel to clients in `reasoning_details`, which clients that know of reasoning send back.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from gateway.canonical import JSON, Effort, Opaque, Part, Reasoning, Text, Thinking, ToolCall
from gateway.errors import BadRequest
from gateway.protocols.capsules import seal, unseal
from gateway.protocols.efforts import EFFORTS, budget_of, effort_of, nearest
from gateway.protocols.openai_chat import wire
from gateway.protocols.reading import decode, dicts
from gateway.protocols.translation import Dialect, Loss, Target

OURS = "gatehouse"
"""The format of the entries that we make."""

SWITCHED = ("thinking", "enable_thinking")
"""Ways to ask for thinking of upstreams where it is on or off."""

SIGNATURE = "thought_signature"
GOOGLE = "google"

_TOKENS = ("signature", "data")
_TEXTS = ("text", "summary")

_ENTRIES = msgspec.json.Decoder(list[JSON])


# in messages: read


def read_thoughts(texts: Iterable[str | None], details: list[JSON] | None, calls: set[str]) -> list[Reasoning]:
    """A message's thoughts: those that our own entries hold, else its text with the upstream's entries as a token."""
    text = next(filter(None, texts), "")
    entries = dicts(details)
    opened = [(entry, token) for entry in entries if (token := _token(entry))]
    if not opened:
        text = text or "".join(map(_entry_text, entries))
        opaque = read_details(entries)
        return [Reasoning(text, opaque=opaque)] if text or opaque else []
    thoughts = [
        Reasoning(_entry_text(entry), "summary" in entry, token)
        for entry, token in opened
        if entry.get("id") not in calls
    ]
    told = any(thought.text for thought in thoughts)
    return thoughts if told or not text else [Reasoning(text), *thoughts]


def read_details(entries: list[JSON]) -> Opaque | None:
    """An upstream's entries as one token, where they hold more than text."""
    if any(isinstance(entry.get(name), str) for entry in entries for name in _TOKENS):
        return Opaque(wire.DETAILS, "details", msgspec.json.encode(entries).decode())
    return None


def read_call_tokens(details: list[JSON] | None) -> dict[object, Opaque]:
    """The tokens of calls that our own entries hold, by the calls' ids."""
    return {entry["id"]: token for entry in dicts(details) if "id" in entry and (token := _token(entry))}


def read_signature(extra: object) -> Opaque | None:
    """Google's signature on a message or a call."""
    google = extra.get(GOOGLE) if isinstance(extra, dict) else None
    signature = google.get(SIGNATURE) if isinstance(google, dict) else None
    if not isinstance(signature, str) or not signature:
        return None
    return unseal(signature) or Opaque(GOOGLE, SIGNATURE, signature)


def with_signature(parts: list[Part], signature: Opaque | None) -> list[Part]:
    """A message's signature belongs to its last text."""
    last = next((at for at in reversed(range(len(parts))) if isinstance(parts[at], Text)), None)
    if signature is None or last is None:
        return parts
    return [replace(part, opaque=signature) if at == last else part for at, part in enumerate(parts)]


def _token(entry: JSON) -> Opaque | None:
    tokens = (unseal(value) for name in _TOKENS if isinstance(value := entry.get(name), str))
    return next((token for token in tokens if token), None)


def _entry_text(entry: JSON) -> str:
    return next((text for name in _TEXTS if isinstance(text := entry.get(name), str)), "")


# in messages: write


def write_details(parts: Iterable[Part]) -> list[JSON]:
    """Our own entries, or an upstream's, for a client to send back."""
    entries: list[JSON] = []
    for part in parts:
        entries += entries_of(part, len(entries))
    return entries


def entries_of(part: Part, index: int) -> list[JSON]:
    """The entries for one part; the first of them gets this index."""
    opaque = part.opaque if isinstance(part, Reasoning | ToolCall) else None
    if opaque is None or not opaque.data:
        return []
    if opaque.origin == wire.DETAILS:
        return [{**entry, "index": index + at} for at, entry in enumerate(_stored_details(opaque))]
    if isinstance(part, ToolCall):
        return [{"type": "reasoning.encrypted", "data": seal(opaque), "id": part.id, "format": OURS, "index": index}]
    text = part.text if isinstance(part, Reasoning) else ""
    if not text:
        return [{"type": "reasoning.encrypted", "data": seal(opaque), "format": OURS, "index": index}]
    kind = "summary" if isinstance(part, Reasoning) and part.summary else "text"
    return [{"type": f"reasoning.{kind}", kind: text, "signature": seal(opaque), "format": OURS, "index": index}]


def write_signature(opaque: Opaque | None) -> JSON:
    """A signature of Google's models, where Google's own endpoint has it."""
    if opaque is None or opaque.origin != GOOGLE or not opaque.data:
        return {}
    return {"extra_content": {GOOGLE: {SIGNATURE: opaque.data}}}


def echo(parts: Sequence[Part], target: Target, own: bool) -> JSON:
    """Earlier reasoning for an upstream that wants or takes it back."""
    calls = any(isinstance(part, ToolCall) for part in parts)
    wish = target.dialect.echo_reasoning
    if wish == "forbidden" or not (calls or own):
        return {}
    thoughts = [part for part in parts if isinstance(part, Reasoning) and _is_fit(part, target)]
    text = "".join(part.text for part in thoughts)
    said = text or (calls and wish == "required")
    return _echo_details(thoughts) | ({target.dialect.reasoning_field: text} if said else {})


def _echo_details(thoughts: Sequence[Reasoning]) -> JSON:
    details = [entry for part in thoughts for entry in _stored_details(part.opaque)]
    return {"reasoning_details": details} if details else {}


def _is_fit(thought: Reasoning, target: Target) -> bool:
    """Whether its maker is who it would be sent to, or somebody who keeps nothing secret."""
    origin = thought.opaque.origin if thought.opaque else ""
    return origin in ("", target.facts.family) or (origin == wire.DETAILS and _takes_details(target.dialect))


def _takes_details(dialect: Dialect) -> bool:
    return dialect.reasoning_request == "reasoning" or dialect.name in ("standard", "compatible")


def _stored_details(opaque: Opaque | None) -> list[JSON]:
    """The entries that such a token holds; none where a client made it up."""
    if opaque is None or opaque.origin != wire.DETAILS:
        return []
    return decode(_ENTRIES, opaque.data.encode()) or []


# in requests: read


def read_thinking(body: wire.Body) -> Thinking | None:
    """How much to think, in whichever of the upstreams' ways it was said."""
    if body.reasoning_effort is not None:
        return Thinking(effort) if (effort := _read_effort(body.reasoning_effort, "reasoning_effort")) else None
    if body.reasoning is not None:
        return _read_reasoning(body.reasoning)
    if body.thinking is not None:
        return _read_switch(body.thinking)
    if body.enable_thinking is None and body.thinking_budget is None:
        return None
    if body.enable_thinking is False:
        return Thinking("none")
    return Thinking(budget=-1 if body.thinking_budget is None else body.thinking_budget)


def _read_effort(said: str, at: str) -> Effort | None:
    if said == "default":
        return None
    effort = next((effort for effort in EFFORTS if effort == said), None)
    if effort is None:
        known = ", ".join(EFFORTS)
        raise BadRequest(f"'{at}' must be one of {known}.", code="invalid_value", param=at)
    return effort


def _read_reasoning(said: wire.OpenRouterReasoning) -> Thinking:
    show: Literal["none"] | None = "none" if said.exclude else None
    effort = "none" if said.enabled is False else _read_effort(said.effort or "default", "reasoning.effort")
    return Thinking(effort, said.max_tokens, adaptive=effort is None and said.max_tokens is None, show=show)


def _read_switch(said: wire.ThinkingSwitch) -> Thinking:
    match said.type:
        case "disabled":
            return Thinking("none")
        case "auto" | "adaptive":
            return Thinking(adaptive=True)
    return Thinking(budget=-1 if said.budget_tokens is None else said.budget_tokens)


# in requests: write


def write_thinking(thinking: Thinking | None, target: Target, stream: bool, forced: bool) -> JSON:
    """The members that tell this upstream how much to think; `forced` is whether a tool must be called."""
    dialect = target.dialect
    if dialect.reasoning_request in SWITCHED and _must_not_think(thinking, dialect, stream, forced):
        thinking = Thinking("none")
    if thinking is None:
        return {}
    effort = effort_of(thinking)
    match dialect.reasoning_request:
        case "effort" if effort:
            return {"reasoning_effort": nearest(effort, target.facts.efforts or dialect.efforts)}
        case "thinking":
            return _write_switch(thinking, effort, dialect)
        case "enable_thinking":
            budget = budget_of(thinking)
            return {"enable_thinking": effort != "none", **({"thinking_budget": budget} if budget else {})}
        case "reasoning":
            return {"reasoning": _write_reasoning(thinking)}
    return {}


def _must_not_think(thinking: Thinking | None, dialect: Dialect, stream: bool, forced: bool) -> bool:
    """Whether a model that thinks, because it was asked to or by itself, would make this upstream refuse."""
    thinks = thinking is not None or dialect.echo_reasoning == "required"
    return (forced and thinks) or (dialect.thinks_streaming_only and not stream)


def _write_switch(thinking: Thinking, effort: Effort | None, dialect: Dialect) -> JSON:
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    auto = thinking.adaptive and dialect.name == "ark"
    named: JSON = {"reasoning_effort": nearest(effort, dialect.efforts)} if effort and dialect.efforts else {}
    return {"thinking": {"type": "auto" if auto else "enabled"}, **named}


def thinking_losses(thinking: Thinking | None, target: Target, stream: bool, forced: bool) -> Iterator[Loss]:
    """What of the wish to think this upstream does not heed."""
    dialect = target.dialect
    if thinking is None or effort_of(thinking) == "none":
        return
    if dialect.reasoning_request == "none":
        yield Loss("thinking", "This upstream cannot be told how much to think.")
    elif dialect.reasoning_request in SWITCHED:
        if forced:
            yield Loss("thinking", "This upstream does not think when a tool must be called.")
        elif dialect.thinks_streaming_only and not stream:
            yield Loss("thinking", "This upstream thinks only when it streams.")


def _write_reasoning(thinking: Thinking) -> JSON:
    hidden = {"exclude": True} if thinking.show == "none" else {}
    if thinking.effort is not None:
        return {"effort": thinking.effort, **hidden}
    if thinking.budget is not None and thinking.budget > 0:
        return {"max_tokens": thinking.budget, **hidden}
    return {"enabled": thinking.budget != 0, **hidden}
