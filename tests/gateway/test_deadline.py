"""A deadline calls when it is missed, and only then."""

import asyncio

from gateway.deadline import Deadline


async def test_a_deadline_that_is_missed_calls() -> None:
    missed = asyncio.Event()
    loop = asyncio.get_running_loop()
    Deadline(loop, missed.set).set(loop.time() + 0.01)
    async with asyncio.timeout(5):
        await missed.wait()


async def test_one_that_is_put_off_is_missed_at_its_last_moment() -> None:
    missed: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    loop = missed.get_loop()
    deadline = Deadline(loop, lambda: missed.set_result(loop.time()))
    last = loop.time() + 0.05
    deadline.set(loop.time() + 0.01)
    deadline.set(last)
    async with asyncio.timeout(5):
        assert await missed >= last


async def test_one_that_is_brought_forward_does_not_wait_for_the_first() -> None:
    missed = asyncio.Event()
    loop = asyncio.get_running_loop()
    deadline = Deadline(loop, missed.set)
    deadline.set(loop.time() + 3600)
    deadline.set(loop.time() + 0.01)
    async with asyncio.timeout(5):
        await missed.wait()


async def test_one_that_is_lifted_or_closed_does_not_call() -> None:
    called: list[str] = []
    loop = asyncio.get_running_loop()
    lifted, closed = Deadline(loop, lambda: called.append("lifted")), Deadline(loop, lambda: called.append("closed"))
    for deadline in (lifted, closed):
        deadline.set(loop.time() + 0.01)
    lifted.lift()
    closed.close()
    await asyncio.sleep(0.05)
    assert lifted.lifted
    assert called == []
