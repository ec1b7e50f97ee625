"""Named values."""

import pytest

from data.database import Database
from data.settings import Value, get_setting, put_setting


@pytest.mark.parametrize("value", ["text", 3, 1.5, False, [1, "two", None], {"a": {"b": []}}])
async def test_any_json_value_comes_back_as_it_was_put(database: Database, value: Value) -> None:
    async with database.write() as session:
        await put_setting(session, "name", "something else")
        await put_setting(session, "name", value)
    async with database.read() as session:
        assert await get_setting(session, "name") == value


async def test_what_was_never_set_is_nothing(database: Database) -> None:
    async with database.read() as session:
        assert await get_setting(session, "name") is None
