"""Client keys in the database."""

import pytest
from sqlalchemy.exc import IntegrityError

from data.database import Database
from data.keys import add_key, get_key, list_keys, touch_keys, touch_old_secrets
from data.tables import Key


def key(public_id: str) -> Key:
    return Key(public_id=public_id, secret_hash=b"hash", tail="abcd", name=f"key {public_id}", created_at=1)


async def test_keys_are_listed_in_the_order_they_were_made(database: Database) -> None:
    async with database.write() as session:
        made = [(await add_key(session, key(public_id))).id for public_id in ("c", "a", "b")]
    async with database.read() as session:
        assert [found.id for found in await list_keys(session)] == made


async def test_a_key_changed_in_place_is_saved_with_the_transaction(database: Database) -> None:
    async with database.write() as session:
        made = await add_key(session, key("a"))
    async with database.write() as session:
        found = await get_key(session, made.id or 0)
        assert found is not None
        found.revoked_at, found.models = 7, ["gpt-*"]
    async with database.read() as session:
        kept = await get_key(session, made.id or 0)
    assert kept is not None
    assert (kept.revoked_at, kept.models) == (7, ["gpt-*"])


async def test_last_use_never_goes_back(database: Database) -> None:
    async with database.write() as session:
        first, second = await add_key(session, key("a")), await add_key(session, key("b"))
    for used in ({1: 50, 2: 10}, {1: 40}, {}):
        async with database.write() as session:
            await touch_keys(session, used)
    async with database.read() as session:
        assert [found.last_used_at for found in await list_keys(session)] == [50, 10]
    assert (first.id, second.id) == (1, 2)


async def test_no_two_keys_have_the_same_public_id(database: Database) -> None:
    async with database.write() as session:
        await add_key(session, key("a"))
        with pytest.raises(IntegrityError):
            await add_key(session, key("a"))
        await session.rollback()


async def test_an_error_of_the_database_does_not_tell_the_values(database: Database) -> None:
    async with database.write() as session:
        await add_key(session, key("a"))
        with pytest.raises(IntegrityError) as caught:
            await add_key(session, key("a"))
        await session.rollback()
    assert "hash" not in str(caught.value).replace("secret_hash", "")


async def test_the_use_of_an_old_secret_is_noted_only_where_there_is_one(database: Database) -> None:
    async with database.write() as session:
        rotated, other = await add_key(session, key("a")), await add_key(session, key("b"))
        rotated.old_secret_hash = b"old"
    async with database.write() as session:
        await touch_old_secrets(session, {rotated.id or 0: 5, other.id or 0: 5})
    async with database.read() as session:
        assert [found.old_last_used_at for found in await list_keys(session)] == [5, None]
