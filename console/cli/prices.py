"""`console price`: what models cost, what the operator set, and since when."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from console.cli.asking import asking
from console.cli.moments import ago, now
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, show, table
from console.units import count, day_time, exact, money
from gateway.accounting import Reprice, Repriced
from gateway.meters import TOKENS, UNITS
from gateway.price_operations import ListPrices, ListSetPrices, RemovePrice, SetPrice, SetPriceView

prices = typer.Typer(help="Prices of models, in US dollars per million tokens.", no_args_is_help=True)

Provider = Annotated[str, typer.Argument(help="As in `console provider presets`.")]
LARGEST = Decimal(10**6)
"""Dollars."""


@prices.command("list")
def list_prices(
    context: typer.Context,
    missing: Annotated[bool, typer.Option("--missing", help="Only models without a price.")] = False,
    as_json: Json = False,
) -> None:
    """The price of every model on offer, and where it comes from."""
    with asking(context) as ask:
        known = [price for price in ask(ListPrices()) if not (missing and price.prices)]
    rows = [(each.provider_id, each.model, told_prices(each.prices), each.source) for each in known]
    show(known, as_json, table(("PROVIDER", "MODEL", "PRICE", "SOURCE"), rows))


@prices.command("history")
def history(context: typer.Context, as_json: Json = False) -> None:
    """Every price that you ever set, and for which requests it holds."""
    with asking(context) as ask:
        known = ask(ListSetPrices())
    headings = ("#", "PROVIDER", "MODEL", "PRICE", "FROM", "UNTIL")
    show(known, as_json, table(headings, map(_set_row, known), "You have set no prices."))


@prices.command("set")
def set_price(
    context: typer.Context,
    provider: Provider,
    model: Annotated[str, typer.Argument(help="A glob over the model's name.")],
    meters: Annotated[list[str], typer.Argument(metavar="METER=DOLLARS...", help="Such as input=0.27 output=1.10")],
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="For requests from then on: a date or a span back such as 2d.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a model costs; this goes before any other source."""
    operation = SetPrice(provider, model, dict(map(read_price, meters)), ago(since) if since else None)
    with asking(context) as ask:
        price = ask(operation)
    show(price, as_json, f"{price.model} now costs {told_prices(price.prices)}.")


@prices.command("reprice")
def reprice(
    context: typer.Context,
    since: Annotated[str, typer.Option(metavar="WHEN", help="A span back such as 7d, or a date.")],
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Likewise; now otherwise.")] = None,
    model: Annotated[str, typer.Option(help="Only models that fit this glob.")] = "",
    book: Annotated[bool, typer.Option("--book", help="Book the difference, which can be reversed.")] = False,
    note: Annotated[str, typer.Option(help="Why, for the ledger.")] = "",
    as_json: Json = False,
) -> None:
    """What requests of a time come to at the prices that now hold for it; changes nothing unless told to book it."""
    with asking(context) as ask:
        told = ask(Reprice(ago(since), ago(until) if until else now(), model, book, note))
    show(told, as_json, _repriced(told))


@prices.command("remove")
def remove_price(
    context: typer.Context,
    provider: Provider,
    model: str,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take a price of your own back, for requests from now on."""
    with asking(context) as ask:
        operation, question = RemovePrice(provider, model), f"Take the price of {model} back?"
        done = carry_out(ask, operation, question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


def _repriced(told: Repriced) -> str:
    headings = ("MODEL", "PROVIDER", ">REQUESTS", ">BEFORE", ">AFTER", ">UNPRICED")
    rows = [
        (
            each.model,
            each.upstream,
            count(each.exchanges),
            exact(each.before_micros),
            exact(each.after_micros),
            f"{each.unpriced_before} > {each.unpriced_after}" if each.unpriced_before else "",
        )
        for each in told.models
    ]
    if not rows:
        return f"Nothing changes: {told.looked_at:,} requests cost what they did."
    booked = f"booked as adjustment {told.adjustment_id}" if told.adjustment_id else "not booked; --book does"
    return f"{table(headings, rows)}\n\nDifference {exact(told.difference_micros)}, {booked}."


def read_price(text: str) -> tuple[str, int]:
    """`input=0.27` as meter and micro-units."""
    meter, _, dollars = text.partition("=")
    price = _decimal(dollars)
    if price is None or not 0 <= price < LARGEST:
        raise typer.BadParameter(f"{text!r} is no price: write input=0.27, from 0 to below a million dollars")
    return meter, int(price * 1_000_000)


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def told_prices(prices: Mapping[str, int]) -> str:
    """Prices in dollars, each with its unit where that is not a million tokens."""
    charged = ", ".join(_price(meter, micros) for meter, micros in prices.items() if micros)
    return charged or ("free" if prices else "unknown")


def _price(meter: str, micros: int) -> str:
    unit = UNITS[meter]
    return f"{meter} {money(micros)}" + ("" if unit is TOKENS else f" per {unit.name}")


def _set_row(price: SetPriceView) -> tuple[str, ...]:
    until = day_time(price.until) if price.until is not None else ""
    return (str(price.id), price.provider_id, price.model, told_prices(price.prices), day_time(price.since), until)
