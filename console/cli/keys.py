"""`console key`: client keys."""

import time
from typing import Annotated

import typer

from console.captures import captures
from console.cli.asking import Asker, asking, pick
from console.cli.moments import ahead, seconds
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, complain, show, table
from console.units import count, day_time, money
from data.limits import Brake
from gateway.accounting import RotateKey
from gateway.operations import CreateKey, EditKey, KeyCreated, KeyView, ListKeys, RevokeKey, SetKeyEnabled

app = typer.Typer(help="Client keys: what programs show to use the gateway.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="KEY", help="Its number, public id or name.")]
Owner = Annotated[str | None, typer.Option(help="Who answers for it: a person or a team.")]
Note = Annotated[str | None, typer.Option(help="Anything to remember it by.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", metavar="GLOB", help="A model it may ask for; repeat for several.")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A word to find it by; repeat for several.")]
Expires = Annotated[str | None, typer.Option(metavar="WHEN", help="A span such as 30d, or a date; `never` lifts it.")]


@app.command()
def create(
    context: typer.Context,
    name: str,
    owner: Owner = None,
    note: Note = None,
    expires: Expires = None,
    models: Models = None,
    tags: Tags = None,
    as_json: Json = False,
) -> None:
    """Create a key and print it, this once."""
    operation = CreateKey(name, owner or "", note or "", models or [], _expiry(expires), tags or [])
    with asking(context) as ask:
        created = ask(operation)
    _show_secret(created, as_json)


@app.command("list")
def list_keys(
    context: typer.Context,
    owner: Annotated[str | None, typer.Option(help="Only this person's or team's.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Only those with this tag; repeat for several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """All keys, with what they did today."""
    with asking(context) as ask:
        keys = [key for key in ask(ListKeys()) if owner in (None, key.owner) and set(tags or ()) <= set(key.tags)]
    headings = ("ID", "NAME", "KEY", "STATE", "OWNER", "TAGS", ">REQUESTS", ">TOKENS", ">COST", "LAST USED", "MODELS")
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
    tags: Tags = None,
    any_model: Annotated[bool, typer.Option("--any-model", help="Lift the limits on models.")] = False,
    as_json: Json = False,
) -> None:
    """Change what is given of a key; the secret stays."""
    with asking(context) as ask:
        changes = EditKey(
            find(ask, key).id,
            name,
            owner,
            note,
            [] if any_model else models,
            _expiry(expires),
            expires == "never",
            tags,
        )
        edited = ask(changes)
    show(edited, as_json, f"Key {edited.name} is changed.")


@app.command("tag")
def set_tags(
    context: typer.Context,
    key: Which,
    tags: Annotated[list[str] | None, typer.Argument(metavar="[TAG]...", help="All it shall have.")] = None,
    as_json: Json = False,
) -> None:
    """Give a key these tags, in place of those it has."""
    with asking(context) as ask:
        edited = ask(EditKey(find(ask, key).id, tags=tags or []))
    show(edited, as_json, f"Key {edited.name} has {'the tags ' + ', '.join(edited.tags) if edited.tags else 'no tag'}.")


@app.command()
def rotate(
    context: typer.Context,
    key: Which,
    overlap: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the old one stays good: 24h, 7d; 0 for not.")
    ] = "24h",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a key another secret and print it, this once; the old one stays good for a while."""
    with asking(context) as ask:
        operation, question = RotateKey(find(ask, key).id, seconds(overlap)), f"Give key {key} another secret?"
        rotated = carry_out(ask, operation, question, yes=yes, dry_run=dry_run, as_json=as_json)
    _show_secret(rotated, as_json)


@app.command()
def enable(context: typer.Context, key: Which, as_json: Json = False) -> None:
    """Let a disabled key work again."""
    with asking(context) as ask:
        switched = ask(SetKeyEnabled(find(ask, key).id, True))
    show(switched, as_json, _switched(switched))


@app.command()
def disable(
    context: typer.Context,
    key: Which,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Refuse a key until it is enabled again."""
    with asking(context) as ask:
        operation, question = SetKeyEnabled(find(ask, key).id, False), f"Disable key {key}?"
        switched = carry_out(ask, operation, question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(switched, as_json, _switched(switched))


@app.command()
def revoke(
    context: typer.Context,
    key: Which,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Refuse a key for good, at once; its running answers are cut."""
    with asking(context) as ask:
        operation, question = RevokeKey(find(ask, key).id), f"Revoke key {key} for good?"
        done = carry_out(ask, operation, question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


def find(ask: Asker, wanted: str) -> KeyView:
    """A key by number, public id or name; of several with one name the one that is not revoked."""
    keys = ask(ListKeys())
    alive = [key for key in keys if key.state != "revoked" and wanted in _names(key)]
    return pick(alive or keys, wanted, _names, "key")


def _names(key: KeyView) -> tuple[str, ...]:
    return str(key.id), key.public_id, key.name


def _switched(key: KeyView) -> str:
    return f"Key {key.name} is {key.state}."


def braked(brake: Brake) -> str:
    """What a brake does; nothing for none."""
    said = {
        "frozen": brake.frozen,
        "held": brake.hold,
        f"slowed to {brake.tokens_per_second} tokens/s": brake.tokens_per_second is not None,
        f"asks above {money(brake.approve_above_micros)}": brake.approve_above_micros is not None,
    }
    return ", ".join(words for words, true in said.items() if true)


def _capture(key: KeyView) -> str:
    return "capture" if captures(key, time.time_ns() // 1000) else ""


def _show_secret(created: KeyCreated, as_json: bool) -> None:
    show(created, as_json, created.secret)
    if not as_json:
        complain("this key is shown once, only a hash of it is kept; `console snippet` shows how to use it")


def _expiry(expires: str | None) -> int | None:
    return ahead(expires) if expires and expires != "never" else None


def _row(key: KeyView) -> tuple[str, ...]:
    return (
        str(key.id),
        key.name,
        f"{key.public_id}…{key.tail}",
        ", ".join(filter(None, (key.state, _capture(key), braked(key.brake)))),
        key.owner,
        ", ".join(key.tags),
        count(key.requests_today),
        count(key.tokens_today),
        money(key.cost_today_micros),
        day_time(key.last_used_at) if key.last_used_at else "never",
        ", ".join(key.models) or "any",
    )
