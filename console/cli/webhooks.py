"""`console webhook`: where alerts are sent to."""

from typing import Annotated

import typer

from console.cli.asking import asking
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, complain, show, table
from console.units import day_time
from gateway.alert_operations import AddWebhook, ListWebhooks, RemoveWebhook, TryWebhook

app = typer.Typer(help="Where alerts are sent to.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", help="The webhook's number.")]


@app.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="An https:// address; `-` reads it from standard input.")],
    plain_http_ok: Annotated[
        bool, typer.Option("--plain-http-ok", help="Send to another machine without TLS, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send alerts to an address, and print the secret that they are signed with, this once."""
    where = typer.get_text_stream("stdin").readline() if url == "-" else url
    with asking(context) as ask:
        added = ask(AddWebhook(where.strip(), plain_http_ok))
    show(added, as_json, added.secret)
    if not as_json:
        complain(f"webhook {added.webhook.id} is added; `console webhook test {added.webhook.id}` tries it")


@app.command("list")
def list_webhooks(context: typer.Context, as_json: Json = False) -> None:
    """All of them."""
    with asking(context) as ask:
        webhooks = ask(ListWebhooks())
    rows = [(str(each.id), each.url, day_time(each.created_at)) for each in webhooks]
    show(webhooks, as_json, table((">ID", "ADDRESS", "SINCE"), rows, "No webhook yet: `console webhook add URL`."))


@app.command()
def remove(
    context: typer.Context,
    number: Number,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send nothing there any more."""
    with asking(context) as ask:
        done = carry_out(
            ask, RemoveWebhook(number), f"Remove webhook {number}?", yes=yes, dry_run=dry_run, as_json=as_json
        )
    show(done, as_json, done.text)


@app.command("test")
def try_webhook(context: typer.Context, number: Number, as_json: Json = False) -> None:
    """Send a message there now; ends with 1 when it does not arrive."""
    with asking(context) as ask:
        tested = ask(TryWebhook(number))
    show(tested, as_json, tested.text)
    raise typer.Exit(0 if tested.ok else 1)
