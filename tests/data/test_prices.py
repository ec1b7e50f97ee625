"""What the operator says that models cost."""

from data.database import Database
from data.prices import list_prices, remove_price, set_price


async def test_a_price_set_again_replaces_the_old_one(database: Database) -> None:
    async with database.write() as session:
        await set_price(session, "openai", "gpt-*", {"input": 1}, at=1)
        await set_price(session, "openai", "o3", {"input": 3}, at=2)
        await set_price(session, "openai", "gpt-*", {"input": 2, "output": 8}, at=3)
    async with database.read() as session:
        found = [(price.model, price.prices, price.set_at) for price in await list_prices(session)]
    assert found == [("gpt-*", {"input": 2, "output": 8}, 3), ("o3", {"input": 3}, 2)]


async def test_removing_a_price_tells_whether_there_was_one(database: Database) -> None:
    async with database.write() as session:
        await set_price(session, "openai", "gpt-*", {"input": 1}, at=1)
        assert await remove_price(session, "openai", "gpt-*")
        assert not await remove_price(session, "openai", "gpt-*")
        assert await list_prices(session) == []
