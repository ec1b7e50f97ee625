"""Routes keep their order; aliases stand for one model each."""

import pytest

from data.database import Database
from data.providers import add_upstream, sync_presets
from data.records import ProviderPreset
from data.routes import (
    add_route,
    get_route,
    list_aliases,
    list_routes,
    move_route,
    remove_alias,
    remove_route,
    save_alias,
    set_targets,
)
from data.tables import RouteTarget, Upstream


@pytest.fixture
async def four(database: Database) -> list[int]:
    async with database.write() as session:
        return [(await add_route(session, name, f"{name}-*")).id or 0 for name in "abcd"]


async def order(database: Database) -> list[tuple[int, str]]:
    async with database.read() as session:
        return [(placed.route.position, placed.route.name) for placed in await list_routes(session)]


async def test_a_new_route_comes_last(database: Database, four: list[int]) -> None:
    assert await order(database) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


@pytest.mark.parametrize(
    ("route", "position", "expected"),
    [(3, 1, "dabc"), (0, 4, "bcda"), (1, 3, "acbd"), (2, 99, "abdc"), (2, -5, "cabd"), (1, 2, "abcd")],
)
async def test_a_moved_route_takes_its_place_and_the_others_close_ranks(
    database: Database, four: list[int], route: int, position: int, expected: str
) -> None:
    async with database.write() as session:
        assert await move_route(session, four[route], position)
    assert await order(database) == list(enumerate(expected, 1))


async def test_removing_a_route_leaves_no_gap(database: Database, four: list[int]) -> None:
    async with database.write() as session:
        assert await remove_route(session, four[1])
    assert await order(database) == [(1, "a"), (2, "c"), (3, "d")]


async def test_a_route_that_does_not_exist_is_neither_moved_nor_removed(database: Database, four: list[int]) -> None:
    async with database.write() as session:
        assert not await move_route(session, 99, 1)
        assert not await remove_route(session, 99)
        assert await get_route(session, 99) is None


async def test_targets_are_replaced_whole_and_come_by_priority(database: Database, four: list[int]) -> None:
    async with database.write() as session:
        await sync_presets(session, [ProviderPreset("p", "P")])
        upstream = await add_upstream(session, Upstream(name="u", provider_id="p", created_at=1))
        placed = await get_route(session, four[0])
        assert placed is not None
        await set_targets(session, placed.route, [target(upstream, 1)])
        await set_targets(session, placed.route, [target(upstream, 3), target(upstream, 2)])
    async with database.read() as session:
        listed = await list_routes(session)
        found = await get_route(session, four[0])
    assert found is not None
    assert [t.priority for t in found.targets] == [t.priority for t in listed[0].targets] == [2, 3]


def target(upstream: Upstream, priority: int) -> RouteTarget:
    return RouteTarget(route_id=0, upstream_id=upstream.id or 0, priority=priority)


async def test_an_alias_saved_again_stands_for_the_new_model(database: Database) -> None:
    async with database.write() as session:
        await save_alias(session, "fast", "gpt-4o-mini")
        await save_alias(session, "best", "o3")
        await save_alias(session, "fast", "gemini-flash")
    async with database.read() as session:
        found = [(alias.name, alias.model) for alias in await list_aliases(session)]
    assert found == [("best", "o3"), ("fast", "gemini-flash")]


async def test_removing_an_alias_tells_whether_there_was_one(database: Database) -> None:
    async with database.write() as session:
        await save_alias(session, "fast", "gpt-4o-mini")
        assert await remove_alias(session, "fast")
        assert not await remove_alias(session, "fast")
