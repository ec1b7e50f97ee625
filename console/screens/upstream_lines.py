"""How an account at a provider reads: its columns, its particulars, and what a test of it showed. Pure."""

from collections.abc import Callable, Sequence

from console.filter import Vocabulary
from console.ink import Line, Span, fit, wrap
from console.screens.key_lines import fact
from console.units import MICROS, age, count, fine, percent
from console.widgets.columns import Column
from gateway.operations import TestStep, UpstreamView

HEALTH: dict[str, Span] = {"up": ("● up", "good"), "shaky": ("◐ shaky", "warning"), "down": ("○ down", "bad")}
OFF: Span = ("■ off", "muted")

VOCABULARY: Vocabulary[UpstreamView] = Vocabulary(
    fields={
        "name": lambda upstream: upstream.name,
        "provider": lambda upstream: upstream.provider_id,
        "state": lambda upstream: upstream.health if upstream.enabled else "off",
        "req": lambda upstream: upstream.requests_today,
        "err": lambda upstream: upstream.errors_today,
    },
    words=lambda upstream: (upstream.name, upstream.provider_id, upstream.provider_title, upstream.base_url),
    named={"problems": "state:shaky,down,off"},
)


def state(upstream: UpstreamView) -> Span:
    """Glyph and word; one that is off is not judged."""
    return HEALTH[upstream.health] if upstream.enabled else OFF


def error_share(upstream: UpstreamView) -> Span:
    """Errors today, of its requests."""
    if not upstream.requests_today:
        return ("", "plain")
    share = upstream.errors_today / upstream.requests_today
    return (percent(share), "bad" if share >= 0.05 else "plain")


COLUMNS: Sequence[Column[UpstreamView]] = (
    Column("name", "NAME", 14, lambda u: (u.name, "plain" if u.enabled else "muted"), grows=2, most=30),
    Column("provider", "PROVIDER", 18, lambda u: (u.provider_title, "muted"), grows=1, most=26),
    Column("state", "STATE", 8, state),
    Column("models", "MODELS", 6, lambda u: count(len(u.models)), right=True),
    Column("requests", "REQ", 6, lambda u: count(u.requests_today), right=True),
    Column("errors", "ERR", 6, error_share, right=True),
    Column("running", "RUN", 4, lambda u: (str(u.running or ""), "accent"), right=True),
    Column("hint", "KEY", 6, lambda u: (f"…{u.credential_hint}" if u.credential_hint else "-", "muted"), right=True),
)


def why(upstream: UpstreamView) -> Span:
    """What keeps it from serving, or that nothing does."""
    if not upstream.enabled:
        return ("off: nothing is sent there until d turns it on again", "muted")
    if upstream.health == "up":
        return ("up", "plain")
    return (f"{upstream.health}: {upstream.health_why}", HEALTH[upstream.health][1])


def counted(upstream: UpstreamView, now_micros: int) -> str:
    """How many models it has, and since when that is known."""
    if not upstream.models_listed_at:
        return f"{count(len(upstream.models))} models, never listed; t tests it again"
    return f"{count(len(upstream.models))} models, listed {age((now_micros - upstream.models_listed_at) / MICROS)} ago"


def in_short(upstream: UpstreamView, now_micros: int) -> list[Line]:
    """Three lines about it."""
    return [
        ((f" {upstream.name}", "strong"), (f"   {upstream.base_url}   ", "plain"), _credential(upstream)),
        ((" ", "plain"), why(upstream)),
        ((f" {counted(upstream, now_micros)}   speaks {', '.join(upstream.protocols)}", "muted"),),
    ]


def _credential(upstream: UpstreamView) -> Span:
    return (f"key …{upstream.credential_hint}" if upstream.credential_hint else "", "muted")


def about(upstream: UpstreamView, steps: Sequence[TestStep], now_micros: Callable[[], int], width: int) -> list[Line]:
    """All about it."""
    facts = {
        "provider": upstream.provider_title,
        "state": why(upstream)[0],
        "base URL": upstream.base_url,
        "key": f"ends in {upstream.credential_hint}" if upstream.credential_hint else "none, or too short to hint at",
        "speaks": ", ".join(upstream.protocols),
        "models": counted(upstream, now_micros()),
        "weight": str(upstream.weight),
        "running": str(upstream.running),
        "today": f"{count(upstream.requests_today)} requests, {count(upstream.errors_today)} errors",
    }
    lines: list[Line] = [((upstream.name, "strong"),), ()]
    lines += [line for label, text in facts.items() for line in fact(label, text, width)]
    if steps:
        lines += [(), (("last test", "muted"),), *step_lines(steps, width)]
    return lines


def step_lines(steps: Sequence[TestStep], width: int) -> list[Line]:
    """The steps of a test, each with what was seen or what to do."""
    lines: list[Line] = []
    for step in steps:
        sign: Span = ("✓", "good") if step.ok else ("✗", "bad")
        took = fine(step.duration_us) if step.duration_us else ""
        texts = wrap(step.detail, max(10, width - 19))
        lines.append(
            (sign, (f" {fit(step.name, 7)}", "strong"), (f"{fit(took, 7, right=True)}  ", "muted"), (texts[0], "plain"))
        )
        lines += [((" " * 18 + text, "plain"),) for text in texts[1:]]
    return lines


def passed(steps: Sequence[TestStep]) -> bool:
    """Whether every step went well."""
    return all(step.ok for step in steps)
