"""`console usage`: what was used, and what that cost."""

import time
from typing import Annotated, Literal

import typer

from console.cli.asking import asking
from console.cli.moments import ago, now
from console.cli.show import Json, show, table
from console.units import count, day_time, money
from gateway.operations import GetUsage, UsageRow


def usage(
    context: typer.Context,
    by: Annotated[Literal["key", "model", "upstream", "owner", "none"], typer.Option(help="Whose.")] = "key",
    every: Annotated[Literal["hour", "day", "all"], typer.Option(help="In which steps.")] = "all",
    since: Annotated[str, typer.Option(metavar="WHEN", help="A span back such as 7d, or a date.")] = "30d",
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Likewise; now otherwise.")] = None,
    as_json: Json = False,
) -> None:
    """What was used: requests, tokens and money."""
    end = ago(until) if until else now()
    operation = GetUsage(ago(since), end, by, every, utc_offset=time.localtime().tm_gmtoff)
    with asking(context) as ask:
        rows = ask(operation)
    headings = ("FROM", by.upper(), ">REQUESTS", ">ERRORS", ">IN", ">CACHED", ">OUT", ">COST", ">UNPRICED")
    show(rows, as_json, table(headings, map(_row, rows), "Nothing was used in that time."))


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
