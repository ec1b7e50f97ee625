"""`console owner`: people and teams that keys belong to."""

from typing import Annotated

import typer

from console.cli.asking import asking
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, show, table
from console.units import money
from gateway.accounting import ListOwners, OwnerView, RemoveOwner, SaveOwner

app = typer.Typer(help="Owners: the people and teams that keys belong to.", no_args_is_help=True)


@app.command("list")
def list_owners(context: typer.Context, as_json: Json = False) -> None:
    """All that were described or that a key names."""
    with asking(context) as ask:
        owners = ask(ListOwners())
    none = "No owner yet: `console key create NAME --owner OWNER` names one."
    show(owners, as_json, table(("OWNER", ">KEYS", ">RUNNING", ">SPENT", "NOTE"), map(_row, owners), none))


@app.command()
def save(
    context: typer.Context,
    name: str,
    note: Annotated[str, typer.Option(help="Anything to remember them by.")] = "",
    as_json: Json = False,
) -> None:
    """Describe an owner, new or known."""
    with asking(context) as ask:
        saved = ask(SaveOwner(name, note))
    show(saved, as_json, f"Owner {saved.name} is saved.")


@app.command()
def remove(
    context: typer.Context,
    name: str,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget an owner that no usable key names; what was spent stays on record."""
    with asking(context) as ask:
        done = carry_out(ask, RemoveOwner(name), f"Remove owner {name}?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


def _row(owner: OwnerView) -> tuple[str, ...]:
    holding = owner.holding
    return owner.name, str(owner.keys), str(holding.running), money(holding.cost_micros), owner.note
