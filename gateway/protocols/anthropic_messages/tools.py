"""Tools and the choice among them, to and from the wire."""

from collections.abc import Iterator, Sequence

from gateway.canonical import JSON, CustomTool, FunctionTool, ServerTool, Tool, ToolChoice
from gateway.protocols import custom_tools, schemas
from gateway.protocols.anthropic_messages.client_tools import client_tool
from gateway.protocols.anthropic_messages.draft import Draft
from gateway.protocols.anthropic_messages.wire import OWN, ToolChoiceIn, ToolIn, to_cache
from gateway.protocols.ids import full_name
from gateway.protocols.reading import take, wrong
from gateway.protocols.web_search import KIND, read_search, taken_over, write_place

KNOWN = frozenset({"name", "description", "input_schema", "strict", "cache_control"})

SEARCH = "web_search_20250305"
"""The search that every model with one has."""

SEARCH_UNSAID = {"context_size": "How much of what is found is read cannot be told here."}
"""What cannot be said of a search, and why."""

SERVER_KINDS = (KIND, "web_fetch", "code_execution", "tool_search")
"""What the types of server tools begin with, before their dates."""


# from the wire


def read_tools(items: Sequence[JSON]) -> tuple[Tool, ...]:
    """Raises `BadRequest` for what is no tool, and for two of one name."""
    tools = tuple(_read_tool(item, f"tools[{index}]") for index, item in enumerate(items))
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if isinstance(tool, FunctionTool):
            if tool.name in names:
                raise wrong(f"tools[{index}].name", f"there is more than one tool '{tool.name[:64]}'")
            names.add(tool.name)
    return tools


def unsaid(item: JSON) -> JSON:
    """What a tool does not carry of its item: all of it, where the name alone tells the model how it is used."""
    if client_tool(item):
        return item
    if item.get("type") not in (None, "custom"):
        return {}
    return {name: value for name, value in item.items() if name not in KNOWN and value is not None}


def read_choice(told: ToolChoiceIn | None) -> ToolChoice | None:
    match told:
        case None:
            return None
        case ToolChoiceIn(type="tool", name=str(name)) if name:
            return ToolChoice("required", (name,))
        case ToolChoiceIn(type="tool"):
            raise wrong("tool_choice.name", "it must name the tool to call")
        case ToolChoiceIn(type="any"):
            return ToolChoice("required")
        case _:
            return ToolChoice("none" if told.type == "none" else "auto")


def _read_tool(item: JSON, where: str) -> Tool:
    kind = item.get("type")
    if kind not in (None, "custom") and not isinstance(kind, str):
        raise wrong(f"{where}.type", "expected str")
    if known := client_tool(item):
        told = take({**item, "input_schema": None}, ToolIn, where)
        return FunctionTool(told.name, known.description, known.schema, told.strict, cache=to_cache(told.cache_control))
    if isinstance(kind, str) and kind != "custom":
        known_as = next((name for name in SERVER_KINDS if kind.startswith(name)), kind)
        return ServerTool(known_as, OWN, item, read_search(item, where) if known_as == KIND else None)
    told = take(item, ToolIn, where)
    schemas.refuse_endless(told.input_schema, f"{where}.input_schema")
    return FunctionTool(
        told.name, told.description or "", told.input_schema, told.strict, cache=to_cache(told.cache_control)
    )


# to the wire


def write_tools(draft: Draft) -> list[JSON]:
    """Where the choice is among some of the tools only those are sent."""
    choice = draft.request.tool_choice
    names = choice.names if choice and (choice.mode == "auto" or len(choice.names) > 1) else ()
    return [_write_tool(tool, index, draft) for index, tool in _chosen(draft.request.tools, names)]


def write_choice(draft: Draft, has_tools: bool) -> JSON | None:
    """How to choose; without tools the API takes no such word."""
    choice, parallel = draft.request.tool_choice, draft.request.parallel_calls
    if not has_tools or (choice is None and parallel is not False):
        return None
    single: JSON = {"disable_parallel_tool_use": True} if parallel is False else {}
    match choice:
        case ToolChoice(mode="none"):
            return {"type": "none"}
        case ToolChoice(mode="required", names=(name,)):
            return {"type": "tool", "name": draft.names.of(_full_name(name, draft.request.tools)), **single}
        case ToolChoice(mode="required"):
            return {"type": "any", **single}
        case _:
            return {"type": "auto", **single}


def _chosen(tools: tuple[Tool, ...], names: tuple[str, ...]) -> Iterator[tuple[int, Tool]]:
    wanted = {_full_name(name, tools) for name in names}
    for index, tool in enumerate(tools):
        name = tool.kind if isinstance(tool, ServerTool) else full_name(tool.namespace, tool.name)
        if not names or name in wanted:
            yield index, tool


def _full_name(name: str, tools: tuple[Tool, ...]) -> str:
    """The full name of a tool that a choice may name with or without its namespace."""
    named = (tool for tool in tools if not isinstance(tool, ServerTool))
    full = {tool.name: full_name(tool.namespace, tool.name) for tool in named}
    return name if name in full.values() else full.get(name, name)


def _write_tool(tool: Tool, index: int, draft: Draft) -> JSON:
    place = f"tools[{index}]"
    match tool:
        case FunctionTool():
            note = draft.note("_tools", str(index))
            return note if note.get("type", "custom") != "custom" else _function(tool, place, draft) | note
        case CustomTool():
            return _function(custom_tools.as_function(tool), place, draft)
        case ServerTool(origin=origin, item=item) if origin == OWN:
            return item
        case ServerTool():
            return _search(tool, place, draft)


def _search(tool: ServerTool, place: str, draft: Draft) -> JSON:
    search = taken_over(tool, place, draft.target, SEARCH_UNSAID, draft.losses)
    written: JSON = {"type": SEARCH, "name": KIND}
    if search.allowed_domains:
        written["allowed_domains"] = list(search.allowed_domains)
        if search.blocked_domains:
            draft.lose(f"{place}.blocked_domains", "A search is kept to domains or away from them, not both.")
    elif search.blocked_domains:
        written["blocked_domains"] = list(search.blocked_domains)
    if search.max_uses is not None:
        written["max_uses"] = search.max_uses
    if search.location is not None:
        written["user_location"] = {"type": "approximate", **write_place(search.location)}
    return written


def _function(tool: FunctionTool, place: str, draft: Draft) -> JSON:
    item: JSON = {"name": draft.names.of(full_name(tool.namespace, tool.name))}
    if tool.description:
        item["description"] = tool.description
    schema, strict = _schema(tool, place, draft)
    item["input_schema"] = schema
    if strict is not None:
        item["strict"] = strict
    elif tool.strict:
        draft.lose(f"{place}.strict", "The arguments are not held to the schema here.")
    return draft.cached(item, tool.cache)


def _schema(tool: FunctionTool, place: str, draft: Draft) -> tuple[JSON, bool | None]:
    """The schema of the arguments, and whether the model is held to it: it must be closed for that."""
    strict = tool.strict if draft.dialect.strict_tools else None
    if draft.own and tool.schema is not None:
        return tool.schema, strict
    fitted = schemas.for_tool(tool.schema)
    if fitted.removed:
        draft.lose(f"{place}.schema", f"It has what the target cannot say: {', '.join(fitted.removed[:5])[:200]}.")
    closed = schemas.fit(fitted.schema, schemas.ANTHROPIC) if strict else fitted
    return (closed.schema, True) if strict and not closed.removed else (fitted.schema, None)
