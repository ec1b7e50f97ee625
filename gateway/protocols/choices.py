"""A choice among tools that is none: no protocol could make sense of it, and each would refuse it in other words."""

from gateway.canonical import ServerTool, Tool, ToolChoice
from gateway.errors import BadRequest
from gateway.protocols.ids import full_name


def check_choice(choice: ToolChoice | None, tools: tuple[Tool, ...], at: str) -> None:
    """Raises `BadRequest` where a tool is demanded and none is offered, or another one than those that are."""
    if choice is None:
        return
    if choice.mode == "required" and not tools:
        raise BadRequest(f"'{at}' demands a tool, but the request offers none.", code="invalid_value", param=at)
    offered = {name for tool in tools for name in _names(tool)}
    unknown = next((name for name in choice.names if name not in offered), None)
    if unknown is not None:
        message = f"'{at}' names '{unknown[:64]}', which is no tool of this request."
        raise BadRequest(message, code="invalid_value", param=at)


def _names(tool: Tool) -> tuple[object, ...]:
    if isinstance(tool, ServerTool):
        return tool.kind, tool.item.get("name")
    return tool.name, full_name(tool.namespace, tool.name)
