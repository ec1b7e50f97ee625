"""An upstream's answer as canonical events, chunk by chunk; a whole answer is one chunk."""

from datetime import datetime

import msgspec

from gateway.canonical import (
    JSON,
    Citation,
    Ending,
    Event,
    Native,
    Opaque,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    ResponseEnded,
    ResponseStarted,
    Searched,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
    UsageReported,
)
from gateway.errors import BadRequest, UpstreamFailed
from gateway.protocols.counts import note_counts
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.citations import read_citations, read_searched
from gateway.protocols.gemini.conversation import NATIVE
from gateway.protocols.gemini.endings import read_block, read_ending
from gateway.protocols.gemini.fragments import Fragments
from gateway.protocols.gemini.logprobs import read_logprobs
from gateway.protocols.gemini.native import USAGE, to_usage
from gateway.protocols.gemini.parts import read_arguments, read_blob, read_file
from gateway.protocols.ids import AnswerIds, mint
from gateway.protocols.reading import decode, dicts
from gateway.protocols.upstream_errors import read_streamed_error

GROUNDING = "grounding"
"""What there is besides the parts, for the whole of an answer."""

DONE = b"[DONE]"
"""What servers that speak several protocols may send at the end."""

_CHUNK = msgspec.json.Decoder(JSON)


class Incoming:
    """Follows one answer. Everything but text arrives whole, or is held until it is."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._ids: AnswerIds | None = None
        self._next = 0
        self._open: tuple[int, bool] | None = None
        """The running text, and whether it is a thought."""
        self._signature: Opaque | None = None
        """Of the running text, which may go on after it."""
        self._text: list[str] = []
        self._logprobs: tuple[TokenLogprob, ...] = ()
        """Of the tokens in the chunk that is read."""
        self._skipped = 0
        """Bytes of the answer's text before the running one."""
        self._call: tuple[str, str, Opaque | None, Fragments] | None = None
        """The call whose arguments arrive in pieces."""
        self._counts: dict[str, int] = {}
        self._usage: Usage | None = None
        self._ending: Ending | None = None
        self._cited: tuple[Citation, ...] = ()
        self._searched: Searched | None = None
        self._called = False
        self._spoke = False

    def feed(self, payload: bytes) -> list[Event]:
        chunk = decode(_CHUNK, payload)
        if chunk is None:
            if payload.strip() == DONE:
                return []
            raise UpstreamFailed("The upstream's answer is not readable.")
        if chunk.get("error"):
            raise read_streamed_error(payload)
        if self._ids is None:
            self._start(chunk, payload)
        for candidate in dicts(chunk.get("candidates")):
            if not candidate.get("index"):
                self._read_candidate(candidate)
        feedback = chunk.get("promptFeedback")
        if isinstance(feedback, dict) and feedback.get("blockReason"):
            self._ending = read_block(feedback)
        self._read_usage(chunk.get("usageMetadata"))
        return self._take()

    def end(self) -> list[Event]:
        if self._ending is None:
            raise UpstreamFailed("The upstream's answer broke off.")
        return self.close()

    def close(self) -> list[Event]:
        """End what is open, and the answer, as a whole answer that names no reason does."""
        if self._ids is None or not (self._ending or self._next):
            raise UpstreamFailed("The upstream answered with nothing.")
        self._end_text()
        self._end_call()
        if self._searched is not None:
            self._say(Native(wire.NAME, GROUNDING, {}, self._searched))
        ending = self._ending or Ending("end")
        if ending.finish == "end" and self._called:
            ending = Ending("tool", ending.raw, detail=ending.detail)
        self._events.append(ResponseEnded(ending))
        return self._take()

    def _take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _start(self, chunk: JSON, payload: bytes) -> None:
        id_, model = chunk.get("responseId"), chunk.get("modelVersion")
        id_ = id_ if isinstance(id_, str) and id_ else mint("answer", payload.decode(errors="replace"), length=22)
        self._ids = AnswerIds(id_)
        self._events.append(ResponseStarted(id_, str(model or ""), _seconds(chunk.get("createTime"))))

    def _read_usage(self, told: object) -> None:
        note_counts(self._counts, told, USAGE)
        usage = to_usage(self._counts)
        if usage and usage != self._usage:
            self._usage = usage
            self._events.append(UsageReported(usage))

    def _read_candidate(self, candidate: JSON) -> None:
        self._logprobs = read_logprobs(candidate.get("logprobsResult"))
        content = candidate.get("content")
        for part in dicts(content.get("parts")) if isinstance(content, dict) else ():
            self._read_part(part)
        if "groundingMetadata" in candidate or "citationMetadata" in candidate:
            self._cited = read_citations(candidate, "".join(self._text), self._skipped) or self._cited
            self._searched = read_searched(candidate) or self._searched
        if label := candidate.get("finishReason"):
            detail = candidate.get("finishMessage")
            told = detail if isinstance(detail, str) else ""
            ending = read_ending(str(label), told, called=self._called, spoke=self._spoke)
            if self._ending is None or self._ending.finish in ("end", "tool"):
                self._ending = ending

    # parts

    def _read_part(self, part: JSON) -> None:
        signature = part.get("thoughtSignature")
        kind = wire.THOUGHT if part.get("thought") is True else wire.SIGNATURE
        opaque = Opaque(wire.FAMILY, kind, signature) if isinstance(signature, str) and signature else None
        text, call = part.get("text"), part.get("functionCall")
        if isinstance(text, str):
            self._read_text(text, opaque, thought=part.get("thought") is True)
        elif isinstance(call, dict):
            self._read_call(call, opaque)
        elif media := _read_media(part):
            if opaque:
                self._say(Reasoning(opaque=opaque))
            self._say(media)
        elif kind := next((name for name in NATIVE if name in part), ""):
            self._say(Native(wire.NAME, kind, part))

    def _read_text(self, text: str, opaque: Opaque | None, *, thought: bool) -> None:
        if not text and opaque is None:
            return
        if self._open is None or self._open[1] != thought or (opaque and self._signature):
            self._begin(Reasoning() if thought else Text())
            self._open = (self._next - 1, thought)
        if text:
            self._spoke = True
            self._text.append(text)
            logprobs: tuple[TokenLogprob, ...] = ()
            if not thought:
                logprobs, self._logprobs = self._logprobs, ()
            self._events.append(PartDelta(self._open[0], text, logprobs))
        self._signature = opaque or self._signature

    def _end_text(self) -> None:
        if self._open is None:
            return
        (index, thought), self._open = self._open, None
        cited = () if thought else self._cited
        self._events.append(PartEnded(index, self._signature, cited))
        self._signature = None
        if not thought:
            self._cited = ()
            self._skipped += len("".join(self._text).encode(errors="surrogatepass"))
        self._text = []

    def _begin(self, part: Part) -> None:
        self._end_text()
        self._end_call()
        self._events.append(PartStarted(self._next, part))
        self._next += 1

    def _say(self, part: Part, text: str = "") -> None:
        """A part that is whole already."""
        self._begin(part)
        if text:
            self._events.append(PartDelta(self._next - 1, text))
        self._events.append(PartEnded(self._next - 1))

    def _read_call(self, call: JSON, opaque: Opaque | None) -> None:
        name, id_, args = call.get("name"), call.get("id"), call.get("args")
        if isinstance(name, str) and name:
            self._end_text()
            self._end_call()
            self._call = (name, id_ if isinstance(id_, str) else "", opaque, Fragments())
        if self._call is None:
            return
        if isinstance(args, dict):
            self._call[3].args |= args
        self._call[3].add(call.get("partialArgs"))
        if call.get("willContinue") is not True:
            self._end_call()

    def _end_call(self) -> None:
        if self._call is None or self._ids is None:
            return
        (name, id_, opaque, fragments), self._call = self._call, None
        self._called = self._spoke = True
        call = ToolCall(self._ids.of_call(id_, name), name, opaque=opaque)
        self._say(call, read_arguments(fragments.args))


def _read_media(part: JSON) -> Part | None:
    """What an upstream sends is not judged: media that is none is left out."""
    try:
        if isinstance(blob := part.get("inlineData"), dict):
            return read_blob(blob, "inlineData")
        if isinstance(file := part.get("fileData"), dict):
            return read_file(file, "fileData")
    except BadRequest:
        pass
    return None


def _seconds(value: object) -> int:
    try:
        return int(datetime.fromisoformat(value).timestamp()) if isinstance(value, str) else 0
    except (ValueError, OverflowError):
        return 0
