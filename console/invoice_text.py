"""An invoice in plain text, 80 columns wide. Pure; no Textual: commands use it."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from itertools import groupby

from console.calendars import local
from console.ink import fit, wrap
from console.units import exact
from data.records import Billed
from gateway.report_operations import Invoice

WIDTH = 80
AMOUNT = 22
COUNT = 20
ROUNDING = (
    "Each request is rounded once, to the millionth of a dollar, half up.",
    "Sums are exact; the total in cents is rounded half up.",
)


def invoice_text(invoice: Invoice, zone: tzinfo | None, zone_name: str) -> str:
    """The whole invoice."""
    parts = [
        *_head(invoice, zone, zone_name),
        *(line for key in _by_key(invoice.lines) for line in key),
        *_total(invoice),
        *_payments(invoice, zone),
        "",
        *_remarks(invoice),
        *ROUNDING,
    ]
    return "\n".join(part.rstrip() for part in parts)


def cents(micros: int) -> str:
    """Micro-units as dollars and cents, half a cent rounded up."""
    rounded = (abs(micros) + 5_000) // 10_000
    return f"{'-' if micros < 0 and rounded else ''}{rounded // 100}.{rounded % 100:02}"


def _head(invoice: Invoice, zone: tzinfo | None, zone_name: str) -> Iterator[str]:
    yield "INVOICE"
    yield ""
    yield fit(f"for    {invoice.name}  ({invoice.holder})", WIDTH)
    yield f"from   {local(invoice.since, zone)}"
    yield f"until  {local(invoice.until, zone)}  {zone_name}"
    yield f"made   {local(invoice.made_at, zone)}"


def _by_key(lines: Iterable[Billed]) -> Iterator[list[str]]:
    for (number, name), group in groupby(lines, key=lambda line: (line.key_id, line.key)):
        used = list(group)
        title = f"{name} (key {number})" if number else "without a key"
        text = ["", _row(title, "", exact(sum(line.cost_micros for line in used)))]
        for line in used:
            requests = f"{line.requests:,} request{'' if line.requests == 1 else 's'}"
            text += [_row(f"  {line.model or 'no model'}", requests, exact(line.cost_micros)), *_tokens(line)]
        yield text


def _tokens(line: Billed) -> list[str]:
    kinds = (
        (line.input_tokens, "in"),
        (line.cache_read_tokens, "from cache"),
        (line.cache_write_tokens, "into cache"),
        (line.output_tokens, "out"),
        (line.reasoning_tokens, "of it reasoning"),
    )
    told = ", ".join(f"{number:,} {kind}" for number, kind in kinds if number) or "no tokens"
    return [f"    {part}" for part in wrap(told, WIDTH - 4)]


def _total(invoice: Invoice) -> Iterator[str]:
    yield "-" * WIDTH
    yield _row("TOTAL", invoice.currency, exact(invoice.total_micros))
    if invoice.adjusted_micros:
        yield _row("  of it later corrections", "", exact(invoice.adjusted_micros))
    yield _row("in cents", invoice.currency, cents(invoice.total_micros))


def _payments(invoice: Invoice, zone: tzinfo | None) -> Iterator[str]:
    if invoice.payments:
        yield ""
        yield _row("PAID IN", "", exact(sum(paid.micros for paid in invoice.payments)))
    for paid in invoice.payments:
        yield _row(f"  {local(paid.at, zone)}  {paid.note}", "", exact(paid.micros))
    if invoice.balance_micros is not None:
        yield _row("BALANCE when this was made", "", exact(invoice.balance_micros))


def _remarks(invoice: Invoice) -> Iterator[str]:
    if invoice.total_micros == invoice.booked_micros:
        yield "The ledger says the same to the millionth."
    else:
        yield f"THE LEDGER SAYS {exact(invoice.booked_micros)}: do not send this; `console ledger check` looks why."
    if unpriced := sum(line.unpriced for line in invoice.lines):
        yield f"Requests whose model has no price, for which nothing is charged: {unpriced:,}."
    if invoice.running:
        yield f"Requests that had not ended when this was made, and are not in it: {invoice.running:,}."


def _row(left: str, middle: str, right: str) -> str:
    return f"{fit(left, WIDTH - AMOUNT - COUNT)}{middle:>{COUNT}}{right:>{AMOUNT}}"
