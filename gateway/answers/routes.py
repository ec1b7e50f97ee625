"""Routes and aliases: listing, changing, and explaining where a request would go."""

from msgspec import Struct

from data import providers, routes
from data.database import Session
from data.routes import PlacedRoute
from data.tables import Route, RouteTarget
from data.usage import requests_by_route
from gateway import routing
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.errors import GatewayError
from gateway.operations import (
    AliasView,
    Done,
    ExplainRoute,
    ListAliases,
    ListRoutes,
    MoveRoute,
    PlannedTarget,
    RemoveAlias,
    RemoveRoute,
    RouteExplained,
    RouteView,
    SaveAlias,
    SaveRoute,
    SetRouteEnabled,
    TargetView,
)

RESERVED = ("direct", "listed")
"""What stands in a route's place on record when there was none."""


class Lately(Struct, frozen=True):
    """What a route's view needs beside the route."""

    upstreams: dict[int, str]
    requests: dict[str, int]


async def list_routes(desk: Desk, _: ListRoutes) -> list[RouteView]:
    """All routes in order, with what went through them today."""
    await desk.flush()
    async with desk.database.read() as session:
        lately = Lately(await upstream_names(session), await requests_by_route(session, desk.today()))
        return [view(placed, lately) for placed in await routes.list_routes(session)]


async def save_route(desk: Desk, operation: SaveRoute) -> RouteView:
    """A new route at the end, or another shape for one that is there."""
    name, pattern = values.name(operation.name), values.pattern(operation.pattern)
    async with desk.change() as change:
        session = change.session
        targets = await targets_of(session, operation.targets)
        await check_free(session, name, operation.id)
        if operation.id is None:
            route = await routes.add_route(session, name, pattern)
        else:
            route = await find(session, operation.id)
        route.name, route.pattern = name, pattern
        route.enabled, route.strict, route.web_search = operation.enabled, operation.strict, operation.web_search
        await routes.set_targets(session, route, targets)
        change.told("route_saved", f"saved route {name}")
    return await view_of(desk, route.id or 0)


async def move_route(desk: Desk, operation: MoveRoute) -> Done:
    """Try a route earlier or later."""
    position = values.between(operation.position, 1, 2**31, "position")
    async with desk.change() as change:
        route = await find(change.session, operation.id)
        await routes.move_route(change.session, operation.id, position)
        told = f"moved route {route.name} to place {route.position}"
        change.told("route_moved", told)
    return Done(told)


async def set_route_enabled(desk: Desk, operation: SetRouteEnabled) -> RouteView:
    """Follow a route, or pass it over."""
    async with desk.change() as change:
        route = await find(change.session, operation.id)
        route.enabled = operation.enabled
        on = "on" if operation.enabled else "off"
        change.told("route_enabled", f"switched route {route.name} {on}")
    return await view_of(desk, operation.id)


async def remove_route(desk: Desk, operation: RemoveRoute) -> Done:
    """Forget a route."""
    async with desk.change() as change:
        route = await find(change.session, operation.id)
        await routes.remove_route(change.session, operation.id)
        told = f"removed route {route.name}"
        change.told("route_removed", told)
    return Done(told)


async def explain_route(desk: Desk, operation: ExplainRoute) -> RouteExplained:
    """Where a request for a model would go now, and why; a refusal is an answer too."""
    runtime, model, spoken = desk.runtime, operation.model, routing.SPOKEN[operation.protocol]
    try:
        plan = routing.plan(runtime.snapshot, model, spoken, is_down=runtime.why_down, draw=lambda: 0.5)
    except GatewayError as error:
        candidates = routing.find_candidates(runtime.snapshot, model).candidates
        return RouteExplained(error.message, left_out(routing.judge(candidates, spoken)[1]))
    taken = [PlannedTarget(t.upstream.name, t.model, True, t.reason) for t in plan.targets]
    return RouteExplained(plan.reason, [*taken, *left_out(plan.skipped)])


def left_out(skipped: tuple[routing.Skipped, ...] | list[routing.Skipped]) -> list[PlannedTarget]:
    """Targets that would not be tried."""
    return [PlannedTarget(skip.upstream, skip.model, False, skip.reason) for skip in skipped]


async def list_aliases(desk: Desk, _: ListAliases) -> list[AliasView]:
    """All aliases by name."""
    async with desk.database.read() as session:
        return [AliasView(alias.name, alias.model) for alias in await routes.list_aliases(session)]


async def save_alias(desk: Desk, operation: SaveAlias) -> AliasView:
    """Let a name stand for a model."""
    name, model = values.model(operation.name, "name"), values.model(operation.model)
    if name == model:
        raise values.refuse("model", "must be another name than the alias itself")
    async with desk.change() as change:
        await routes.save_alias(change.session, name, model)
        change.told("alias_saved", f"{name} now stands for {model}")
    return AliasView(name, model)


async def remove_alias(desk: Desk, operation: RemoveAlias) -> Done:
    """Let a name stand for itself again."""
    told = f"removed alias {operation.name}"
    async with desk.change() as change:
        if not await routes.remove_alias(change.session, operation.name):
            raise values.missing("alias", operation.name)
        change.told("alias_removed", told)
    return Done(told)


async def find(session: Session, route_id: int) -> Route:
    """The route of this number."""
    placed = await routes.get_route(session, route_id)
    if placed is None:
        raise values.missing("route", route_id)
    return placed.route


async def check_free(session: Session, name: str, route_id: int | None) -> None:
    """Raises `BadRequest` if another route has this name: what went through a route is counted by it."""
    others = [placed.route.name for placed in await routes.list_routes(session) if placed.route.id != route_id]
    if name in others or name in RESERVED:
        raise values.refuse("name", f"must be another one: {name} is taken")


async def targets_of(session: Session, given: list[TargetView]) -> list[RouteTarget]:
    """Targets as rows that belong to no route yet."""
    if not given:
        raise values.refuse("targets", "must hold at least one upstream")
    ids = {name: number for number, name in (await upstream_names(session)).items()}
    if unknown := [target.upstream for target in given if target.upstream not in ids]:
        raise values.refuse("targets", f"must name upstreams that exist; {unknown[0]} does not")
    return [
        RouteTarget(
            route_id=0,
            upstream_id=ids[target.upstream],
            model=values.model(target.model) if target.model else None,
            priority=values.between(target.priority, 1, values.LARGEST_PRIORITY, "priority"),
            weight=values.weight(target.weight),
        )
        for target in given
    ]


async def upstream_names(session: Session) -> dict[int, str]:
    """Every upstream's name by its number."""
    return {row.id or 0: row.name for row in await providers.list_upstreams(session)}


async def view_of(desk: Desk, route_id: int) -> RouteView:
    """A route as it is now."""
    return next(route for route in await list_routes(desk, ListRoutes()) if route.id == route_id)


def view(placed: PlacedRoute, lately: Lately) -> RouteView:
    """A route as the operator sees it."""
    route = placed.route
    targets = [
        TargetView(lately.upstreams[target.upstream_id], target.model or "", target.priority, target.weight)
        for target in placed.targets
    ]
    requests = lately.requests.get(route.name, 0)
    asked = (route.position, route.name, route.pattern, route.enabled)
    return RouteView(route.id or 0, *asked, targets, requests, route.strict, route.web_search)
