"""`console acts` and `console undo`: what operators did, and taking it back."""

from typing import Annotated

import typer

from console.cli.asking import asking
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, show, table
from console.units import day_time
from gateway.accounting import ActView, ListActs, UndoAct


def acts(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only those before this one.")] = None,
    as_json: Json = False,
) -> None:
    """What operators did, newest first: who, when, and whether it can be undone."""
    with asking(context) as ask:
        listed = ask(ListActs(before, limit))
    rows = [(str(act.id), day_time(act.at), act.actor, act.text, _state(act)) for act in listed]
    show(listed, as_json, table((">ID", "AT", "WHO", "WHAT", "UNDO"), rows))


def undo(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="ID", help="As in `console acts`; the last one if left out.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take back what an operator did; undoing an undoing does it again."""
    with asking(context) as ask:
        done = carry_out(ask, UndoAct(number), "Take that back?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


def _state(act: ActView) -> str:
    if act.undone_at is not None:
        return f"undone {day_time(act.undone_at)}"
    return "can be undone" if act.undoable else "final"
