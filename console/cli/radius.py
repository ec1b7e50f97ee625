"""Whom a command would touch: shown to a person before it is done, or to anybody instead of doing it."""

from typing import Annotated

import msgspec
import typer

from console.cli.asking import Asker
from console.cli.show import lines, show
from console.radius import touched
from gateway.accounting import BlastRadius, GetBlastRadius
from gateway.operations import Answer, Operation

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say whom it would touch.")]


def carry_out(
    ask: Asker, operation: Operation[Answer], question: str, *, yes: bool, dry_run: bool, as_json: bool
) -> Answer:
    """Have it done once a person has seen whom it touches; a script is taken at its word. Leaves after a dry run."""
    asks = not yes and typer.get_text_stream("stdin").isatty()
    if dry_run or asks:
        fields = msgspec.json.encode(operation).decode()
        radius = ask(GetBlastRadius(type(operation).__name__, fields))
        if dry_run:
            show(radius, as_json, told(radius))
            raise typer.Exit
        typer.echo(told(radius), err=True)
        typer.confirm(question, abort=True)
    return ask(operation)


def told(radius: BlastRadius) -> str:
    """Whom it touches and whether it can be undone, then what would happen."""
    head = touched(radius) or "nothing in use"
    undo = "can be undone" if radius.undoable else "cannot be undone"
    return lines("\n".join((f"Touches {head}; {undo}.", *(f"  {sentence}" for sentence in radius.sentences))))
