"""Gives the calls in an answer the names, namespaces and kinds that the client gave its tools."""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.canonical import CustomTool, Event, PartDelta, PartEnded, PartStarted, Request, Response, ToolCall
from gateway.protocols.custom_tools import unwrap
from gateway.protocols.ids import full_name, split_name


class ClientCalls:
    """Follows one answer. A free-text tool's call that came as a function's is held until its text is whole."""

    def __init__(self, request: Request, names: Mapping[str, str]) -> None:
        """`names`: what the target calls a tool to what the client calls it, where they differ."""
        self._tools = request.tools
        self._names = names
        self._custom = {full_name(tool.namespace, tool.name) for tool in request.tools if isinstance(tool, CustomTool)}
        self._held: dict[int, str] = {}

    def response(self, response: Response) -> Response:
        """A whole answer."""
        parts = tuple(self._whole(part) if isinstance(part, ToolCall) else part for part in response.parts)
        return replace(response, parts=parts)

    def event(self, event: Event) -> list[Event]:
        """An event of a stream; none while text is held, two when it is let go."""
        match event:
            case PartStarted(index, ToolCall() as call):
                return [PartStarted(index, self._started(index, call))]
            case PartDelta(index, text) if index in self._held:
                self._held[index] += text
                return []
            case PartEnded(index) if index in self._held:
                return [PartDelta(index, unwrap(self._held.pop(index))), event]
            case _:
                return [event]

    def _whole(self, call: ToolCall) -> ToolCall:
        named = self._named(call)
        wrapped = named.custom and not call.custom
        return replace(named, arguments=unwrap(call.arguments)) if wrapped else named

    def _started(self, index: int, call: ToolCall) -> ToolCall:
        named = self._named(call)
        if not named.custom or call.custom:
            return named
        self._held[index] = call.arguments
        return replace(named, arguments="")

    def _named(self, call: ToolCall) -> ToolCall:
        known_as = self._names.get(call.name, call.name)
        namespace, name = split_name(known_as, self._tools)
        return replace(
            call, name=name, namespace=namespace or call.namespace, custom=call.custom or known_as in self._custom
        )
