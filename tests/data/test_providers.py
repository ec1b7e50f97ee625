"""Providers, accounts and models in the database."""

import pytest

from data.database import Database
from data.providers import (
    add_upstream,
    free_upstream_name,
    get_provider,
    get_upstream,
    list_providers,
    list_upstreams,
    models_by_upstream,
    remove_upstream,
    replace_listed_models,
    replace_typed_models,
    sync_presets,
)
from data.records import ProviderPreset
from data.routes import add_route, get_route, set_targets
from data.tables import Provider, RouteTarget, Upstream

OPENAI = ProviderPreset("openai", "OpenAI", {"openai_chat": "https://api.openai.com/v1"}, key_env=["OPENAI_API_KEY"])
GROQ = ProviderPreset("groq", "Groq", {"openai_chat": "https://api.groq.com/openai/v1"})


@pytest.fixture
async def upstream(database: Database) -> Upstream:
    async with database.write() as session:
        await sync_presets(session, [OPENAI, GROQ])
        return await add_upstream(session, Upstream(name="openai", provider_id="openai", created_at=1))


async def test_presets_are_brought_up_to_date(database: Database) -> None:
    async with database.write() as session:
        await sync_presets(session, [OPENAI])
        await sync_presets(session, [ProviderPreset("openai", "OpenAI, Inc."), GROQ])
    async with database.read() as session:
        assert [provider.title for provider in await list_providers(session)] == ["Groq", "OpenAI, Inc."]


async def test_a_preset_that_ships_no_more_stays_while_an_account_uses_it(
    database: Database, upstream: Upstream
) -> None:
    async with database.write() as session:
        await sync_presets(session, [])
    async with database.read() as session:
        assert [provider.id for provider in await list_providers(session)] == [upstream.provider_id]


async def test_what_the_operator_described_is_never_overwritten(database: Database) -> None:
    async with database.write() as session:
        session.add(Provider(id="openai", title="Ours", preset=False))
        session.add(Provider(id="inhouse", title="In house", preset=False))
        await session.flush()
        await sync_presets(session, [OPENAI])
    async with database.read() as session:
        ours = await get_provider(session, "openai")
        assert ours is not None
        assert ours.title == "Ours"
        assert await get_provider(session, "inhouse") is not None


async def test_a_name_that_is_taken_gets_a_number(database: Database, upstream: Upstream) -> None:
    async with database.write() as session:
        assert await free_upstream_name(session, "groq") == "groq"
        assert await free_upstream_name(session, "openai") == "openai-2"
        await add_upstream(session, Upstream(name="openai-2", provider_id="openai", created_at=1))
        assert await free_upstream_name(session, "openai") == "openai-3"


async def test_a_credential_is_added_once_the_id_is_known(database: Database) -> None:
    async with database.write() as session:
        await sync_presets(session, [OPENAI])
        made = await add_upstream(session, Upstream(name="openai", provider_id="openai", created_at=1))
        made.credential = f"sealed for {made.id}".encode()
    async with database.read() as session:
        assert [found.credential for found in await list_upstreams(session)] == [b"sealed for 1"]


async def test_listed_and_typed_models_replace_only_their_own_kind(database: Database, upstream: Upstream) -> None:
    async with database.write() as session:
        found = await get_upstream(session, upstream.id or 0)
        assert found is not None
        await replace_listed_models(session, found, ["b", "a", "b"], at=5)
        await replace_typed_models(session, found, ["mine", "a"])
        await replace_listed_models(session, found, ["c"], at=6)
    async with database.read() as session:
        assert await models_by_upstream(session) == {upstream.id: ["c", "mine"]}
        kept = await get_upstream(session, upstream.id or 0)
    assert kept is not None
    assert kept.models_listed_at == 6


async def test_models_and_targets_go_with_their_account(database: Database, upstream: Upstream) -> None:
    async with database.write() as session:
        await replace_typed_models(session, upstream, ["a"])
        route = await add_route(session, "all", "*")
        await set_targets(session, route, [RouteTarget(route_id=0, upstream_id=upstream.id or 0)])
    async with database.write() as session:
        assert await remove_upstream(session, upstream.id or 0)
        assert not await remove_upstream(session, upstream.id or 0)
    async with database.read() as session:
        assert await models_by_upstream(session) == {}
        placed = await get_route(session, route.id or 0)
    assert placed is not None
    assert placed.targets == []
