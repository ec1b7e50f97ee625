"""`console price refresh` and what was taken on with it: prices out of files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from console.cli.asking import asking
from console.cli.prices import told_prices
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, show, table
from console.units import day_time
from gateway.price_operations import (
    AcceptPrices,
    ComparePrices,
    ListPriceLists,
    PriceComparison,
    PriceDifference,
    PriceListView,
    WithdrawPrices,
)

LARGEST_FILE = 7_000_000


class Refreshed(Struct, frozen=True):
    """What a file would change, and what was taken on of it."""

    compared: PriceComparison
    accepted: PriceListView | None


Number = Annotated[int, typer.Argument(help="As in `console price lists`.")]


def refresh(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--from", help="Rows as in our own list, LiteLLM's JSON, or genai-prices'.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Show what a file of prices would change, and take that on if you say so."""
    content = read_file(file)
    with asking(context) as ask:
        compared, accepted = ask(ComparePrices(file.name, content)), None
        if not as_json:
            typer.echo(told(compared))
        if compared.differences and (yes or (not as_json and _agreed(compared))):
            accepted = ask(AcceptPrices(file.name, content, compared.version))
    kept = f"They hold from now on; `console price withdraw {accepted.id}` takes them back." if accepted else ""
    show(Refreshed(compared, accepted), as_json, kept)


def lists(context: typer.Context, as_json: Json = False) -> None:
    """The files whose prices were taken on."""
    with asking(context) as ask:
        known = ask(ListPriceLists())
    headings = ("#", "SOURCE", "VERSION", ">PRICES", "FROM", "UNTIL")
    show(known, as_json, table(headings, map(_list_row, known), "No prices were taken on from files."))


def withdraw(
    context: typer.Context,
    number: Number,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take the prices of a file back, for requests from now on."""
    with asking(context) as ask:
        done = carry_out(
            ask, WithdrawPrices(number), f"Withdraw list {number}?", yes=yes, dry_run=dry_run, as_json=as_json
        )
    show(done, as_json, done.text)


def read_file(path: Path) -> bytes:
    """A file's bytes, unless it cannot be one with prices."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise typer.BadParameter(f"{path} is too large for a file of prices: at most {LARGEST_FILE:,} bytes")
    return content


def told(compared: PriceComparison) -> str:
    """The differences at models that upstreams list, and how many there are in all."""
    listed = [each for each in compared.differences if each.listed]
    headings = ("PROVIDER", "MODEL", "NOW", "IN THE FILE")
    rows = table(headings, map(_difference_row, listed), "No price of a model that your upstreams list would change.")
    return f"{rows}\n\n{_sums(compared, listed)}"


def _sums(compared: PriceComparison, listed: Sequence[PriceDifference]) -> str:
    new = sum(not each.before for each in compared.differences)
    return (
        f"{compared.source}, version {compared.version}: {compared.rows:,} prices read, {compared.passed_over:,} rows "
        f"passed over. {len(compared.differences):,} differ from what holds, {new:,} of them are new, {len(listed):,} "
        "are of models that your upstreams list. Prices that you set yourself go before these."
    )


def _agreed(compared: PriceComparison) -> bool:
    terminal = typer.get_text_stream("stdin").isatty()
    return terminal and typer.confirm(f"Take on these {len(compared.differences):,} prices?")


def _difference_row(difference: PriceDifference) -> tuple[str, ...]:
    before, after = difference.before, difference.after
    meters = [meter for meter in {**before, **after} if before.get(meter) != after.get(meter)]
    return (
        difference.provider_id,
        difference.model,
        told_prices({meter: before[meter] for meter in meters if meter in before}),
        told_prices({meter: after[meter] for meter in meters if meter in after}),
    )


def _list_row(view: PriceListView) -> tuple[str, ...]:
    until = day_time(view.withdrawn_at) if view.withdrawn_at is not None else ""
    return (str(view.id), view.source, view.version, f"{view.rows:,}", day_time(view.accepted_at), until)
