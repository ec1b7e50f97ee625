"""The ledger as operators see it: its entries, whether it adds up, and how a charge came to be."""

from data import ledger
from data.exchanges import get_exchange
from data.tables import LedgerEntry
from gateway.accounting import (
    ChargeExplained,
    ChargeLine,
    CheckLedger,
    EntryView,
    ExplainCharge,
    LedgerChecked,
    LedgerFinding,
    ListEntries,
)
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.bookkeeping import check_books
from gateway.rates import Origin, PriceLine
from gateway.repricing import lines_of

LONGEST_PAGE = 1000


async def list_entries(desk: Desk, operation: ListEntries) -> list[EntryView]:
    """A page of a holder's entries."""
    limit = values.between(operation.limit, 1, LONGEST_PAGE, "limit")
    holder = values.holder(operation.holder)
    await desk.flush()
    async with desk.database.read() as session:
        return [view(entry) for entry in await ledger.entries(session, holder, operation.before, limit)]


async def check_ledger(desk: Desk, _: CheckLedger) -> LedgerChecked:
    """Everything that was ever booked, against all that it must agree with."""
    await desk.flush()
    found = await check_books(desk.database, whole=True)
    findings = [LedgerFinding(each.holder, each.text) for each in found.findings]
    return LedgerChecked(found.holders, found.entries, found.open_reservations, findings)


async def explain_charge(desk: Desk, operation: ExplainCharge) -> ChargeExplained:
    """How the cost of a request came to be, from what it used to where it is booked."""
    await desk.flush()
    async with desk.database.read() as session:
        record = await get_exchange(session, operation.id)
        if record is None:
            raise values.missing("request", operation.id)
        entries = await ledger.entries_of(session, operation.id)
    lines = lines_of(record)
    account = desk.runtime.snapshot.upstreams.get(record.upstream_id or 0)
    return ChargeExplained(
        exchange_id=record.id,
        model=next((line.model for line in lines if line.model), record.model_served),
        provider_id=account.provider_id if account else "",
        usage_source=record.usage_source,
        lines=[explained(line) for line in lines],
        total_micros=record.cost_micros,
        reserved_micros=record.reserved_micros,
        overrun=0 < record.reserved_micros < (record.cost_micros or 0),
        entries=[view(entry) for entry in entries],
    )


def explained(line: PriceLine) -> ChargeLine:
    """A line of a charge, with the price row in words."""
    origin = Origin(line.source, line.version, line.row, line.date).told
    source = f"{origin}; {line.note}" if line.note else origin
    return ChargeLine(line.meter, line.count, f"{line.per_million:f}", f"{line.amount:f}", source)


def view(entry: LedgerEntry) -> EntryView:
    """An entry as the operator sees it."""
    return EntryView(
        id=entry.id or 0,
        at=entry.at,
        kind=entry.kind,
        exchange_id=entry.exchange_id,
        key_id=entry.key_id,
        owner=entry.owner,
        balance_micros=entry.balance_micros,
        reserved_micros=entry.reserved_micros,
        cost_micros=entry.cost_micros,
        funded_micros=entry.funded_micros,
        adjustment_id=entry.adjustment_id,
        actor=entry.actor,
        note=entry.note,
    )
