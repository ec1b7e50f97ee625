"""`console limit` and `console top-up`: what keys, owners and everyone together may use, and what they have left."""

from typing import Annotated
from uuid import uuid4

import typer
from msgspec.structs import asdict, replace

from console.budgets import read_budget, write_budget
from console.cli.asking import asking
from console.cli.ledger import Holder, holder_of
from console.cli.radius import DryRun, carry_out
from console.cli.reading import read
from console.cli.show import Json, Yes, fields, show, table
from console.sums import read_number, read_sum
from console.units import day_time, money
from data.limits import FREE, Limits
from gateway.accounting import GetHolding, Holding, ListHoldings, SetLimits, TopUp, WindowView

app = typer.Typer(help="Limits: what keys, owners and everyone together may use.", no_args_is_help=True)

Number = Annotated[str | None, typer.Option(metavar="N", help="A whole number; 200k and 2M will do.")]
Several = Annotated[list[str] | None, typer.Option(help="Only these; repeat for several.")]


@app.command("list")
def list_limits(context: typer.Context, as_json: Json = False) -> None:
    """Everyone, the owners and the keys, with what they have used and have left."""
    with asking(context) as ask:
        holdings = ask(ListHoldings())
    headings = ("HOLDER", "NAME", ">SPENT", ">RESERVED", ">LEFT", "BUDGETS", ">RUNNING", ">WAITING")
    show(holdings, as_json, table(headings, map(_row, holdings)))


@app.command("show")
def show_limits(context: typer.Context, holder: Holder, as_json: Json = False) -> None:
    """Everything about one of them."""
    with asking(context) as ask:
        holding = ask(GetHolding(holder_of(ask, holder)))
    show(holding, as_json, _facts(holding))


@app.command("set")
def set_limits(
    context: typer.Context,
    holder: Holder,
    prepaid: Annotated[bool | None, typer.Option(help="Only what was paid in may be spent.")] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(metavar="BUDGET", help="Such as '20 day' or '400 month Europe/Berlin 06:00'; these replace all."),
    ] = None,
    requests_per_minute: Number = None,
    tokens_per_minute: Number = None,
    tokens_per_day: Number = None,
    concurrent: Number = None,
    wait_seconds: Number = None,
    max_output_tokens: Number = None,
    model: Several = None,
    protocol: Several = None,
    endpoint: Several = None,
    network: Several = None,
    lift: Annotated[list[str] | None, typer.Option(metavar="LIMIT", help="Have none, such as budgets; or all.")] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Limit what a key, an owner or everyone may use; what is not given stays."""
    numbers = {
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "tokens_per_day": tokens_per_day,
        "concurrent": concurrent,
        "wait_seconds": wait_seconds,
        "max_output_tokens": max_output_tokens,
    }
    lists = {"models": model, "protocols": protocol, "endpoints": endpoint, "networks": network}
    changes: dict[str, object] = {name: read(read_number, text) for name, text in numbers.items() if text is not None}
    changes |= {name: tuple(texts) for name, texts in lists.items() if texts}
    if prepaid is not None:
        changes["prepaid"] = prepaid
    if budget:
        changes["budgets"] = tuple(read(read_budget, text) for text in budget)
    with asking(context) as ask:
        named = holder_of(ask, holder)
        operation = SetLimits(named, replace(lifted(ask(GetHolding(named)).limits, lift or []), **changes))
        question = f"Set the limits of {holder}?"
        holding = carry_out(ask, operation, question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(holding, as_json, _facts(holding))


def top_up(
    context: typer.Context,
    holder: Holder,
    dollars: Annotated[str, typer.Argument(help="How much; take out what was paid in with --out.")],
    out: Annotated[bool, typer.Option("--out", help="Take out instead.")] = False,
    note: Annotated[str, typer.Option(help="What for, such as an invoice's number.")] = "",
    once: Annotated[str, typer.Option(help="A word of your own: the same one a second time books nothing.")] = "",
    as_json: Json = False,
) -> None:
    """Pay in for a key, an owner or everyone; who was not prepaid begins at nothing and is from then on."""
    micros = read(read_sum, dollars)
    with asking(context) as ask:
        named = holder_of(ask, holder)
        holding = ask(TopUp(named, -micros if out else micros, note, once or uuid4().hex))
    show(holding, as_json, f"{holding.name or named} has {money(holding.balance_micros)} now.")


def lifted(limits: Limits, names: list[str]) -> Limits:
    """Limits without some of them, or without any."""
    if "all" in names:
        return FREE
    if unknown := set(names) - set(Limits.__struct_fields__):
        known = ", ".join(Limits.__struct_fields__)
        raise typer.BadParameter(f"there is no limit {', '.join(sorted(unknown))}; there are {known}, and all")
    return replace(limits, **{name: getattr(FREE, name) for name in names})


def _facts(holding: Holding) -> str:
    limits = [
        (name.replace("_", " "), _told(value))
        for name, value in asdict(holding.limits).items()
        if name not in ("budgets", "prepaid") and value != getattr(FREE, name)
    ]
    budgets = [("budget", _window(window)) for window in holding.windows]
    if not holding.windows:
        budgets = [("budget", write_budget(budget)) for budget in holding.limits.budgets]
    return fields(
        [
            ("holder", f"{holding.holder}  {holding.name}".strip()),
            ("spent", money(holding.cost_micros)),
            ("reserved", money(holding.reserved_micros)),
            ("left", money(holding.balance_micros) if holding.limits.prepaid else ""),
            *budgets,
            *limits,
            ("running", f"{holding.running}, and {holding.waiting} waiting"),
        ]
    )


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _window(window: WindowView) -> str:
    ends = f", begins anew {day_time(window.resets_at)}" if window.resets_at else ""
    return f"{money(window.used_micros)} of {money(window.limit_micros)} per {window.per} ({window.zone}){ends}"


def _row(holding: Holding) -> tuple[str, ...]:
    used = (f"{money(each.used_micros)}/{money(each.limit_micros)} {each.per}" for each in holding.windows)
    return (
        holding.holder,
        holding.name,
        money(holding.cost_micros),
        money(holding.reserved_micros),
        money(holding.balance_micros) if holding.limits.prepaid else "",
        ", ".join(used),
        str(holding.running),
        str(holding.waiting) if holding.waiting else "",
    )
