"""Books that add up are told from those that do not, wherever somebody tampered with them."""

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from data import audit
from data.audit import BEGINNING, Audit, Checkpoint, check, last_reached, remember
from data.database import Database
from data.exchanges import save_exchanges
from data.ledger import pay_in
from data.records import DONE, RUNNING, ExchangeRecord

RUNS = ExchangeRecord(1, "req-1", 5, RUNNING, "openai_chat", "chat", "/v1", key_id=3, owner="alice", reserved_micros=90)
ENDED = replace(RUNS, id=2, request_id="req-2")


@pytest.fixture
async def filled(database: Database) -> Database:
    """Some paid in, one request that runs, one that ended, one that cost nothing and one without a price."""
    async with database.write() as session:
        await pay_in(session, "key:3", 500, 1, "root")
        await save_exchanges(session, [RUNS, ENDED])
        await save_exchanges(
            session,
            [
                replace(ENDED, state=DONE, cost_micros=40),
                replace(RUNS, id=3, request_id="req-3", state=DONE, reserved_micros=0, cost_micros=0),
                replace(RUNS, id=4, request_id="req-4", state=DONE, reserved_micros=0, output_tokens=4, key_id=None),
            ],
        )
    return database


async def checked(database: Database, since: Checkpoint = BEGINNING) -> Audit:
    return await check(database, since)


async def tamper(database: Database, statement: str) -> None:
    async with database.write() as session:
        await session.execute(text(statement))


async def test_books_that_add_up_have_no_findings(filled: Database) -> None:
    found = await checked(filled)
    assert (found.holders, found.entries, found.open_reservations, found.findings) == (3, 4, 1, [])
    assert (await checked(filled, found.reached)).entries == 0


@pytest.mark.parametrize(
    ("statement", "holder", "told"),
    [
        ("UPDATE accounts SET balance_micros = 1 WHERE holder = 'key:3'", "key:3", "its entries come to balance 370"),
        ("UPDATE accounts SET cost_micros = 7 WHERE holder = 'everyone'", "everyone", "is not what is left"),
        ("DELETE FROM accounts WHERE holder = 'owner:alice'", "owner:alice", "its account says balance 0"),
        ("UPDATE exchanges SET cost_micros = 41 WHERE id = 2", "key:3", "request 2 cost 41, booked were 40"),
        ("UPDATE exchanges SET state = 'failed' WHERE id = 1", "key:3", "request 1 ended (failed), and what"),
        ("DELETE FROM exchanges WHERE id = 1", "everyone", "request 1 is not on record, and what it reserved"),
        ("DELETE FROM ledger_entries WHERE exchange_id = 1", "key:3", "runs with 90 reserved, 0 of it booked"),
        ("UPDATE ledger_entries SET kind = 'settle' WHERE exchange_id = 1", "key:3", "request 1 runs with 90"),
        ("DELETE FROM ledger_entries WHERE exchange_id = 2 AND kind = 'reserve'", "key:3", "released were 90"),
        ("UPDATE usage_sums SET cost_micros = 39 WHERE key_id = 3", "key:3", "cost 40, its usage sums to 39"),
    ],
)  # fmt: skip
async def test_what_does_not_add_up_is_found(filled: Database, statement: str, holder: str, told: str) -> None:
    await tamper(filled, statement)
    found = (await checked(filled)).findings
    assert [each for each in found if each.holder == holder and told in each.text], found


async def test_a_quick_check_looks_at_what_came_since_alone(filled: Database) -> None:
    reached = (await checked(filled)).reached
    assert (reached.entry, reached.exchange) == (4, 0)
    async with filled.write() as session:
        await save_exchanges(session, [replace(RUNS, state=DONE, cost_micros=1)])
        await remember(session, reached)
    async with filled.read() as session:
        assert await last_reached(session) == reached
    quick = await checked(filled, reached)
    assert (quick.entries, quick.findings, quick.reached.exchange) == (1, [], 4)
    await tamper(filled, "UPDATE accounts SET cost_micros = 0, funded_micros = 0, balance_micros = 0")
    assert [each.holder for each in (await checked(filled, reached)).findings] == ["everyone", "key:3", "owner:alice"]


async def test_the_first_quick_check_looks_at_everything(database: Database) -> None:
    async with database.read() as session:
        assert await last_reached(session) == BEGINNING


async def test_slices_leave_nothing_out(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await checked(filled)
    monkeypatch.setattr(audit, "ENTRIES_AT_ONCE", 1)
    monkeypatch.setattr(audit, "EXCHANGES_AT_ONCE", 1)
    assert await checked(filled) == whole
