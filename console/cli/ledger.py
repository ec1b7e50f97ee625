"""`console ledger` and `console charge`: what was booked, whether it adds up, and how a charge came to be."""

from typing import Annotated

import typer

from console.cli.asking import Asker, asking
from console.cli.keys import find as find_key
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, fields, show, table
from console.units import count, day_time, exact
from gateway.accounting import (
    AdjustmentView,
    ChargeExplained,
    CheckLedger,
    EntryView,
    ExplainCharge,
    LedgerChecked,
    ListAdjustments,
    ListEntries,
    ReverseAdjustment,
)

app = typer.Typer(help="Money: what was paid in, held back and spent.", no_args_is_help=True)

Holder = Annotated[str, typer.Argument(help="A key's name or number, owner:NAME, or everyone.")]
ENTRY = (">ID", "AT", "KIND", ">REQUEST", ">BALANCE", ">RESERVED", ">COST", "BY", "NOTE")


@app.command()
def check(context: typer.Context, as_json: Json = False) -> None:
    """Whether everything that was ever booked adds up; leaves with 1 when it does not."""
    with asking(context) as ask:
        checked = ask(CheckLedger())
    show(checked, as_json, _checked(checked))
    raise typer.Exit(1 if checked.findings else 0)


@app.command()
def entries(
    context: typer.Context,
    holder: Holder,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only those before this one.")] = None,
    as_json: Json = False,
) -> None:
    """What was booked for a key, an owner or everyone, newest first."""
    with asking(context) as ask:
        found = ask(ListEntries(holder_of(ask, holder), before, limit))
    show(found, as_json, table(ENTRY, map(_entry, found), "Nothing was booked."))


@app.command()
def adjustments(context: typer.Context, as_json: Json = False) -> None:
    """The corrections that were booked."""
    with asking(context) as ask:
        found = ask(ListAdjustments())
    headings = (">ID", "AT", ">REQUESTS", ">DIFFERENCE", "BY", "NOTE", "REVERSED")
    show(found, as_json, table(headings, map(_adjustment, found), "Nothing was corrected."))


@app.command()
def reverse(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", help="As in `console ledger adjustments`.")],
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take a correction back: the requests cost again what they did."""
    with asking(context) as ask:
        operation, question = ReverseAdjustment(number), f"Reverse adjustment {number}?"
        done = carry_out(ask, operation, question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


def charge(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="REQUEST", help="The request's number.")],
    as_json: Json = False,
) -> None:
    """Why a request cost what it did: meters, prices and where they come from, and the ledger's entries."""
    with asking(context) as ask:
        explained = ask(ExplainCharge(number))
    show(explained, as_json, _explained(explained))


def holder_of(ask: Asker, wanted: str) -> str:
    """Who holds an account, by what a person calls them."""
    if wanted == "everyone" or wanted.startswith(("key:", "owner:")):
        return wanted
    return f"key:{find_key(ask, wanted).id}"


def _checked(checked: LedgerChecked) -> str:
    looked_at = (
        f"{checked.entries:,} entries of {checked.holders:,} holders, {checked.open_reservations:,} reservations open"
    )
    if not checked.findings:
        return f"Everything adds up: {looked_at}."
    return f"{table(('HOLDER', 'WHAT'), [(each.holder, each.text) for each in checked.findings])}\n\n{looked_at}"


def _entry(entry: EntryView) -> tuple[str, ...]:
    return (
        str(entry.id),
        day_time(entry.at),
        entry.kind,
        str(entry.exchange_id or ""),
        exact(entry.balance_micros),
        exact(entry.reserved_micros) if entry.reserved_micros else "",
        exact(entry.cost_micros) if entry.cost_micros else "",
        entry.actor,
        entry.note,
    )


def _adjustment(each: AdjustmentView) -> tuple[str, ...]:
    reversed_at = day_time(each.reversed_at) if each.reversed_at else ""
    return (
        str(each.id),
        day_time(each.at),
        count(each.exchanges),
        exact(each.micros),
        each.actor,
        each.note,
        reversed_at,
    )


def _explained(told: ChargeExplained) -> str:
    facts = [
        ("model", f"{told.model}  {told.provider_id}".strip()),
        ("usage", told.usage_source),
        ("reserved", exact(told.reserved_micros) if told.reserved_micros else ""),
        ("cost", "unknown: the model has no price" if told.total_micros is None else exact(told.total_micros)),
        ("overrun", "it used more than it had declared" if told.overrun else ""),
    ]
    lines = [(line.meter, f"{line.count:,}", line.per_million, line.amount, line.source) for line in told.lines]
    headings = ("METER", ">COUNT", ">MICROS PER MILLION", ">MICROS", "PRICE")
    parts = (fields(facts), table(headings, lines, ""), table(ENTRY, map(_entry, told.entries), ""))
    return "\n\n".join(filter(None, parts))
