"""Entries add up to nothing, count for whom they concern, and are booked once."""

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from data.database import Database
from data.exchanges import save_exchanges
from data.ledger import accounts, entries, entries_of, holders_of, pay_in, start_account, whose
from data.records import DONE, RUNNING, ExchangeRecord

RUNS = ExchangeRecord(
    1, "req-1", 50, RUNNING, "openai_chat", "chat", "/v1", key_id=3, owner="alice", reserved_micros=90
)
ENDED = replace(RUNS, state=DONE, cost_micros=40)


async def save(database: Database, *records: ExchangeRecord) -> None:
    for record in records:
        async with database.write(durable=False) as session:
            await save_exchanges(session, [record])


async def pay(database: Database, holder: str, micros: int, once: str = "") -> bool:
    async with database.write(durable=False) as session:
        return await pay_in(session, holder, micros, 7, "root", "thanks", once)


async def start(database: Database, holder: str) -> int:
    async with database.write(durable=False) as session:
        return await start_account(session, holder, 7, "root")


async def balances(database: Database) -> dict[str, tuple[int, int, int, int]]:
    async with database.read() as session:
        return {
            each.holder: (each.balance_micros, each.reserved_micros, each.cost_micros, each.funded_micros)
            for each in await accounts(session)
        }


async def test_a_request_moves_money_of_its_key_its_owner_and_everyone(database: Database) -> None:
    await save(database, RUNS)
    assert await balances(database) == dict.fromkeys(("key:3", "owner:alice", "everyone"), (-90, 90, 0, 0))
    await save(database, ENDED, ENDED, RUNS)
    assert await balances(database) == dict.fromkeys(("key:3", "owner:alice", "everyone"), (-40, 0, 40, 0))


@pytest.mark.parametrize("holder", ["key:3", "owner:alice", "everyone"])
async def test_what_is_paid_in_counts_for_one_holder_alone(database: Database, holder: str) -> None:
    assert await pay(database, holder, 500)
    assert await balances(database) == {holder: (500, 0, 0, -500)}


async def test_a_payment_with_a_name_is_booked_once_for_each_holder(database: Database) -> None:
    assert [await pay(database, holder, 5, "november") for holder in ("key:1", "key:2", "key:1")] == [True, True, False]
    assert [await pay(database, "key:1", 5) for _ in range(2)] == [True, True]
    assert (await balances(database))["key:1"] == (15, 0, 0, -15)


async def test_an_account_starts_at_nothing_but_what_its_running_requests_hold_back(database: Database) -> None:
    await save(database, ENDED, replace(RUNS, id=2, request_id="req-2"))
    assert await start(database, "key:3") == 40
    assert (await balances(database))["key:3"] == (-90, 90, 40, -40)
    assert await start(database, "key:3") == 0
    assert await start(database, "key:4") == 0
    assert "key:4" not in await balances(database)


async def test_a_holders_entries_are_paged_newest_first(database: Database) -> None:
    await pay(database, "key:3", 500)
    await save(database, RUNS, ENDED)
    await pay(database, "owner:alice", 10)
    await pay(database, "everyone", 20)
    async with database.read() as session:
        kinds = {
            holder: [entry.kind for entry in await entries(session, holder)]
            for holder in ("key:3", "owner:alice", "everyone", "owner:bob")
        }
        assert [entry.id for entry in await entries(session, "key:3", before=3, limit=1)] == [2]
    assert kinds == {
        "key:3": ["settle", "reserve", "top_up"],
        "owner:alice": ["top_up", "settle", "reserve"],
        "everyone": ["top_up", "settle", "reserve"],
        "owner:bob": [],
    }


async def test_all_that_was_booked_for_a_request_is_found(database: Database) -> None:
    await save(database, RUNS, ENDED, replace(ENDED, id=2, request_id="req-2"))
    async with database.read() as session:
        found = await entries_of(session, 1)
    assert [(entry.kind, entry.at, entry.cost_micros) for entry in found] == [("reserve", 50, 0), ("settle", 50, 40)]


@pytest.mark.parametrize("holder", ["key:", "key:x", "owner:", "nobody", "", "key:-1", "key:²"])
def test_what_names_no_holder_is_refused(holder: str) -> None:
    with pytest.raises(ValueError, match=rf"^{holder}$"):
        whose(holder)


@pytest.mark.parametrize("holder", ["key:12", "owner:a:b", "everyone"])
def test_what_is_paid_to_a_holder_counts_for_it(holder: str) -> None:
    assert list(holders_of(*whose(holder), moved=False)) == [holder]


async def test_settling_looks_up_its_reservation_by_an_index(database: Database) -> None:
    from data.ledger import SETTLE, SETTLE_OPEN

    async with database.read() as session:
        for statement in (SETTLE.replace("?", "1"), SETTLE_OPEN):
            plan = (await session.execute(text(f"EXPLAIN QUERY PLAN {statement}"))).all()
            assert not [step[3] for step in plan if step[3].startswith("SCAN")]
