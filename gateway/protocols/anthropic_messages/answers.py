"""A message as the canonical answer, and any canonical answer as a message."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from gateway.canonical import (
    JSON,
    Audio,
    Citation,
    Document,
    Ending,
    Image,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Searched,
    Text,
    ToolCall,
    Usage,
    Video,
)
from gateway.errors import UpstreamFailed
from gateway.protocols.anthropic_messages.blocks import PLACEHOLDERS
from gateway.protocols.anthropic_messages.native import FINISHES, USAGE, to_usage
from gateway.protocols.anthropic_messages.parts import (
    LAST,
    NEXT,
    UNSIGNED,
    is_empty,
    read_citation,
    read_signature,
)
from gateway.protocols.anthropic_messages.searches import FOREIGN, Searches, write_search
from gateway.protocols.anthropic_messages.wire import FAMILY, OWN, STOP_REASONS
from gateway.protocols.capsules import seal
from gateway.protocols.counts import note_counts
from gateway.protocols.ids import CALL_IDS, AnswerIds, call_id, item_id
from gateway.protocols.reading import dicts
from gateway.protocols.upstream_errors import read_streamed_error

MALFORMED_CALL = "upstream_malformed_tool_call"

TIERS = {"default": "standard", "standard": "standard", "priority": "priority", "batch": "batch"}
"""The tiers that a usage object may name."""


# from the wire


def decode_response(body: bytes) -> Response:
    """Raises `GatewayError` for an error, and for what is no message."""
    try:
        message: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamFailed("The upstream answered with something that is not JSON.") from None
    if not isinstance(message, dict):
        raise UpstreamFailed("The upstream answered with something that is no message.")
    if message.get("error"):
        raise read_streamed_error(body)
    if not isinstance(message.get("content"), list):
        raise UpstreamFailed("The upstream answered with something that is no message.")
    ids = AnswerIds(text_of(message.get("id")))
    searches = Searches()
    parts = tuple(
        part for block in dicts(message["content"]) if not is_empty(part := _read_block(block, ids, searches))
    )
    counts: dict[str, int] = {}
    note_counts(counts, message.get("usage"), USAGE)
    usage = message.get("usage")
    return Response(
        id=text_of(message.get("id")),
        model=text_of(message.get("model")),
        parts=parts,
        ending=read_ending(message, any(isinstance(part, ToolCall) for part in parts)),
        usage=to_usage(counts),
        tier=text_of(usage.get("service_tier")) if isinstance(usage, dict) else "",
    )


def read_ending(message: JSON, called: bool) -> Ending:
    """Why a message ended; whether it calls tools is seen in what it says."""
    raw, details = text_of(message.get("stop_reason")), message.get("stop_details")
    finish = FINISHES.get(raw, "end")
    if finish in ("end", "tool"):
        finish = "tool" if called else "end"
    detail = (details.get("explanation") or details.get("category")) if isinstance(details, dict) else ""
    return Ending(finish, raw, text_of(message.get("stop_sequence")), text_of(detail))


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def arguments_of(value: object) -> str:
    """A call's input as JSON text: some upstreams send that text, or nothing."""
    if isinstance(value, str):
        return value or "{}"
    return msgspec.json.encode(value).decode() if value else "{}"


def _read_block(block: JSON, ids: AnswerIds, searches: Searches) -> Part:
    match block.get("type"):
        case "text":
            text = text_of(block.get("text"))
            citations = tuple(read_citation(citation, len(text)) for citation in dicts(block.get("citations")))
            return Text(text, citations=citations)
        case "thinking":
            opaque = read_signature(text_of(block.get("signature")), "signature")
            return Reasoning(text_of(block.get("thinking")), opaque=opaque)
        case "redacted_thinking":
            return Reasoning(opaque=read_signature(text_of(block.get("data")), "redacted"))
        case "tool_use":
            name = text_of(block.get("name"))
            return ToolCall(ids.of_call(text_of(block.get("id")), name), name, arguments_of(block.get("input")))
        case _:
            return searches.native(block)


# to the wire


def encode_response(response: Response, request: Request) -> bytes:
    """As the client of that request expects it. Raises `UpstreamFailed` for an answer that nobody should act on."""
    check_ending(response.ending)
    thoughts = Thoughts(request)
    content = [block for part in response.parts for block in write_part(part, thoughts)]
    called = any(block["type"] == "tool_use" for block in content)
    usage = write_usage(response.usage or Usage())
    if tier := TIERS.get(response.tier):
        usage["service_tier"] = tier
    message = message_shell(response.id, request.model, usage)
    return msgspec.json.encode({**message, "content": content, **write_ending(response.ending, called)})


def message_shell(given: str, model: str, usage: JSON) -> JSON:
    """A message of which nothing is said yet, with an id made of the one given."""
    return {
        "id": given if given.startswith("msg_") else item_id("msg_", given),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def check_ending(ending: Ending) -> None:
    """Raises `UpstreamFailed` for an ending that is none in this protocol."""
    if ending.finish == "malformed_call":
        raise UpstreamFailed("The model called a tool in a way that cannot be read.", code=MALFORMED_CALL)
    if ending.finish == "error":
        raise UpstreamFailed("The upstream failed in the middle of its answer.")


def write_ending(ending: Ending, called: bool) -> JSON:
    reason = STOP_REASONS.get(ending.finish, "end_turn")
    if ending.finish in ("end", "tool", "stop_sequence") and called:
        reason = "tool_use"
    elif ending.finish == "tool":
        reason = "end_turn"
    members: JSON = {"stop_reason": reason, "stop_sequence": ending.sequence or None}
    if reason == "refusal" and ending.detail:
        members["stop_details"] = {"type": "refusal", "category": None, "explanation": ending.detail}
    return members


def write_usage(usage: Usage) -> JSON:
    written = usage.cache_write_5m + usage.cache_write_1h
    members: JSON = {
        "input_tokens": usage.input + usage.tool_prompt,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output + usage.reasoning,
    }
    if written:
        members["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        members["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return members


class Thoughts:
    """How a client sees thoughts: one that asked for none may not be able to send them back."""

    def __init__(self, request: Request) -> None:
        thinking = request.thinking
        self.asked = thinking is not None and thinking.effort != "none" and thinking.budget != 0
        self.told = self.asked and thinking is not None and thinking.show != "none"

    def block(self, text: str, opaque: Opaque | None) -> JSON | None:
        """A whole thought as the client gets it; the model's own it gets in any case."""
        own = opaque is not None and opaque.origin == FAMILY
        if not own and not self.asked:
            return None
        if opaque is not None and opaque.origin == FAMILY and opaque.kind == "redacted":
            return {"type": "redacted_thinking", "data": opaque.data}
        shown = text if own or self.told else ""
        if own or shown.strip():
            return {"type": "thinking", "thinking": shown, "signature": sign(opaque)}
        data = seal(opaque) if opaque is not None else ""
        return {"type": "redacted_thinking", "data": data} if data else None


def sign(opaque: Opaque | None) -> str:
    """What a client echoes beside a thought: the model's own signature, or another's token in a capsule."""
    if opaque is None:
        return seal(UNSIGNED)
    return opaque.data if opaque.origin == FAMILY else seal(opaque)


def token_block(opaque: Opaque | None, place: str) -> JSON | None:
    """A block that carries the token of the part after it or before it."""
    signature = seal(replace(opaque, kind=place + opaque.kind)) if opaque else ""
    return {"type": "thinking", "thinking": "", "signature": signature} if signature else None


def write_part(part: Part, thoughts: Thoughts) -> list[JSON]:
    """The blocks of a part, none where the client is not to see it."""
    blocks: list[JSON | None] = []
    match part:
        case Text():
            token = token_block(part.opaque, LAST) if thoughts.asked else None
            blocks = [_text_block(part.text, part.citations), token]
        case Refusal():
            blocks = [_text_block(part.text, ())]
        case Reasoning():
            blocks = [thoughts.block(part.text, part.opaque)]
        case ToolCall():
            blocks = [token_block(part.opaque, NEXT), call_block(part, _input(part))]
        case Native(origin=origin, item=item) if origin == OWN:
            blocks = [item]
        case Native(searched=Searched() as searched):
            blocks = [*write_search(searched)]
        case Image() | Audio() | Video() | Document():
            blocks = [_text_block(placeholder(part), ())]
    return [block for block in blocks if block is not None]


def placeholder(part: Image | Audio | Video | Document) -> str:
    """The word for media, which an answer here cannot hold."""
    return f"[{PLACEHOLDERS[type(part)]}]"


def write_citations(citations: Iterable[Citation]) -> list[JSON]:
    """Only what has an address can be named here: the rest counts the client's documents."""
    return [
        {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title or None,
            "cited_text": citation.quoted,
            "encrypted_index": FOREIGN,
        }
        for citation in citations
        if citation.url
    ]


def call_block(call: ToolCall, arguments: JSON) -> JSON:
    return {"type": "tool_use", "id": call_id(call.id, CALL_IDS[OWN]), "name": call.name, "input": arguments}


def _text_block(text: str, citations: Iterable[Citation]) -> JSON | None:
    if not text:
        return None
    written = write_citations(citations)
    return {"type": "text", "text": text, **({"citations": written} if written else {})}


def _input(call: ToolCall) -> JSON:
    try:
        value: object = msgspec.json.decode(call.arguments.strip() or "{}")
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UpstreamFailed("The model called a tool in a way that cannot be read.", code=MALFORMED_CALL)
    return value
