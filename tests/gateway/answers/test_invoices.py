"""What a key or an owner owes: the lines and the ledger agree to the micro-unit, whatever happened."""

import pytest
from msgspec.structs import replace

from data import ledger
from data.database import Database
from data.keys import add_key
from data.records import DONE, FAILED, ExchangeRecord
from data.tables import Key
from gateway.errors import BadRequest, NotFound
from gateway.journal import Journal
from gateway.operator import Operator
from gateway.report_operations import GetInvoice, Invoice
from tests.gateway.answers.scripted import begun

NOVEMBER, DECEMBER = 1_793_491_200_000_000, 1_796_083_200_000_000
NOON = NOVEMBER + 12 * 3_600_000_000


def ended(number: int, at: int = NOON, key_id: int = 1, owner: str = "ops", **fields: object) -> ExchangeRecord:
    record = replace(begun(number, at=at, model="gpt-5"), key_id=key_id, owner=owner)
    return replace(record, **({"state": DONE, "input_tokens": 10, "output_tokens": 2} | fields))


@pytest.fixture
async def booked(database: Database, journal: Journal) -> None:
    """Two keys of one owner, what they used in November and at its edges, and what was paid in."""
    async with database.write() as session:
        for name in ("ana", "bob"):
            key = Key(public_id=name, secret_hash=b"", tail="", name=name, owner="ops", created_at=1, revoked_at=2)
            await add_key(session, key)
    for record in (
        ended(1, cost_micros=7),
        ended(2, cost_micros=1, model_served="gpt-5-mini"),
        ended(3, cost_micros=20, key_id=2),
        ended(4, at=NOVEMBER - 1, cost_micros=1_000),
        ended(5, at=DECEMBER, cost_micros=1_000),
        ended(6, state=FAILED, cost_micros=0, input_tokens=0, output_tokens=0),
        ended(7, cost_micros=None),
        ended(8, cost_micros=500, owner="sales"),
    ):
        journal.start(replace(record, state="running", cost_micros=None))
        journal.end(record)
    journal.start(replace(begun(9, at=NOON), key_id=1, owner="ops"))
    await journal.flush()
    async with database.write() as session:
        await ledger.pay_in(session, "key:1", 50, NOON, "root", "thanks")


async def bill(operator: Operator, holder: str) -> Invoice:
    return await operator.ask(GetInvoice(holder, NOVEMBER, DECEMBER))


@pytest.mark.usefixtures("booked")
@pytest.mark.parametrize(
    ("holder", "lines", "total"),
    [
        ("key:1", [("ana", "gpt-5", 507), ("ana", "gpt-5-mini", 1)], 508),
        ("owner:ops", [("ana", "gpt-5", 7), ("ana", "gpt-5-mini", 1), ("bob", "gpt-5", 20)], 28),
        ("owner:sales", [("ana", "gpt-5", 500)], 500),
        ("everyone", [("ana", "gpt-5", 507), ("ana", "gpt-5-mini", 1), ("bob", "gpt-5", 20)], 528),
        ("owner:nobody", [], 0),
    ],
)
async def test_lines_come_to_what_the_ledger_says(
    operator: Operator, holder: str, lines: list[tuple[str, str, int]], total: int
) -> None:
    invoice = await bill(operator, holder)
    assert [(line.key, line.model, line.cost_micros) for line in invoice.lines] == lines
    assert invoice.total_micros == invoice.booked_micros == total


@pytest.mark.usefixtures("booked")
async def test_requests_without_a_price_or_an_end_are_told_and_not_charged(operator: Operator) -> None:
    invoice = await bill(operator, "key:1")
    (line, _) = invoice.lines
    assert (line.requests, line.input_tokens, line.unpriced, invoice.running) == (4, 30, 1, 1)


@pytest.mark.usefixtures("booked")
async def test_what_was_paid_in_belongs_to_whom_it_was_paid_in_for(operator: Operator) -> None:
    (paid,) = (await bill(operator, "key:1")).payments
    assert (paid.micros, paid.note) == (50, "thanks")
    assert (await bill(operator, "owner:ops")).payments == []


async def test_what_cannot_be_billed_is_refused(operator: Operator) -> None:
    for holder in ("key:x", "nobody", "owner:", ""):
        with pytest.raises(BadRequest, match="holder"):
            await bill(operator, holder)
    for since, until in ((1, DECEMBER), (DECEMBER, NOVEMBER), (-900_000_000, DECEMBER)):
        with pytest.raises(BadRequest, match="quarters"):
            await operator.ask(GetInvoice("everyone", since, until))
    with pytest.raises(NotFound):
        await bill(operator, "key:99")
