"""The ledger as an operator sees it: entries, a check of everything, and a charge with all that it came from."""

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from data.database import Database
from data.records import DONE
from data.tables import Account
from gateway.accounting import CheckLedger, ExplainCharge, ListEntries
from gateway.bookkeeping import check_books, tell
from gateway.bus import Bus
from gateway.errors import BadRequest, NotFound
from gateway.events import Noted
from gateway.journal import Journal
from gateway.operations import AddUpstream
from gateway.operator import Operator
from tests.gateway.answers.scripted import begun

LINES = (
    '[{"meter":"output","tokens":12,"per_million":"2500000","amount":"30.0","source":"genai-prices","version":"1",'
    '"row":"openai/gpt","date":"2026-01-01","note":"for batches","model":"gpt"}]'
)


def ended(journal: Journal, number: int, **fields: object) -> None:
    record = replace(begun(number, at=number, key_id=3), **fields)
    journal.start(replace(record, reserved_micros=25))
    journal.end(replace(record, reserved_micros=25, state=DONE, cost_micros=30))


async def test_entries_of_a_holder_are_listed_with_what_just_ended(operator: Operator, journal: Journal) -> None:
    ended(journal, 1)
    entries = await operator.ask(ListEntries("key:3"))
    assert {(each.exchange_id, each.key_id) for each in entries} == {(1, 3)}
    assert sum(each.balance_micros for each in entries) == -30
    assert await operator.ask(ListEntries("owner:nobody")) == []


@pytest.mark.parametrize("holder", ["", "key:x", "team:a"])
async def test_a_holder_that_cannot_be_is_refused(operator: Operator, holder: str) -> None:
    with pytest.raises(BadRequest, match="must be key:NUMBER, owner:NAME or everyone"):
        await operator.ask(ListEntries(holder))


async def test_a_check_of_the_ledger_tells_what_does_not_add_up(
    operator: Operator, journal: Journal, database: Database
) -> None:
    ended(journal, 1)
    sound = await operator.ask(CheckLedger())
    assert (sound.holders, sound.open_reservations, sound.findings) == (2, 0, [])
    async with database.write() as session:
        await session.execute(text("UPDATE accounts SET cost_micros = 31 WHERE holder = 'key:3'"))
    assert {finding.holder for finding in (await operator.ask(CheckLedger())).findings} == {"key:3"}


async def test_findings_are_told_once_for_each_and_counted_beyond_a_few(database: Database) -> None:
    async with database.write() as session:
        session.add_all(Account(holder=f"key:{number}", balance_micros=1, cost_micros=-1) for number in range(7))
    bus = Bus()
    tell(bus, await check_books(database, whole=False))
    notes = [note for note in bus.notes if isinstance(note, Noted)]
    assert [note.level for note in notes] == ["error"] * 6
    assert notes[0].text.startswith("ledger of key:0: its entries come to balance 0")
    assert notes[5].text.startswith("2 more things")


async def test_a_check_that_found_nothing_is_gone_on_from(database: Database, journal: Journal) -> None:
    ended(journal, 1)
    await journal.flush()
    assert (await check_books(database, whole=False)).entries > 0
    assert (await check_books(database, whole=False)).entries == 0
    assert (await check_books(database, whole=True)).entries > 0


async def test_a_charge_is_explained_from_its_meters_to_the_ledger(operator: Operator, journal: Journal) -> None:
    upstream = (await operator.ask(AddUpstream("demo"))).upstream
    ended(journal, 1, upstream_id=upstream.id, model_served="gpt-as-told", usage_source="provider", price_lines=LINES)
    told = await operator.ask(ExplainCharge(1))
    (line,) = told.lines
    assert (line.meter, line.count, line.per_million, line.amount) == ("output", 12, "2500000", "30.0")
    assert line.source == "genai-prices 1, openai/gpt, 2026-01-01; for batches"
    assert (told.model, told.provider_id, told.total_micros, told.usage_source) == ("gpt", "demo", 30, "provider")
    assert (told.reserved_micros, told.overrun) == (25, True)
    assert told.entries[-1].kind == "settle"
    with pytest.raises(NotFound):
        await operator.ask(ExplainCharge(2))
