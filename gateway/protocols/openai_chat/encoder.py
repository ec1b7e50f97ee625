"""Canonical events as a stream of Chat: one role, calls one after another, one finish, then usage and `[DONE]`."""

import msgspec

from gateway.canonical import (
    JSON,
    Audio,
    Citation,
    Ending,
    Event,
    Image,
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
from gateway.errors import GatewayError
from gateway.protocols.openai_chat import wire
from gateway.protocols.openai_chat.native import error_frames
from gateway.protocols.openai_chat.reasoning import entries_of, write_signature
from gateway.protocols.openai_chat.shapes import (
    call_head,
    failure,
    finish_reason,
    full_id,
    shows_thoughts,
    write_annotations,
    write_audio,
    write_image,
    write_logprobs,
    write_usage,
)


class _Waiting:
    """A call that runs beside another: clients want one after the other."""

    def __init__(self, call: ToolCall) -> None:
        self.call = call
        self.texts: list[str] = []
        self.ended: PartEnded | None = None


class Encoder:
    """Writes the chunks of one answer, from the role to `[DONE]`."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._legacy = bool(request.extensions.get(wire.OWN, {}).get("_functions"))
        self._shows_thoughts = shows_thoughts(request)
        self._shows_logprobs = request.logprobs is not None
        self._logprobs: tuple[TokenLogprob, ...] = ()
        """Of the text that is written now."""
        self._head = b""
        self._base: JSON = {}
        self._usage: Usage | None = None
        self._ended = False
        self._texts: dict[int, Part] = {}
        self._calls: dict[int, _Waiting] = {}
        """Calls that have not ended; the first of them is being written."""
        self._written = 0
        self._spoke = False
        self._thought = False
        self._entries = 0
        self._refused = False
        self._cited = 0
        self._drawn = 0

    def encode(self, event: Event) -> bytes:
        if self._ended:
            return b""
        match event:
            case PartDelta(index, text, logprobs):
                self._logprobs = logprobs if self._shows_logprobs else ()
                return self._delta(index, text) if text else b""
            case PartStarted(index, part):
                self._logprobs = ()
                return self._begun() + self._start_part(index, part)
            case PartEnded(index):
                self._logprobs = ()
                return self._end_part(index, event)
            case UsageReported(usage):
                self._usage = usage
                return b""
            case ResponseStarted():
                return b"" if self._head else self._start(event)
            case ResponseEnded(ending):
                self._logprobs = ()
                return self._begun() + self._finish(ending)

    def fail(self, error: GatewayError, request_id: str) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        return error_frames(error, request_id, None)

    def _start(self, event: ResponseStarted) -> bytes:
        self._base = {
            "id": full_id(event.id),
            "object": "chat.completion.chunk",
            "created": event.created,
            "model": self._request.model,
        }
        self._head = b'data: %s,"choices":[{"index":0,"delta":' % msgspec.json.encode(self._base)[:-1]
        return self._chunk({"role": "assistant", "content": ""})

    def _begun(self) -> bytes:
        return b"" if self._head else self._start(ResponseStarted("", ""))

    def _chunk(self, delta: JSON) -> bytes:
        return self._raw_chunk(msgspec.json.encode(delta))

    def _raw_chunk(self, delta: bytes, finish: bytes = b"null") -> bytes:
        usage = b',"usage":null' if self._request.wants_usage else b""
        logprobs = msgspec.json.encode(write_logprobs(self._logprobs)) if self._logprobs else b"null"
        return b'%s%s,"logprobs":%s,"finish_reason":%s}]%s}\n\n' % (self._head, delta, logprobs, finish, usage)

    # parts

    def _start_part(self, index: int, part: Part) -> bytes:
        match part:
            case ToolCall():
                self._calls[index] = _Waiting(part)
                return self._begin_call(part) if len(self._calls) == 1 else b""
            case Text(text=text) | Refusal(text=text):
                self._texts[index] = part
                return self._say(part, text)
            case Reasoning(text=text, summary=summary):
                self._texts[index] = msgspec.structs.replace(part, text="")
                apart = "\n\n" if summary and self._thought else ""
                return self._delta(index, apart + text) if apart or text else b""
            case Image():
                self._drawn += 1
                return self._chunk({"images": [write_image(part, self._drawn - 1)]})
            case Audio() if "audio" in self._request.modalities:
                return self._chunk({"audio": write_audio(part, "", self._base)})
        return b""

    def _delta(self, index: int, text: str) -> bytes:
        if (call := self._calls.get(index)) is not None:
            if next(iter(self._calls)) == index:
                return self._argue(call.call, text)
            call.texts.append(text)
            return b""
        part = self._texts.get(index)
        if isinstance(part, Reasoning):
            self._texts[index] = msgspec.structs.replace(part, text=part.text + text)
        return b"" if part is None else self._say(part, text)

    def _say(self, part: Part, text: str) -> bytes:
        if not text:
            return b""
        match part:
            case Reasoning():
                self._thought = True
                name = b'{"reasoning_content":%s}' if self._shows_thoughts else b""
            case Refusal():
                self._refused = True
                name = b'{"refusal":%s}'
            case _:
                name = b'{"content":%s}'
        return self._raw_chunk(name % msgspec.json.encode(text)) if name else b""

    def _end_part(self, index: int, event: PartEnded) -> bytes:
        if (call := self._calls.get(index)) is not None:
            call.ended = event
            return self._advance()
        part = self._texts.pop(index, None)
        match part:
            case Text(opaque=opaque, citations=citations):
                return self._end_text(event.citations or citations, event.opaque or opaque)
            case Reasoning(opaque=opaque):
                return self._detail(msgspec.structs.replace(part, opaque=event.opaque or opaque))
        return b""

    def _end_text(self, citations: tuple[Citation, ...], opaque: Opaque | None) -> bytes:
        delta = write_signature(opaque)
        if citations:
            delta["annotations"] = write_annotations(citations, self._cited)
            self._cited += len(citations)
        return self._chunk(delta) if delta else b""

    def _detail(self, part: Part) -> bytes:
        entries = entries_of(part, self._entries) if self._shows_thoughts else []
        self._entries += len(entries)
        return self._chunk({"reasoning_details": entries}) if entries else b""

    # calls

    def _begin_call(self, call: ToolCall) -> bytes:
        self._written += 1
        self._spoke = bool(call.arguments)
        head = call_head(call)
        if self._legacy:
            return self._chunk({"function_call": head["function"]}) if self._written == 1 and not call.custom else b""
        return self._chunk({"tool_calls": [{"index": self._written - 1, **head}]})

    def _argue(self, call: ToolCall, text: str) -> bytes:
        self._spoke = True
        if self._legacy:
            return self._chunk({"function_call": {"arguments": text}}) if self._written == 1 else b""
        said: JSON = {"custom": {"input": text}} if call.custom else {"function": {"arguments": text}}
        return self._chunk({"tool_calls": [{"index": self._written - 1, **said}]})

    def _advance(self) -> bytes:
        """End the call that is written, if it has ended, and begin the next that waits."""
        frames = []
        while self._calls:
            index, running = next(iter(self._calls.items()))
            if running.ended is None:
                break
            frames.append(self._end_call(running.call, running.ended))
            del self._calls[index]
            if self._calls:
                frames.append(self._resume(next(iter(self._calls.values()))))
        return b"".join(frames)

    def _resume(self, waiting: _Waiting) -> bytes:
        text = "".join(waiting.texts)
        return self._begin_call(waiting.call) + (self._argue(waiting.call, text) if text else b"")

    def _end_call(self, call: ToolCall, event: PartEnded) -> bytes:
        frames = b"" if self._spoke or call.custom else self._argue(call, "{}")
        signature = write_signature(event.opaque) if call.opaque is None and not self._legacy else {}
        if signature:
            frames += self._chunk({"tool_calls": [{"index": self._written - 1, **signature}]})
        return frames + self._detail(msgspec.structs.replace(call, opaque=event.opaque or call.opaque))

    def _finish(self, ending: Ending) -> bytes:
        for index, waiting in self._calls.items():
            waiting.ended = waiting.ended or PartEnded(index)
        frames = self._advance()
        if error := failure(ending):
            return frames + self.fail(error, "")
        self._ended = True
        label = finish_reason(ending, self._legacy, self._refused)
        frames += self._raw_chunk(b"{}", msgspec.json.encode(label))
        if self._request.wants_usage and self._usage is not None:
            usage = write_usage(self._usage)
            frames += b"data: %s\n\n" % msgspec.json.encode({**self._base, "choices": [], "usage": usage})
        return frames + b"data: [DONE]\n\n"
