"""Stored responses belong to one key each and go when their time is over."""

from collections.abc import Sequence

from data.database import Database
from data.responses import (
    delete_expired_responses,
    delete_response,
    find_items,
    find_response,
    has_other_owner,
    save_responses,
)
from data.tables import StoredItem, StoredResponse


def stored(name: str, key_id: int = 1, expires_at: int = 100, upstream_id: int | None = None) -> StoredResponse:
    return StoredResponse(
        id=name, key_id=key_id, upstream_id=upstream_id, created_at=1, expires_at=expires_at, items=b"i", response=b"r"
    )


async def save(database: Database, *responses: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
    async with database.write() as session:
        await save_responses(session, responses, items)


async def find(database: Database, key_id: int, name: str, now: int = 50) -> StoredResponse | None:
    async with database.read() as session:
        return await find_response(session, key_id, name, now)


async def test_a_response_comes_back_exactly_as_it_was_stored(database: Database) -> None:
    await save(database, stored("resp_1", upstream_id=3))
    found = await find(database, 1, "resp_1")
    assert found is not None
    assert found.model_dump() == stored("resp_1", upstream_id=3).model_dump()


async def test_nobody_but_its_own_key_finds_a_response(database: Database) -> None:
    await save(database, stored("resp_1", key_id=1))
    assert await find(database, 2, "resp_1") is None
    async with database.write() as session:
        await delete_response(session, 2, "resp_1")
    assert await find(database, 1, "resp_1") is not None


async def test_two_keys_may_have_responses_of_one_name(database: Database) -> None:
    await save(database, stored("resp_1", key_id=1, upstream_id=7), stored("resp_1", key_id=2, upstream_id=8))
    found = [await find(database, key_id, "resp_1") for key_id in (1, 2)]
    assert [response.upstream_id for response in found if response] == [7, 8]


async def test_a_response_whose_time_is_over_is_found_no_more(database: Database) -> None:
    await save(database, stored("resp_1", expires_at=100))
    assert await find(database, 1, "resp_1", now=99) is not None
    assert await find(database, 1, "resp_1", now=100) is None


async def test_storing_again_replaces_what_was_stored_before(database: Database) -> None:
    await save(database, stored("resp_1", upstream_id=7), items=[StoredItem(id="m", key_id=1, response_id="resp_1")])
    await save(database, stored("resp_1", upstream_id=8), items=[StoredItem(id="m", key_id=1, response_id="resp_1")])
    found = await find(database, 1, "resp_1")
    assert found is not None
    assert found.upstream_id == 8


async def test_items_lead_to_the_response_of_their_own_key(database: Database) -> None:
    mine, theirs = (StoredItem(id="msg_1", key_id=key_id, response_id=f"resp_{key_id}") for key_id in (1, 2))
    await save(database, stored("resp_1", key_id=1), stored("resp_2", key_id=2), items=[mine, theirs])
    async with database.read() as session:
        assert await find_items(session, 1, ["msg_1", "msg_9"]) == {"msg_1": "resp_1"}
        assert await find_items(session, 3, ["msg_1"]) == {}


async def test_deleting_a_response_deletes_its_items_with_it(database: Database) -> None:
    await save(database, stored("resp_1"), items=[StoredItem(id="msg_1", key_id=1, response_id="resp_1")])
    async with database.write() as session:
        await delete_response(session, 1, "resp_1")
        assert await find_items(session, 1, ["msg_1"]) == {}
    assert await find(database, 1, "resp_1") is None


async def test_an_id_has_another_owner_when_only_others_have_it(database: Database) -> None:
    await save(database, stored("conv_1", key_id=1), stored("conv_2", key_id=1), stored("conv_2", key_id=2))
    async with database.read() as session:
        owned = [await has_other_owner(session, 2, name) for name in ("conv_1", "conv_2", "conv_3")]
    assert owned == [True, False, False]


async def test_what_has_expired_is_deleted_oldest_first_and_only_so_many_at_once(database: Database) -> None:
    ages = {"old": 10, "older": 5, "oldest": 1, "young": 100}
    await save(database, *(stored(name, expires_at=at) for name, at in ages.items()))
    async with database.write() as session:
        assert await delete_expired_responses(session, 50, limit=2) == 2
        assert await find_response(session, 1, "old", 0) is not None
        assert await delete_expired_responses(session, 50, limit=2) == 1
        assert await delete_expired_responses(session, 50, limit=2) == 0
        assert await find_response(session, 1, "young", 0) is not None
