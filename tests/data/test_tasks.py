"""Video tasks in the database: closed with their exchange, once, and never mistaken for what a dead gateway left."""

from msgspec.structs import replace
from sqlalchemy import select

from data.database import Database
from data.exchanges import get_exchange, interrupt_open, save_exchanges
from data.records import DONE, FAILED, RUNNING, ExchangeRecord
from data.tables import LedgerEntry, Task
from data.tasks import (
    TaskPage,
    add_task,
    count_tasks,
    delete_task,
    find_task,
    note_task,
    open_tasks,
    page_tasks,
    settle_task,
)

BEGUN = ExchangeRecord(1, "req-1", 10, RUNNING, "ark_video", "video", "/v1/videos", key_id=7)
MADE = replace(BEGUN, state=DONE, cost_micros=500)


def task(number: int = 1, key_id: int = 7) -> Task:
    return Task(
        exchange_id=number,
        token=f"t{number}",
        key_id=key_id,
        upstream_id=3,
        upstream_task_id="theirs",
        shape="ark_video",
        model="m",
        created_at=number,
        status="queued",
        standing={},
    )


async def begin(database: Database) -> None:
    async with database.write() as session:
        await save_exchanges(session, [BEGUN])
        await add_task(session, task(), [])


async def settle(database: Database, record: ExchangeRecord) -> bool:
    async with database.write() as session:
        return await settle_task(session, record, "succeeded", {"status": "succeeded"}, 20)


async def amounts(database: Database) -> list[int]:
    async with database.read() as session:
        return [entry.cost_micros for entry in await session.scalars(select(LedgerEntry))]


async def test_a_task_is_closed_and_charged_together_with_its_exchange(database: Database) -> None:
    await begin(database)
    assert await settle(database, MADE)
    async with database.read() as session:
        assert await get_exchange(session, 1) == MADE
        assert await open_tasks(session) == []
    assert await amounts(database) == [500]


async def test_a_task_that_was_closed_is_neither_changed_nor_charged_again(database: Database) -> None:
    await begin(database)
    assert await settle(database, replace(BEGUN, state=FAILED, cost_micros=0))
    assert not await settle(database, MADE)
    async with database.write() as session:
        await note_task(session, 1, "running", {})
    async with database.read() as session:
        found = await find_task(session, "t1")
    assert found is not None
    assert found.status == "succeeded"
    assert await amounts(database) == []


async def test_a_gateway_that_died_interrupts_no_task(database: Database) -> None:
    await begin(database)
    async with database.write() as session:
        await save_exchanges(session, [replace(BEGUN, id=2, request_id="req-2")])
        assert await interrupt_open(session) == 1
    async with database.read() as session:
        assert [(found.token, record) for found, record in await open_tasks(session)] == [("t1", BEGUN)]


async def test_only_a_keys_own_tasks_that_are_not_deleted_are_on_its_pages(database: Database) -> None:
    async with database.write() as session:
        for number in range(1, 6):
            await add_task(session, task(number, key_id=8 if number == 2 else 7), [])
        await delete_task(session, 3, 30)
    async with database.read() as session:
        newest, rest = TaskPage(7, limit=2), TaskPage(7, limit=2, offset=2)
        assert [found.token for found in await page_tasks(session, newest)] == ["t5", "t4"]
        assert [found.token for found in await page_tasks(session, rest)] == ["t1"]
        assert await count_tasks(session, newest) == 3
        assert await find_task(session, "t3") is None


async def test_pages_go_on_from_a_task_in_either_direction(database: Database) -> None:
    async with database.write() as session:
        for number in range(1, 5):
            await add_task(session, task(number), [])
    async with database.read() as session:
        older = await page_tasks(session, TaskPage(7, limit=5, after=3))
        newer = await page_tasks(session, TaskPage(7, limit=5, after=3, oldest_first=True))
    assert [found.token for found in older] == ["t2", "t1"]
    assert [found.token for found in newer] == ["t4"]
