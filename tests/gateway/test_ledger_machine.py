"""Whatever happens, in whatever order, the books add up: requests that run and end in every way, payments, corrections,
tasks, cleaning, and the gateway dying in between. On a real database with the real journal in front of it.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace

from data.adjustments import Correction, adjust, begin_adjustment, get_adjustment, reverse, why_not_reversible
from data.audit import BEGINNING, check
from data.database import Database
from data.exchanges import page_exchanges
from data.ledger import accounts, holders_of, pay_in, start_account
from data.records import CLIENT_LEFT, CUT, DONE, FAILED, INTERRUPTED, RUNNING, ExchangeRecord
from data.retention import delete_exchanges, find_oldest
from data.tables import Account, Task
from data.tasks import add_task, settle_task
from data.usage import Range, sum_usage
from gateway.bus import Bus
from gateway.journal import Entry, Journal

MONEY = st.integers(0, 5_000) | st.sampled_from([0, 1, 10**12])
WHOSE = st.sampled_from([(1, ""), (2, "al"), (3, "al"), (None, "")])
HOLDERS = st.sampled_from(["key:1", "key:2", "owner:al", "everyone"])
ENDS = st.sampled_from([DONE, FAILED, CUT, CLIENT_LEFT, INTERRUPTED])
PICK = st.integers(0, 10**6)


@cache
def template() -> Path:
    """A database that was migrated once."""

    async def make(path: Path) -> None:
        database = Database(path)
        await database.open()
        await database.migrate()
        await database.close()

    path = Path(tempfile.mkdtemp()) / "gatehouse.db"
    asyncio.run(make(path))
    return path


class Books(RuleBasedStateMachine):
    """What should be in the books, beside what is."""

    ended_in_all = 0

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.running: dict[int, ExchangeRecord] = {}
        self.tasks: set[int] = set()
        self.ended: dict[int, ExchangeRecord] = {}
        self.gone: list[ExchangeRecord] = []
        self.paid: Counter[str] = Counter()
        self.names: set[str] = set()
        self.adjustments: dict[int, list[tuple[int, int | None]]] = {}
        self.clock = 10**9
        (self.directory / "journal").mkdir()
        shutil.copy(template(), self.directory / "gatehouse.db")
        self.database = Database(self.directory / "gatehouse.db")
        self.run(self._reopen())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _reopen(self) -> None:
        self.journal = Journal(self.database, self.directory / "journal", Bus())
        await self.journal.open()

    def teardown(self) -> None:
        self.look()
        type(self).ended_in_all += len(self.ended) + len(self.gone)
        self.run(self.journal.close())
        self.run(self.database.close())
        self.runner.close()
        shutil.rmtree(self.directory)

    # --- requests

    @rule(whose=WHOSE, reserved=MONEY)
    def start(self, whose: tuple[int | None, str], reserved: int) -> None:
        number = self.journal.next_id()
        self.clock += 400_000_000
        record = ExchangeRecord(number, f"req-{number}", self.clock, RUNNING, "openai_chat", "chat", "/v1")
        record = replace(record, key_id=whose[0], owner=whose[1], reserved_micros=reserved)
        self.journal.start(record)
        self.running[number] = record

    @rule(whose=WHOSE, ends=st.lists(st.tuples(ENDS, MONEY, MONEY), min_size=1), times=st.integers(1, 20))
    def serve_many(self, whose: tuple[int | None, str], ends: list[tuple[str, int, int]], times: int) -> None:
        for state, reserved, cost in ends * times:
            self.start(whose, reserved)
            self._end(max(self.running), state, cost)

    @precondition(lambda self: self.running.keys() - self.tasks)
    @rule(pick=PICK, cost=MONEY)
    def come_further(self, pick: int, cost: int) -> None:
        number = self._one_of(self.running.keys() - self.tasks, pick)
        self.running[number] = replace(self.running[number], cost_micros=cost, output_tokens=cost % 90)
        self.journal.progress(self.running[number])

    @precondition(lambda self: self.running.keys() - self.tasks)
    @rule(pick=PICK, state=ENDS, cost=MONEY | st.none())
    def end(self, pick: int, state: str, cost: int | None) -> None:
        self._end(self._one_of(self.running.keys() - self.tasks, pick), state, cost)

    def _end(self, number: int, state: str, cost: int | None) -> None:
        self.ended[number] = replace(self.running.pop(number), state=state, cost_micros=cost, output_tokens=3)
        self.journal.end(self.ended[number])

    @rule()
    def flush(self) -> None:
        self.run(self.journal.flush())

    # --- tasks

    @precondition(lambda self: self.running.keys() - self.tasks)
    @rule(pick=PICK)
    def become_a_task(self, pick: int) -> None:
        number = self._one_of(self.running.keys() - self.tasks, pick)
        self.tasks.add(number)
        self.run(self._become_a_task(number))

    async def _become_a_task(self, number: int) -> None:
        await self.journal.flush()
        task = Task(exchange_id=number, token=str(number), key_id=1, upstream_id=1, upstream_task_id="t", shape="ark")
        task.model, task.created_at, task.status, task.standing = "m", 1, "queued", {}
        async with self.database.write(durable=False) as session:
            await add_task(session, task, ())

    @precondition(lambda self: self.tasks)
    @rule(pick=PICK, cost=MONEY, times=st.integers(1, 2))
    def end_a_task(self, pick: int, cost: int, times: int) -> None:
        number = self._one_of(self.tasks, pick)
        self.tasks.discard(number)
        self.ended[number] = replace(self.running.pop(number), state=DONE, cost_micros=cost)
        for _ in range(times):
            self.run(self._settle(self.ended[number]))

    async def _settle(self, record: ExchangeRecord) -> None:
        async with self.database.write(durable=False) as session:
            await settle_task(session, record, "completed", {}, 1)

    # --- money

    @rule(holder=HOLDERS, micros=st.integers(-500, 10**6), once=st.sampled_from(["", "a", "b"]))
    def pay(self, holder: str, micros: int, once: str) -> None:
        name = f"{holder} {once}"
        if self.run(self._pay(holder, micros, once)):
            assert not once or name not in self.names
            self.paid[holder] += micros
            self.names.add(name)
        else:
            assert name in self.names

    async def _pay(self, holder: str, micros: int, once: str) -> bool:
        async with self.database.write(durable=False) as session:
            return await pay_in(session, holder, micros, 1, "me", "", once)

    @rule(holder=HOLDERS)
    def begin_prepaid(self, holder: str) -> None:
        self.paid[holder] += self.run(self._begin_prepaid(holder))

    async def _begin_prepaid(self, holder: str) -> int:
        await self.journal.flush()
        async with self.database.write(durable=False) as session:
            return await start_account(session, holder, 1, "me")

    @precondition(lambda self: self.ended)
    @rule(pick=PICK, costs=st.lists(MONEY, min_size=1, max_size=4))
    def correct(self, pick: int, costs: list[int]) -> None:
        numbers = sorted(self.ended)[pick % len(self.ended) :][: len(costs)]
        wanted = [
            Correction(number, self.ended[number].cost_micros, cost, "[]")
            for number, cost in zip(numbers, costs, strict=False)
        ]
        before = [(each.exchange_id, each.before_micros) for each in wanted]
        self.adjustments[self.run(self._correct(wanted))] = before
        for each in wanted:
            self.ended[each.exchange_id] = replace(self.ended[each.exchange_id], cost_micros=each.after_micros)

    async def _correct(self, wanted: list[Correction]) -> int:
        await self.journal.flush()
        async with self.database.write(durable=False) as session:
            number = await begin_adjustment(session, 1, "me", "")
            await adjust(session, number, wanted)
            return number

    @precondition(lambda self: self.adjustments)
    @rule(pick=PICK)
    def take_a_correction_back(self, pick: int) -> None:
        number = self._one_of(self.adjustments.keys(), pick)
        if not self.run(self._reverse(number)):
            return
        for exchange_id, before in self.adjustments.pop(number):
            self.ended[exchange_id] = replace(self.ended[exchange_id], cost_micros=before)

    async def _reverse(self, number: int) -> bool:
        async with self.database.read() as session:
            adjustment = await get_adjustment(session, number)
            assert adjustment is not None
            if await why_not_reversible(session, adjustment):
                return False
        moved: object = ()
        while moved is not None:
            async with self.database.write(durable=False) as session:
                moved = await reverse(session, number, 1, "me", 2)
        return True

    @rule(limit=st.integers(1, 8))
    def clean(self, limit: int) -> None:
        self.run(self._clean(limit))

    async def _clean(self, limit: int) -> None:
        await self.journal.flush()
        async with self.database.write(durable=False) as session:
            await delete_exchanges(session, await find_oldest(session, 2**62, limit))
        async with self.database.read() as session:
            kept = {record.id for record in await page_exchanges(session, limit=10**6)}
        for number in self.ended.keys() - kept:
            self.gone.append(self.ended.pop(number))

    # --- dying

    @rule(torn=st.booleans(), pick=PICK, again=st.integers(0, 3), cost=MONEY)
    def die(self, torn: bool, pick: int, again: int, cost: int) -> None:
        """The process is gone; of what it wrote some lines lie there twice, late or torn."""
        journal = self.directory / "journal"
        self.run(self._die())
        numbers = sorted(self.ended)
        late = [self.ended[number] for number in (numbers[pick % len(numbers) :][:again] if numbers else [])]
        lines = [msgspec.json.encode(Entry(replace(each, state=DONE, cost_micros=cost))) for each in late]
        lines += [msgspec.json.encode(Entry(replace(each, state=RUNNING))) for each in late]
        lines.append(b'{"type":"exchange","record":{"id' if torn else b"")
        (journal / f"{len(list(journal.iterdir())) + 10**6:012d}.jsonl").write_bytes(b"\n".join(lines))
        self.run(self._reopen())
        for number in sorted(self.running.keys() - self.tasks):
            self.ended[number] = replace(self.running.pop(number), state=INTERRUPTED)
        assert self.run(self._states(RUNNING)) == self.tasks

    async def _die(self) -> None:
        for task in asyncio.all_tasks():
            if task.get_name() == "journal":
                task.cancel()
        self.journal._segments.close(keep=True)

    async def _states(self, state: str) -> set[int]:
        async with self.database.read() as session:
            return {record.id for record in await page_exchanges(session, limit=10**6) if record.state == state}

    # --- what must hold

    @rule()
    def look(self) -> None:
        self.run(self._look())

    async def _look(self) -> None:
        await self.journal.flush()
        found = await check(self.database, BEGINNING)
        assert found.findings == []
        assert found.open_reservations == sum(record.reserved_micros > 0 for record in self.running.values())
        over = [*self.ended.values(), *self.gone]
        async with self.database.read() as session:
            stand = {each.holder: each for each in await accounts(session)}
            used = await sum_usage(session, Range(0, 2**62))
        expected = self._expected(over)
        for holder in stand.keys() | expected.keys():
            each = stand.get(holder) or Account(holder=holder)
            amounts = (each.balance_micros, each.reserved_micros, each.cost_micros, each.funded_micros)
            assert amounts == expected.get(holder, (0, 0, 0, 0)), holder
        assert sum(row.requests for row in used) == len(over) + len(self.running)
        assert sum(row.cost_micros for row in used) == sum(record.cost_micros or 0 for record in over)

    def _expected(self, over: list[ExchangeRecord]) -> dict[str, tuple[int, ...]]:
        reserved: Counter[str] = Counter()
        cost: Counter[str] = Counter()
        for record in self.running.values():
            for holder in holders_of(record.key_id, record.owner, moved=True):
                reserved[holder] += record.reserved_micros
        for record in over:
            for holder in holders_of(record.key_id, record.owner, moved=True):
                cost[holder] += record.cost_micros or 0
        return {
            holder: (
                self.paid[holder] - cost[holder] - reserved[holder],
                reserved[holder],
                cost[holder],
                -self.paid[holder],
            )
            for holder in reserved.keys() | cost.keys() | self.paid.keys()
        }

    @staticmethod
    def _one_of(numbers: Any, pick: int) -> int:
        return sorted(numbers)[pick % len(numbers)]


ANYHOW = settings(deadline=None, suppress_health_check=list(HealthCheck))


def test_the_books_add_up_whatever_happens() -> None:
    run_state_machine_as_test(Books, settings=settings(ANYHOW, max_examples=12, stateful_step_count=30))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_books_add_up_over_a_hundred_thousand_endings() -> None:
    Books.ended_in_all = 0
    while Books.ended_in_all < 100_000:
        run_state_machine_as_test(Books, settings=settings(ANYHOW, max_examples=200, stateful_step_count=50))
