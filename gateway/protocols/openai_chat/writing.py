"""Turns as messages for one upstream: each call's result right after it, in the order of the calls."""

import re
from collections.abc import Sequence

from gateway.canonical import JSON, Native, Part, Reasoning, Refusal, Request, Text, ToolCall, ToolResult, Turn
from gateway.errors import BadRequest
from gateway.protocols.custom_tools import wrap
from gateway.protocols.ids import CALL_IDS, CallIds, ToolNames, full_name
from gateway.protocols.openai_chat import wire
from gateway.protocols.openai_chat.content import BREAK, PartWriter, join, to_json
from gateway.protocols.openai_chat.reasoning import echo, write_signature
from gateway.protocols.translation import Loss, Target

ELSEWHERE = "The content of this result is in the next message."
FAILED = "ERROR: "

_NAME = re.compile(r"[^\s<|\\/>]{1,64}")


class MessageWriter:
    """Writes one request's messages; asked once."""

    def __init__(self, request: Request, target: Target, names: ToolNames) -> None:
        self.losses: list[Loss] = []
        self._target = target
        self._dialect = target.dialect
        self._own = wire.OWN in request.extensions
        self._developer = bool(request.extensions.get(wire.OWN, {}).get("_developer"))
        self._parts = PartWriter(target.dialect, self._own)
        self._names = names
        self._ids = CallIds(target.dialect.call_id_pattern or CALL_IDS[wire.OWN])
        self._messages: list[JSON] = []
        self._open: dict[str, str] = {}
        """Calls of the last assistant turn, by the client's ids, and the ids they were written with."""
        self._results: dict[str, JSON] = {}
        self._media: dict[str, list[JSON]] = {}
        """What the results could not hold, by the ids of their calls."""
        self._later: list[JSON] = []

    def write(self, request: Request, hint: str) -> list[JSON]:
        """All messages; the hint goes to the instructions. Raises `BadRequest` for what cannot be sent."""
        for texts in _apart(request):
            self._messages += self._system(texts)
        self._messages += self._system((Text(hint),))
        for index, turn in enumerate(request.turns):
            self._turn(turn, f"turns[{index}]")
        self._settle()
        return self._messages

    def _turn(self, turn: Turn, at: str) -> None:
        name: JSON = {"name": turn.name} if _NAME.fullmatch(turn.name) and "name" not in self._dialect.drops else {}
        match turn.role:
            case "system":
                self._later += [message | name for message in self._system(self._texts(turn.parts, at))]
            case "user":
                self._user(turn, at, name)
            case "assistant":
                self._settle()
                self._messages += [message | name for message in self._assistant(turn, at)]

    def _settle(self) -> None:
        """Results in the order of their calls, then what does not fit into them, then what was said since."""
        missing = [given for given in self._open if given not in self._results]
        if missing:
            message = f"The tool call '{missing[0][:64]}' has no result."
            raise BadRequest(message, code="missing_tool_result", param="messages")
        self._messages += [self._results[given] for given in self._open]
        if self._media:
            self._messages.append({"role": "user", "content": _labelled(self._media)})
        self._messages += self._later
        self._open, self._results, self._media, self._later = {}, {}, {}, []

    # what each side says

    def _system(self, texts: tuple[Text, ...]) -> list[JSON]:
        texts = tuple(text for text in texts if text.text)
        if not texts:
            return []
        apart = self._parts.marks(texts) or (self._own and len(texts) > 1)
        role = "developer" if self._developer and self._dialect.system_role == "developer" else "system"
        return [{"role": role, "content": self._parts.many([*texts], "system") if apart else join(texts, BREAK)}]

    def _texts(self, parts: Sequence[Part], at: str) -> tuple[Text, ...]:
        for part in parts:
            if not isinstance(part, Text):
                self._lose(at, "Instructions hold texts only.")
        return tuple(part for part in parts if isinstance(part, Text))

    def _user(self, turn: Turn, at: str, name: JSON) -> None:
        said: list[Part] = []
        for index, part in enumerate(turn.parts):
            place = f"{at}.parts[{index}]"
            if isinstance(part, ToolResult):
                self._result(part, place)
            elif isinstance(part, Native | Reasoning | ToolCall):
                self._lose(place, "OpenAI Chat cannot say it.")
            else:
                said.append(part)
        content = self._parts.many(said, at)
        if content:
            self._later.append({"role": "user", "content": _plain(content), **name})

    def _assistant(self, turn: Turn, at: str) -> list[JSON]:
        calls = [part for part in turn.parts if isinstance(part, ToolCall)]
        message: JSON = {"role": "assistant", "content": self._said(turn.parts)}
        message |= self._beside(turn.parts, at) | echo(turn.parts, self._target, self._own)
        if calls:
            message["tool_calls"] = [self._call(call) for call in calls]
        elif message["content"] is None and "audio" not in message:
            return []
        if message["content"] is None and calls and not self._dialect.null_content:
            message["content"] = ""
        return [message]

    def _said(self, parts: tuple[Part, ...]) -> str | list[JSON] | None:
        said = [part for part in parts if isinstance(part, Text | Refusal) and part.text]
        if self._dialect.system_role == "developer" and any(isinstance(part, Refusal) for part in said):
            return [_as_said(part) for part in said]
        if self._own and len(said) > 1:
            return self._parts.many([*said], "assistant")
        return join(tuple(said), "") or None

    def _beside(self, parts: tuple[Part, ...], at: str) -> JSON:
        """What a message has beside its text."""
        beside: JSON = {}
        for index, part in enumerate(parts):
            match part:
                case Native(origin=wire.OWN, kind="audio", item=item):
                    beside["audio"] = item
                case Text():
                    beside |= self._signature_of(part)
                case Reasoning() | Refusal() | ToolCall():
                    pass
                case _:
                    self._lose(f"{at}.parts[{index}]", "OpenAI Chat cannot say it in a message of the model.")
        return beside

    # calls and results

    def _call(self, call: ToolCall) -> JSON:
        written = self._ids.of_call(call.id)
        self._open[call.id] = written
        name = self._names.of(full_name(call.namespace, call.name))
        signature = self._signature_of(call)
        if call.custom and self._dialect.custom_tools:
            return {"id": written, "type": "custom", "custom": {"name": name, "input": call.arguments}, **signature}
        arguments = wrap(call.arguments) if call.custom else call.arguments or "{}"
        return {"id": written, "type": "function", "function": {"name": name, "arguments": arguments}, **signature}

    def _signature_of(self, part: Text | ToolCall) -> JSON:
        if "google" not in (self._target.facts.family, self._dialect.name.partition("-")[0]):
            return {}
        return write_signature(part.opaque)

    def _result(self, result: ToolResult, at: str) -> None:
        if result.call_id not in self._open or result.call_id in self._results:
            message = f"The tool result for '{result.call_id[:64]}' has no call before it."
            raise BadRequest(message, code="orphan_tool_result", param=at)
        self._results[result.call_id] = {
            "role": "tool",
            "tool_call_id": self._open[result.call_id],
            "content": self._result_content(result, at),
        }

    def _result_content(self, result: ToolResult, at: str) -> str | list[JSON]:
        """A text, with images beside it where the upstream takes them; other media follow in a message of the user."""
        if not result.parts and result.structured is not None:
            return to_json(result.structured)
        texts: list[Part] = [part for part in result.parts if isinstance(part, Text)]
        images, rest = self._result_media(result, at)
        if rest:
            self._media[self._open[result.call_id]] = rest
        said = (FAILED if result.is_error else "") + join(tuple(texts), BREAK)
        if images:
            return [*self._parts.many([Text(said)], at), *images]
        if self._own and len(texts) > 1:
            return self._parts.many(texts, at)
        return said or (ELSEWHERE if rest else "")

    def _result_media(self, result: ToolResult, at: str) -> tuple[list[JSON], list[JSON]]:
        """Those that can stand in the result, and those that cannot."""
        media = self._parts.many([part for part in result.parts if not isinstance(part, Text)], at)
        images = [part for part in media if self._dialect.result_images and part["type"] == "image_url"]
        return images, [part for part in media if part not in images]

    def _lose(self, field: str, why: str) -> None:
        self.losses.append(Loss(field, why))


def _labelled(media: dict[str, list[JSON]]) -> list[JSON]:
    """The media of results, each with its call's id where there are several."""
    labelled: list[JSON] = []
    for call_id, parts in media.items():
        if len(media) > 1:
            labelled.append({"type": "text", "text": f"Content of the result of call {call_id}:"})
        labelled += parts
    return labelled


def _apart(request: Request) -> list[tuple[Text, ...]]:
    """The instructions, in as many messages as a Chat client used."""
    counts = request.extensions.get(wire.OWN, {}).get("_leading")
    texts = list(request.instructions)
    if not isinstance(counts, list) or sum(counts) != len(texts):
        return [request.instructions]
    return [tuple(texts.pop(0) for _ in range(count)) for count in counts]


def _as_said(part: Text | Refusal) -> JSON:
    """A part of a message that refuses, as only OpenAI's own models do."""
    kind = "text" if isinstance(part, Text) else "refusal"
    return {"type": kind, kind: part.text}


def _plain(content: list[JSON]) -> object:
    """A single text without marks as a string, which every upstream takes."""
    only = content[0]
    return only["text"] if len(content) == 1 and only.keys() == {"type", "text"} else content
