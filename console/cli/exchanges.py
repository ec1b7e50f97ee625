"""`console exchange` and `console tail`: requests, one by one and as they happen."""

import contextlib
from collections.abc import Iterator
from typing import Annotated

import typer

from console.cli.asking import Asker, asking
from console.cli.exporting import Format, To, export
from console.cli.keys import find as find_key
from console.cli.moments import ago
from console.cli.providers import find as find_upstream
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, fields, lines, show, table, to_json
from console.scrub import scrub
from console.units import clock_time, count, day_time, duration, fine, latency, money
from data.records import AttemptRecord, ExchangeRecord
from gateway.accounting import ApproveExchange
from gateway.events import (
    ExchangeEnded,
    ExchangeStarted,
    News,
    Noted,
    TextPassed,
    UpstreamHealthChanged,
)
from gateway.operations import (
    CloseTap,
    CutExchange,
    ExchangeDetail,
    ExchangeFilter,
    GetExchange,
    ListExchanges,
    ListKeys,
    OpenTap,
)

app = typer.Typer(help="Requests with their answers.", no_args_is_help=True)

PAGE = 1_000
"""Requests that an export asks for at a time."""

KeyOption = Annotated[str | None, typer.Option("--key", help="Only this key's.")]
UpstreamOption = Annotated[str | None, typer.Option("--upstream", help="Only those that went to this provider.")]
Model = Annotated[str, typer.Option(help="Only models with this in their name.")]
State = Annotated[str, typer.Option(help="running, done, failed, cut, client_left or interrupted.")]
Text = Annotated[str, typer.Option(help="In a name, the request id or the error.")]
When = Annotated[str | None, typer.Option(metavar="WHEN", help="A span back such as 2h, or a date.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="The exchange's number.")]


@app.command("list")
def list_exchanges(
    context: typer.Context,
    key: KeyOption = None,
    upstream: UpstreamOption = None,
    model: Model = "",
    state: State = "",
    text: Text = "",
    since: When = None,
    until: When = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 50,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only those before this one.")] = None,
    as_json: Json = False,
) -> None:
    """Requests, newest first."""
    with asking(context) as ask:
        narrowing = _filter(ask, key, upstream, model=model, state=state, text=text, since=since, until=until)
        records = ask(ListExchanges(narrowing, before, limit))
        names = _key_names(ask)
    headings = ("ID", "AT", "STATE", "KEY", "MODEL", "UPSTREAM", ">IN", ">OUT", ">FIRST", ">TOTAL", ">COST", "ERROR")
    show(records, as_json, table(headings, [_row(record, names) for record in records]))


@app.command("export")
def export_exchanges(
    context: typer.Context,
    key: KeyOption = None,
    upstream: UpstreamOption = None,
    model: Model = "",
    state: State = "",
    text: Text = "",
    since: When = None,
    until: When = None,
    form: Format = "csv",
    to: To = None,
) -> None:
    """Requests for other programs, newest first, however many there are."""
    with asking(context) as ask:
        narrowing = _filter(ask, key, upstream, model=model, state=state, text=text, since=since, until=until)
        export(ExchangeRecord, _pages(ask, narrowing), form, to)


@app.command("show")
def show_exchange(context: typer.Context, number: Number, as_json: Json = False) -> None:
    """Everything on record about a request."""
    with asking(context) as ask:
        detail = ask(GetExchange(number))
    show(detail, as_json, f"{fields(_facts(detail))}\n\n{_attempts(detail.attempts)}".strip())


@app.command()
def cut(
    context: typer.Context,
    number: Number,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End a running answer; its client gets a proper error."""
    with asking(context, live=True) as ask:
        done = carry_out(ask, CutExchange(number), f"Cut request {number}?", yes=yes, dry_run=dry_run, as_json=as_json)
    show(done, as_json, done.text)


@app.command()
def approve(context: typer.Context, number: Number, as_json: Json = False) -> None:
    """Let a request go that waits because it may be dear; `cut` refuses it."""
    with asking(context, live=True) as ask:
        done = ask(ApproveExchange(number))
    show(done, as_json, done.text)


@app.command()
def tap(context: typer.Context, number: Number, as_json: Json = False) -> None:
    """Print an answer's text as it passes, until it ends."""
    with asking(context, live=True) as ask, contextlib.suppress(KeyboardInterrupt):
        ask.watch()
        opened = ask(OpenTap(number))
        for piece in opened.pieces:
            _say(piece, piece.text, as_json)
        if opened.running:
            _follow_tap(ask, number, as_json)
    if not as_json:
        typer.echo()


def tail(context: typer.Context, as_json: Json = False) -> None:
    """Print what happens, a line each, until Ctrl+C."""
    with asking(context, live=True) as ask, contextlib.suppress(KeyboardInterrupt):
        ask.watch()
        names = _key_names(ask)
        for each in ask.follow():
            if as_json:
                typer.echo(to_json(each))
            elif line := tell(each, names):
                typer.echo(line)


def tell(news: News, key_names: dict[int, str]) -> str:
    """A piece of news as a line; empty for what is not worth one."""
    match news:
        case ExchangeStarted(record):
            return f"{clock_time(record.started_at)}  started  {_summary(record, key_names)}"
        case ExchangeEnded(record):
            at = record.started_at + (record.duration_us or 0)
            return f"{clock_time(at)}  {record.state:<7}  {_summary(record, key_names)}"
        case UpstreamHealthChanged(upstream_id, state, why):
            return scrub(f"          {state:<7}  provider {upstream_id} {why}")
        case Noted(at, level, _, text):
            return scrub(f"{clock_time(at)}  {level:<7}  {text}")
    return ""


def _filter(
    ask: Asker,
    key: str | None,
    upstream: str | None,
    *,
    model: str,
    state: str,
    text: str,
    since: str | None,
    until: str | None,
) -> ExchangeFilter:
    return ExchangeFilter(
        key_id=find_key(ask, key).id if key else None,
        upstream_id=find_upstream(ask, upstream).id if upstream else None,
        model=model,
        state=state,
        text=text,
        since=ago(since) if since else None,
        until=ago(until) if until else None,
    )


def _pages(ask: Asker, narrowing: ExchangeFilter) -> Iterator[ExchangeRecord]:
    before: int | None = None
    while page := ask(ListExchanges(narrowing, before, PAGE)):
        yield from page
        before = page[-1].id


def _follow_tap(ask: Asker, number: int, as_json: bool) -> None:
    try:
        for each in ask.follow():
            match each:
                case TextPassed(id=passing, text=text) if passing == number:
                    _say(each, text, as_json)
                case ExchangeEnded(record) if record.id == number:
                    return
    finally:
        ask(CloseTap(number))


def _say(piece: object, text: str, as_json: bool) -> None:
    typer.echo(to_json(piece) if as_json else lines(text), nl=as_json)


def _summary(record: ExchangeRecord, key_names: dict[int, str]) -> str:
    told = (
        f"#{record.id}",
        _key(record, key_names),
        record.model_served or record.model_asked,
        f"at {record.upstream}" if record.upstream else "",
        f"{count(_input(record))} in" if _input(record) else "",
        f"{count(_output(record))} out" if _output(record) else "",
        duration(record.duration_us),
        money(record.cost_micros),
        record.error_message,
    )
    return scrub("  ".join(part for part in told if part))


def _row(record: ExchangeRecord, key_names: dict[int, str]) -> tuple[str, ...]:
    return (
        str(record.id),
        day_time(record.started_at),
        record.state,
        _key(record, key_names),
        record.model_served or record.model_asked,
        record.upstream,
        count(_input(record)),
        count(_output(record)),
        latency(record.first_token_us),
        duration(record.duration_us),
        money(record.cost_micros),
        record.error_message,
    )


def _facts(detail: ExchangeDetail) -> list[tuple[str, str]]:
    record = detail.record
    return [
        ("exchange", f"{record.id}  {record.request_id}"),
        ("started", day_time(record.started_at)),
        ("state", f"{record.state}  {record.http_status or ''}  {record.finish}".strip()),
        ("progress", record.progress),
        ("error", f"{record.error_code}  {record.error_message}".strip()),
        ("request", f"{record.path}  {record.protocol}  {'streamed' if record.stream else ''}".strip()),
        ("key", detail.key_name),
        ("client", f"{record.client}  {record.agent}".strip()),
        ("model", " -> ".join(dict.fromkeys(filter(None, (record.model_asked, record.model_served))))),
        ("route", record.route),
        ("upstream", f"{record.upstream}  {record.upstream_request_id}".strip()),
        ("input", f"{record.input_tokens} fresh, {record.cache_read_tokens} from cache, {_written(record)} into cache"),
        ("output", f"{record.output_tokens}, and {record.reasoning_tokens} reasoning"),
        ("usage", record.usage_source),
        ("cost", money(record.cost_micros) or "unknown: the model has no price"),
        ("first token", latency(record.first_token_us)),
        ("duration", duration(record.duration_us)),
        ("warnings", record.warnings),
    ]


def _attempts(attempts: list[AttemptRecord]) -> str:
    rows = [
        (
            str(each.number),
            each.upstream,
            each.model,
            fine(each.duration_us),
            str(each.http_status or ""),
            each.error,
            each.decision,
        )
        for each in attempts
    ]
    return table((">TRY", "UPSTREAM", "MODEL", ">TIME", "STATUS", "ERROR", "THEN"), rows, "")


def _key_names(ask: Asker) -> dict[int, str]:
    return {key.id: key.name for key in ask(ListKeys())}


def _key(record: ExchangeRecord, key_names: dict[int, str]) -> str:
    return key_names.get(record.key_id, f"key {record.key_id}") if record.key_id else ""


def _written(record: ExchangeRecord) -> int:
    return record.cache_write_5m_tokens + record.cache_write_1h_tokens


def _input(record: ExchangeRecord) -> int:
    return record.input_tokens + record.cache_read_tokens + _written(record) + record.tool_prompt_tokens


def _output(record: ExchangeRecord) -> int:
    return record.output_tokens + record.reasoning_tokens
