"""Searching the web: a tool that providers run themselves, told to another provider's where a route allows it."""

from collections.abc import Mapping

from msgspec import Struct

from gateway.canonical import JSON, Location, ServerTool, Tool, ToolChoice, WebSearch
from gateway.errors import BadRequest
from gateway.protocols.reading import Tokens, take
from gateway.protocols.translation import Loss, Target

KIND = "web_search"

CLIENTS_OWN = ("cache_control", "type", "name")
"""Members that say nothing of how to search."""

USUAL: JSON = {"external_web_access": True}
"""What some clients say although it is so anyway."""

SWITCHED_OFF = (
    "is another provider's search of the web. The gateway's operator can let this model's own provider search instead, "
    "by switching web search on for its route (`console route edit ROUTE --web-search`)"
)


class Options(Struct):
    """The options by the names that most providers give them."""

    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    max_uses: Tokens | None = None
    search_context_size: str | None = None
    user_location: "Place | None" = None


class Place(Struct):
    city: str | None = None
    region: str | None = None
    country: str | None = None
    timezone: str | None = None


# reading


def read_search(told: JSON, at: str) -> WebSearch:
    """What is asked of a search. Raises `BadRequest` naming the option that is wrong."""
    options = take(told, Options, at)
    known = (*Options.__struct_fields__, *CLIENTS_OWN)
    return WebSearch(
        allowed_domains=tuple(options.allowed_domains or ()),
        blocked_domains=tuple(options.blocked_domains or ()),
        max_uses=options.max_uses,
        location=_read_location(options.user_location),
        context_size=options.search_context_size or "",
        others=tuple(name for name, value in told.items() if name not in known and value and value != USUAL.get(name)),
    )


def _read_location(place: Place | None) -> Location | None:
    if place is None:
        return None
    return Location(place.city or "", place.region or "", place.country or "", place.timezone or "")


# writing


def taken_over(tool: ServerTool, at: str, target: Target, unsaid: Mapping[str, str], losses: list[Loss]) -> WebSearch:
    """What the target's own search is to be told; `unsaid` are the options that it has no word for, with the reason.

    Raises `BadRequest` for a tool that the target cannot run, or may not.
    """
    search = tool.search
    if search is None:
        kind = tool.kind[:64]
        raise _refused(at, f"is '{kind}', which another provider runs itself; this model's upstream has no such tool")
    if not target.web_search:
        raise _refused(at, SWITCHED_OFF)
    if not target.dialect.web_search:
        raise _refused(at, "is a search of the web, which this model's upstream does not run")
    usual = WebSearch()
    losses += [
        Loss(f"{at}.{field}", why) for field, why in unsaid.items() if getattr(search, field) != getattr(usual, field)
    ]
    losses += [Loss(f"{at}.{name}", "Only the search of another provider has it.") for name in search.others]
    return search


def without_search(choice: ToolChoice | None, tools: tuple[Tool, ...], losses: list[Loss]) -> ToolChoice | None:
    """The choice for a target that cannot be told to search, or to do nothing else."""
    called = {tool.kind if isinstance(tool, ServerTool) else tool.name: tool for tool in tools}
    if choice is None or KIND not in choice.names or not isinstance(called.get(KIND), ServerTool):
        return choice
    losses.append(Loss("tool_choice", "Whether this model searches the web cannot be chosen for it."))
    names = tuple(name for name in choice.names if name != KIND)
    return ToolChoice(choice.mode, names) if names else None


def write_place(location: Location) -> JSON:
    """Where the user is, as most providers have it; what is not known is left out."""
    named = {name: getattr(location, name) for name in Location.__struct_fields__}
    return {name: value for name, value in named.items() if value}


def _refused(at: str, why: str) -> BadRequest:
    return BadRequest(f"'{at}' {why}.", code="unsupported_tool", param=at)
