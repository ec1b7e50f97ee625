"""`console key capture` and `console exchange capture`: keeping what requests say, and a look at it."""

import time
from typing import Annotated

import typer

from console.captures import capture as capture_words
from console.captures import readable
from console.cli.asking import asking
from console.cli.exchanges import Number
from console.cli.keys import Which, find
from console.cli.radius import DryRun, carry_out
from console.cli.show import Json, Yes, complain, lines, show
from console.units import day_time
from gateway.accounting import Captured, GetCapture, StartCapture, StopCapture, WipeCaptures
from gateway.operations import KeyView


def capture_key(
    context: typer.Context,
    key: Which,
    requests: Annotated[int, typer.Option(help="Of its next requests so many, at the most.")] = 20,
    minutes: Annotated[int, typer.Option(help="No longer than this.")] = 10,
    keep_hours: Annotated[int, typer.Option(help="Then what was kept is wiped.")] = 24,
    stop: Annotated[bool, typer.Option("--stop", help="Keep no more; what was kept stays.")] = False,
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete what was kept.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Keep, sealed, what a key's next requests and their answers say; or stop that, or wipe it."""
    if stop and wipe:
        raise typer.BadParameter("--stop and --wipe are two things: give one of them")
    with asking(context) as ask:
        number = find(ask, key).id
        if wipe:
            question = f"Delete what was kept of key {key}?"
            done = carry_out(ask, WipeCaptures(number), question, yes=yes, dry_run=dry_run, as_json=as_json)
            show(done, as_json, done.text)
            return
        operation = StopCapture(number) if stop else StartCapture(number, requests, minutes, keep_hours)
        question = f"Keep no more of what key {key} says?" if stop else f"Keep what key {key} says?"
        view = carry_out(ask, operation, question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(view, as_json, _kept(view))


def look(
    context: typer.Context,
    number: Number,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Print what was kept of a request and its answer; the look goes on record."""
    with asking(context) as ask:
        question = f"Look at what request {number} and its answer said?"
        captured = carry_out(ask, GetCapture(number), question, yes=yes, dry_run=dry_run, as_json=as_json)
    show(captured, as_json, _said(captured))
    complain("this look is on record")


def _kept(key: KeyView) -> str:
    words = capture_words(key, time.time_ns() // 1000) or "no more of what its requests say is kept"
    return f"Key {key.name}: {words}."


def _said(captured: Captured) -> str:
    request, answer = (lines(readable(text)) for text in (captured.request, captured.answer))
    return f"Kept until {day_time(captured.expires_at)[:16]}\n\nREQUEST\n{request}\n\nANSWER\n{answer}"
