"""The form of a route, and how its targets are written: `upstream[:model] [priority] [weight]`, one to a line."""

from collections.abc import Iterable, Sequence

from console.ink import Line
from console.screens.forms.key import needed
from console.widgets.form import Field, Values
from gateway.operations import RouteView, SaveRoute, TargetView, UpstreamView

STRICT_HINT = "yes refuses what would be lost in translation to another protocol; no tells it."
SEARCH_HINT = "yes lets the model's own provider search the web where a client asks for another provider's search."
HINT = "upstream[:model] [priority] [weight], one to a line. Lower priorities are tried first; equals share by weight."


def read_target(text: str) -> TargetView:
    """One line. Raises `ValueError` with words for a person."""
    name, *numbers = text.split()
    if len(numbers) > 2 or not all(number.isdigit() for number in numbers):
        raise ValueError(f"“{text}”: after the upstream come a priority and a weight, whole numbers")
    upstream, _, model = name.partition(":")
    if not upstream:
        raise ValueError(f"“{text}” names no upstream")
    priority, weight = [*map(int, numbers), 1, 1][:2] if numbers else (1, 1)
    return TargetView(upstream, model, priority, weight)


def read_targets(text: str, known: Iterable[str]) -> list[TargetView]:
    """All lines that are not empty. Raises `ValueError` with words for a person."""
    targets = [read_target(line) for line in text.splitlines() if line.strip()]
    names = set(known)
    unknown = [target.upstream for target in targets if target.upstream not in names]
    if unknown:
        there_are = ", ".join(sorted(names)) or "none yet; add one on Upstreams (3)"
        raise ValueError(f"There is no upstream “{unknown[0]}”. There are: {there_are}")
    if not targets:
        raise ValueError("At least one upstream is needed")
    return targets


def write_target(target: TargetView) -> str:
    """A target as it would be typed."""
    model = f":{target.model}" if target.model else ""
    if target.weight != 1:
        return f"{target.upstream}{model} {target.priority} {target.weight}"
    return f"{target.upstream}{model} {target.priority}" if target.priority != 1 else f"{target.upstream}{model}"


def in_order(targets: Sequence[TargetView]) -> str:
    """`a 90 : b 10 -> c`: equals side by side with their weights, the next to try behind an arrow."""
    steps: list[str] = []
    for priority in sorted({target.priority for target in targets}):
        equals = [target for target in targets if target.priority == priority]
        named = [f"{each.upstream}:{each.model}" if each.model else each.upstream for each in equals]
        weighed = [f"{name} {each.weight}" for name, each in zip(named, equals, strict=True)]
        steps.append(" : ".join(weighed if len(equals) > 1 else named))
    return " → ".join(steps) or "nowhere"


def route_fields(route: RouteView | None, upstreams: Sequence[UpstreamView]) -> Sequence[Field]:
    """For a new route, or for changing one."""

    def check(text: str) -> str:
        try:
            read_targets(text, (upstream.name for upstream in upstreams))
        except ValueError as error:
            return f"{error}."
        return ""

    targets = "\n".join(write_target(target) for target in route.targets) if route else ""
    if route is None and len(upstreams) == 1:
        targets = upstreams[0].name
    return (
        Field("name", "Name", route.name if route else "", "", needed),
        Field(
            "pattern",
            "Models",
            route.pattern if route else "",
            "Such as gpt-*, claude-*; or * for every model.",
            _pattern_needed,
        ),
        Field("targets", "Send to", targets, HINT, check, lines=4),
        Field("strict", "Strict", "yes" if route and route.strict else "no", STRICT_HINT, _yes_or_no),
        Field("web_search", "Web search", "yes" if route and route.web_search else "no", SEARCH_HINT, _yes_or_no),
    )


def _yes_or_no(text: str) -> str:
    return "" if text in ("yes", "no") else "Write yes or no."


def _pattern_needed(text: str) -> str:
    return "" if text else "Which models? * is every one."


def saved_route(route: RouteView | None, values: Values, upstreams: Sequence[UpstreamView]) -> SaveRoute:
    """A route as it was filled in."""
    return SaveRoute(
        name=values["name"],
        pattern=values["pattern"],
        targets=read_targets(values["targets"], (upstream.name for upstream in upstreams)),
        id=route.id if route else None,
        enabled=route.enabled if route else True,
        strict=values["strict"] == "yes",
        web_search=values["web_search"] == "yes",
    )


def preview(values: Values, upstreams: Sequence[UpstreamView], width: int) -> list[Line]:
    """What the route would do, and which listed models it would take."""
    try:
        targets = read_targets(values["targets"], (upstream.name for upstream in upstreams))
    except ValueError:
        return [()]
    order = in_order(targets)
    return [(), ((f" {values['pattern'] or '?'}  ", "strong"), (f"→ {order}", "accent"))]


def alias_fields() -> Sequence[Field]:
    """For a new alias."""
    return (
        Field("name", "Name", "", "What clients ask for: fast, gpt-4.", needed),
        Field("model", "Model", "", "What that means: gpt-5.1-mini, or upstream:model.", needed),
    )
