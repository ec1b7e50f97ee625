"""`console invoice`: what a key or an owner owes for a month."""

from datetime import tzinfo
from typing import Annotated

import typer

from console.calendars import month_of, zone_of
from console.cli.asking import Asker, asking
from console.cli.exporting import To, writing
from console.cli.keys import find as find_key
from console.cli.show import Json, to_json
from console.invoice_text import invoice_text
from data.limits import key_holder, owner_holder
from gateway.report_operations import GetInvoice

UNEQUAL = 1
"""Exit code where lines and ledger do not agree, which must never be."""

ZoneName = Annotated[
    str | None,
    typer.Option("--zone", metavar="ZONE", help="Whose days and months, such as Europe/Berlin; this machine's."),
]


def invoice(
    context: typer.Context,
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="The month it is for.")],
    key: Annotated[str | None, typer.Option(help="The key it is for: number, public id or name.")] = None,
    owner: Annotated[str | None, typer.Option(help="The owner it is for.")] = None,
    zone: ZoneName = None,
    to: To = None,
    as_json: Json = False,
) -> None:
    """What a key or an owner owes for a month, as a text of 80 columns."""
    if (key is None) == (owner is None):
        raise typer.BadParameter("say whose: --key or --owner", param_hint="--key")
    where = read_zone(zone)
    try:
        since, until = month_of(month, where)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--month") from None
    with asking(context) as ask:
        made = ask(GetInvoice(_holder(ask, key, owner), since, until))
    with writing(to) as file:
        file.write((to_json(made, indent=2) if as_json else invoice_text(made, where, zone or "local time")) + "\n")
    if made.total_micros != made.booked_micros:
        raise typer.Exit(UNEQUAL)


def read_zone(name: str | None) -> tzinfo | None:
    """The zone that was asked for."""
    try:
        return zone_of(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--zone") from None


def _holder(ask: Asker, key: str | None, owner: str | None) -> str:
    return key_holder(find_key(ask, key).id) if key else owner_holder(owner or "")
