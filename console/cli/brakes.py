"""`console key brake` and its like: what is done to a key that burns too much, short of taking it away."""

from typing import Annotated

import typer
from msgspec.structs import replace

from console.cli.asking import asking
from console.cli.keys import Which, braked, find
from console.cli.reading import read
from console.cli.show import Json, show
from console.sums import read_sum
from data.limits import RELEASED, Brake
from gateway.accounting import SetBrake


def brake(
    context: typer.Context,
    key: Which,
    speed: Annotated[int | None, typer.Option(help="Tokens a second that its streams pass; 0 lifts that.")] = None,
    approve_above: Annotated[
        str | None,
        typer.Option(metavar="DOLLARS", help="Requests that may cost more wait for you; `never` lifts that."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Slow a key down, or have its dear requests wait for approval; what is not given stays."""
    changes: dict[str, object] = {}
    if speed is not None:
        changes["tokens_per_second"] = speed or None
    if approve_above is not None:
        changes["approve_above_micros"] = None if approve_above == "never" else read(read_sum, approve_above)
    _brake(context, key, changes, as_json)


def freeze(context: typer.Context, key: Which, as_json: Json = False) -> None:
    """Refuse a key's new requests until it is unfrozen; running answers go on."""
    _brake(context, key, {"frozen": True}, as_json)


def unfreeze(context: typer.Context, key: Which, as_json: Json = False) -> None:
    """Admit a frozen key again."""
    _brake(context, key, {"frozen": False}, as_json)


def hold(context: typer.Context, key: Which, as_json: Json = False) -> None:
    """Let a key's new requests wait until it is released."""
    _brake(context, key, {"hold": True}, as_json)


def release(context: typer.Context, key: Which, as_json: Json = False) -> None:
    """Lift all that was done to a key by brake, freeze and hold."""
    _brake(context, key, {name: getattr(RELEASED, name) for name in Brake.__struct_fields__}, as_json)


def _brake(context: typer.Context, key: str, changes: dict[str, object], as_json: bool) -> None:
    with asking(context) as ask:
        found = find(ask, key)
        view = ask(SetBrake(found.id, replace(found.brake, **changes)))
    show(view, as_json, f"Key {view.name}: {braked(view.brake) or 'no brake'}.")
