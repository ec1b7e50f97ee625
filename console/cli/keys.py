"""`console key`: client keys."""

from typing import Annotated

import typer

from console.cli.asking import Asker, asking, pick
from console.cli.moments import ahead
from console.cli.show import Json, Yes, complain, show, sure, table
from console.units import count, day_time, money
from gateway.operations import CreateKey, EditKey, KeyView, ListKeys, RevokeKey, SetKeyEnabled

app = typer.Typer(help="Client keys: what programs show to use the gateway.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="KEY", help="Its number, public id or name.")]
Owner = Annotated[str | None, typer.Option(help="Who answers for it: a person or a team.")]
Note = Annotated[str | None, typer.Option(help="Anything to remember it by.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", metavar="GLOB", help="A model it may ask for; repeat for several.")
]
Expires = Annotated[str | None, typer.Option(metavar="WHEN", help="A span such as 30d, or a date; `never` lifts it.")]


@app.command()
def create(
    context: typer.Context,
    name: str,
    owner: Owner = None,
    note: Note = None,
    expires: Expires = None,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Create a key and print it, this once."""
    operation = CreateKey(name, owner or "", note or "", models or [], _expiry(expires))
    with asking(context) as ask:
        created = ask(operation)
    show(created, as_json, created.secret)
    if not as_json:
        complain("this key is shown once, only a hash of it is kept; `console snippet` shows how to use it")


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """All keys, with what they did today."""
    with asking(context) as ask:
        keys = ask(ListKeys())
    headings = ("ID", "NAME", "KEY", "STATE", "OWNER", ">REQUESTS", ">TOKENS", ">COST", "LAST USED", "MODELS")
    none = "No key yet: `console key create NAME` makes one."
    show(keys, as_json, table(headings, map(_row, keys), none))


@app.command()
def edit(
    context: typer.Context,
    key: Which,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    owner: Owner = None,
    note: Note = None,
    expires: Expires = None,
    models: Models = None,
    any_model: Annotated[bool, typer.Option("--any-model", help="Lift the limits on models.")] = False,
    as_json: Json = False,
) -> None:
    """Change what is given of a key; the secret stays."""
    with asking(context) as ask:
        changes = EditKey(
            find(ask, key).id, name, owner, note, [] if any_model else models, _expiry(expires), expires == "never"
        )
        edited = ask(changes)
    show(edited, as_json, f"Key {edited.name} is changed.")


@app.command()
def enable(context: typer.Context, key: Which, as_json: Json = False) -> None:
    """Let a disabled key work again."""
    _switch(context, key, True, as_json)


@app.command()
def disable(context: typer.Context, key: Which, as_json: Json = False) -> None:
    """Refuse a key until it is enabled again."""
    _switch(context, key, False, as_json)


@app.command()
def revoke(context: typer.Context, key: Which, yes: Yes = False, as_json: Json = False) -> None:
    """Refuse a key for good, at once; its running answers are cut."""
    with asking(context) as ask:
        found = find(ask, key)
        sure(f"Revoke key {found.name} for good ({found.running} running)?", yes)
        done = ask(RevokeKey(found.id))
    show(done, as_json, done.text)


def find(ask: Asker, wanted: str) -> KeyView:
    """A key by number, public id or name; of several with one name the one that is not revoked."""
    keys = ask(ListKeys())
    alive = [key for key in keys if key.state != "revoked" and wanted in _names(key)]
    return pick(alive or keys, wanted, _names, "key")


def _names(key: KeyView) -> tuple[str, ...]:
    return str(key.id), key.public_id, key.name


def _switch(context: typer.Context, key: str, enabled: bool, as_json: bool) -> None:
    with asking(context) as ask:
        switched = ask(SetKeyEnabled(find(ask, key).id, enabled))
    show(switched, as_json, f"Key {switched.name} is {switched.state}.")


def _expiry(expires: str | None) -> int | None:
    return ahead(expires) if expires and expires != "never" else None


def _row(key: KeyView) -> tuple[str, ...]:
    return (
        str(key.id),
        key.name,
        f"{key.public_id}…{key.tail}",
        key.state,
        key.owner,
        count(key.requests_today),
        count(key.tokens_today),
        money(key.cost_today_micros),
        day_time(key.last_used_at) if key.last_used_at else "never",
        ", ".join(key.models) or "any",
    )
