"""`console route` and `console alias`: which model goes where."""

from typing import Annotated

import typer

from console.cli.asking import Asker, asking, pick
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, show, table
from console.scrub import scrub
from console.units import count
from gateway.canonical import Protocol
from gateway.operations import (
    ExplainRoute,
    ListAliases,
    ListRoutes,
    MoveRoute,
    RemoveAlias,
    RemoveRoute,
    RouteView,
    SaveAlias,
    SaveRoute,
    SetRouteEnabled,
    TargetView,
)

app = typer.Typer(help="Routes: which models go to which providers; the first that fits wins.", no_args_is_help=True)
aliases = typer.Typer(help="Aliases: other names for models.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ROUTE", help="Its number or name.")]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="UPSTREAM[,model=M][,priority=N][,weight=N]",
        help="Where to send; repeat for several. Lower priority first, equal ones share by weight.",
    ),
]


Strict = Annotated[
    bool | None,
    typer.Option(help="Refuse what would be lost in translation to another protocol, instead of only telling it."),
]


WebSearch = Annotated[
    bool | None,
    typer.Option(help="Let the model's own provider search the web where a client asks for another provider's search."),
]


@app.command("list")
def list_routes(context: typer.Context, as_json: Json = False) -> None:
    """All routes, in the order they are tried."""
    with asking(context) as ask:
        routes = ask(ListRoutes())
    headings = (">POS", ">ID", "NAME", "MODELS", "TO", "STATE", ">REQUESTS")
    none = "No route: a model goes to the providers that list it."
    show(routes, as_json, table(headings, map(_row, routes), none))


@app.command()
def add(
    context: typer.Context,
    name: str,
    pattern: Annotated[str, typer.Argument(help="Globs over the model's name, separated by commas.")],
    to: Targets = None,
    strict: Strict = None,
    web_search: WebSearch = None,
    as_json: Json = False,
) -> None:
    """Add a route at the end."""
    targets = [read_target(text) for text in to or []]
    operation = SaveRoute(name, pattern, targets, strict=strict or False, web_search=web_search or False)
    with asking(context) as ask:
        added = ask(operation)
    show(added, as_json, f"Route {added.name} is number {added.position}: {_targets(added)}.")


@app.command()
def edit(
    context: typer.Context,
    route: Which,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    pattern: Annotated[str | None, typer.Option(help="New globs over the model's name.")] = None,
    to: Targets = None,
    strict: Strict = None,
    web_search: WebSearch = None,
    as_json: Json = False,
) -> None:
    """Change what is given of a route; `--to` replaces all its targets."""
    targets = [read_target(text) for text in to or []]
    with asking(context) as ask:
        old = find(ask, route)
        changed = SaveRoute(
            name or old.name,
            pattern or old.pattern,
            targets or old.targets,
            old.id,
            old.enabled,
            old.strict if strict is None else strict,
            old.web_search if web_search is None else web_search,
        )
        edited = ask(changed)
    show(edited, as_json, f"Route {edited.name}: {edited.pattern} to {_targets(edited)}.")


@app.command()
def move(context: typer.Context, route: Which, position: int, as_json: Json = False) -> None:
    """Move a route to another place in the order, counted from 1."""
    with asking(context) as ask:
        done = ask(MoveRoute(find(ask, route).id, position))
    show(done, as_json, done.text)


@app.command()
def enable(context: typer.Context, route: Which, as_json: Json = False) -> None:
    """Use a route again."""
    with asking(context) as ask:
        switched = ask(SetRouteEnabled(find(ask, route).id, True))
    show(switched, as_json, f"Route {switched.name} is enabled.")


@app.command()
def disable(
    context: typer.Context,
    route: Which,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Pass a route over until it is enabled again."""
    with asking(context) as ask:
        operation = SetRouteEnabled(find(ask, route).id, False)
        switched = carry_out(ask, operation, f"Disable route {route}?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(switched, as_json, f"Route {switched.name} is disabled.")


@app.command()
def remove(
    context: typer.Context,
    route: Which,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove a route."""
    with asking(context) as ask:
        operation = RemoveRoute(find(ask, route).id)
        done = carry_out(ask, operation, f"Remove route {route}?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


@app.command()
def explain(
    context: typer.Context,
    model: str,
    protocol: Annotated[Protocol, typer.Option(help="In which it would be asked for.")] = "openai_chat",
    as_json: Json = False,
) -> None:
    """Say where a request for a model would go, and why."""
    with asking(context) as ask:
        explained = ask(ExplainRoute(model, protocol))
    rows = [("->" if each.taken else "", each.upstream, each.model, each.reason) for each in explained.targets]
    text = f"{scrub(explained.reason)}\n{table(('', 'UPSTREAM', 'MODEL', 'WHY'), rows, '')}"
    show(explained, as_json, text.strip())


@aliases.command("list")
def list_aliases(context: typer.Context, as_json: Json = False) -> None:
    """All aliases."""
    with asking(context) as ask:
        known = ask(ListAliases())
    show(known, as_json, table(("ALIAS", "MODEL"), [(each.name, each.model) for each in known]))


@aliases.command("set")
def set_alias(context: typer.Context, name: str, model: str, as_json: Json = False) -> None:
    """Let clients ask for a model by another name."""
    with asking(context) as ask:
        alias = ask(SaveAlias(name, model))
    show(alias, as_json, f"{alias.name} now means {alias.model}.")


@aliases.command("remove")
def remove_alias(
    context: typer.Context,
    name: str,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove an alias."""
    with asking(context) as ask:
        done = carry_out(ask, RemoveAlias(name), f"Remove alias {name}?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


def find(ask: Asker, wanted: str) -> RouteView:
    """A route by number or name."""
    return pick(ask(ListRoutes()), wanted, lambda each: (str(each.id), each.name), "route")


def read_target(text: str) -> TargetView:
    """`openai,model=gpt-5,priority=2,weight=3`"""
    upstream, *settings = text.split(",")
    said = dict(setting.partition("=")[::2] for setting in settings)
    if unknown := said.keys() - {"model", "priority", "weight"}:
        raise typer.BadParameter(f"{text!r}: a target has model, priority and weight, no {', '.join(sorted(unknown))}")
    try:
        return TargetView(upstream, said.get("model", ""), int(said.get("priority", 1)), int(said.get("weight", 1)))
    except ValueError:
        raise typer.BadParameter(f"{text!r}: priority and weight are whole numbers") from None


def _row(route: RouteView) -> tuple[str, ...]:
    return (
        str(route.position),
        str(route.id),
        route.name,
        route.pattern,
        _targets(route),
        "on" if route.enabled else "off",
        count(route.requests_today),
    )


def _targets(route: RouteView) -> str:
    return ", ".join(_target(target) for target in route.targets) or "nowhere"


def _target(target: TargetView) -> str:
    model = f" as {target.model}" if target.model else ""
    return f"{target.upstream}{model} (priority {target.priority}, weight {target.weight})"
