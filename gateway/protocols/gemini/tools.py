"""Tools and the choice among them, read and written."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from gateway.canonical import JSON, CustomTool, FunctionTool, Request, ServerTool, Tool, ToolChoice
from gateway.errors import BadRequest
from gateway.protocols.custom_tools import as_function
from gateway.protocols.gemini import wire
from gateway.protocols.gemini.openapi import from_openapi, to_openapi
from gateway.protocols.ids import ToolNames, full_name
from gateway.protocols.schemas import GEMINI, fit, for_tool
from gateway.protocols.translation import Loss, Target

FUNCTIONS = "functionDeclarations"
CHOICE = "functionCallingConfig"

KINDS: Mapping[str, str] = {
    "googleSearch": "web_search",
    "googleSearchRetrieval": "web_search",
    "enterpriseWebSearch": "web_search",
    "codeExecution": "code_execution",
    "urlContext": "web_fetch",
}
"""Tools that Google runs, by the names under which every protocol knows them."""

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
                tools.append(ServerTool(KINDS.get(name, name), wire.NAME, {name: member}))
                continue
            for number, declaration in enumerate(_declarations(member, f"tools[{at}].{name}")):
                place = f"tools[{at}].{name}[{number}]"
                tool, rest = _read_function(declaration, place, strict)
                if tool.name in declarations:
                    raise wire.invalid(f"{place}.name", f"declares '{tool.name}' again")
                tools.append(tool)
                declarations[tool.name] = rest
    return Tools(tuple(tools), declarations)


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

    def choice(self) -> JSON:
        choice, tools = self._request.tool_choice, self._request.tools
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
        if tool.origin != wire.NAME:
            raise BadRequest(
                f"'{tool.kind}' is run by another provider; this model's upstream has no such tool.",
                code="unsupported_tool",
                param=f"tools[{at}]",
            )
        return tool.item

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
