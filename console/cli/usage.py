"""`console usage` and `console price`: what was used, and what it costs."""

import time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import typer

from console.cli.asking import asking
from console.cli.moments import ago, now
from console.cli.show import Json, show, table
from console.units import count, day_time, money
from gateway.operations import GetUsage, ListPrices, PriceView, RemovePrice, SetPrice, UsageRow

prices = typer.Typer(help="Prices of models, in US dollars per million tokens.", no_args_is_help=True)

Provider = Annotated[str, typer.Argument(help="As in `console provider presets`.")]


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


@prices.command("list")
def list_prices(
    context: typer.Context,
    missing: Annotated[bool, typer.Option("--missing", help="Only models without a price.")] = False,
    as_json: Json = False,
) -> None:
    """The price of every model on offer, and where it comes from."""
    with asking(context) as ask:
        known = [price for price in ask(ListPrices()) if not (missing and price.prices)]
    rows = [(each.provider_id, each.model, _prices(each), each.source) for each in known]
    show(known, as_json, table(("PROVIDER", "MODEL", "PRICE", "SOURCE"), rows))


@prices.command("set")
def set_price(
    context: typer.Context,
    provider: Provider,
    model: Annotated[str, typer.Argument(help="A glob over the model's name.")],
    meters: Annotated[list[str], typer.Argument(metavar="METER=DOLLARS...", help="Such as input=0.27 output=1.10")],
    as_json: Json = False,
) -> None:
    """Say what a model costs; this goes before any other source."""
    operation = SetPrice(provider, model, dict(map(read_price, meters)))
    with asking(context) as ask:
        price = ask(operation)
    show(price, as_json, f"{price.model} now costs {_prices(price)} per million tokens.")


@prices.command("remove")
def remove_price(context: typer.Context, provider: Provider, model: str, as_json: Json = False) -> None:
    """Take a price of your own back."""
    with asking(context) as ask:
        done = ask(RemovePrice(provider, model))
    show(done, as_json, done.text)


def read_price(text: str) -> tuple[str, int]:
    """`input=0.27` as meter and micro-units."""
    meter, _, dollars = text.partition("=")
    try:
        return meter, int(Decimal(dollars) * 1_000_000)
    except (InvalidOperation, OverflowError, ValueError):
        raise typer.BadParameter(f"{text!r} is no price: write input=0.27") from None


def _prices(price: PriceView) -> str:
    charged = ", ".join(f"{meter} {money(micros)}" for meter, micros in price.prices.items() if micros)
    return charged or ("free" if price.prices else "unknown")


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
