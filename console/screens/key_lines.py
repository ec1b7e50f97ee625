"""How a client key reads: its columns, its particulars, and what revoking it would do. Pure."""

from collections.abc import Callable, Sequence

from console.captures import capture, captures
from console.filter import Vocabulary
from console.ink import Line, Span, fit, wrap
from console.screens.holding_lines import (
    balance_cell,
    budget_cell,
    narrow_lines,
    rules,
    spent_cell,
    tightest,
    used_share,
    window_line,
)
from console.units import MICROS, age, count, day_time, money
from console.widgets.charts import sparkline
from console.widgets.columns import Cell, Column
from gateway.accounting import Holding
from gateway.operations import KeyView

STATES: dict[str, Span] = {
    "on": ("● on", "plain"),
    "capture": ("◉ capture", "warning"),
    "rotating": ("↻ rotating", "accent"),
    "asks": ("? asks", "warning"),
    "slowed": ("▼ slowed", "warning"),
    "held": ("‖ held", "warning"),
    "frozen": ("□ frozen", "warning"),
    "off": ("○ off", "warning"),
    "expired": ("◌ expired", "warning"),
    "revoked": ("■ revoked", "muted"),
}
WORDS = {
    "on": "on",
    "capture": "on; what its requests say is being kept: c stops that",
    "rotating": "on; the secret before this one still works, too",
    "asks": "on; dear requests wait for your approval: a on Live",
    "slowed": "on; its answers are slowed down: b lets them go",
    "held": "held: new requests wait until b lets them go",
    "frozen": "frozen: new requests are refused until b lifts it",
    "off": "off: requests with it are refused until d turns it on again",
    "expired": "expired: e gives it another date",
    "revoked": "revoked for good",
}
KEPT = "◉ "
"""Before the name of a key whose requests are being kept, whatever else is the matter with it."""
DAY_MICROS = 86_400 * MICROS
HoldingOf = Callable[[KeyView], Holding | None]


def rotates(key: KeyView, now_micros: int) -> bool:
    """Whether the secret before the last rotation still works."""
    return bool(key.old_valid_until and key.old_valid_until > now_micros)


def standing(key: KeyView, now_micros: int) -> str:
    """The gravest thing to say about it, as a key of `STATES`."""
    brake = key.brake
    said = {
        "frozen": brake.frozen,
        "held": brake.hold,
        "capture": captures(key, now_micros),
        "slowed": brake.tokens_per_second is not None,
        "asks": brake.approve_above_micros is not None,
        "rotating": rotates(key, now_micros),
    }
    return next((word for word, true in said.items() if true), "on") if key.state == "on" else key.state


def vocabulary(holding_of: HoldingOf, now_micros: Callable[[], int]) -> Vocabulary[KeyView]:
    """What filters can say about keys."""

    def budget(key: KeyView) -> float | None:
        window = tightest(holding_of(key))
        return used_share(window) if window else None

    def balance(key: KeyView) -> float | None:
        holding = holding_of(key)
        return holding.balance_micros / MICROS if holding and holding.limits.prepaid else None

    return Vocabulary(
        fields={
            "name": lambda key: key.name,
            "owner": lambda key: key.owner,
            "tag": lambda key: " ".join(key.tags),
            "state": lambda key: standing(key, now_micros()),
            "model": lambda key: " ".join(key.models),
            "tail": lambda key: key.tail,
            "req": lambda key: key.requests_today,
            "cost": lambda key: key.cost_today_micros / MICROS,
            "budget": budget,
            "balance": balance,
        },
        words=lambda key: (key.name, key.owner, key.note, key.tail, standing(key, now_micros()), *key.tags),
        named={
            "problems": "state:frozen,held,off,expired,revoked | budget>80%",
            "captured": "state:capture",
        },
    )


def last_use(key: KeyView, now_micros: int) -> str:
    """How long ago it was used."""
    return age((now_micros - key.last_used_at) / MICROS) if key.last_used_at else "never"


def key_columns(
    now_micros: Callable[[], int], holding_of: HoldingOf, *, budgets: bool, prepaid: bool
) -> Sequence[Column[KeyView]]:
    """The list's columns; money that is limited takes room only where it is, and then goes before other figures."""

    def name(key: KeyView) -> Cell:
        kept = KEPT if captures(key, now_micros()) else ""
        return (f"{kept}{key.name}", "muted" if key.state == "revoked" else "plain")

    budget: Sequence[Column[KeyView]] = (
        Column("budget", "BUDGET", 21, lambda key: budget_cell(holding_of(key))),
        Column("spent", "SPENT OF IT", 20, lambda key: spent_cell(holding_of(key)), from_width=141),
    )
    balance: Column[KeyView] = Column("balance", "BALANCE", 9, lambda key: balance_cell(holding_of(key)), right=True)
    return (
        Column("name", "NAME", 12, name, grows=2),
        Column("owner", "OWNER", 10, lambda key: (key.owner, "muted"), grows=1, most=20, from_width=112),
        Column("tail", "TAIL", 5, lambda key: (f"…{key.tail}", "muted"), from_width=71),
        Column("state", "STATE", 10, lambda key: STATES[standing(key, now_micros())]),
        *(budget if budgets else ()),
        *((balance,) if prepaid else ()),
        Column(
            "hours",
            "24 H",
            12,
            lambda key: (sparkline(key.requests_by_hour, 12), "accent"),
            from_width=101 if budgets else 0,
        ),
        Column(
            "requests", "REQ", 6, lambda key: count(key.requests_today), right=True, from_width=88 if budgets else 0
        ),
        Column(
            "tokens", "TOKENS", 6, lambda key: count(key.tokens_today), right=True, from_width=119 if budgets else 86
        ),
        Column("cost", "COST", 8, lambda key: money(key.cost_today_micros), right=True, from_width=65),
        Column("running", "RUN", 3, lambda key: (str(key.running or ""), "accent"), right=True, from_width=81),
        Column("last", "LAST", 5, lambda key: (last_use(key, now_micros()), "muted"), right=True, from_width=77),
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


def rotation(key: KeyView, now_micros: int) -> str:
    """What there is to know of the secret before the last rotation while it works."""
    if not key.old_valid_until or not rotates(key, now_micros):
        return ""
    left = age((key.old_valid_until - now_micros) / MICROS)
    used = key.old_last_used_at
    last = f"last used {age((now_micros - used) / MICROS)} ago" if used else "not used since"
    return f"the secret before works until {day_time(key.old_valid_until)[:16]}, {left} from now; {last}"


def braking(key: KeyView) -> str:
    """What the operator's brake does to it."""
    brake = key.brake
    said = {
        "new requests are refused": brake.frozen,
        "new requests wait": brake.hold,
        f"{brake.tokens_per_second} tokens a second at the most": brake.tokens_per_second is not None,
        f"above {money(brake.approve_above_micros)} requests wait for approval": brake.approve_above_micros is not None,
    }
    return ", ".join(words for words, true in said.items() if true)


def in_short(key: KeyView, holding: Holding | None, now_micros: int, width: int) -> list[Line]:
    """Three lines about it: how it stands, what it may use, what to know besides."""
    state = standing(key, now_micros)
    owner = f"   {key.owner}" if key.owner else ""
    window = tightest(holding)
    budget: Line = window_line(window, now_micros, width) if window else (("no budget", "muted"),)
    return [
        ((f" {key.name}", "strong"), (owner, "plain"), (f"   {WORDS[state]}", STATES[state][1])),
        ((" ", "plain"), *budget),
        (besides(key, holding, now_micros),),
    ]


def besides(key: KeyView, holding: Holding | None, now_micros: int) -> Span:
    """What is out of the ordinary about it, or else its rules and its note."""
    unusual = capture(key, now_micros) or braking(key) or rotation(key, now_micros)
    if unusual:
        return (f" {unusual}", "warning")
    models = [f"models {models_of(key)}"] if key.models else []
    expiry = [f"expires {expires(key, now_micros)}"] if key.expires_at else []
    said = [*models, *expiry, *(rules(holding.limits) if holding else []), *([key.note] if key.note else [])]
    return (f" {',  '.join(said)}", "muted")


def about(key: KeyView, holding: Holding | None, now_micros: int, width: int) -> list[Line]:
    """All about it."""
    facts = {
        "state": WORDS[standing(key, now_micros)],
        "owner": key.owner or "-",
        "tags": ", ".join(key.tags) or "-",
        "note": key.note or "-",
        "models": models_of(key),
        "expires": expires(key, now_micros),
        "created": day_time(key.created_at)[:16],
        "last used": f"{last_use(key, now_micros)} ago" if key.last_used_at else "never",
        "id": f"{key.public_id} …{key.tail}",
        "running": str(key.running),
        "today": today(key),
        "capture": capture(key, now_micros),
        "rotation": rotation(key, now_micros),
        "brake": braking(key),
    }
    return [
        ((key.name, "strong"),),
        (),
        *(line for label, text in facts.items() if text for line in fact(label, text, width)),
        (),
        *(narrow_lines("may use", holding, now_micros, width) if holding else []),
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
    ]
