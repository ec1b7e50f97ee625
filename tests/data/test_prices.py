"""What the operator says that models cost, now and before."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from data.database import Database
from data.migrations import migrate, steps
from data.prices import list_prices, remove_price, set_price
from data.tables import PriceOverride


async def history(database: Database) -> list[PriceOverride]:
    async with database.read() as session:
        return await list_prices(session)


async def test_a_price_set_again_ends_the_old_one_and_keeps_it(database: Database) -> None:
    async with database.write() as session:
        await set_price(session, "openai", "gpt-*", {"input": 1}, at=1)
        await set_price(session, "openai", "o3", {"input": 3}, at=2)
        await set_price(session, "openai", "gpt-*", {"input": 2, "output": 8}, at=3)
    assert [(each.model, each.prices, each.since, each.until) for each in await history(database)] == [
        ("gpt-*", {"input": 1}, 1, 3),
        ("o3", {"input": 3}, 2, None),
        ("gpt-*", {"input": 2, "output": 8}, 3, None),
    ]


async def test_a_price_may_be_set_for_requests_before_and_after_now(database: Database) -> None:
    async with database.write() as session:
        await set_price(session, "openai", "o3", {"input": 1}, at=50)
        await set_price(session, "openai", "o3", {"input": 2}, at=60, since=90)
        await set_price(session, "openai", "o3", {"input": 3}, at=70, since=20)
    spans = [(each.prices["input"], each.since, each.until) for each in await history(database)]
    assert spans == [(1, 50, 50), (2, 90, 90), (3, 20, None)]


async def test_removing_a_price_ends_it_and_tells_whether_there_was_one(database: Database) -> None:
    async with database.write() as session:
        await set_price(session, "openai", "gpt-*", {"input": 1}, at=1)
        assert await remove_price(session, "openai", "gpt-*", at=5)
        assert not await remove_price(session, "openai", "gpt-*", at=6)
    assert [(each.since, each.until) for each in await history(database)] == [(1, 5)]


def test_prices_that_were_set_before_there_was_a_history_hold_from_when_they_were_set(tmp_path: Path) -> None:
    path = tmp_path / "gatehouse.db"
    with create_engine(f"sqlite:///{path}").begin() as connection:
        command.upgrade(steps.configuration(connection), "0003")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("""INSERT INTO price_overrides VALUES (7, 'openai', 'o3', '{"input": 3}', 11)""")
        connection.commit()
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT id, model, prices, set_at, since, until FROM price_overrides").fetchall()
    assert found == [(7, "o3", '{"input": 3}', 11, 11, None)]
