"""An answer's parts as a Gemini client takes them: thoughts if it asked for them, signatures where it echoes them."""

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
    Searched,
    Stored,
    Text,
    ToolCall,
    Usage,
    Video,
)
from gateway.protocols.capsules import seal
from gateway.protocols.custom_tools import wrap
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.citations import Grounding
from gateway.protocols.gemini.endings import write_block, write_ending, write_usage
from gateway.protocols.gemini.logprobs import Logprobs
from gateway.protocols.gemini.parts import write_arguments, write_call, write_media
from gateway.protocols.ids import mint

SIGNATURE = "thoughtSignature"


class Outgoing:
    """Writes one answer, its parts in order."""

    def __init__(self, request: Request) -> None:
        self.id = ""
        self.usage: Usage | None = None
        self._model = request.model
        self._shows_thoughts = request.thinking is not None and request.thinking.show in ("summary", "full")
        self._held = ""
        """The signature of a thought that is not shown: it goes with what comes next."""
        self._grounding = Grounding()
        self.logprobs = Logprobs(asked=request.logprobs is not None)
        self._skipped = 0
        self._malformed = False

    def part(self, part: Part) -> list[JSON]:
        """A whole part."""
        match part:
            case Text(text, citations, opaque):
                self.cite(text, citations)
                self.logprobs.add(part.logprobs)
                signature = self._signature(opaque)
                return self._signed({"text": text} | signature) if text or signature else []
            case Refusal(text):
                self.cite(text, ())
                return self._signed({"text": text}) if text else []
            case Reasoning(text, _, opaque):
                return self._thought(text, opaque)
            case ToolCall():
                return self._call(part)
            case Native(searched=Searched() as searched):
                self._grounding.searched(searched)
                return []
            case Native(origin=wire.NAME):
                return self._signed(dict(part.item))
            case Image() | Audio() | Video() | Document() if not isinstance(part.source, Stored):
                return self._signed(write_media(part))
            case _:
                return []

    def text(self, text: str) -> list[JSON]:
        """A piece of text."""
        return self._signed({"text": text}) if text else []

    def thought(self, text: str) -> list[JSON]:
        """A piece of a thought."""
        return [{"text": text, "thought": True}] if text and self._shows_thoughts else []

    def end_text(self, text: str, opaque: Opaque | None, citations: tuple[Citation, ...]) -> list[JSON]:
        """What there is to add when a text whose pieces are written ends."""
        self.cite(text, citations)
        signature = self._signature(opaque)
        return [{"text": ""} | signature] if signature else []

    def end_thought(self, opaque: Opaque | None) -> list[JSON]:
        """What there is to add when a thought whose pieces are written ends."""
        signature = self._signature(opaque)
        if signature and _belongs_to_thought(opaque) and self._shows_thoughts:
            return [{"text": "", "thought": True} | signature]
        before = self.rest() if signature else []
        self._held = str(signature.get(SIGNATURE, self._held))
        return before

    def cite(self, text: str, citations: tuple[Citation, ...]) -> None:
        self._grounding.add(citations, text, self._skipped)
        self._skipped += len(text.encode(errors="surrogatepass"))

    def rest(self) -> list[JSON]:
        """A signature that nothing came after."""
        return self._signed({"text": ""}) if self._held else []

    def chunk(self, parts: list[JSON]) -> JSON:
        """An envelope around parts of the running answer."""
        candidate: JSON = {"content": {"role": "model", "parts": parts}, "index": 0}
        return self._envelope({"candidates": [candidate | self.logprobs.take()]})

    def last(self, parts: list[JSON], ending: Ending) -> JSON:
        """The envelope that ends the answer."""
        if block := write_block(ending):
            return self._envelope({"promptFeedback": block})
        if self._malformed and ending.finish in ("end", "tool"):
            ending = Ending("malformed_call")
        candidate: JSON = {
            "content": {"role": "model", "parts": parts},
            "finishReason": write_ending(ending),
            "index": 0,
            **self.logprobs.take(),
            **self.logprobs.average(),
        }
        if ending.detail:
            candidate["finishMessage"] = ending.detail
        if grounding := self._grounding.written():
            candidate["groundingMetadata"] = grounding
        return self._envelope({"candidates": [candidate]})

    def _envelope(self, answer: JSON) -> JSON:
        if self.usage is not None:
            answer["usageMetadata"] = write_usage(self.usage)
        id_ = self.id or mint("answer", self._model, length=22)
        return answer | {"modelVersion": self._model, "responseId": id_}

    def _thought(self, text: str, opaque: Opaque | None) -> list[JSON]:
        signature = self._signature(opaque)
        if not self._shows_thoughts:
            return self.end_thought(opaque)
        if signature and not _belongs_to_thought(opaque):
            return [*self.thought(text), *self.end_thought(opaque)]
        return [{"text": text, "thought": True} | signature] if text or signature else []

    def _call(self, call: ToolCall) -> list[JSON]:
        args = write_arguments(wrap(call.arguments) if call.custom else call.arguments)
        if args is None:
            self._malformed = True
            return []
        return self._signed(write_call(call.name, call.id, args) | self._signature(call.opaque))

    def _signed(self, part: JSON) -> list[JSON]:
        if self._held and SIGNATURE not in part:
            part[SIGNATURE], self._held = self._held, ""
        return [part]

    def _signature(self, opaque: Opaque | None) -> JSON:
        """Gemini's own as it is, another family's in a capsule."""
        if opaque is None:
            return {}
        data = opaque.data if opaque.origin == wire.FAMILY else seal(opaque)
        return {SIGNATURE: data} if data else {}


def _belongs_to_thought(opaque: Opaque | None) -> bool:
    """All others go with what is said or called next: Gemini checks its own there, and some clients drop thoughts."""
    return opaque is not None and opaque.origin == wire.FAMILY and opaque.kind == wire.THOUGHT
