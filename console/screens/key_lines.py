"""How a client key reads: its columns, its particulars, and what revoking it would do. Pure."""

from collections.abc import Callable, Sequence

from console.filter import Vocabulary
from console.ink import Line, Span, fit, wrap
from console.units import MICROS, age, count, day_time, money
from console.widgets.charts import sparkline
from console.widgets.columns import Column
from gateway.operations import KeyView

STATES: dict[str, Span] = {
    "on": ("● on", "plain"),
    "off": ("○ off", "warning"),
    "expired": ("◌ expired", "warning"),
    "revoked": ("■ revoked", "muted"),
}
WORDS = {
    "on": "on",
    "off": "off: requests with it are refused until d turns it on again",
    "expired": "expired: e gives it another date",
    "revoked": "revoked for good",
}
DAY_MICROS = 86_400 * MICROS

VOCABULARY: Vocabulary[KeyView] = Vocabulary(
    fields={
        "name": lambda key: key.name,
        "owner": lambda key: key.owner,
        "state": lambda key: key.state,
        "model": lambda key: " ".join(key.models),
        "tail": lambda key: key.tail,
        "req": lambda key: key.requests_today,
        "cost": lambda key: key.cost_today_micros / MICROS,
    },
    words=lambda key: (key.name, key.owner, key.note, key.tail, key.state),
    named={"problems": "state:off,expired,revoked"},
)


def last_use(key: KeyView, now_micros: int) -> str:
    """How long ago it was used."""
    return age((now_micros - key.last_used_at) / MICROS) if key.last_used_at else "never"


def key_columns(now_micros: Callable[[], int]) -> Sequence[Column[KeyView]]:
    """The list's columns."""
    return (
        Column("name", "NAME", 12, lambda key: (key.name, "muted" if key.state == "revoked" else "plain"), grows=2),
        Column("owner", "OWNER", 10, lambda key: (key.owner, "muted"), grows=1, most=20, from_width=90),
        Column("tail", "TAIL", 5, lambda key: (f"…{key.tail}", "muted")),
        Column("state", "STATE", 9, lambda key: STATES[key.state]),
        Column("hours", "24 H", 12, lambda key: (sparkline(key.requests_by_hour, 12), "accent")),
        Column("requests", "REQ", 6, lambda key: count(key.requests_today), right=True),
        Column("tokens", "TOKENS", 6, lambda key: count(key.tokens_today), right=True),
        Column("cost", "COST", 8, lambda key: money(key.cost_today_micros), right=True),
        Column("running", "RUN", 3, lambda key: (str(key.running or ""), "accent"), right=True),
        Column("last", "LAST", 5, lambda key: (last_use(key, now_micros()), "muted"), right=True),
    )


def today(key: KeyView) -> str:
    """What it did today."""
    requests = "request" if key.requests_today == 1 else "requests"
    tokens, cost = count(key.tokens_today), money(key.cost_today_micros)
    return f"{count(key.requests_today)} {requests}, {tokens} tokens, {cost}"


def models_of(key: KeyView) -> str:
    """Which models it may ask for."""
    return ", ".join(key.models) if key.models else "every model"


def expires(key: KeyView, now_micros: int) -> str:
    """When it ends."""
    if key.expires_at is None:
        return "never"
    left = (key.expires_at - now_micros) / MICROS
    return f"{day_time(key.expires_at)[:16]}  " + (f"in {age(left)}" if left > 0 else f"{age(-left)} ago")


def in_short(key: KeyView, now_micros: int) -> list[Line]:
    """Three lines about it."""
    owner = f"   {key.owner}" if key.owner else ""
    tail = f"   expires {expires(key, now_micros)}" if key.expires_at else ""
    return [
        ((f" {key.name}", "strong"), (owner, "plain"), (f"   {WORDS[key.state]}", STATES[key.state][1])),
        ((" models ", "muted"), (models_of(key), "plain"), (tail, "plain")),
        ((f" {key.note}", "muted"),),
    ]


def about(key: KeyView, now_micros: int, width: int) -> list[Line]:
    """All about it."""
    facts = {
        "state": WORDS[key.state],
        "owner": key.owner or "-",
        "note": key.note or "-",
        "models": models_of(key),
        "expires": expires(key, now_micros),
        "created": day_time(key.created_at)[:16],
        "last used": f"{last_use(key, now_micros)} ago" if key.last_used_at else "never",
        "id": f"{key.public_id} …{key.tail}",
        "running": str(key.running),
        "today": today(key),
    }
    return [
        ((key.name, "strong"),),
        (),
        *(line for label, text in facts.items() for line in fact(label, text, width)),
        (),
        (("last 24 hours", "muted"),),
        ((sparkline(key.requests_by_hour, 24), "accent"),),
    ]


def fact(label: str, text: str, width: int, labels: int = 10) -> list[Line]:
    """A labelled fact, on as many lines as it needs."""
    texts = wrap(text, max(8, width - labels - 1))
    return [
        ((fit(label if place == 0 else "", labels) + " ", "muted"), (part, "plain")) for place, part in enumerate(texts)
    ]


def in_use(key: KeyView, now_micros: int) -> bool:
    """Whether somebody would notice its end: it ran within a day."""
    return bool(key.running or (key.last_used_at and now_micros - key.last_used_at < DAY_MICROS))


def what_revoking_does(key: KeyView, now_micros: int) -> list[Line]:
    """What follows from revoking it now."""
    used = (
        f"Last used {last_use(key, now_micros)} ago; {today(key)} today." if key.last_used_at else "It was never used."
    )
    answers = "answer is" if key.running == 1 else "answers are"
    running = f"{key.running} {answers} running on it now and would be cut."
    return [
        (("  ", "plain"), (key.name, "strong"), (f"  …{key.tail}", "muted")),
        ((f"  {used}", "plain"),),
        ((f"  {running if key.running else 'Nothing is running on it.'}", "warning" if key.running else "plain"),),
        (),
    ]
