"""Routes in their order with their targets, and aliases of models."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.tables import Alias, Route, RouteTarget

_IN_ORDER = select(Route).order_by(col(Route.position), col(Route.id))


class PlacedRoute(Struct, frozen=True):
    """A route with where it sends to, most wanted first."""

    route: Route
    targets: list[RouteTarget]


async def list_routes(session: AsyncSession) -> list[PlacedRoute]:
    """All routes in order of position."""
    routes = list(await session.scalars(_IN_ORDER))
    by_route: dict[int | None, list[RouteTarget]] = {route.id: [] for route in routes}
    for target in await session.scalars(select(RouteTarget).order_by(col(RouteTarget.priority), col(RouteTarget.id))):
        by_route[target.route_id].append(target)
    return [PlacedRoute(route, by_route[route.id]) for route in routes]


async def get_route(session: AsyncSession, route_id: int) -> PlacedRoute | None:
    route = await session.get(Route, route_id)
    if route is None:
        return None
    targets = select(RouteTarget).where(col(RouteTarget.route_id) == route_id)
    found = await session.scalars(targets.order_by(col(RouteTarget.priority), col(RouteTarget.id)))
    return PlacedRoute(route, list(found))


async def add_route(session: AsyncSession, name: str, pattern: str, *, enabled: bool = True) -> Route:
    """A new route after all others, as yet without targets."""
    last = await session.scalar(select(func.max(col(Route.position))))
    route = Route(position=(last or 0) + 1, name=name, pattern=pattern, enabled=enabled)
    session.add(route)
    await session.flush()
    return route


async def set_targets(session: AsyncSession, route: Route, targets: Sequence[RouteTarget]) -> None:
    """Replace where a route sends to; the targets are new rows, their `route_id` is set here."""
    await session.execute(delete(RouteTarget).where(col(RouteTarget.route_id) == route.id))
    for target in targets:
        target.route_id = route.id or 0
        session.add(target)
    await session.flush()


async def move_route(session: AsyncSession, route_id: int, position: int) -> bool:
    """Put a route at a place counted from 1, or the nearest there is. Whether there is such a route."""
    routes = list(await session.scalars(_IN_ORDER))
    moved = next((route for route in routes if route.id == route_id), None)
    if moved is None:
        return False
    routes.remove(moved)
    routes.insert(max(position, 1) - 1, moved)
    for number, route in enumerate(routes, 1):
        route.position = number
    await session.flush()
    return True


async def number_routes(session: AsyncSession) -> None:
    """Close gaps between the routes' places, and part those that share one."""
    for number, route in enumerate(await session.scalars(_IN_ORDER), 1):
        route.position = number
    await session.flush()


async def remove_route(session: AsyncSession, route_id: int) -> bool:
    """Whether there was one. Those behind it move up."""
    route = await session.get(Route, route_id)
    if route is None:
        return False
    await session.delete(route)
    await session.flush()
    await number_routes(session)
    return True


async def list_aliases(session: AsyncSession) -> list[Alias]:
    """All aliases by name."""
    return list(await session.scalars(select(Alias).order_by(col(Alias.name))))


async def save_alias(session: AsyncSession, name: str, model: str) -> Alias:
    """Set or replace what a name stands for."""
    return await session.merge(Alias(name=name, model=model))


async def remove_alias(session: AsyncSession, name: str) -> bool:
    """Whether there was one."""
    alias = await session.get(Alias, name)
    if alias is None:
        return False
    await session.delete(alias)
    await session.flush()
    return True
