"""An upstream's stream of Chat as canonical events: once what is repeated, apart what is mixed up."""

import base64
import binascii
from collections.abc import Iterator

import msgspec

from gateway.canonical import (
    JSON,
    Audio,
    Citation,
    Event,
    Inline,
    Opaque,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Refusal,
    ResponseEnded,
    ResponseStarted,
    Text,
    TokenLogprob,
    ToolCall,
    UsageReported,
)
from gateway.errors import UpstreamFailed
from gateway.protocols.ids import AnswerIds
from gateway.protocols.openai_chat import told
from gateway.protocols.openai_chat.reasoning import read_details, read_signature
from gateway.protocols.openai_chat.shapes import AUDIO_MARKS
from gateway.protocols.reading import dicts

_IS_JSON = msgspec.json.Decoder(msgspec.Raw)


class _Call:
    """A call as it comes."""

    def __init__(self) -> None:
        self.index = -1
        """Of its part, once its name is known and it has begun."""
        self.given = ""
        """The upstream's id."""
        self.name = ""
        self.custom = False
        self.opaque: Opaque | None = None
        self.text = ""
        self.waiting = ""
        self.ended = False

    def note(self, given: str, name: str, said: told.CallTold) -> None:
        """What is said first counts."""
        self.given = self.given or given
        self.name = self.name or name
        self.custom = self.custom or (said.function is None and said.custom is not None)
        self.opaque = self.opaque or read_signature(said.extra_content)

    @property
    def complete(self) -> bool:
        """Whether its arguments are whole, so that what comes next cannot belong to it."""
        try:
            return bool(self.text) and bool(_IS_JSON.decode(self.text))
        except msgspec.DecodeError:
            return False


class Decoder:
    """Reads an upstream's chunks: says once what upstreams repeat, and tells apart what they mix up."""

    def __init__(self) -> None:
        self.tier = ""
        self._started = False
        self._done = False
        self._choice: object = None
        self._next = 0
        self._kind: type[Part] | None = None
        """The text that is running, if any: one at a time."""
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._ids = AnswerIds("")
        self._counts: dict[str, int] = {}
        self._label = ""
        self._refused = False
        self._details: dict[tuple[int, str], JSON] = {}
        self._citations: list[Citation] = []
        self._signature: Opaque | None = None
        self._sound: list[bytes] = []
        self._logprobs: tuple[TokenLogprob, ...] = ()
        """Of tokens whose text comes now."""

    def feed(self, payload: bytes) -> list[Event]:
        if payload.strip() == b"[DONE]":
            return self.finish() if self._started and not self._done else []
        if self._done:
            return []
        chunk = told.read_chunk(payload)
        if chunk is None:
            if payload.lstrip().startswith(b"{"):
                raise UpstreamFailed("The upstream sent a chunk that is not readable.")
            return []
        return list(self.take(chunk))

    def end(self) -> list[Event]:
        if self._done:
            return []
        if not self._label:
            raise UpstreamFailed("The upstream's answer broke off before its end.")
        return self.finish()

    def take(self, chunk: told.Chunk) -> Iterator[Event]:
        """What a chunk, or a whole answer, tells."""
        told.read_usage(self._counts, chunk)
        self.tier = told.string(chunk.service_tier) or self.tier
        if not self._started and (chunk.id or chunk.choices):
            yield self._start(chunk)
        for choice in chunk.choices or ():
            self._choice = choice.index if self._choice is None else self._choice
            if choice.index == self._choice:
                yield from self._choose(choice)
        if self._label == "error":
            raise told.broken_off()

    def _choose(self, choice: told.ChoiceTold) -> Iterator[Event]:
        self._logprobs += told.read_logprobs(choice.logprobs)
        message = choice.delta or choice.message
        if message is not None:
            yield from self._add(message)
        if isinstance(choice.finish_reason, str):
            self._label = told.stronger(choice.finish_reason, self._label)

    def finish(self) -> list[Event]:
        """A whole answer has no other end."""
        return list(self._finish())

    def _start(self, chunk: told.Chunk) -> ResponseStarted:
        self._started = True
        created = told.seconds(chunk.created)
        self._ids = AnswerIds(f"{chunk.id} {created}")
        return ResponseStarted(told.string(chunk.id), told.string(chunk.model), created)

    def _finish(self) -> Iterator[Event]:
        self._done = True
        yield from self._end_text()
        for call in self._calls:
            yield from self._end_call(call)
        if self._sound:
            media = Inline("", base64.b64encode(b"".join(self._sound)).decode())
            kind = next((kind for mark, kind in AUDIO_MARKS.items() if media.data.startswith(mark)), "audio/pcm")
            yield from self._once(Audio(Inline(kind, media.data)))
        if (opaque := read_details(list(self._details.values()))) is not None:
            yield from self._once(Reasoning(opaque=opaque))
        if self._citations or self._signature:
            yield from self._once(Text(citations=tuple(self._citations), opaque=self._signature))
        if usage := told.read_usage(self._counts, told.Chunk()):
            yield UsageReported(usage)
        called = any(call.name for call in self._calls)
        yield ResponseEnded(told.read_ending(self._label, called, self._refused))

    # texts

    def _add(self, message: told.Told) -> Iterator[Event]:
        thought = message.reasoning_content or message.reasoning or message.reasoning_text
        if message.reasoning_details:
            thought = thought or self._detailed(message.reasoning_details)
            self._note_details(message.reasoning_details)
        yield from self._text(Reasoning, thought)
        if isinstance(message.content, list):
            yield from self._listed(message.content)
        else:
            yield from self._text(Text, message.content)
        yield from self._text(Refusal, message.refusal)
        if isinstance(message.audio, dict):
            yield from self._text(Text, message.audio.get("transcript"))
            self._hear(message.audio.get("data"))
        self._citations += told.read_citations(message.annotations)
        self._signature = read_signature(message.extra_content) or self._signature
        for image in told.read_images(message.images):
            yield from self._end_text()
            yield from self._once(image)
        for call in message.tool_calls or ():
            yield from self._call(call)
        if message.function_call:
            yield from self._call(told.CallTold(index=0, function=message.function_call))

    def _listed(self, content: list[object]) -> Iterator[Event]:
        """Content as Mistral tells it, in parts of which some are thinking."""
        for part in dicts(content):
            thinking = part.get("thinking")
            yield from self._text(Reasoning, thinking)
            for thought in dicts(thinking):
                yield from self._text(Reasoning, thought.get("text"))
            yield from self._text(Text, part.get("text"))

    def _text(self, kind: type[Text | Refusal | Reasoning], text: object) -> Iterator[Event]:
        if not text or not isinstance(text, str):
            return
        if self._kind is not kind:
            yield from self._end_text()
            yield from self._end_complete_calls()
            self._kind = kind
            self._refused = self._refused or kind is Refusal
            yield PartStarted(self._next, kind())
            self._next += 1
        logprobs: tuple[TokenLogprob, ...] = ()
        if kind is Text:
            logprobs, self._logprobs = self._logprobs, ()
        yield PartDelta(self._text_index, text, logprobs)

    @property
    def _text_index(self) -> int:
        """The running text began last: calls that begin end it."""
        return self._next - 1

    def _end_text(self) -> Iterator[Event]:
        if self._kind is Text:
            yield PartEnded(self._text_index, self._signature, tuple(self._citations))
            self._signature, self._citations = None, []
        elif self._kind is Reasoning:
            opaque = read_details(list(self._details.values()))
            self._details = {} if opaque else self._details
            yield PartEnded(self._text_index, opaque)
        elif self._kind is not None:
            yield PartEnded(self._text_index)
        self._kind = None

    def _once(self, part: Part) -> Iterator[Event]:
        yield PartStarted(self._next, part)
        yield PartEnded(self._next)
        self._next += 1

    def _hear(self, data: object) -> None:
        try:
            self._sound += [binascii.a2b_base64(data)] if isinstance(data, str) and data else []
        except binascii.Error:
            raise UpstreamFailed("The upstream sent audio that is not base64.") from None

    # reasoning details

    def _detailed(self, entries: object) -> str:
        return "".join(told.string(entry.get("text")) or told.string(entry.get("summary")) for entry in dicts(entries))

    def _note_details(self, entries: object) -> None:
        """Entries come in pieces that belong together by their index."""
        for position, entry in enumerate(dicts(entries)):
            index = entry.get("index")
            key = (index if isinstance(index, int) else position, told.string(entry.get("type")))
            known = self._details.setdefault(key, {})
            for name, value in entry.items():
                joins = name in ("text", "summary", "data") and isinstance(value, str)
                known[name] = told.string(known.get(name)) + str(value) if joins else known.get(name, value)

    # calls

    def _call(self, said: told.CallTold) -> Iterator[Event]:
        function = said.function or said.custom or told.FunctionTold()
        name, given = told.string(function.name), told.string(said.id)
        text = told.arguments_of(function.input if function.arguments is None else function.arguments)
        call = self._known(said.index, given, name, text)
        if call is None:
            yield from self._end_complete_calls()
            call = self._new_call(said.index)
        call.note(given, name, said)
        if call.index < 0 and call.name:
            yield from self._begin(call)
        if text and not call.ended:
            yield from self._extend(call, text)

    def _new_call(self, index: object) -> _Call:
        call = _Call()
        self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        return call

    def _known(self, index: object, given: str, name: str, text: str) -> _Call | None:
        """The call that a fragment goes on with; None when it begins one.

        Some upstreams repeat id and name, some send no index or always the same.
        """
        call = self._by_index.get(index) if isinstance(index, int) else self._unnumbered(given, name)
        if call is None or not name or not call.name:
            return call
        if given and call.given and given != call.given:
            return self._by_id(given)
        begins = bool(text) and not given and call.complete
        return None if begins else call

    def _unnumbered(self, given: str, name: str) -> _Call | None:
        """By its id, else the last: a name begins a call, unless it is repeated before the arguments are whole."""
        if given or not self._calls:
            return self._by_id(given)
        last = self._calls[-1]
        repeats = last.name == name and bool(last.text) and not last.complete
        return last if repeats or not name else None

    def _by_id(self, given: str) -> _Call | None:
        return next((call for call in self._calls if given and call.given == given), None)

    def _begin(self, call: _Call) -> Iterator[Event]:
        yield from self._end_text()
        call.index = self._next
        self._next += 1
        part = ToolCall(self._ids.of_call(call.given, call.name), call.name, custom=call.custom, opaque=call.opaque)
        yield PartStarted(call.index, part)
        text, call.waiting = call.waiting, ""
        if text:
            yield PartDelta(call.index, text)

    def _extend(self, call: _Call, text: str) -> Iterator[Event]:
        call.text += text
        if call.index < 0:
            call.waiting += text
        else:
            yield PartDelta(call.index, text)

    def _end_call(self, call: _Call) -> Iterator[Event]:
        if call.index >= 0 and not call.ended:
            call.ended = True
            yield PartEnded(call.index, call.opaque)

    def _end_complete_calls(self) -> Iterator[Event]:
        for call in self._calls:
            if not call.ended and call.complete:
                yield from self._end_call(call)
