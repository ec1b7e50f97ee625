"""Tools and the choice among them, read from Chat's words and written in them."""

from collections.abc import Mapping

from gateway.canonical import JSON, Cache, CustomTool, FunctionTool, ServerTool, Tool, ToolChoice
from gateway.errors import BadRequest
from gateway.protocols.custom_tools import as_function
from gateway.protocols.ids import TOOL_NAMES, ToolNames, full_name
from gateway.protocols.openai_chat import wire
from gateway.protocols.openai_chat.content import cache_mark
from gateway.protocols.reading import dicts
from gateway.protocols.schemas import for_tool, refuse_endless, strict_problem
from gateway.protocols.translation import Loss, Target
from gateway.protocols.web_search import KIND, read_search, taken_over, without_search, write_place

OPTIONS = "web_search_options"
"""The member that asks OpenAI's models to search."""

OPENROUTER = "openrouter:web_search"
"""OpenRouter's search, which has all options."""

DOMAINS = "This upstream's search has no such option."
SEARCH_UNSAID: Mapping[str, Mapping[str, str]] = {
    OPTIONS: dict.fromkeys(("allowed_domains", "blocked_domains", "max_uses"), DOMAINS),
    "openrouter": {},
    "enable_search": dict.fromkeys(
        ("allowed_domains", "blocked_domains", "max_uses", "location", "context_size"), DOMAINS
    ),
}
"""What cannot be said of a search, by how it is asked for, and why."""

# reading


def read_tools(body: wire.Body, raw: object) -> tuple[Tool, ...]:
    """The tools; `raw` is the same list as it came, for tools that are not the client's own."""
    items = dicts(raw)
    tools = [_read_tool(tool, items[index], f"tools[{index}]") for index, tool in enumerate(body.tools or ())]
    tools += [_read_function(function, None) for function in body.functions or ()]
    if body.web_search_options is not None:
        tools.append(_read_search(body.web_search_options))
    named: dict[str, Tool] = {}
    for index, tool in enumerate(tools):
        name = f"tools[{index}]" if isinstance(tool, ServerTool) else tool.name
        if named.setdefault(name, tool) != tool:
            message = f"'tools[{index}]' is another tool of the name '{name[:64]}'."
            raise BadRequest(message, code="duplicate_tool", param=f"tools[{index}]")
    return tuple(named.values())


def _read_tool(tool: wire.ToolDeclared, item: JSON, at: str) -> Tool:
    if tool.type == "function" and tool.function:
        refuse_endless(tool.function.parameters, f"{at}.function.parameters")
        return _read_function(tool.function, wire.cache_of(tool))
    if tool.type == "custom" and tool.custom:
        custom = tool.custom
        return CustomTool(custom.name, custom.description or "", _read_format(custom.format))
    if tool.type in ("function", "custom"):
        at = f"{at}.{tool.type}"
        raise BadRequest(f"'{at}' is missing.", code="missing_required_parameter", param=at)
    if tool.type != OPENROUTER:
        return ServerTool(tool.type, wire.OWN, item)
    told = {_RENAMED.get(name, name): value for name, value in _dict(item.get("parameters")).items()}
    return ServerTool(KIND, wire.OWN, item, read_search(told, f"{at}.parameters"))


_RENAMED = {"excluded_domains": "blocked_domains"}


def _read_search(options: JSON) -> ServerTool:
    place = options.get("user_location")
    near = {"user_location": _dict(place).get("approximate")} if place is not None else {}
    return ServerTool(KIND, wire.OWN, {OPTIONS: options}, read_search(options | near, OPTIONS))


def _dict(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _read_function(said: wire.FunctionDeclared, cache: Cache | None) -> FunctionTool:
    return FunctionTool(said.name, said.description or "", said.parameters, said.strict, cache=cache)


def _read_format(said: JSON | None) -> JSON | None:
    """A format with its grammar beside its type, as Responses has it."""
    grammar = said.get("grammar") if said else None
    return {"type": "grammar", **grammar} if isinstance(grammar, dict) else said


def read_choice(body: wire.Body) -> ToolChoice | None:
    said = body.function_call if body.tool_choice is None else body.tool_choice
    match said:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(said)
        case "any":
            return ToolChoice("required")
        case wire.Named(name):
            return ToolChoice("required", (name,))
        case wire.ChosenTool():
            return _read_chosen(said)
    raise BadRequest("'tool_choice' must be none, auto, required or name tools.", param="tool_choice")


def _read_chosen(said: wire.ChosenTool) -> ToolChoice:
    if allowed := said.allowed_tools:
        names = tuple(named.name for tool in allowed.tools if (named := tool.function or tool.custom))
        if not names:
            raise BadRequest(
                "'tool_choice.allowed_tools.tools' names no tool.", param="tool_choice.allowed_tools.tools"
            )
        return ToolChoice(allowed.mode, names)
    named = said.function or said.custom
    if named is None:
        raise BadRequest("'tool_choice' must name a tool.", param="tool_choice")
    return ToolChoice("required", (named.name,))


# writing


class ToolWriter:
    """Writes one request's tools for one upstream; `own` is whether a Chat client declared them."""

    def __init__(self, tools: tuple[Tool, ...], target: Target, own: bool) -> None:
        self.losses: list[Loss] = []
        self.names = ToolNames(
            TOOL_NAMES[wire.OWN], [_full(tool) for tool in tools if not isinstance(tool, ServerTool)]
        )
        self._target = target
        self._dialect = target.dialect
        self._own = own

    def tools(self, tools: tuple[Tool, ...]) -> JSON:
        """The list of tools, and members of the request that ask for more."""
        written = [self._tool(tool, index) for index, tool in enumerate(tools)]
        listed = [item for item in written if "type" in item]
        members = {name: value for item in written if "type" not in item for name, value in item.items()}
        return ({"tools": listed} if listed else {}) | members

    def choice(self, asked: ToolChoice, tools: tuple[Tool, ...]) -> tuple[object, tuple[Tool, ...]]:
        """The choice, and the tools to send with it: all, or where the upstream cannot be told, only those chosen."""
        choice = without_search(asked, tools, self.losses)
        if choice is None:
            return None, tools
        mode = self._dialect.required_choice if choice.mode == "required" else choice.mode
        if not choice.names or choice.mode == "none":
            return mode, tools
        chosen = tuple(tool for tool in tools if _is_named(tool, choice))
        if not chosen:
            raise BadRequest(f"'{choice.names[0][:64]}' is no tool of this request.", param="tool_choice")
        if len(choice.names) == 1 and choice.mode == "required":
            return self._named(chosen[0]), tools
        if self._dialect.custom_tools:
            allowed = {"mode": choice.mode, "tools": [self._named(tool) for tool in chosen]}
            return {"type": "allowed_tools", "allowed_tools": allowed}, tools
        return mode, chosen

    def _named(self, tool: Tool) -> JSON:
        kind = "custom" if isinstance(tool, CustomTool) and self._dialect.custom_tools else "function"
        return {"type": kind, kind: {"name": self.names.of(_full(tool))}}

    def _tool(self, tool: Tool, index: int) -> JSON:
        match tool:
            case FunctionTool():
                return self._function(tool, index)
            case CustomTool() if self._dialect.custom_tools:
                custom: JSON = {"name": self.names.of(_full(tool))}
                custom |= {"description": tool.description} if tool.description else {}
                custom |= {"format": _write_format(tool.format)} if tool.format else {}
                return {"type": "custom", "custom": custom}
            case CustomTool():
                return self._function(as_function(tool), index)
            case ServerTool(origin=wire.OWN, item=item):
                return item
            case ServerTool():
                return self._search(tool, f"tools[{index}]")

    def _search(self, tool: ServerTool, at: str) -> JSON:
        way = self._dialect.web_search
        search = taken_over(tool, at, self._target, SEARCH_UNSAID.get(way, {}), self.losses)
        if way == "enable_search":
            return {way: True}
        options: JSON = {"search_context_size": search.context_size} if search.context_size else {}
        place = write_place(search.location) if search.location else None
        if way == OPTIONS:
            near = {} if place is None else {"user_location": {"type": "approximate", "approximate": place}}
            return {OPTIONS: options | near}
        wanted: JSON = {
            **options,
            "allowed_domains": list(search.allowed_domains),
            "excluded_domains": list(search.blocked_domains),
            "max_uses": search.max_uses,
            "user_location": None if place is None else {"type": "approximate", **place},
        }
        return {"type": OPENROUTER, "parameters": {name: value for name, value in wanted.items() if value}}

    def _function(self, tool: FunctionTool, index: int) -> JSON:
        function: JSON = {"name": self.names.of(_full(tool))}
        function |= {"description": tool.description} if tool.description else {}
        schema = tool.schema
        if not self._own:
            fitted = for_tool(schema)
            schema = fitted.schema
            if fitted.removed:
                self.losses.append(Loss(f"tools[{index}].schema", f"Left out: {', '.join(fitted.removed[:5])}."))
        function |= {"parameters": schema} if schema is not None else {}
        if tool.strict is not None and self._dialect.strict_tools:
            function["strict"] = tool.strict and (self._own or not strict_problem(schema or {}))
        mark = cache_mark(tool.cache) if tool.cache and self._dialect.cache_marks else {}
        return {"type": "function", "function": function, **mark}


def _full(tool: Tool) -> str:
    return "" if isinstance(tool, ServerTool) else full_name(tool.namespace, tool.name)


def _is_named(tool: Tool, choice: ToolChoice) -> bool:
    return not isinstance(tool, ServerTool) and (tool.name in choice.names or _full(tool) in choice.names)


def _write_format(said: JSON) -> JSON:
    if said.get("type") != "grammar":
        return said
    return {"type": "grammar", "grammar": {name: value for name, value in said.items() if name != "type"}}
