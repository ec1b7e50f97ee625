"""What a transaction changed, and putting it back."""

import pytest

from data.changes import ChangedSince, RowChange, difference, restore, take_picture
from data.database import Database
from data.presets import load_presets
from data.providers import add_upstream, get_upstream, remove_upstream, replace_typed_models, sync_presets
from data.routes import save_alias
from data.tables import Upstream


@pytest.fixture
async def stocked(database: Database) -> Database:
    async with database.write() as session:
        await sync_presets(session, load_presets())
        upstream = Upstream(name="up", provider_id="openai", credential=b"\x00\xff", created_at=1)
        await add_upstream(session, upstream)
        await replace_typed_models(session, upstream, ["large", "small"])
        await save_alias(session, "fast", "small")
    return database


async def test_a_change_holds_the_columns_that_differ_and_no_others(stocked: Database) -> None:
    async with stocked.write() as session:
        before = await take_picture(session)
        await save_alias(session, "fast", "large")
        await session.flush()
        changes = difference(before, await take_picture(session))
    assert changes == [RowChange("aliases", "fast", {"model": "small"}, {"model": "large"})]


async def test_what_went_with_a_row_comes_back_with_it_bytes_and_all(stocked: Database) -> None:
    async with stocked.write() as session:
        before = await take_picture(session)
        await remove_upstream(session, 1)
        changes = difference(before, await take_picture(session))
        assert {change.table for change in changes} == {"upstreams", "models"}
        await restore(session, changes)
        assert await take_picture(session) == before


async def test_a_row_that_is_not_as_it_was_left_stays_as_it_is(stocked: Database) -> None:
    left = RowChange("aliases", "fast", {"model": "older"}, {"model": "left like this"})
    with pytest.raises(ChangedSince) as found:
        async with stocked.write() as session:
            await restore(session, [left])
    assert found.value.place == ("aliases", "fast")


async def test_a_row_that_others_depend_on_by_now_is_not_torn_out(stocked: Database) -> None:
    async with stocked.read() as session:
        upstream = (await take_picture(session))["upstreams", 1]
        found = await get_upstream(session, 1)
        assert found is not None
    async with stocked.write() as session:
        with pytest.raises(ChangedSince) as refused:
            await restore(session, difference({}, {("upstreams", 1): upstream}))
    assert refused.value.place[0] == "models"
