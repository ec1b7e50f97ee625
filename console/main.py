"""The `console` command: opens the console with its gateway, and carries the sub-commands.

Imports what a command needs only when it runs: a headless path loads no Textual, a question to a running gateway
no web server.
"""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from msgspec.structs import replace

from console.cli import (
    acts,
    brakes,
    captures,
    exchanges,
    invoices,
    keys,
    ledger,
    limits,
    owners,
    price_lists,
    prices,
    providers,
    reconcile,
    retention,
    routes,
    settings,
    usage,
    webhooks,
    whole,
)
from console.cli.asking import Chosen
from console.cli.show import Json, complain
from console.runtime import hasten_start
from gateway.addresses import is_loopback
from gateway.errors import GatewayError
from gateway.place import DataError, holder, prepare

if TYPE_CHECKING:
    from console.process import Process

USAGE_ERROR = 2
"""Exit code of what cannot be started or was asked wrongly; 1 is for what was tried and refused."""

app = typer.Typer(
    name="console",
    help="Gatehouse, a gateway for language models. Without a command it opens the console.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for braking in (brakes.brake, brakes.freeze, brakes.unfreeze, brakes.hold, brakes.release):
    keys.app.command()(braking)
keys.app.command("capture")(captures.capture_key)
app.add_typer(keys.app, name="key")
app.add_typer(owners.app, name="owner")
app.add_typer(limits.app, name="limit")
app.add_typer(providers.app, name="provider")
app.add_typer(routes.app, name="route")
app.add_typer(routes.aliases, name="alias")
app.add_typer(prices.prices, name="price")
prices.prices.command("refresh")(price_lists.refresh)
prices.prices.command("lists")(price_lists.lists)
prices.prices.command("withdraw")(price_lists.withdraw)
exchanges.app.command("capture")(captures.look)
app.add_typer(exchanges.app, name="exchange")
app.add_typer(settings.app, name="setting")
app.add_typer(usage.app, name="usage")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(ledger.app, name="ledger")
app.add_typer(retention.app, name="retention")
for command in (
    acts.acts,
    acts.undo,
    exchanges.tail,
    invoices.invoice,
    ledger.charge,
    limits.top_up,
    whole.snippet,
    whole.status,
    whole.events,
    whole.stop,
):
    app.command()(command)
app.command("reconcile")(reconcile.reconciliation)

Data = Annotated[
    Path | None, typer.Option(metavar="DIR", envvar="GATEHOUSE_DATA", help="Where everything is kept.", file_okay=False)
]
Host = Annotated[str, typer.Option(envvar="GATEHOUSE_HOST", help="The address to serve on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, envvar="GATEHOUSE_PORT", help="The port; 0 takes a free one.")]
Transport = Annotated[
    Literal["own", "aiohttp"], typer.Option(envvar="GATEHOUSE_TRANSPORT", help="What speaks HTTP with providers.")
]
PlainHttpOk = Annotated[
    bool, typer.Option("--plain-http-ok", help="Serve other machines too: keys then cross the network in the clear.")
]


def print_version(wanted: bool) -> None:
    """For `--version`."""
    if wanted:
        typer.echo(f"gatehouse {version_of('gatehouse')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and leave.")
]


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    data: Data = None,
    host: Host = "127.0.0.1",
    port: Port = 8400,
    transport: Transport = "own",
    plain_http_ok: PlainHttpOk = False,
    version: Version = False,
) -> None:
    """Open the console, and with it the gateway."""
    context.obj = chosen = Chosen(data, host, port, transport, plain_http_ok)
    if context.invoked_subcommand is not None:
        return
    need_terminal()
    process = start(chosen, headless=False)
    from console.opening import open_here

    process.show(open_here)
    raise typer.Exit(process.wait())


@app.command()
def serve(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Where everything is kept.", file_okay=False)] = None,
    host: Annotated[str | None, typer.Option(help="The address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = None,
    plain_http_ok: PlainHttpOk = False,
) -> None:
    """Run the gateway without a console."""
    given = {"data": data, "host": host, "port": port, "plain_http_ok": plain_http_ok or None}
    chosen: Chosen = replace(context.obj, **{name: value for name, value in given.items() if value is not None})
    process = start(chosen, headless=True)
    raise typer.Exit(process.wait())


@app.command()
def attach(context: typer.Context) -> None:
    """Open the console on the gateway that runs already; leaving it leaves the gateway alone."""
    from console.opening import open_attached
    from console.process import attend, settle
    from gateway.remote import RemoteLink, is_answered

    need_terminal()
    directory = context.obj.directory
    if not is_answered(directory.socket):
        refuse(f"no gateway runs on {directory.path}; start one with `console` or `console serve`")
    settle(directory, directory.path / "attached.log", on_stderr=False)
    raise typer.Exit(attend(open_attached(RemoteLink(directory.socket)), directory))


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check everything the gateway depends on, and say what to do about what is wrong."""
    from console.doctor import examine, report

    chosen: Chosen = context.obj
    found = examine(chosen.directory, chosen.host, chosen.port)
    report(found, as_json)
    raise typer.Exit(0 if all(each.ok for each in found) else 1)


def start(chosen: Chosen, *, headless: bool) -> "Process":
    """A process whose gateway serves; refuses with a reason where it cannot."""
    directory = chosen.directory
    if not chosen.plain_http_ok and not is_loopback(chosen.host):
        refuse(
            f"{chosen.host} is not this machine alone: keys and prompts would cross the network in the clear. "
            "Put a proxy that speaks HTTPS in front of 127.0.0.1, or say --plain-http-ok"
        )
    if owner := holder(directory):
        refuse(f"a gateway runs on {directory.path} already ({owner}); `console attach` opens the console on it")
    hasten_start()
    from console.process import Process, settle
    from gateway.service import ServiceOptions
    from gateway.thread import GatewayThread

    options = ServiceOptions(directory.path, chosen.host, chosen.port, chosen.transport)
    try:
        prepare(directory)
        settle(directory, directory.log, on_stderr=headless)
        process = Process(lambda on_end: GatewayThread(options, on_end), directory)
        base_url = process.start()
    except (GatewayError, DataError) as error:
        refuse(str(error))
    if headless:
        typer.echo(f"gatehouse serves {base_url}, data in {directory.path}, process {os.getpid()}", err=True)
    return process


def need_terminal() -> None:
    """Refuse where a console would be invisible: Textual reads from stdin and draws on stderr."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        refuse("there is no terminal to draw on; `console serve` runs the gateway without one")


def refuse(reason: str) -> NoReturn:
    """Say why it cannot be started, and leave."""
    complain(reason)
    raise typer.Exit(USAGE_ERROR)


def main() -> None:
    """The entry point."""
    try:
        app()
    except (GatewayError, DataError) as error:
        complain(str(error))
        sys.exit(1)
