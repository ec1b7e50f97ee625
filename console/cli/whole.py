"""Commands about the gateway as a whole: its state, its events, how to use it, how to stop it."""

from typing import Annotated

import typer

from console.cli.asking import asking
from console.cli.moments import now as right_now
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, fields, lines, show, table
from console.units import age, day_time, money
from gateway.errors import NotFound
from gateway.operations import GetSnippets, GetStatus, ListEvents, Shutdown, Snippet, Status


def status(context: typer.Context, as_json: Json = False) -> None:
    """Whether it runs, where, and what it did today."""
    with asking(context) as ask:
        told = ask(GetStatus())
    show(told, as_json, fields(_facts(told)))


def events(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """What the gateway noted, newest first."""
    with asking(context) as ask:
        noted = ask(ListEvents(limit))
    rows = [(day_time(each.at), each.level, each.text) for each in noted]
    show(noted, as_json, table(("AT", "LEVEL", "WHAT"), rows))


def snippet(
    context: typer.Context,
    which: Annotated[str | None, typer.Argument(metavar="ID", help="Such as curl or python-openai.")] = None,
    key: Annotated[str, typer.Option(help="Put this key in; a placeholder stands there otherwise.")] = "",
    model: Annotated[str, typer.Option(help="Put this model in.")] = "",
    as_json: Json = False,
) -> None:
    """Code and settings to paste, with this gateway's address in them."""
    with asking(context) as ask:
        snippets = ask(GetSnippets(key, model))
    if which is None:
        rows = [(each.id, each.title) for each in snippets]
        show(snippets, as_json, table(("ID", "FOR"), rows))
    else:
        found = _snippet(snippets, which)
        show(found, as_json, lines(found.text))


def stop(
    context: typer.Context,
    now: Annotated[bool, typer.Option("--now", help="Cut running answers instead of waiting for them.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Stop the running gateway: refuse new requests, let running ones end."""
    with asking(context, live=True) as ask:
        done = carry_out(ask, Shutdown(now), "Stop the gateway?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


def _snippet(snippets: list[Snippet], wanted: str) -> Snippet:
    for each in snippets:
        if each.id == wanted:
            return each
    raise NotFound(f"There is no snippet {wanted!r}; there are: {', '.join(each.id for each in snippets)}.")


def _facts(told: Status) -> list[tuple[str, str]]:
    serving = "draining: it refuses new requests" if told.draining else f"serving {told.base_url}"
    return [
        ("gateway", serving if told.base_url else "not running"),
        ("version", told.version),
        ("process", f"{told.pid}, up {age((right_now() - told.started_at) / 1e6)}" if told.base_url else ""),
        ("data", told.data_directory),
        ("running", f"{told.running} requests"),
        ("keys", str(told.keys)),
        ("providers", str(told.upstreams)),
        ("routes", str(told.routes)),
        ("on record", f"{told.exchanges} requests"),
        ("today", money(told.today_cost_micros)),
    ]
