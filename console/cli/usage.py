"""`console usage`: what was used, and what that cost."""

import time
from typing import Annotated, Literal

import typer
from msgspec.structs import replace

from console.cli.asking import Asker, asking
from console.cli.exchanges import KeyOption, UpstreamOption
from console.cli.exporting import Format, To, export
from console.cli.keys import find as find_key
from console.cli.moments import ago, now
from console.cli.providers import find as find_upstream
from console.cli.show import Json, show, table
from console.units import count, day_time, money
from gateway.operations import GetUsage, UsageRow

app = typer.Typer(help="What was used: requests, tokens and money.", invoke_without_command=True)

By = Annotated[Literal["key", "model", "upstream", "owner", "tag", "none"], typer.Option(help="Whose.")]
Every = Annotated[Literal["hour", "day", "all"], typer.Option(help="In which steps.")]
Since = Annotated[str, typer.Option(metavar="WHEN", help="A span back such as 7d, or a date.")]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Likewise; now otherwise.")]


@app.callback()
def usage(
    context: typer.Context,
    by: By = "key",
    every: Every = "all",
    since: Since = "30d",
    until: Until = None,
    key: KeyOption = None,
    upstream: UpstreamOption = None,
    as_json: Json = False,
) -> None:
    """What was used: requests, tokens and money."""
    if context.invoked_subcommand is not None:
        return
    with asking(context) as ask:
        rows = ask(_narrowed(ask, _asked(by, every, since, until), key, upstream))
    headings = ("FROM", by.upper(), ">REQUESTS", ">ERRORS", ">IN", ">CACHED", ">OUT", ">COST", ">UNPRICED")
    show(rows, as_json, table(headings, map(_row, rows), "Nothing was used in that time."))


@app.command("export")
def export_usage(
    context: typer.Context,
    by: By = "key",
    every: Every = "day",
    since: Since = "30d",
    until: Until = None,
    key: KeyOption = None,
    upstream: UpstreamOption = None,
    form: Format = "csv",
    to: To = None,
) -> None:
    """The same for other programs."""
    with asking(context) as ask:
        rows = ask(_narrowed(ask, _asked(by, every, since, until), key, upstream))
    export(UsageRow, rows, form, to)


def _asked(by: By, every: Every, since: str, until: str | None) -> GetUsage:
    return GetUsage(ago(since), ago(until) if until else now(), by, every, utc_offset=time.localtime().tm_gmtoff)


def _narrowed(ask: Asker, operation: GetUsage, key: str | None, upstream: str | None) -> GetUsage:
    """The same of one key or one provider alone."""
    return replace(
        operation,
        key_id=find_key(ask, key).id if key else None,
        upstream_id=find_upstream(ask, upstream).id if upstream else None,
    )


def _row(row: UsageRow) -> tuple[str, ...]:
    return (
        day_time(row.start),
        row.label,
        count(row.requests),
        count(row.errors),
        count(row.input_tokens),
        count(row.cache_read_tokens),
        count(row.output_tokens),
        money(row.cost_micros),
        count(row.unpriced) if row.unpriced else "",
    )
