"""`console reconcile`: a provider's own figures beside our records."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from console.calendars import days
from console.cli.asking import Asker, asking
from console.cli.invoices import read_zone
from console.cli.providers import find as find_upstream
from console.cli.show import Json, complain, show, table
from console.provider_files import FileError, Statement, read_statement
from console.reconciling import Compared, Reconciled, reconcile
from console.scrub import scrub
from console.units import exact
from gateway.operations import GetUsage, UsageRow

LARGEST_FILE = 64 * 1024 * 1024
MOST_DAYS = 400
FILE_ERROR = 2
WORDS = {
    "input": "input",
    "cache_read": "from cache",
    "cache_write": "into cache",
    "output": "output",
    "cost": "cost $",
}

Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="As far as the file goes otherwise.")]


def reconciliation(
    context: typer.Context,
    upstream: Annotated[str, typer.Option(help="The provider whose file it is, by number or name.")],
    file: Annotated[Path, typer.Option("--from", help="Its export of usage or costs: CSV or JSON.", dir_okay=False)],
    since: Day = None,
    until: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="The first day that is left out.")] = None,
    zone: Annotated[str, typer.Option(metavar="ZONE", help="Whose days the file is cut in.")] = "UTC",
    columns: Annotated[
        str | None, typer.Option(help="Of a file of another kind: day=Date,model=Model,input=In,output=Out,cost=USD")
    ] = None,
    tolerance: Annotated[str, typer.Option(metavar="PERCENT", help="Differences up to it are none.")] = "1",
    every: Annotated[bool, typer.Option("--all", help="Also what agrees.")] = False,
    as_json: Json = False,
) -> None:
    """Compare a provider's export with our records; ends with 1 where they differ by more than is tolerated."""
    where, percent = read_zone(zone), _percent(tolerance)
    try:
        statement = read_statement(_read(file), where, _columns(columns))
        first, last = _span(statement, since, until)
    except FileError as error:
        complain(f"{file} cannot be compared: {error}.")
        raise typer.Exit(FILE_ERROR) from None
    with asking(context) as ask:
        number = find_upstream(ask, upstream).id
        spans = days(first, last, where)
        ours = [(day, row) for day, start, end in spans for row in _used(ask, number, start, end)]
    compared = reconcile(statement, ours, first, last, percent)
    show(compared, as_json, _told(compared, every))
    raise typer.Exit(1 if compared.over else 0)


def _used(ask: Asker, upstream_id: int, start: int, end: int) -> Iterator[UsageRow]:
    yield from ask(GetUsage(start, end, by="model", upstream_id=upstream_id))


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise FileError(f"it is larger than {LARGEST_FILE // 1024 // 1024} MB")
        return file.read_text("utf-8")
    except OSError as error:
        raise FileError(str(error.strerror)) from None
    except UnicodeDecodeError:
        raise FileError("it is no text in UTF-8") from None


def _columns(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name.strip(): column.strip() for name, _, column in pairs}


def _span(statement: Statement, since: str | None, until: str | None) -> tuple[date, date]:
    first = _date(since, "--since") if since else min(row.day for row in statement.rows)
    last = _date(until, "--until") if until else max(row.day for row in statement.rows) + timedelta(1)
    if not 0 < (last - first).days <= MOST_DAYS:
        raise FileError(f"the days to compare must be 1 to {MOST_DAYS}, and are {first} to {last}")
    return first, last


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day: write 2026-11-01", param_hint=option) from None


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        percent = Decimal(-1)
    if not 0 <= percent <= 100:
        raise typer.BadParameter(f"{text!r} is no percentage from 0 to 100", param_hint="--tolerance")
    return percent


def _told(compared: Reconciled, every: bool) -> str:
    rows = [row for row in compared.rows if every or row.difference]
    headings = ("DAY", "MODEL", "WHAT", ">OURS", ">THEIRS", ">DIFFERENCE", "")
    parts = [f"{compared.title}, {compared.since} until {compared.until}"]
    if compared.rows:
        parts.append(table(headings, map(_row, (*rows, *compared.totals))))
    else:
        parts.append("Neither side has anything for these days.")
    for names, side in ((compared.only_ours, "ours"), (compared.only_theirs, "theirs")):
        if names:
            parts.append(f"Only {side}: {scrub(', '.join(names))}")
    if compared.outside:
        parts.append(f"Rows of the file for other days: {compared.outside:,}")
    parts.append("They differ by more than is tolerated." if compared.over else "They agree.")
    return "\n".join(parts)


def _row(row: Compared) -> tuple[str, ...]:
    def text(figure: int) -> str:
        return exact(figure) if row.measure == "cost" else f"{figure:,}"

    model = row.model or ("no model" if row.day else "")
    return (
        row.day or "total",
        model,
        WORDS[row.measure],
        text(row.ours),
        text(row.theirs),
        text(row.difference),
        "!" if row.over else "",
    )
