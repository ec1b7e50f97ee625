"""What a key, an owner or everyone together owes for a time."""

from data import invoices, keys, ledger
from data.database import Session
from data.limits import EVERYONE, Limits
from data.usage import QUARTER
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.report_operations import GetInvoice, Invoice, Payment


async def get_invoice(desk: Desk, operation: GetInvoice) -> Invoice:
    """Lines, payments and what the ledger says, all of one moment."""
    holder, since, until = operation.holder, operation.since, operation.until
    if since % QUARTER or until % QUARTER or not 0 <= since < until:
        raise values.refuse("since and until", "must be quarters of an hour, the first before the second")
    await desk.flush()
    async with desk.database.read() as session:
        name, limits = await named(desk, session, holder)
        lines = await invoices.billed(session, holder, since, until)
        booked = await invoices.booked(session, holder, since, until)
        paid = await invoices.payments(session, holder, since, until)
        running = await invoices.count_running(session, holder, since, until)
        account = await ledger.get_account(session, holder)
    return Invoice(
        holder=holder,
        name=name,
        since=since,
        until=until,
        made_at=desk.runtime.now(),
        lines=lines,
        total_micros=sum(line.cost_micros for line in lines),
        booked_micros=booked.cost_micros,
        adjusted_micros=booked.adjusted_micros,
        payments=[Payment(entry.at, -entry.funded_micros, entry.note) for entry in paid],
        running=running,
        balance_micros=account.balance_micros if limits.prepaid else None,
    )


async def named(desk: Desk, session: Session, holder: str) -> tuple[str, Limits]:
    """A holder's name for a person, and its limits. Raises `BadRequest` and `NotFound`; owners need no description."""
    try:
        key_id, owner = ledger.whose(holder)
    except ValueError:
        raise values.refuse("holder", "must be key:NUMBER, owner:NAME or everyone") from None
    snapshot = desk.runtime.snapshot
    if key_id is None:
        return owner or EVERYONE, snapshot.owners.get(owner, Limits()) if owner else snapshot.everyone
    key = await keys.get_key(session, key_id)
    if key is None:
        raise values.missing("key", key_id)
    facts = snapshot.keys.get(key.public_id)
    return key.name, facts.limits if facts else Limits()
