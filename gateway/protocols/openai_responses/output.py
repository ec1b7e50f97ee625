"""An answer's output as it comes to be: parts become items and the events that tell of them.

One item is open at a time. It is closed by what comes after it, for only then it is known whether it was cut short.
"""

from collections.abc import Callable
from typing import Literal
from typing import Protocol as Interface

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical import (
    JSON,
    Citation,
    CustomTool,
    Ending,
    Image,
    Inline,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Request,
    Searched,
    Text,
    TokenLogprob,
    Tool,
    ToolCall,
)
from gateway.protocols.custom_tools import unwrap
from gateway.protocols.ids import split_name
from gateway.protocols.openai import write_logprobs
from gateway.protocols.openai_responses import wire
from gateway.protocols.openai_responses.parts import write_citation, write_text

Status = Literal["completed", "incomplete"]

CUT_SHORT = ("length", "context_full", "filter", "error", "malformed_call")
DECLINED = "The model declined to answer."

SEARCH_CALL = "web_search_call"

PICTURES = {"image/png": "png", "image/webp": "webp", "image/jpeg": "jpeg", "image/gif": "gif"}


class Place(Struct, frozen=True):
    """Where an item stands and what it is called, in every event about it."""

    id: str
    index: int

    def event(self, kind: str, **members: object) -> JSON:
        return {"type": f"response.{kind}", "item_id": self.id, "output_index": self.index, **members}

    def item_event(self, kind: str, item: JSON) -> JSON:
        return {"type": f"response.output_item.{kind}", "output_index": self.index, "item": item}


class Item(Interface):
    """An item that is open."""

    def takes(self, part: Part) -> bool:
        """Whether this part, too, goes into it."""
        ...

    def start(self, part: Part) -> list[JSON]: ...
    def delta(self, text: str) -> list[JSON]: ...
    def end(self, opaque: Opaque | None, citations: tuple[Citation, ...]) -> list[JSON]: ...
    def close(self, status: Status) -> list[JSON]: ...
    def final(self, status: Status) -> JSON: ...


class Output:
    """Takes parts one after the other."""

    def __init__(self, seed: str, request: Request) -> None:
        self.items: list[JSON] = []
        self._seed = seed
        self._tools = request.tools
        include = (wire.own_extension(request) or {}).get("include")
        self._shows_logprobs = request.logprobs is not None
        self._includes = include if isinstance(include, list) else []
        self._shows_tokens = wire.SEES_REASONING in self._includes
        self._open: Item | None = None
        self._part: Part | None = None
        self._ended = True
        self._said = False
        self._refused = False

    def start(self, part: Part) -> list[JSON]:
        self._part, self._ended = part, False
        match part:
            case Text(text="") | Refusal(text=""):
                # it may remain empty, and then there is nothing to show
                return []
            case Text():
                return self._enter(part) + self._add(part.text, part.logprobs)
            case Refusal() | Reasoning():
                return self._enter(part) + self._add(part.text)
            case ToolCall():
                return self._signature(part) + self._enter(part) + self._add(part.arguments)
            case Image(source=Remote(url=url)):
                return self._enter(Text()) + self._add(url)
            case Image(source=Inline()) | Native(origin=wire.NAME) | Native(searched=Searched()):
                return self._enter(part)
        self._part = None
        return []

    def delta(self, text: str, logprobs: tuple[TokenLogprob, ...] = ()) -> list[JSON]:
        match self._part:
            case None:
                return []
            case Text(text="") | Refusal(text="") if text:
                events = self._enter(self._part)
                self._part = replace(self._part, text=text)
                return events + self._add(text, logprobs)
        return self._add(text, logprobs)

    def end(self, opaque: Opaque | None = None, citations: tuple[Citation, ...] = ()) -> list[JSON]:
        part, self._part, self._ended = self._part, None, True
        match part:
            case None | Text(text="") | Refusal(text=""):
                return []
            case Reasoning():
                opaque = opaque or part.opaque
            case Text():
                citations = citations or part.citations
        return self._open.end(opaque, citations) if self._open else []

    def finish(self, ending: Ending) -> list[JSON]:
        """Close what is open, and say that the model declined where nothing else does."""
        if ending.finish == "refusal" and not self._refused:
            said = ending.detail or ("" if self._said else DECLINED)
            return [*self._enter(Refusal()), *self._add(said), *self._close("completed")]
        return self._close("incomplete" if ending.finish in CUT_SHORT else "completed")

    def break_off(self) -> list[JSON]:
        """The answer failed: close what is open as it is."""
        return self._close("completed" if self._ended else "incomplete")

    def _enter(self, part: Part) -> list[JSON]:
        """Let the part into the open item, or into a new one."""
        self._said = self._said or isinstance(part, Text)
        self._refused = self._refused or isinstance(part, Refusal)
        if self._open is not None and self._open.takes(part):
            return self._open.start(part)
        events = self._close("completed")
        self._open = self._item(part)
        return events + self._open.start(part)

    def _add(self, text: str, logprobs: tuple[TokenLogprob, ...] = ()) -> list[JSON]:
        if logprobs and self._shows_logprobs and isinstance(self._open, _Message):
            self._open.weigh(write_logprobs(logprobs))
        return self._open.delta(text) if self._open and text else []

    def _close(self, status: Status) -> list[JSON]:
        if self._open is None:
            return []
        events = self._open.close(status)
        self.items.append(self._open.final(status))
        self._open = None
        return events

    def _item(self, part: Part) -> Item:
        index = len(self.items)

        def place(prefix: str) -> Place:
            return Place(wire.mint_item(prefix, self._seed, index), index)

        match part:
            case Reasoning():
                return _Thought(place("rs"), self._shows_tokens)
            case ToolCall():
                return _new_call(part, self._tools, place)
            case Native(origin=origin, searched=Searched() as searched) if origin != wire.NAME:
                at = place("ws")
                return _Search(at, _search_call(at.id, searched, shows_sources=wire.SEES_SOURCES in self._includes))
            case Native():
                return _Finished(Place(str(part.item.get("id", "")), index), part.item)
            case Image(source=Inline() as media):
                picture = {"result": media.data, "output_format": PICTURES.get(media.media_type, "png")}
                at = place("ig")
                item: JSON = {"id": at.id, "type": "image_generation_call", "status": "completed", **picture}
                return _Finished(at, item)
        return _Message(place("msg"))

    def _signature(self, call: ToolCall) -> list[JSON]:
        """A call has no place for a token: it goes before it, on a thought that says nothing."""
        if call.opaque is None or not self._shows_tokens:
            return []
        thought = Reasoning(opaque=call.opaque)
        events = self._close("completed") + self._enter(thought)
        return events + (self._open.end(call.opaque, ()) if self._open else [])


class _Message:
    """What the model says: one content part for each part."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._content: list[JSON] = []
        self._pieces: list[str] = []
        self._logprobs: list[JSON] = []
        self._told = 0
        """How many of them were told with the text so far."""
        self._kind = "output_text"
        self._running = False
        self._opened = False

    def takes(self, part: Part) -> bool:
        return isinstance(part, Text | Refusal)

    def start(self, part: Part) -> list[JSON]:
        opened, self._opened = self._opened, True
        self._running, self._pieces, self._logprobs, self._told = True, [], [], 0
        self._kind = "refusal" if isinstance(part, Refusal) else "output_text"
        added = self._event("content_part.added", part=self._part((), ""))
        return [added] if opened else [self._place.item_event("added", self.final("in_progress")), added]

    def weigh(self, logprobs: list[JSON]) -> None:
        """How likely the tokens of the text were that comes now."""
        self._logprobs += logprobs

    def delta(self, text: str) -> list[JSON]:
        self._pieces.append(text)
        now, self._told = self._logprobs[self._told :], len(self._logprobs)
        return [self._event(f"{self._kind}.delta", delta=text, **self._weighed(now))]

    def end(self, opaque: Opaque | None, citations: tuple[Citation, ...]) -> list[JSON]:
        if not self._running:
            return []
        text = "".join(self._pieces)
        part = self._part(citations, text)
        noted = [
            self._event("output_text.annotation.added", annotation_index=index, annotation=write_citation(one, text))
            for index, one in enumerate(citations)
        ]
        named: JSON = {"refusal": text} if self._kind == "refusal" else {"text": text}
        done = self._event(f"{self._kind}.done", **named, **self._weighed(self._logprobs))
        closed = self._event("content_part.done", part=part)
        self._content.append(part)
        self._running = False
        return [*noted, done, closed]

    def close(self, status: Status) -> list[JSON]:
        return [*self.end(None, ()), self._place.item_event("done", self.final(status))]

    def final(self, status: str) -> JSON:
        head = {"id": self._place.id, "type": "message", "role": "assistant", "status": status}
        return {**head, "content": list(self._content)}

    def _event(self, kind: str, **members: object) -> JSON:
        return self._place.event(kind, content_index=len(self._content), **members)

    def _part(self, citations: tuple[Citation, ...], text: str) -> JSON:
        if self._kind == "refusal":
            return {"type": "refusal", "refusal": text}
        return write_text(text, citations) | {"logprobs": self._logprobs}

    def _weighed(self, logprobs: list[JSON]) -> dict[str, object]:
        return {} if self._kind == "refusal" else {"logprobs": logprobs}


class _Thought:
    """What the model thinks: each part a part of the summary, which is what clients show. A token ends it."""

    def __init__(self, place: Place, shows_tokens: bool) -> None:
        self._place = place
        self._shows_tokens = shows_tokens
        self._summary: list[JSON] = []
        self._pieces: list[str] = []
        self._token = ""
        self._opened = False
        self._ended = False

    def takes(self, part: Part) -> bool:
        return isinstance(part, Reasoning) and not self._ended

    def start(self, part: Part) -> list[JSON]:
        opened, self._opened = self._opened, True
        return [] if opened else [self._place.item_event("added", self.final("completed"))]

    def delta(self, text: str) -> list[JSON]:
        added = [] if self._pieces else [self._event("reasoning_summary_part.added", part=_summary(""))]
        self._pieces.append(text)
        return [*added, self._event("reasoning_summary_text.delta", delta=text)]

    def end(self, opaque: Opaque | None, citations: tuple[Citation, ...]) -> list[JSON]:
        self._ended = opaque is not None
        self._token = wire.write_token(opaque) if opaque is not None and self._shows_tokens else ""
        if not self._pieces:
            return []
        text = "".join(self._pieces)
        done = self._event("reasoning_summary_text.done", text=text)
        closed = self._event("reasoning_summary_part.done", part=_summary(text))
        self._summary.append(_summary(text))
        self._pieces = []
        return [done, closed]

    def close(self, status: Status) -> list[JSON]:
        unfinished = self.end(None, ()) if self._pieces else []
        return [*unfinished, self._place.item_event("done", self.final(status))]

    def final(self, status: str) -> JSON:
        token = {"encrypted_content": self._token} if self._token else {}
        return {"id": self._place.id, "type": "reasoning", "summary": list(self._summary), **token}

    def _event(self, kind: str, **members: object) -> JSON:
        return self._place.event(kind, summary_index=len(self._summary), **members)


def _summary(text: str) -> JSON:
    return {"type": "summary_text", "text": text}


class _Call:
    """A call of a function, or of a tool that takes free text."""

    def __init__(self, place: Place, call: ToolCall, wrapped: bool) -> None:
        self._place = place
        self._custom = call.custom
        self._wrapped = wrapped
        """The text travels as a function's argument, and is shown when all of it is here."""
        self._head: JSON = {"call_id": call.id, "name": call.name}
        if call.namespace:
            self._head["namespace"] = call.namespace
        self._pieces: list[str] = []
        self._complete = False

    def takes(self, part: Part) -> bool:
        return False

    def start(self, part: Part) -> list[JSON]:
        return [self._place.item_event("added", self.final("in_progress"))]

    def delta(self, text: str) -> list[JSON]:
        self._pieces.append(text)
        return [] if self._wrapped else [self._delta(text)]

    def end(self, opaque: Opaque | None, citations: tuple[Citation, ...]) -> list[JSON]:
        self._complete = True
        text = "".join(self._pieces)
        if not self._wrapped:
            return []
        self._pieces = [unwrap(text)]
        return [self._delta(self._pieces[0])]

    def close(self, status: Status) -> list[JSON]:
        empty = status == "completed" and not self._custom and not self._pieces
        events = self.delta("{}") if empty else []
        item = self.final(status)
        return [*events, *self._done(item), self._place.item_event("done", item)]

    def _done(self, item: JSON) -> list[JSON]:
        if not self._complete:
            return []
        text = item["input" if self._custom else "arguments"]
        if self._custom:
            return [self._place.event("custom_tool_call_input.done", input=text)]
        return [self._place.event("function_call_arguments.done", name=item["name"], arguments=text)]

    def final(self, status: str) -> JSON:
        kind, name = ("custom_tool_call", "input") if self._custom else ("function_call", "arguments")
        text = "" if self._wrapped and not self._complete else "".join(self._pieces)
        return {"id": self._place.id, "type": kind, "status": status, **self._head, name: text}

    def _delta(self, text: str) -> JSON:
        kind = "custom_tool_call_input" if self._custom else "function_call_arguments"
        return self._place.event(f"{kind}.delta", delta=text)


def _new_call(call: ToolCall, tools: tuple[Tool, ...], place: Callable[[str], Place]) -> _Call:
    """The call under the name and in the form that the client declared its tool in."""
    namespace, name = (call.namespace, call.name) if call.namespace else split_name(call.name, tools)
    free = any(isinstance(tool, CustomTool) and (tool.namespace, tool.name) == (namespace, name) for tool in tools)
    custom = call.custom or free
    declared = ToolCall(call.id, name, custom=custom, namespace=namespace)
    return _Call(place("ctc" if custom else "fc"), declared, wrapped=free and not call.custom)


class _Finished:
    """An item that is complete when it begins."""

    def __init__(self, place: Place, item: JSON) -> None:
        self._place = place
        self._item = item

    def takes(self, part: Part) -> bool:
        return False

    def start(self, part: Part) -> list[JSON]:
        return [self._place.item_event("added", self._item)]

    def delta(self, text: str) -> list[JSON]:
        return []

    def end(self, opaque: Opaque | None, citations: tuple[Citation, ...]) -> list[JSON]:
        return []

    def close(self, status: Status) -> list[JSON]:
        return [self._place.item_event("done", self._item)]

    def final(self, status: str) -> JSON:
        return self._item


class _Search(_Finished):
    """A search that is over when it is told."""

    def start(self, part: Part) -> list[JSON]:
        begun = {name: value for name, value in self._item.items() if name != "action"} | {"status": "in_progress"}
        steps = [self._place.event(f"{SEARCH_CALL}.{step}") for step in ("in_progress", "searching", "completed")]
        return [self._place.item_event("added", begun), *steps]


def _search_call(id_: str, searched: Searched, *, shows_sources: bool) -> JSON:
    queries = list(searched.queries)
    action: JSON = {"type": "search", "query": queries[0] if queries else "", "queries": queries}
    if shows_sources:
        action["sources"] = [{"type": "url", "url": source.url} for source in searched.sources if source.url]
    return {"id": id_, "type": SEARCH_CALL, "status": "completed", "action": action}
