"""Tools and the choice among them, read and written. Tools here are flat, and may be grouped in namespaces."""

from typing import Literal

from msgspec import Struct

from gateway.canonical import JSON, CustomTool, FunctionTool, Request, ServerTool, Tool, ToolChoice, WebSearch
from gateway.errors import BadRequest
from gateway.protocols.ids import ToolNames
from gateway.protocols.openai_responses import wire
from gateway.protocols.schemas import for_tool, refuse_endless, strict_problem
from gateway.protocols.translation import Loss, Target
from gateway.protocols.web_search import KIND as WEB_SEARCH
from gateway.protocols.web_search import read_search, taken_over, write_place

KINDS = {"code_interpreter": "code_execution"}
"""Tools that the provider runs, by the name that every protocol knows them under."""

SEARCH_UNSAID = {"blocked_domains": "OpenAI's search can be kept to domains, and not away from any."}
"""What cannot be said of a search, and why."""

MODES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",
}


class Tools(Struct, frozen=True):
    """The tools of a request, and what of them nothing canonical stands for."""

    tools: tuple[Tool, ...] = ()
    rests: dict[str, JSON] = {}
    """By the tool's number."""
    namespaces: JSON = {}
    """Descriptions by name."""
    brought: int = 0
    """How many, the last ones, did not stand in the request's own list."""


# reading


def read_tools(value: object, at: str = "tools") -> Tools:
    tools: list[Tool] = []
    rests: dict[str, JSON] = {}
    namespaces: JSON = {}
    for index, item in enumerate(wire.read_list(value, at)):
        place = f"{at}[{index}]"
        inner, namespace = [item], ""
        if item.get("type") == "namespace":
            namespace = wire.read_text(item, "name", place)
            namespaces[namespace] = wire.read_optional(item, "description", place)
            inner = wire.read_list(item.get("tools"), f"{place}.tools")
        for tool in inner:
            read, rest = _read_tool(tool, namespace, place)
            if rest:
                rests[str(len(tools))] = rest
            tools.append(read)
    _refuse_repeated(tools, at)
    return Tools(tuple(tools), rests, namespaces)


def join_tools(lists: list[Tools]) -> Tools:
    """The tools of a request's own list and of further ones; one that comes again takes the earlier one's place."""
    tools: list[Tool] = []
    rests: dict[str, JSON] = {}
    namespaces: JSON = {}
    places: dict[object, int] = {}
    for one in lists:
        namespaces |= one.namespaces
        for number, tool in enumerate(one.tools):
            key = len(tools) if isinstance(tool, ServerTool) else (tool.namespace, tool.name)
            place = places.setdefault(key, len(tools))
            tools[place : place + 1] = [tool]
            rests[str(place)] = one.rests.get(str(number), {})
    told = {place: rest for place, rest in rests.items() if rest}
    return Tools(tuple(tools), told, namespaces, len(tools) - len(lists[0].tools))


def _refuse_repeated(tools: list[Tool], at: str) -> None:
    named = [(tool.namespace, tool.name) for tool in tools if not isinstance(tool, ServerTool)]
    if len(set(named)) < len(named):
        name = next(name for name in named if named.count(name) > 1)[1]
        raise BadRequest(f"'{at}' has '{name[:64]}' more than once.", code="duplicate_tool", param=at)


def _read_tool(item: JSON, namespace: str, at: str) -> tuple[Tool, JSON]:
    kind = wire.read_text(item, "type", at)
    if kind == "function":
        # some send it as Chat has it
        nested = item.get("function")
        return _read_function(nested if isinstance(nested, dict) else item, namespace, at)
    if kind == "custom":
        return _read_custom(item, namespace, at)
    if kind.startswith(WEB_SEARCH):
        return ServerTool(WEB_SEARCH, wire.NAME, item, _read_search(item, at)), {}
    return ServerTool(KINDS.get(kind, kind), wire.NAME, item), {}


def _read_search(item: JSON, at: str) -> WebSearch:
    filters = wire.read_object(item.get("filters") or {}, f"{at}.filters")
    return read_search({name: value for name, value in item.items() if name != "filters"} | filters, at)


def _read_function(item: JSON, namespace: str, at: str) -> tuple[Tool, JSON]:
    parameters, strict = item.get("parameters"), item.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise wire.wrong(f"{at}.strict", "true or false")
    tool = FunctionTool(
        name=_read_name(item, at),
        description=wire.read_optional(item, "description", at),
        schema=None if parameters is None else read_schema(parameters, f"{at}.parameters"),
        strict=strict,
        namespace=namespace,
    )
    return tool, wire.rest_of(item, "type", "name", "description", "parameters", "strict")


def read_schema(value: object, at: str) -> JSON:
    schema = wire.read_object(value, at)
    refuse_endless(schema, at)
    return schema


def _read_custom(item: JSON, namespace: str, at: str) -> tuple[Tool, JSON]:
    form = item.get("format")
    tool = CustomTool(
        name=_read_name(item, at),
        description=wire.read_optional(item, "description", at),
        format=None if form is None else wire.read_object(form, f"{at}.format"),
        namespace=namespace,
    )
    return tool, wire.rest_of(item, "type", "name", "description", "format")


def _read_name(item: JSON, at: str) -> str:
    name = wire.read_text(item, "name", at)
    if not name:
        raise BadRequest(f"'{at}.name' is empty.", code="invalid_value", param=f"{at}.name")
    return name


def read_choice(value: object, at: str = "tool_choice") -> ToolChoice:
    if isinstance(value, str):
        return ToolChoice(_read_mode(value, at))
    choice = wire.read_object(value, at)
    if choice.get("type") == "allowed_tools":
        allowed = wire.read_list(choice.get("tools"), f"{at}.tools")
        names = tuple(_read_chosen(tool, f"{at}.tools[{index}]") for index, tool in enumerate(allowed))
        return ToolChoice(_read_mode(wire.read_text(choice, "mode", at), f"{at}.mode"), names)
    return ToolChoice("required", (_read_chosen(choice, at),))


def _read_mode(value: str, at: str) -> Literal["auto", "none", "required"]:
    if value not in MODES:
        raise BadRequest(f"'{at}' is '{value}', which is no choice.", code="invalid_value", param=at)
    return MODES[value]


def _read_chosen(item: JSON, at: str) -> str:
    kind = wire.read_text(item, "type", at)
    if kind in ("function", "custom"):
        nested = item.get(kind)
        return _read_name(nested if isinstance(nested, dict) else item, at)
    return WEB_SEARCH if kind.startswith(WEB_SEARCH) else KINDS.get(kind, kind)


def is_plain(value: object) -> bool:
    """Whether a choice says nothing that `ToolChoice` cannot say."""
    if not isinstance(value, dict):
        return True
    named = value.get("tools") if value.get("type") == "allowed_tools" else [value]
    return isinstance(named, list) and all(
        isinstance(one, dict) and one.get("type") in ("function", "custom") and set(one) <= {"type", "name"}
        for one in named
    )


# writing


class ToolWriter:
    """Writes the tools of one request; `extension` is None where a client of another protocol sent it."""

    def __init__(self, names: ToolNames, extension: JSON | None, losses: wire.Losses, target: Target) -> None:
        self.most_searches: int | None = None
        """How often the provider's own tools may be used at all."""
        self._names = names
        self._target = target
        self._kept = None if extension is None else wire.as_sent(extension)
        self._rests = wire.member(extension or {}, "tools")
        self._losses = losses

    def tools(self, tools: tuple[Tool, ...]) -> list[JSON]:
        written: list[JSON] = []
        for number, tool in enumerate(tools):
            item = self._tool(tool, number) | wire.member(self._rests, str(number))
            namespace = "" if isinstance(tool, ServerTool) else tool.namespace
            if namespace:
                self._group(written, namespace).append(item)
            else:
                written.append(item)
        return written

    def choice(self, choice: ToolChoice, tools: tuple[Tool, ...], required: str = "required") -> object:
        if self._kept and "tool_choice" in self._kept:
            return self._kept["tool_choice"]
        if not choice.names or choice.mode == "none":
            return required if choice.mode == "required" else choice.mode
        chosen = [self._chosen(name, tools) for name in choice.names]
        if choice.mode == "required" and len(chosen) == 1:
            return chosen[0]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": chosen}

    def _tool(self, tool: Tool, number: int) -> JSON:
        match tool:
            case FunctionTool():
                return self._function(tool, f"tools[{number}]")
            case CustomTool():
                described: JSON = {"description": tool.description} if tool.description else {}
                form: JSON = {"format": tool.format} if tool.format is not None else {}
                return {"type": "custom", "name": self._names.of(tool.name), **described, **form}
            case ServerTool(origin=wire.NAME):
                return tool.item
            case ServerTool():
                return self._search(tool, f"tools[{number}]")

    def _search(self, tool: ServerTool, at: str) -> JSON:
        losses: list[Loss] = []
        search = taken_over(tool, at, self._target, SEARCH_UNSAID, losses)
        for loss in losses:
            self._losses.note(loss.field, loss.why)
        self.most_searches = search.max_uses
        written: JSON = {"type": WEB_SEARCH}
        if search.allowed_domains:
            written["filters"] = {"allowed_domains": list(search.allowed_domains)}
        if search.location is not None:
            written["user_location"] = {"type": "approximate", **write_place(search.location)}
        return written | ({"search_context_size": search.context_size} if search.context_size else {})

    def _function(self, tool: FunctionTool, at: str) -> JSON:
        item: JSON = {"type": "function", "name": self._names.of(tool.name)}
        if tool.description:
            item["description"] = tool.description
        if self._kept is not None:
            # left out it does not mean false, so only a client that knows this protocol may leave it out
            return item | {"parameters": tool.schema} | ({} if tool.strict is None else {"strict": tool.strict})
        fitted = for_tool(tool.schema)
        for place in fitted.removed:
            self._losses.note(f"{at}.schema.{place}", "OpenAI takes no such schema.")
        strict = tool.strict is True and self._target.dialect.strict_tools and not strict_problem(fitted.schema)
        return item | {"parameters": fitted.schema, "strict": strict}

    def _group(self, written: list[JSON], namespace: str) -> list[JSON]:
        """The tools of the namespace that is being written, or of a new one."""
        last = written[-1] if written else {}
        tools = last.get("tools") if (last.get("type"), last.get("name")) == ("namespace", namespace) else None
        if isinstance(tools, list):
            return tools
        described = wire.member(self._kept or {}, "namespaces").get(namespace, "")
        group: list[JSON] = []
        written.append({"type": "namespace", "name": namespace, "description": described, "tools": group})
        return group

    def _chosen(self, name: str, tools: tuple[Tool, ...]) -> JSON:
        for tool in tools:
            match tool:
                case CustomTool() if tool.name == name:
                    return {"type": "custom", "name": self._names.of(name)}
                case ServerTool(origin=origin, kind=kind) if kind == name:
                    return {"type": tool.item.get("type") if origin == wire.NAME else WEB_SEARCH}
        return {"type": "function", "name": self._names.of(name)}


def new_names(tools: tuple[Tool, ...], pattern: str) -> ToolNames:
    """The names as they are written here, each within its namespace."""
    return ToolNames(pattern, [tool.name for tool in tools if not isinstance(tool, ServerTool)])


def listed(request: Request) -> tuple[Tool, ...]:
    """The tools that stood in the request's own list."""
    brought = wire.as_sent(wire.own_extension(request)).get("brought")
    return request.tools[:-brought] if isinstance(brought, int) else request.tools


def show_tools(request: Request) -> list[JSON]:
    """The tools as an answer repeats them, without those that items brought."""
    ours = tuple(tool for tool in listed(request) if not (isinstance(tool, ServerTool) and tool.origin != wire.NAME))
    return _shown(request).tools(ours)


def show_choice(request: Request) -> object:
    return "auto" if request.tool_choice is None else _shown(request).choice(request.tool_choice, request.tools)


def _shown(request: Request) -> ToolWriter:
    return ToolWriter(ToolNames(r"[\s\S]*", ()), wire.own_extension(request), wire.Losses(), Target(""))
