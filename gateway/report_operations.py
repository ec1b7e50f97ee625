"""What an operator can ask about bills; more of `gateway.operations`."""

from msgspec import Struct

from data.records import Billed
from gateway.operations import Operation


class Payment(Struct, frozen=True):
    """Money that was paid in, or taken out where it is negative."""

    at: int
    micros: int
    note: str


class Invoice(Struct, frozen=True):
    """What a holder owes for a time."""

    holder: str
    name: str
    since: int
    until: int
    made_at: int
    lines: list[Billed]
    total_micros: int
    """What the lines come to."""
    booked_micros: int
    """What the ledger says; never anything else."""
    adjusted_micros: int
    """How much of it corrects what requests first cost."""
    payments: list[Payment]
    running: int
    """Requests of that time that have not ended and are not in it."""
    balance_micros: int | None
    """What is left now of what was paid in; None for who is not prepaid."""
    currency: str = "USD"


class GetInvoice(Operation[Invoice], frozen=True):
    """Of a holder as in `data.limits`, for a time in whole quarters of an hour."""

    holder: str
    since: int
    until: int
