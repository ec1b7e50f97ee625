"""`console provider`: accounts at providers, which the gateway calls its upstreams."""

import os
from typing import Annotated

import typer

from console.cli.asking import Asker, asking, pick
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, fields, lines, show, table
from console.units import count, day_time, fine
from gateway.operations import (
    AddUpstream,
    EditUpstream,
    ListProviders,
    ListUpstreams,
    RemoveUpstream,
    SetUpstreamEnabled,
    TestStep,
    TestUpstream,
    UpstreamAdded,
    UpstreamView,
)

app = typer.Typer(help="Providers: who answers, and with which account of yours.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="UPSTREAM", help="Its number or name.")]
BaseUrl = Annotated[str | None, typer.Option(help="Where it is, if not at the provider's usual address.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", metavar="NAME", help="A model its list does not name; repeatable.")
]
Weight = Annotated[int | None, typer.Option(min=1, help="Its share among equals.")]
Unpriced = Annotated[
    bool | None,
    typer.Option("--allow-unpriced/--refuse-unpriced", help="Whether models are served whose price nobody knows."),
]
AskKey = Annotated[bool, typer.Option("--key", help="Type the credential, unseen.")]
KeyEnv = Annotated[str | None, typer.Option(metavar="VAR", help="Take the credential from this variable.")]
KeyStdin = Annotated[bool, typer.Option("--key-stdin", help="Read the credential from standard input.")]


@app.command()
def presets(context: typer.Context, as_json: Json = False) -> None:
    """The providers Gatehouse knows; any other that speaks OpenAI's protocol works with a base URL."""
    with asking(context) as ask:
        providers = ask(ListProviders())
    rows = [(each.id, each.title, ", ".join(each.key_env), each.hint) for each in providers]
    show(providers, as_json, table(("PROVIDER", "NAME", "KEY VARIABLE", "HINT"), rows))


@app.command("list")
def list_upstreams(context: typer.Context, as_json: Json = False) -> None:
    """The accounts that are set up, with their state."""
    with asking(context) as ask:
        upstreams = ask(ListUpstreams())
    headings = ("ID", "NAME", "PROVIDER", "STATE", "KEY", ">MODELS", ">REQUESTS", ">ERRORS", "ADDRESS")
    none = "No provider yet: `console provider add demo` needs no account."
    show(upstreams, as_json, table(headings, map(_row, upstreams), none))


@app.command()
def add(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="As in `console provider presets`.")],
    name: Annotated[str, typer.Option(help="What to call it; the provider's name otherwise.")] = "",
    ask_key: AskKey = False,
    key_env: KeyEnv = None,
    key_stdin: KeyStdin = False,
    base_url: BaseUrl = None,
    project: Annotated[str, typer.Option(help="The Google Cloud project.")] = "",
    location: Annotated[str, typer.Option(help="The Google Cloud location.")] = "",
    models: Models = None,
    weight: Weight = None,
    unpriced: Unpriced = None,
    as_json: Json = False,
) -> None:
    """Add an account, test it and list its models."""
    credential = _credential(ask_key, key_env, key_stdin)
    operation = AddUpstream(
        provider_id=provider,
        name=name,
        credential=credential or "",
        credential_env="" if credential else key_env or "",
        base_url=base_url or "",
        project=project,
        location=location,
        models=models or [],
        weight=weight or 1,
        unpriced=unpriced or False,
    )
    with asking(context) as ask:
        added = ask(operation)
    show(added, as_json, f"Added {added.upstream.name}.\n{_tested(added)}")
    _fail_if_failed(added.test)


@app.command("test")
def try_out(context: typer.Context, upstream: Which, as_json: Json = False) -> None:
    """Test an account step by step and list its models again."""
    with asking(context) as ask:
        tested = ask(TestUpstream(find(ask, upstream).id))
    show(tested, as_json, _tested(tested))
    _fail_if_failed(tested.test)


@app.command()
def edit(
    context: typer.Context,
    upstream: Which,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    ask_key: AskKey = False,
    key_env: KeyEnv = None,
    key_stdin: KeyStdin = False,
    base_url: BaseUrl = None,
    models: Models = None,
    weight: Weight = None,
    unpriced: Unpriced = None,
    as_json: Json = False,
) -> None:
    """Change what is given of an account."""
    credential = _credential(ask_key, key_env, key_stdin)
    if key_env and credential is None:
        raise typer.BadParameter(f"the variable {key_env} is not set", param_hint="--key-env")
    with asking(context) as ask:
        changes = EditUpstream(find(ask, upstream).id, name, credential, base_url, weight, models, unpriced)
        edited = ask(changes)
    show(edited, as_json, f"{edited.name} is changed. `console provider test {edited.name}` tells whether it works.")


@app.command()
def enable(context: typer.Context, upstream: Which, as_json: Json = False) -> None:
    """Use an account again."""
    with asking(context) as ask:
        switched = ask(SetUpstreamEnabled(find(ask, upstream).id, True))
    show(switched, as_json, f"{switched.name} is enabled.")


@app.command()
def disable(
    context: typer.Context,
    upstream: Which,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send nothing to an account until it is enabled again."""
    with asking(context) as ask:
        operation = SetUpstreamEnabled(find(ask, upstream).id, False)
        switched = carry_out(ask, operation, f"Disable {upstream}?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(switched, as_json, f"{switched.name} is disabled.")


@app.command()
def remove(
    context: typer.Context,
    upstream: Which,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget an account with its credential; what it did stays on record."""
    with asking(context) as ask:
        operation = RemoveUpstream(find(ask, upstream).id)
        done = carry_out(ask, operation, f"Remove {upstream}?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


@app.command()
def models(context: typer.Context, upstream: Which, as_json: Json = False) -> None:
    """The models an account offers."""
    with asking(context) as ask:
        found = find(ask, upstream)
    show(found.models, as_json, lines("\n".join(found.models)))


def find(ask: Asker, wanted: str) -> UpstreamView:
    """An upstream by number or name."""
    return pick(ask(ListUpstreams()), wanted, lambda each: (str(each.id), each.name), "provider")


def _credential(ask_key: bool, key_env: str | None, key_stdin: bool) -> str | None:
    """The credential, if this shell has it: never from the command line, where others could read it."""
    if key_stdin:
        return typer.get_text_stream("stdin").read().strip()
    if ask_key:
        return str(typer.prompt("Credential", hide_input=True)).strip()
    return os.environ.get(key_env) if key_env else None


def _tested(added: UpstreamAdded) -> str:
    rows = [("ok" if step.ok else "FAILED", step.name, fine(step.duration_us), step.detail) for step in added.test]
    listed = len(added.upstream.models)
    return f"{table(('', 'STEP', '>TIME', 'SEEN'), rows, '')}\n{fields([('models', str(listed))])}"


def _fail_if_failed(steps: list[TestStep]) -> None:
    if not all(step.ok for step in steps):
        raise typer.Exit(1)


def _row(upstream: UpstreamView) -> tuple[str, ...]:
    state = upstream.health if upstream.enabled else "off"
    return (
        str(upstream.id),
        upstream.name,
        upstream.provider_title,
        f"{state} ({upstream.health_why})" if upstream.enabled and upstream.health_why else state,
        upstream.credential_hint,
        f"{len(upstream.models)} at {day_time(upstream.models_listed_at)}" if upstream.models_listed_at else "0",
        count(upstream.requests_today),
        count(upstream.errors_today),
        upstream.base_url,
    )
