"""Messages as turns: who said what, which result answers which call. The way back is in `writing`."""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical import JSON, Native, Part, Refusal, Text, ToolCall, ToolResult, Turn
from gateway.errors import BadRequest
from gateway.protocols.ids import mint
from gateway.protocols.openai_chat import wire
from gateway.protocols.openai_chat.content import read_content, to_json
from gateway.protocols.openai_chat.reasoning import (
    read_call_tokens,
    read_signature,
    read_thoughts,
    with_signature,
)


class Conversation:
    """What a list of messages amounts to, taken one by one."""

    def __init__(self) -> None:
        self.instructions: list[Text] = []
        self.turns: list[Turn] = []
        self.leading: list[int] = []
        """How many of the instructions each message brought."""
        self.developer = False
        """Instructions were given in the newer role."""
        self._open: dict[str, ToolCall] = {}
        """The last turn's calls that have no result yet."""
        self._opened_at = ""

    def take(self, message: wire.Message, at: str) -> None:
        _READERS[type(message)](self, message, at)

    def finish(self) -> None:
        """The conversation is over, or the other side speaks: every call must have its result."""
        if self._open:
            missing = ", ".join(f"'{call_id[:40]}'" for call_id in self._open)
            raise BadRequest(
                f"'{self._opened_at}' has calls that no message of role 'tool' answers: {missing}.",
                code="missing_tool_result",
                param=self._opened_at,
            )

    def take_system(self, message: wire.SystemMessage | wire.DeveloperMessage, at: str) -> None:
        self.finish()
        self.developer = self.developer or isinstance(message, wire.DeveloperMessage)
        parts = read_content(message.content, f"{at}.content")
        texts = [part for part in parts if isinstance(part, Text)]
        if len(texts) != len(parts):
            raise BadRequest(f"'{at}.content' may hold texts only.", param=f"{at}.content")
        if self.turns:
            self.turns.append(Turn("system", tuple(texts), message.name or ""))
        else:
            self.instructions += texts
            self.leading.append(len(texts))

    def take_user(self, message: wire.UserMessage, at: str) -> None:
        self.finish()
        parts = read_content(message.content, f"{at}.content")
        if not any(part != Text() for part in parts):
            raise BadRequest(f"'{at}.content' is empty.", code="invalid_value", param=f"{at}.content")
        self.turns.append(Turn("user", tuple(parts), message.name or ""))

    def take_assistant(self, message: wire.AssistantMessage, at: str) -> None:
        self.finish()
        calls = _read_calls(message, at)
        ids = {call.id for call in calls}
        texts = (message.reasoning_content, message.reasoning, message.reasoning_text)
        said = with_signature(read_content(message.content, f"{at}.content"), read_signature(message.extra_content))
        parts: list[Part] = [*read_thoughts(texts, message.reasoning_details, ids), *said]
        if message.refusal:
            parts.append(Refusal(message.refusal))
        if message.audio:
            parts.append(Native(wire.OWN, "audio", {"id": message.audio.id}))
        if not parts and not calls and message.content is None:
            raise BadRequest(f"'{at}.content' is missing, and there are no calls.", param=f"{at}.content")
        self._open, self._opened_at = {call.id: call for call in calls}, f"{at}.tool_calls"
        self.turns.append(Turn("assistant", (*parts, *calls), message.name or ""))

    def take_tool(self, message: wire.ToolMessage, at: str) -> None:
        call = self._open.pop(message.tool_call_id, None)
        if call is None:
            raise BadRequest(
                f"'{at}.tool_call_id' is '{message.tool_call_id[:40]}': no call before it waits for such a result.",
                code="orphan_tool_result",
                param=f"{at}.tool_call_id",
            )
        self._answer(call, message.content, at)

    def take_function(self, message: wire.FunctionMessage, at: str) -> None:
        call = next((call for call in self._open.values() if call.name == message.name), None)
        if call is None:
            raise BadRequest(
                f"'{at}.name' is '{message.name[:64]}', a function that was not called.",
                code="orphan_tool_result",
                param=f"{at}.name",
            )
        del self._open[call.id]
        self._answer(call, message.content, at)

    def _answer(self, call: ToolCall, content: wire.Content, at: str) -> None:
        parts = tuple(read_content(content, f"{at}.content"))
        result = ToolResult(call.id, parts, name=call.name, custom=call.custom)
        last = self.turns[-1]
        if last.role == "user" and isinstance(last.parts[-1], ToolResult):
            self.turns[-1] = replace(last, parts=(*last.parts, result))
        else:
            self.turns.append(Turn("user", (result,)))


class Chat(Struct, frozen=True):
    """A list of messages, read."""

    instructions: tuple[Text, ...]
    turns: tuple[Turn, ...]
    leading: tuple[int, ...]
    developer: bool


def read_messages(messages: list[wire.Message]) -> Chat:
    """Raises `BadRequest` naming the message that is wrong."""
    conversation = Conversation()
    for index, message in enumerate(messages):
        conversation.take(message, f"messages[{index}]")
    conversation.finish()
    if not conversation.turns and not any(text.text for text in conversation.instructions):
        raise BadRequest("'messages' says nothing.", code="invalid_value", param="messages")
    leading = tuple(conversation.leading)
    return Chat(tuple(conversation.instructions), tuple(conversation.turns), leading, conversation.developer)


_READERS: Mapping[type, Callable[..., None]] = {
    wire.SystemMessage: Conversation.take_system,
    wire.DeveloperMessage: Conversation.take_system,
    wire.UserMessage: Conversation.take_user,
    wire.AssistantMessage: Conversation.take_assistant,
    wire.ToolMessage: Conversation.take_tool,
    wire.FunctionMessage: Conversation.take_function,
}


def _read_calls(message: wire.AssistantMessage, at: str) -> list[ToolCall]:
    if message.function_call:
        said = message.function_call
        return [ToolCall(mint("function_call", at), said.name, _arguments(said.arguments))]
    tokens = read_call_tokens(message.reasoning_details)
    calls: dict[str, ToolCall] = {}
    for index, call in enumerate(message.tool_calls or ()):
        if call.id in calls:
            place = f"{at}.tool_calls[{index}].id"
            raise BadRequest(f"'{place}' is the id of another call, too.", code="duplicate_tool_call_id", param=place)
        token = read_signature(call.extra_content) or tokens.get(call.id)
        calls[call.id] = replace(_read_call(call, f"{at}.tool_calls[{index}]"), opaque=token)
    return list(calls.values())


def _read_call(call: wire.Call, at: str) -> ToolCall:
    if call.type == "custom" and call.custom:
        return ToolCall(call.id, call.custom.name, call.custom.input, custom=True)
    if call.type == "function" and call.function:
        return ToolCall(call.id, call.function.name, _arguments(call.function.arguments))
    at = f"{at}.{call.type}"
    raise BadRequest(f"'{at}' is missing.", code="missing_required_parameter", param=at)


def _arguments(said: str | JSON | None) -> str:
    return said if isinstance(said, str) else to_json(said or {})
