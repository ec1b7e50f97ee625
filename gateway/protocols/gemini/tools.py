"""Tools and the choice among them, read and written."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from gateway.canonical import JSON, CustomTool, FunctionTool, Request, ServerTool, Tool, ToolChoice
from gateway.protocols.custom_tools import as_function
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.openapi import from_openapi, to_openapi
from gateway.protocols.ids import ToolNames, full_name
from gateway.protocols.schemas import GEMINI, fit, for_tool, refuse_endless
from gateway.protocols.translation import Loss, Target
from gateway.protocols.web_search import KIND, read_search, taken_over, without_search

FUNCTIONS = "functionDeclarations"
CHOICE = "functionCallingConfig"

KINDS: Mapping[str, str] = {
    "googleSearch": KIND,
    "googleSearchRetrieval": KIND,
    "enterpriseWebSearch": KIND,
    "codeExecution": "code_execution",
    "urlContext": "web_fetch",
}
"""Tools that Google runs, by the names under which every protocol knows them."""

SEARCH_UNSAID = {
    "allowed_domains": "Google's search cannot be kept to domains.",
    "blocked_domains": "Google's search cannot be kept away from domains.",
    "max_uses": "How often Google searches cannot be limited.",
    "location": "Where the user is cannot be told to Google's search.",
    "context_size": "How much of what is found is read cannot be told here.",
}
"""What cannot be said of a search, and why."""

MODES: Mapping[str, Literal["auto", "none", "required"]] = {
    "AUTO": "auto",
    "VALIDATED": "auto",
    "ANY": "required",
    "NONE": "none",
}


class Tools(Struct, frozen=True):
    """The tools of a request, and the declarations of functions as they came."""

    tools: tuple[Tool, ...] = ()
    declarations: JSON = {}


# reading


def read_tools(value: list[JSON] | JSON | None, choice: wire.FunctionCallingConfig) -> Tools:
    tools: list[Tool] = []
    declarations: JSON = {}
    strict = True if choice.mode == "VALIDATED" else None
    for at, item in enumerate(wire.objects(value)):
        for name, member in wire.camel(item).items():
            if name != FUNCTIONS:
                tools.append(_read_server(name, member, f"tools[{at}].{name}"))
                continue
            for number, declaration in enumerate(_declarations(member, f"tools[{at}].{name}")):
                place = f"tools[{at}].{name}[{number}]"
                tool, rest = _read_function(declaration, place, strict)
                if tool.name in declarations:
                    raise wire.invalid(f"{place}.name", f"declares '{tool.name}' again")
                tools.append(tool)
                declarations[tool.name] = rest
    return Tools(tuple(tools), declarations)


def _read_server(name: str, member: object, place: str) -> ServerTool:
    kind = KINDS.get(name, name)
    if kind != KIND:
        return ServerTool(kind, wire.NAME, {name: member})
    if not isinstance(member, dict):
        raise wire.invalid(place, "must be an object")
    told = {("blocked_domains" if key == "excludeDomains" else key): value for key, value in wire.camel(member).items()}
    return ServerTool(kind, wire.NAME, {name: member}, read_search(told, place))


def _declarations(value: object, place: str) -> list[object]:
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise wire.invalid(place, "must be a list of objects")
    return value


def _read_function(value: object, place: str, strict: bool | None) -> tuple[FunctionTool, JSON]:
    told = wire.read(wire.FunctionDeclaration, value, place)
    if not told.name:
        raise wire.invalid(f"{place}.name", "is empty")
    if told.parameters is not None and told.parameters_json_schema is not None:
        raise wire.invalid(f"{place}.parameters", "and 'parametersJsonSchema' are given both")
    schema = told.parameters_json_schema if told.parameters is None else from_openapi(told.parameters)
    refuse_endless(schema, f"{place}.parametersJsonSchema")
    rest = {name: item for name, item in wire.camel(_dict(value)).items() if name != "name"}
    return FunctionTool(told.name, told.description or "", schema, strict), rest


def read_choice(told: wire.FunctionCallingConfig) -> ToolChoice | None:
    mode = (told.mode or "MODE_UNSPECIFIED").upper()
    if mode == "MODE_UNSPECIFIED":
        return None
    if mode not in MODES:
        raise wire.invalid(f"toolConfig.{CHOICE}.mode", f"is none of {', '.join(MODES)}")
    return ToolChoice(MODES[mode], wire.strings(told.allowed_function_names))


# writing


def new_names(tools: tuple[Tool, ...], pattern: str) -> ToolNames:
    return ToolNames(
        pattern, [full_name(tool.namespace, tool.name) for tool in tools if not isinstance(tool, ServerTool)]
    )


class ToolWriter:
    """Writes the tools of one request."""

    def __init__(self, request: Request, target: Target, names: ToolNames, losses: list[Loss]) -> None:
        self._request = request
        self._json_schemas = target.dialect.json_schemas
        self._names = names
        self._losses = losses
        self._target = target
        self._as_sent = _dict(request.extensions.get(wire.NAME, {}).get("_declarations"))

    def tools(self) -> list[JSON]:
        """All functions in one object, where the first of them stood."""
        written: list[JSON] = []
        functions: list[JSON] = []
        for at, tool in enumerate(self._request.tools):
            if isinstance(tool, ServerTool):
                written.append(self._server(tool, at))
                continue
            if not functions:
                written.append({FUNCTIONS: functions})
            functions.append(self._function(tool, at))
        return written

    def config(self) -> JSON:
        """How to choose among the functions, and whether to tell of other tools that stand beside them."""
        if not self._mixed or not self._target.dialect.announces_mixed_tools:
            return self._choice()
        config = self._choice()
        if config.get(CHOICE) == {"mode": "AUTO"}:
            config = {CHOICE: {"mode": "VALIDATED"}}
        return config | {"includeServerSideToolInvocations": True}

    @property
    def _mixed(self) -> bool:
        """Another provider's search gave way to Google's, beside functions."""
        kinds = {getattr(tool, "origin", "") for tool in self._request.tools}
        return "" in kinds and bool(kinds - {"", wire.NAME})

    def _choice(self) -> JSON:
        tools = self._request.tools
        choice = without_search(self._request.tool_choice, tools, self._losses)
        strict = any(isinstance(tool, FunctionTool) and tool.strict for tool in tools)
        if all(isinstance(tool, ServerTool) for tool in tools):
            return {}
        if choice is None:
            return {CHOICE: {"mode": "VALIDATED"}} if strict else {}
        mode = {"auto": "AUTO", "none": "NONE", "required": "ANY"}[choice.mode]
        if choice.mode == "auto" and (strict or choice.names):
            mode = "VALIDATED"
        names = [self._names.of(self._full_name(name)) for name in choice.names if choice.mode != "none"]
        return {CHOICE: {"mode": mode} | ({"allowedFunctionNames": names} if names else {})}

    def _full_name(self, name: str) -> str:
        """The chosen tool's full name: clients may choose it by its name within a namespace."""
        for tool in self._request.tools:
            if not isinstance(tool, ServerTool) and tool.name == name:
                return full_name(tool.namespace, name)
        return name

    def _server(self, tool: ServerTool, at: int) -> JSON:
        if tool.origin == wire.NAME:
            return tool.item
        taken_over(tool, f"tools[{at}]", self._target, SEARCH_UNSAID, self._losses)
        return {"googleSearch": {}}

    def _function(self, tool: FunctionTool | CustomTool, at: int) -> JSON:
        if isinstance(tool, CustomTool):
            tool = as_function(tool)
        name = full_name(tool.namespace, tool.name)
        written: JSON = {"name": self._names.of(name)}
        if isinstance(sent := self._as_sent.get(name), dict):
            return written | sent
        if tool.description:
            written["description"] = tool.description
        return written | self._parameters(tool, at)

    def _parameters(self, tool: FunctionTool, at: int) -> JSON:
        rooted = for_tool(tool.schema)
        fitted = fit(rooted.schema, GEMINI) if self._json_schemas else to_openapi(rooted.schema)
        for place in (*rooted.removed, *fitted.removed):
            self._losses.append(Loss(f"tools[{at}].schema.{place}", "Gemini's schemas cannot say it."))
        if not fitted.schema.get("properties") and not fitted.schema.get("additionalProperties"):
            return {}
        return {"parametersJsonSchema" if self._json_schemas else "parameters": fitted.schema}


def _dict(value: object) -> JSON:
    return value if isinstance(value, dict) else {}
