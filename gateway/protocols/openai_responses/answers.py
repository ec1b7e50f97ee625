"""Whole answers of Responses, read and written: items, usage, why it ended, and the object that holds them."""

import msgspec

from gateway.canonical import (
    JSON,
    Citation,
    Ending,
    Finish,
    Image,
    Inline,
    Native,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Searched,
    Text,
    ToolCall,
    Usage,
)
from gateway.errors import GatewayError, UpstreamFailed
from gateway.protocols import openai
from gateway.protocols.counts import note_counts
from gateway.protocols.ids import AnswerIds
from gateway.protocols.openai_responses import wire
from gateway.protocols.openai_responses.items import instructions_above
from gateway.protocols.openai_responses.native import CLIENT_CALLS, INCOMPLETE, failure
from gateway.protocols.openai_responses.output import SEARCH_CALL, Output
from gateway.protocols.openai_responses.parts import read_citations
from gateway.protocols.openai_responses.requests import write_format
from gateway.protocols.openai_responses.tools import show_choice, show_tools
from gateway.protocols.reading import decode, dicts
from gateway.protocols.upstream_errors import read_streamed_error

Key = tuple[str, int]
"""Where a part stands in its item: what kind of text it is, and the how manieth of the kind."""

REASONS: dict[Finish, str] = {
    "length": "max_output_tokens",
    "context_full": "max_output_tokens",
    "filter": "content_filter",
}
FILTERED = "content_filter"

_OBJECT = msgspec.json.Decoder(JSON)

# reading


def decode_response(body: bytes) -> Response:
    answer = decode(_OBJECT, body) or {}
    if not isinstance(answer.get("output"), list):
        raise read_failure(answer, body)
    filtered = is_filtered(answer.get("error"))
    if answer.get("status", "completed") not in ("completed", "incomplete") and not filtered:
        raise read_failure(answer, body)
    ids = AnswerIds(read_string(answer, "id"))
    parts = tuple(with_id(part, ids) for item in dicts(answer["output"]) for _, part in read_item(item))
    ending = read_ending(answer, called=any(map(is_call, parts)), refused=any(map(is_refusal, parts)))
    return Response(
        id=read_string(answer, "id"),
        model=read_string(answer, "model"),
        parts=parts,
        ending=Ending("filter", FILTERED) if filtered else ending,
        usage=read_usage({}, answer),
        created=read_time(answer),
        tier=read_string(answer, "service_tier"),
    )


def read_failure(answer: JSON, payload: bytes) -> GatewayError:
    """Why there is no answer."""
    if answer.get("error") or answer.get("detail") or answer.get("type") == "error":
        return read_streamed_error(payload)
    status = read_string(answer, "status")
    return UpstreamFailed(f"The upstream's answer is {status}." if status else "The upstream's answer is not readable.")


def is_filtered(error: object) -> bool:
    """Whether what is told as a failure is that a filter stopped the answer, which trying again would not change."""
    return isinstance(error, dict) and FILTERED in (error.get("code"), error.get("type"))


def read_item(item: JSON) -> list[tuple[Key, Part]]:
    """The parts of an item as far as they are understood, texts that are empty left out."""
    match item.get("type"):
        case "message":
            return [read for index, part in enumerate(dicts(item.get("content"))) for read in _read_said(part, index)]
        case "reasoning":
            return _read_thought(item)
        case "function_call" | "custom_tool_call":
            return [(("call", 0), read_call(item))]
        case "image_generation_call" if isinstance(result := item.get("result"), str) and result:
            form = item.get("output_format")
            return [(("whole", 0), Image(Inline(f"image/{form if isinstance(form, str) else 'png'}", result)))]
        case str() as kind:
            return [(("whole", 0), Native(wire.NAME, kind, item, _read_searched(item)))]
    return []


def _read_searched(item: JSON) -> Searched | None:
    """What was searched for and found; opening a page that was found is no search."""
    action = wire.member(item, "action")
    if item.get("type") != SEARCH_CALL or action.get("type", "search") != "search":
        return None
    asked = action.get("queries") or [action.get("query")]
    queries = tuple(query for query in asked if isinstance(query, str)) if isinstance(asked, list) else ()
    sources = tuple(Citation(url) for source in dicts(action.get("sources")) if (url := read_string(source, "url")))
    return Searched(queries, sources)


def _read_said(part: JSON, index: int) -> list[tuple[Key, Part]]:
    if part.get("type") == "refusal":
        # one without words still says that the model declined
        return [(("refusal", index), Refusal(read_string(part, "refusal")))]
    text = read_string(part, "text")
    if not text:
        return []
    citations, logprobs = read_citations(dicts(part.get("annotations"))), openai.read_logprobs(part.get("logprobs"))
    return [(("text", index), Text(text, citations, logprobs=logprobs))]


def _read_thought(item: JSON) -> list[tuple[Key, Part]]:
    token = read_string(item, "encrypted_content")
    opaque = wire.read_token(token) if token else None
    read: list[tuple[Key, Reasoning]] = []
    for kind, name in (("summary", "summary"), ("thought", "content")):
        for index, part in enumerate(dicts(item.get(name))):
            if text := read_string(part, "text"):
                read.append(((kind, index), Reasoning(text, summary=kind == "summary")))
    if not read and opaque is None:
        return []
    key, last = read.pop() if read else (("summary", 0), Reasoning(summary=True))
    return [*read, (key, Reasoning(last.text, last.summary, opaque))]


def read_call(item: JSON) -> ToolCall:
    custom = item.get("type") == "custom_tool_call"
    arguments = item.get("input" if custom else "arguments")
    return ToolCall(
        id=read_string(item, "call_id"),
        name=read_string(item, "name"),
        arguments="" if arguments is None else wire.to_text(arguments),
        custom=custom,
        namespace=read_string(item, "namespace"),
    )


def with_id(part: Part, ids: AnswerIds) -> Part:
    if not isinstance(part, ToolCall):
        return part
    return msgspec.structs.replace(part, id=ids.of_call(part.id, part.name))


def is_call(part: Part) -> bool:
    """Whether the client is to act before the model goes on."""
    return isinstance(part, ToolCall) or (isinstance(part, Native) and part.kind in CLIENT_CALLS)


def is_refusal(part: Part) -> bool:
    return isinstance(part, Refusal)


def read_ending(answer: JSON, called: bool, refused: bool) -> Ending:
    details = answer.get("incomplete_details")
    reason = read_string(details, "reason") if isinstance(details, dict) else ""
    if answer.get("status") == "incomplete":
        return Ending(INCOMPLETE.get(reason, "end"), raw=reason or "incomplete")
    return Ending("tool" if called else "refusal" if refused else "end", raw=read_string(answer, "status"))


def read_usage(counts: dict[str, int], answer: JSON) -> Usage | None:
    note_counts(counts, answer.get("usage"), openai.USAGE)
    return openai.to_usage(counts)


def read_time(answer: JSON) -> int:
    created = answer.get("created_at")
    return int(created) if isinstance(created, int | float) else 0


def read_string(value: JSON, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


# writing


def encode_response(response: Response, request: Request) -> bytes:
    shell = Shell(request, response.id, response.created)
    output = Output(shell.id, request)
    for part in response.parts:
        output.start(part)
        output.end()
    output.finish(response.ending)
    return msgspec.json.encode(shell.ended(response.ending, output.items, response.usage, response.tier))


class Shell:
    """The object around an answer: it repeats what was asked for, and every key that clients know of is there."""

    def __init__(self, request: Request, answer_id: str, created: int) -> None:
        self.id = answer_id if answer_id.startswith("resp_") else f"resp_{answer_id}"
        self._created = created
        self._asked = _asked(request)

    def running(self) -> JSON:
        return self._with("in_progress", [], None)

    def ended(self, ending: Ending, items: list[JSON], usage: Usage | None, tier: str = "") -> JSON:
        if ending.finish in ("error", "malformed_call"):
            return self.failed(failed(ending), items, usage)
        reason = REASONS.get(ending.finish)
        answer = self._with("incomplete" if reason else "completed", items, usage)
        answer["completed_at"] = None if reason else self._created
        answer["incomplete_details"] = {"reason": reason} if reason else None
        answer["service_tier"] = tier or answer["service_tier"]
        return answer

    def failed(self, error: GatewayError, items: list[JSON], usage: Usage | None) -> JSON:
        return self._with("failed", items, usage) | {"error": failure(error)}

    def _with(self, status: str, items: list[JSON], usage: Usage | None) -> JSON:
        head = {"id": self.id, "object": "response", "created_at": self._created, "status": status}
        return head | self._asked | {"output": items, "usage": None if usage is None else write_usage(usage)}


def failed(ending: Ending) -> GatewayError:
    return UpstreamFailed(ending.detail or "The model's answer broke off with an error.")


def write_usage(usage: Usage) -> JSON:
    written = usage.cache_write_5m + usage.cache_write_1h
    return {
        "input_tokens": usage.input + usage.cache_read + written + usage.tool_prompt,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written},
        "output_tokens": usage.output + usage.reasoning,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }


def _asked(request: Request) -> JSON:
    """What an answer repeats of its request, and the keys that nothing is known for."""
    extension = wire.own_extension(request) or {}
    return {**EMPTY, **_limits(request), **_asked_of_text(request, extension), **_asked_of_provider(request, extension)}


def _limits(request: Request) -> JSON:
    return {
        "model": request.model,
        "max_output_tokens": request.max_output,
        "parallel_tool_calls": request.parallel_calls is not False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "top_logprobs": request.logprobs or 0,
        "tools": show_tools(request),
        "tool_choice": show_choice(request),
    }


def _asked_of_text(request: Request, extension: JSON) -> JSON:
    effort = request.thinking.effort if request.thinking else None
    form = {"type": "text"} if request.output is None else write_format(request.output, own=True)
    return {
        "instructions": instructions_above(request),
        "reasoning": {"effort": effort, "summary": _shown(extension)} | wire.member(extension, "reasoning"),
        "text": {"format": form, "verbosity": request.verbosity or "medium"},
        "truncation": extension.get("truncation") or "disabled",
    }


def _asked_of_provider(request: Request, extension: JSON) -> JSON:
    conversation, user = extension.get("conversation"), wire.as_sent(extension).get("user")
    return {
        "background": extension.get("background") is True,
        "conversation": {"id": conversation} if isinstance(conversation, str) else conversation,
        "store": request.store is not False,
        "service_tier": request.tier or "default",
        "metadata": request.metadata or {},
        "user": user,
        "safety_identifier": request.user if request.user and request.user != user else None,
        "prompt_cache_key": request.cache_key or None,
        **{name: extension.get(name) for name in REPEATED},
    }


def _shown(extension: JSON) -> object:
    shown = wire.member(wire.as_sent(extension), "reasoning")
    return shown.get("summary") or shown.get("generate_summary")


REPEATED = (
    "max_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_options",
    "prompt_cache_retention",
)

EMPTY: JSON = {
    "access_programs": None,
    "completed_at": None,
    "error": None,
    "frequency_penalty": 0.0,
    "image": None,
    "incomplete_details": None,
    "input_transformations": None,
    "moderation": None,
    "presence_penalty": 0.0,
    "prompt_cache_diagnostics": None,
    "tool_usage": None,
}
"""Keys that are there whatever was asked."""
