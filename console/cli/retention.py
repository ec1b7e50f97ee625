"""`console retention`: how long single requests are kept. Totals and the ledger always are."""

from typing import Annotated

import typer

from console.cli.asking import asking
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, fields, show
from console.units import day_time
from gateway.accounting import CleanUp, GetRetention, Retention
from gateway.setting_operations import SaveSetting

app = typer.Typer(help="How long single requests are kept.", no_args_is_help=True)

SETTINGS = {"days": "exchange_retention_days", "gigabytes": "database_gigabytes"}


@app.command("show")
def show_retention(context: typer.Context, as_json: Json = False) -> None:
    """What is kept, and what it takes."""
    with asking(context) as ask:
        told = ask(GetRetention())
    show(told, as_json, _told(told))


@app.command("set")
def set_retention(
    context: typer.Context,
    days: Annotated[int | None, typer.Option(min=0, help="Days that a request is kept; 0 for ever.")] = None,
    gigabytes: Annotated[int | None, typer.Option(min=0, help="What the database may take; 0 is no limit.")] = None,
    as_json: Json = False,
) -> None:
    """Say how long requests are kept."""
    with asking(context) as ask:
        for name, value in (("days", days), ("gigabytes", gigabytes)):
            if value is not None:
                ask(SaveSetting(SETTINGS[name], str(value)))
        told = ask(GetRetention())
    show(told, as_json, _told(told))


@app.command()
def run(context: typer.Context, yes: Yes = False, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Delete now what is not to be kept any longer."""
    question = "Delete for good what is older than that, or too much?"
    with asking(context) as ask:
        cleaned = carry_out(ask, CleanUp(), question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(cleaned, as_json, f"Deleted {cleaned.exchanges:,} requests and {cleaned.captures:,} captures.")


def _told(told: Retention) -> str:
    return fields(
        [
            ("requests", f"kept for {told.days} days" if told.days else "kept for ever"),
            ("database", f"at most {told.gigabytes} GB" if told.gigabytes else "not limited"),
            ("in use", f"{told.used_bytes / 1e9:.3f} GB"),
            ("oldest", day_time(told.oldest_at) if told.oldest_at else "none on record"),
        ]
    )
