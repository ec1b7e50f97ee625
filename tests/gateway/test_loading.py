"""The snapshot that is made of the database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from data import keys, prices, providers, routes
from data.database import Database
from data.presets import load_presets
from data.secrets import Vault
from data.tables import Key, RouteTarget, Upstream
from gateway.loading import credential_place, load_snapshot
from gateway.snapshot import Endpoint

VAULT = Vault(bytes(32))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "gatehouse.db")
    await opened.open()
    await opened.migrate()
    async with opened.write() as session:
        await providers.sync_presets(session, load_presets())
    yield opened
    await opened.close()


async def add_upstream(database: Database, upstream: Upstream, credential: str) -> int:
    async with database.write() as session:
        row = await providers.add_upstream(session, upstream)
        row.credential = VAULT.seal(credential, *credential_place(row.id or 0))
        await providers.replace_typed_models(session, row, ["small"])
        return row.id or 0


async def test_an_upstream_is_loaded_with_its_credential_and_its_own_addresses(database: Database) -> None:
    row = Upstream(
        name="mine", provider_id="openai", base_urls={"openai_chat": "http://10.0.0.1/v1"}, weight=3, created_at=1
    )
    number = await add_upstream(database, row, "sk-secret")
    facts = (await load_snapshot(database, VAULT, 7)).upstreams[number]
    assert facts.endpoints["openai_chat"] == Endpoint("openai_chat", "http://10.0.0.1/v1", "bearer")
    assert facts.endpoints["openai_responses"].base_url == "https://api.openai.com/v1"
    assert (facts.credential, facts.weight, facts.enabled, facts.models) == ("sk-secret", 3, True, frozenset({"small"}))
    assert "sk-secret" not in repr(facts)


async def test_an_upstream_whose_credential_cannot_be_read_is_off_while_all_else_is_loaded(database: Database) -> None:
    broken = await add_upstream(database, Upstream(name="broken", provider_id="openai", created_at=1), "sk-one")
    sound = await add_upstream(database, Upstream(name="sound", provider_id="openai", created_at=1), "sk-two")
    async with database.write() as session:
        row = await providers.get_upstream(session, broken)
        assert row is not None
        row.credential = VAULT.seal("sk-one", *credential_place(sound))
    upstreams = (await load_snapshot(database, VAULT, 1)).upstreams
    assert [upstreams[broken].enabled, upstreams[sound].enabled] == [False, True]
    assert upstreams[broken].credential == ""


async def test_keys_are_found_by_their_public_id_and_revoked_ones_are_told(database: Database) -> None:
    row = Key(public_id="abc", secret_hash=b"hash", tail="6789", name="mobile", created_at=1, revoked_at=2)
    async with database.write() as session:
        await keys.add_key(session, row)
    facts = (await load_snapshot(database, VAULT, 1)).keys["abc"]
    assert (facts.name, facts.secret_hash, facts.revoked) == ("mobile", b"hash", True)


async def test_routes_aliases_and_prices_come_in_their_order_with_patterns_taken_apart(database: Database) -> None:
    number = await add_upstream(database, Upstream(name="mine", provider_id="openai", created_at=1), "sk")
    async with database.write() as session:
        route = await routes.add_route(session, "first", "gpt-*, o3 ,")
        await routes.set_targets(session, route, [RouteTarget(route_id=0, upstream_id=number, model="gpt-5")])
        await routes.add_route(session, "second", "*")
        await routes.save_alias(session, "fast", "gpt-5")
        await prices.set_price(session, "openai", "gpt-*", {"input": 5}, 9)
    snapshot = await load_snapshot(database, VAULT, 1)
    assert [route.name for route in snapshot.routes] == ["first", "second"]
    assert snapshot.routes[0].patterns == ("gpt-*", "o3")
    assert snapshot.routes[0].targets[0].model == "gpt-5"
    assert snapshot.aliases == {"fast": "gpt-5"}
    assert snapshot.prices[0].prices == {"input": 5}
