"""The contents of a request, written: two roles in turn, results beside their calls, signatures where they belong."""

from collections.abc import Iterator

from gateway.canonical import (
    JSON,
    Audio,
    Document,
    Image,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Request,
    Stored,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from gateway.errors import BadRequest
from gateway.protocols.custom_tools import wrap
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.parts import Media, write_arguments, write_call, write_media, write_result
from gateway.protocols.ids import CALL_IDS, CallIds, ToolNames, full_name
from gateway.protocols.translation import Loss, Target

SIGNATURE = "thoughtSignature"
CALL = "functionCall"
RESULT = "functionResponse"


class ContentWriter:
    """Writes the turns of one request."""

    def __init__(self, request: Request, target: Target, names: ToolNames, losses: list[Loss]) -> None:
        self._request = request
        self._target = target
        self._names = names
        self._losses = losses
        self._ids = CallIds(target.dialect.call_id_pattern or CALL_IDS[wire.NAME])
        self._called: dict[str, str] = {}
        self._leaves_thoughts = False
        own = request.extensions.get(wire.NAME)
        self._is_own = own is not None
        extras = (own or {}).get("_extras")
        self._extras = extras if isinstance(extras, dict) else {}

    def contents(self) -> list[JSON]:
        contents: list[JSON] = []
        for at, turn in enumerate(self._request.turns):
            role = "model" if turn.role == "assistant" else "user"
            parts = list(self._turn(turn, at))
            if contents and contents[-1]["role"] == role:
                _parts(contents[-1]).extend(parts)
            elif parts:
                contents.append({"role": role, "parts": parts})
        for content in contents:
            content["parts"] = _without_empty(_parts(content))
        _match_results(contents)
        if self._leaves_thoughts:
            self._losses.append(Loss("part.reasoning", "Thoughts that Gemini cannot take up again are left out."))
        if self._target.facts.thinking_style == "level":
            self._stand_in_signatures(contents)
        return contents

    def _turn(self, turn: Turn, at: int) -> Iterator[JSON]:
        if turn.role == "system":
            self._losses.append(Loss(f"turns[{at}]", "Gemini has no system turns within a conversation."))
            text = "\n".join(part.text for part in turn.parts if isinstance(part, Text))
            yield {"text": f"<system>\n{text}\n</system>"}
            return
        pending = ""
        for number, part in enumerate(turn.parts):
            if isinstance(part, Reasoning):
                pending = pending if _is_thoughts_own(part) else self._own(part.opaque) or pending
                yield from self._reasoning(part)
                continue
            for written in self._part(part, f"turns[{at}].parts[{number}]"):
                written |= self._extra(at, number)
                if pending and SIGNATURE not in written:
                    written[SIGNATURE], pending = pending, ""
                yield written
        if pending:
            yield {"text": "", SIGNATURE: pending}

    def _extra(self, turn: int, part: int) -> JSON:
        extra = self._extras.get(f"{turn}.{part}")
        return extra if isinstance(extra, dict) else {}

    def _part(self, part: Part, place: str) -> list[JSON]:
        match part:
            case Text() | Refusal():
                return [{"text": part.text} | self._signature(part.opaque if isinstance(part, Text) else None)]
            case Image() | Audio() | Video() | Document():
                return [*_titles(part), write_media(self._checked(part, place))]
            case ToolCall():
                return [self._call(part, place)]
            case ToolResult():
                return self._result(part, place)
            case Native(origin=wire.NAME):
                return [dict(part.item)]
            case _:
                self._losses.append(Loss(place, "Only the protocol it came from can say it."))
                return []

    def _reasoning(self, part: Reasoning) -> Iterator[JSON]:
        """Thoughts go back to the family that had them; those without a signature only to where they came from."""
        data = self._own(part.opaque)
        if data or (self._is_own and part.opaque is None):
            signed = {SIGNATURE: data} if _is_thoughts_own(part) else {}
            if part.text or signed:
                yield {"text": part.text, "thought": True, **signed}
        else:
            self._leaves_thoughts = True

    def _call(self, call: ToolCall, place: str) -> JSON:
        name = full_name(call.namespace, call.name)
        args = write_arguments(wrap(call.arguments) if call.custom else call.arguments)
        if args is None:
            self._losses.append(Loss(f"{place}.arguments", "They are no JSON object."))
            args = {"_raw": call.arguments}
        id_ = self._ids.of_call(call.id)
        self._called[id_] = self._names.of(name)
        return write_call(self._called[id_], id_, args) | self._signature(call.opaque)

    def _result(self, result: ToolResult, place: str) -> list[JSON]:
        id_ = self._ids.of_result(result.call_id)
        if id_ not in self._called:
            raise BadRequest(f"'{result.call_id}' is the result of no tool call.", param=place)
        response: JSON = {"id": id_, "name": self._called[id_], "response": write_result(result)}
        media = [
            write_media(self._checked(part, place))
            for part in result.parts
            if isinstance(part, Image | Audio | Video | Document)
        ]
        if media and self._target.facts.thinking_style != "budget":
            return [{RESULT: response | {"parts": media}}]
        return [{RESULT: response}, *media]

    def _checked(self, part: Media, place: str) -> Media:
        match part.source:
            case Stored(origin=origin) if origin != wire.NAME:
                raise BadRequest(f"'{place}' lies in another provider's file store.", param=place)
            case Remote() if not self._target.dialect.image_urls:
                raise BadRequest(
                    f"'{place}' is an address, and this upstream takes only the media itself.", param=place
                )
        return part

    def _own(self, opaque: Opaque | None) -> str:
        return (
            opaque.data if opaque and opaque.origin in (wire.FAMILY, self._target.facts.family or wire.FAMILY) else ""
        )

    def _signature(self, opaque: Opaque | None) -> JSON:
        data = self._own(opaque)
        return {SIGNATURE: data} if data else {}

    def _stand_in_signatures(self, contents: list[JSON]) -> None:
        """Since the user last spoke, the first call of each step must have a signature."""
        spoken = [at for at, content in enumerate(contents) if content["role"] == "user" and not _has_results(content)]
        for content in contents[spoken[-1] if spoken else 0 :]:
            call = next((part for part in _parts(content) if CALL in part), None)
            if call is not None and SIGNATURE not in call:
                call[SIGNATURE] = wire.NO_SIGNATURE
                self._losses.append(Loss("part.reasoning", "The thought signature of a call did not come back."))


def _is_thoughts_own(part: Reasoning) -> bool:
    return part.opaque is not None and part.opaque.kind == wire.THOUGHT


def _titles(part: Media) -> list[JSON]:
    if not isinstance(part, Document):
        return []
    told = [line for line in (part.title, part.context) if line]
    return [{"text": "\n".join(told)}] if told else []


def _without_empty(parts: list[JSON]) -> list[JSON]:
    """Without texts that say nothing, unless there is nothing else."""
    return [part for part in parts if part != {"text": ""}] or parts[:1]


def _match_results(contents: list[JSON]) -> None:
    """After calls their results, each once and in the order of the calls, before all else of the turn."""
    calls: list[object] = []
    for at, content in enumerate(contents):
        parts = _parts(content)
        if content["role"] == "model":
            calls = _ids(parts, CALL)
            if calls and at + 1 == len(contents):
                return
            continue
        results = {_id(part, RESULT): part for part in parts if RESULT in part}
        if missing := next((id_ for id_ in calls if id_ not in results), None):
            raise BadRequest(f"The tool call '{missing}' has no result in the turn after it.", param="turns")
        if len(_ids(parts, RESULT)) != len(calls):
            raise BadRequest("There are more tool results than calls in the turn before them.", param="turns")
        content["parts"] = [*(results[id_] for id_ in calls), *(part for part in parts if RESULT not in part)]
        calls = []


def _has_results(content: JSON) -> bool:
    return any(RESULT in part for part in _parts(content))


def _ids(parts: list[JSON], kind: str) -> list[object]:
    return [_id(part, kind) for part in parts if kind in part]


def _id(part: JSON, kind: str) -> object:
    inner = part[kind]
    return inner["id"] if isinstance(inner, dict) else None


def _parts(content: JSON) -> list[JSON]:
    parts = content["parts"]
    return parts if isinstance(parts, list) else []
