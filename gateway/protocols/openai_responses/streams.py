"""Streams of Responses: an upstream's events as canonical ones, and canonical ones as the events a client expects."""

from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from gateway.canonical import (
    JSON,
    Citation,
    Ending,
    Event,
    Opaque,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Refusal,
    Request,
    ResponseEnded,
    ResponseStarted,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
    UsageReported,
)
from gateway.errors import GatewayError, UpstreamFailed
from gateway.protocols import openai
from gateway.protocols.ids import AnswerIds
from gateway.protocols.openai_responses.answers import (
    FILTERED,
    Key,
    Shell,
    failed,
    is_call,
    is_filtered,
    is_refusal,
    read_call,
    read_ending,
    read_item,
    read_string,
    read_time,
    read_usage,
    with_id,
)
from gateway.protocols.openai_responses.native import frame, told_twice
from gateway.protocols.openai_responses.output import Output
from gateway.protocols.openai_responses.parts import read_citations
from gateway.protocols.reading import decode, dicts
from gateway.protocols.upstream_errors import read_streamed_error

_OBJECT = msgspec.json.Decoder(JSON)
_CALLS = ("function_call", "custom_tool_call")

# reading


class _Reading:
    """One part as it comes."""

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.length = 0
        self.citations: list[Citation] = []
        self.ended = False


class _Item:
    """One item, told apart by its place: upstreams change ids between the events of one item."""

    def __init__(self) -> None:
        self.parts: dict[Key, _Reading] = {}
        self.early: list[str] = []
        """Arguments that came before the call they belong to."""
        self.done = False


class Decoder:
    """Reads an upstream's events; what is told more than once counts once, what is left out is made up for."""

    def __init__(self) -> None:
        self._started = False
        self._ended = False
        self._items: dict[int, _Item] = {}
        self._last = 0
        self._next = 0
        self._ids = AnswerIds("")
        self._counts: dict[str, int] = {}
        self._called = False
        self._refused = False
        self._error: GatewayError | None = None
        self._filtered = False

    def feed(self, payload: bytes) -> list[Event]:
        event = decode(_OBJECT, payload)
        if self._ended or event is None:
            return [] if self._ended else self._unreadable(payload)
        kind = read_string(event, "type")
        if kind in TEXTS:
            return list(self._text(event, *TEXTS[kind]))
        if kind in HANDLERS:
            return list(HANDLERS[kind](self, event))
        if event.get("error"):
            self._fail(event)
        return []

    def end(self) -> list[Event]:
        if self._ended:
            return []
        if self._filtered:
            return [*self._close_all(), ResponseEnded(Ending("filter", FILTERED))]
        raise self._error or UpstreamFailed("The upstream's answer broke off before its end.")

    def _unreadable(self, payload: bytes) -> list[Event]:
        """Frames that hold no event, such as `[DONE]`, say nothing; an event that is broken may not be left out."""
        if payload.lstrip().startswith(b"{"):
            raise UpstreamFailed("The upstream sent an event that is not readable.")
        return []

    def _fail(self, event: JSON) -> None:
        """An error is told twice and in either order: the first that says what it is about counts."""
        told = _object(event, "response").get("error") or event.get("error") or event
        self._filtered = self._filtered or is_filtered(told)
        if self._error is None or type(self._error) is UpstreamFailed:
            self._error = read_streamed_error(msgspec.json.encode(event))

    def _start(self, response: JSON) -> Iterator[Event]:
        if not self._started:
            self._started = True
            self._ids = AnswerIds(read_string(response, "id"))
            yield ResponseStarted(read_string(response, "id"), read_string(response, "model"), read_time(response))

    def _lifecycle(self, event: JSON) -> Iterator[Event]:
        response = _object(event, "response")
        yield from self._start(response)
        if usage := read_usage({}, response):
            yield UsageReported(usage)

    def _terminal(self, event: JSON) -> Iterator[Event]:
        response = _object(event, "response")
        yield from self._start(response)
        highest = max(self._items, default=-1)
        for index, item in enumerate(dicts(response.get("output"))):
            if index > highest or (index in self._items and not self._items[index].done):
                yield from self._finish_item(index, item)
        yield from self._close_all()
        if usage := read_usage(self._counts, response):
            yield UsageReported(usage)
        self._ended = True
        yield ResponseEnded(read_ending(response, self._called, self._refused))

    def _failed(self, event: JSON) -> Iterator[Event]:
        self._fail(event)
        if usage := read_usage(self._counts, _object(event, "response")):
            yield UsageReported(usage)

    def _told(self, event: JSON) -> Iterator[Event]:
        self._fail(event)
        yield from ()

    # parts

    def _place(self, event: JSON) -> int:
        index = event.get("output_index")
        self._last = index if type(index) is int else self._last
        return self._last

    def _item(self, index: int) -> _Item:
        return self._items.setdefault(index, _Item())

    def _added(self, event: JSON) -> Iterator[Event]:
        yield from self._start({})
        index, item = self._place(event), _object(event, "item")
        if item.get("type") in _CALLS and read_string(item, "name"):
            yield from self._open(self._item(index), ("call", 0), replace(read_call(item), arguments=""))
            yield from self._complete(self._item(index), ("call", 0), read_call(item).arguments)
        else:
            self._item(index)

    def _item_done(self, event: JSON) -> Iterator[Event]:
        yield from self._start({})
        yield from self._finish_item(self._place(event), _object(event, "item"))

    def _text(self, event: JSON, kind: str, place: str, value: str, whole: bool) -> Iterator[Event]:
        text = event.get(value)
        if not isinstance(text, str) or not text:
            return
        yield from self._start({})
        item, index = self._item(self._place(event)), event.get(place)
        key = (kind, index if type(index) is int else 0)
        if key not in item.parts and kind == "call":
            item.early = [text] if whole else [*item.early, text]
            return
        if key not in item.parts:
            yield from self._open(item, key, NEW[kind])
        logprobs = openai.read_logprobs(event.get("logprobs"))
        if whole:
            yield from self._complete(item, key, text, logprobs)
        else:
            yield from self._add(item.parts[key], text, logprobs)

    def _annotation(self, event: JSON) -> Iterator[Event]:
        place = event.get("content_index")
        reading = self._item(self._place(event)).parts.get(("text", place if type(place) is int else 0))
        if reading is not None:
            reading.citations += read_citations([_object(event, "annotation")])
        yield from ()

    def _open(self, item: _Item, key: Key, part: Part) -> Iterator[Event]:
        if key in item.parts:
            return
        for before in item.parts.values():
            yield from self._close(before)
        part = with_id(part, self._ids)
        self._called = self._called or is_call(part)
        self._refused = self._refused or is_refusal(part)
        item.parts[key] = _Reading(self._next, part)
        self._next += 1
        yield PartStarted(item.parts[key].index, part)
        if item.early:
            early, item.early = item.early, []
            yield from self._complete(item, key, "".join(early))

    def _add(self, reading: _Reading, text: str, logprobs: tuple[TokenLogprob, ...] = ()) -> Iterator[Event]:
        if not reading.ended:
            reading.length += len(text)
            yield PartDelta(reading.index, text, logprobs)

    def _complete(self, item: _Item, key: Key, text: str, logprobs: tuple[TokenLogprob, ...] = ()) -> Iterator[Event]:
        """A part's whole text: what of it has not come yet."""
        reading = item.parts[key]
        if len(text) > reading.length:
            yield from self._add(reading, text[reading.length :], () if reading.length else logprobs)

    def _close(
        self, reading: _Reading, opaque: Opaque | None = None, citations: tuple[Citation, ...] = ()
    ) -> Iterator[Event]:
        if not reading.ended:
            reading.ended = True
            yield PartEnded(reading.index, opaque, citations or tuple(reading.citations))

    def _finish_item(self, index: int, announced: JSON) -> Iterator[Event]:
        """The item as it came to be, with all that was not told of it before."""
        item = self._item(index)
        if item.done:
            return
        item.done = True
        for key, part in read_item(announced):
            match part:
                case Text(text=text, citations=citations, logprobs=logprobs):
                    yield from self._open(item, key, Text())
                    yield from self._complete(item, key, text, logprobs)
                    yield from self._close(item.parts[key], None, citations)
                case Refusal(text=text):
                    yield from self._open(item, key, Refusal())
                    yield from self._complete(item, key, text)
                case Reasoning():
                    yield from self._finish_thought(item, key, part)
                case ToolCall(arguments=text):
                    yield from self._open(item, key, replace(part, arguments=""))
                    yield from self._complete(item, key, text)
                case _:
                    yield from self._open(item, key, part)
        for reading in item.parts.values():
            yield from self._close(reading)

    def _finish_thought(self, item: _Item, key: Key, part: Reasoning) -> Iterator[Event]:
        if not part.text and item.parts:
            # the token belongs to the thoughts that were told already
            key = next(reversed(item.parts))
        yield from self._open(item, key, Reasoning(summary=part.summary))
        yield from self._complete(item, key, part.text)
        if part.opaque is not None:
            yield from self._close(item.parts[key], part.opaque)

    def _close_all(self) -> Iterator[Event]:
        for item in self._items.values():
            for reading in item.parts.values():
                yield from self._close(reading)


def _object(event: JSON, name: str) -> JSON:
    found = event.get(name)
    return found if isinstance(found, dict) else {}


NEW: dict[str, Part] = {
    "text": Text(),
    "refusal": Refusal(),
    "summary": Reasoning(summary=True),
    "thought": Reasoning(),
}

TEXTS: dict[str, tuple[str, str, str, bool]] = {
    "response.output_text.delta": ("text", "content_index", "delta", False),
    "response.output_text.done": ("text", "content_index", "text", True),
    "response.refusal.delta": ("refusal", "content_index", "delta", False),
    "response.refusal.done": ("refusal", "content_index", "refusal", True),
    "response.reasoning_summary_text.delta": ("summary", "summary_index", "delta", False),
    "response.reasoning_summary_text.done": ("summary", "summary_index", "text", True),
    "response.reasoning_text.delta": ("thought", "content_index", "delta", False),
    "response.reasoning_text.done": ("thought", "content_index", "text", True),
    "response.reasoning.delta": ("thought", "content_index", "delta", False),
    "response.reasoning.done": ("thought", "content_index", "text", True),
    "response.function_call_arguments.delta": ("call", "", "delta", False),
    "response.function_call_arguments.done": ("call", "", "arguments", True),
    "response.custom_tool_call_input.delta": ("call", "", "delta", False),
    "response.custom_tool_call_input.done": ("call", "", "input", True),
}
"""Events that hold text: of which kind of part, where its number and its text stand, and whether that is all of it."""

HANDLERS: dict[str, Callable[[Decoder, JSON], Iterator[Event]]] = {
    "response.created": Decoder._lifecycle,
    "response.queued": Decoder._lifecycle,
    "response.in_progress": Decoder._lifecycle,
    "response.output_item.added": Decoder._added,
    "response.output_item.done": Decoder._item_done,
    "response.output_text.annotation.added": Decoder._annotation,
    "response.completed": Decoder._terminal,
    "response.incomplete": Decoder._terminal,
    "response.failed": Decoder._failed,
    "error": Decoder._told,
}

# writing


class _InOrder:
    """Lets one part through at a time; what belongs to later ones waits."""

    def __init__(self) -> None:
        self.running: int | None = None
        self._waiting: dict[int, list[Event]] = {}

    def pass_on(self, event: PartStarted | PartDelta | PartEnded) -> Iterator[Event]:
        index = event.index
        if index != self.running and self.running is not None:
            if isinstance(event, PartStarted) or index in self._waiting:
                self._waiting.setdefault(index, []).append(event)
            return
        if self.running is None and not isinstance(event, PartStarted):
            return
        yield event
        self.running = None if isinstance(event, PartEnded) else index
        while self.running is None and self._waiting:
            self.running = next(iter(self._waiting))
            waiting = self._waiting.pop(self.running)
            yield from waiting
            self.running = None if isinstance(waiting[-1], PartEnded) else self.running

    def rest(self) -> Iterator[Event]:
        """What waits still, each part ended."""
        while self.running is not None:
            yield from self.pass_on(PartEnded(self.running))


class Encoder:
    """Writes the events of one answer, numbered, from `response.created` to the terminal."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._number = 0
        self._shell: Shell | None = None
        self._output = Output("", request)
        self._order = _InOrder()
        self._usage: Usage | None = None
        self._ended = False

    def encode(self, event: Event) -> bytes:
        if self._ended:
            return b""
        if isinstance(event, PartDelta) and event.index == self._order.running:
            return self._write(self._output.delta(event.text, event.logprobs))
        match event:
            case ResponseStarted():
                return b"" if self._shell else self._begin(event)
            case UsageReported(usage=usage):
                self._usage = usage
                return b""
            case ResponseEnded(ending=ending):
                return self._begun() + self._finish(ending)
        return self._begun() + b"".join(self._write(self._part(passed)) for passed in self._order.pass_on(event))

    def fail(self, error: GatewayError, request_id: str) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        shell = self._shell or Shell(self._request, request_id, 0)
        closed = self._write(self._output.break_off())
        answer = shell.failed(error, self._output.items, self._usage)
        told = {"type": "error", **told_twice(error), "request_id": request_id}
        return closed + self._write([told, {"type": "response.failed", "response": answer}])

    def _begin(self, started: ResponseStarted) -> bytes:
        self._shell = Shell(self._request, started.id, started.created)
        self._output = Output(self._shell.id, self._request)
        running = self._shell.running()
        kinds = ("response.created", "response.in_progress")
        return self._write([{"type": kind, "response": running} for kind in kinds])

    def _begun(self) -> bytes:
        return b"" if self._shell else self._begin(ResponseStarted("", ""))

    def _part(self, event: Event) -> list[JSON]:
        match event:
            case PartStarted(part=part):
                return self._output.start(part)
            case PartDelta(text=text, logprobs=logprobs):
                return self._output.delta(text, logprobs)
            case PartEnded(opaque=opaque, citations=citations):
                return self._output.end(opaque, citations)
        return []

    def _finish(self, ending: Ending) -> bytes:
        if ending.finish in ("error", "malformed_call"):
            return self.fail(failed(ending), self._shell.id if self._shell else "")
        rest = b"".join(self._write(self._part(event)) for event in self._order.rest())
        closed = self._write(self._output.finish(ending))
        self._ended = True
        if self._shell is None:
            return rest + closed
        answer = self._shell.ended(ending, self._output.items, self._usage)
        return rest + closed + self._write([{"type": f"response.{answer['status']}", "response": answer}])

    def _write(self, events: list[JSON]) -> bytes:
        written = []
        for event in events:
            written.append(frame({"type": event["type"], "sequence_number": self._number} | event))
            self._number += 1
        return b"".join(written)


def new_decoder() -> Decoder:
    return Decoder()


def new_encoder(request: Request) -> Encoder:
    return Encoder(request)
