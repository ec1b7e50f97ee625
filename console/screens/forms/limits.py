"""The form of what a holder may use."""

import ipaddress
from collections.abc import Sequence

from console.budgets import read_budgets, write_budget
from console.screens.forms.key import names_in
from console.sums import needed_as, optional, read_number
from console.widgets.form import Field, Values
from data.limits import Limits
from gateway.canonical import PROTOCOLS

NUMBERS = {
    "requests_per_minute": ("Req/min", "Requests in any minute."),
    "tokens_per_minute": ("Tokens/min", "In and out together; 200k and 2M will do."),
    "tokens_per_day": ("Tokens/day", ""),
    "concurrent": ("At once", "Requests that run at the same time."),
    "max_output_tokens": ("Max output", "Tokens that one request may have put out."),
}
"""Whole numbers; empty where there is no limit."""
BUDGETS_HINT = "20 day, 400 month Europe/Berlin, 90 week UTC 06:00 mon: dollars, per what, zone, begin. One to a line."


# --- lists


def read_networks(text: str) -> tuple[str, ...]:
    """CIDR blocks. Raises `ValueError`, with the block that may have been meant."""
    return tuple(_network(name) for name in names_in(text))


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"“{text}” is no block of addresses: write one such as 10.0.0.0/8 or 2001:db8::/32") from None
    raise ValueError(f"“{text}” is an address within a block: did you mean {meant}?")


def read_protocols(text: str) -> tuple[str, ...]:
    """Protocols by name. Raises `ValueError` with those there are."""
    names = names_in(text)
    unknown = [name for name in names if name not in PROTOCOLS]
    if unknown:
        raise ValueError(f"There is no protocol “{unknown[0]}”. There are: {', '.join(PROTOCOLS)}")
    return tuple(names)


# --- the form


def limit_fields(limits: Limits) -> Sequence[Field]:
    """All limits, with what holds now."""
    budgets = "\n".join(write_budget(budget) for budget in limits.budgets)
    return (
        Field("budgets", "Budgets", budgets, BUDGETS_HINT, needed_as(read_budgets), lines=3),
        Field(
            "prepaid",
            "Prepaid",
            "yes" if limits.prepaid else "no",
            "yes: only what was paid in may be spent; + pays in.",
            choices=("no", "yes"),
        ),
        *(
            Field(name, label, _number(getattr(limits, name)), hint, optional(read_number))
            for name, (label, hint) in NUMBERS.items()
        ),
        Field(
            "wait_seconds",
            "Wait",
            str(limits.wait_seconds or ""),
            "Seconds a request may wait for a place. Empty: refused at once.",
            optional(lambda text: read_number(text, 0)),
        ),
        Field("models", "Models", ", ".join(limits.models), "Such as gpt-*, claude-*. Empty: every model."),
        Field(
            "protocols",
            "Protocols",
            ", ".join(limits.protocols),
            f"Of {', '.join(PROTOCOLS)}.",
            optional(read_protocols),
        ),
        Field("endpoints", "Requests", ", ".join(limits.endpoints), "Of generate, count, embed, relay, video."),
        Field(
            "networks",
            "Networks",
            ", ".join(limits.networks),
            "Clients' addresses: 10.0.0.0/8.",
            optional(read_networks),
        ),
    )


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def new_limits(values: Values) -> Limits:
    """Limits as they were filled in. Raises `ValueError` where they are none."""
    numbers = {name: read_number(values[name]) if values[name] else None for name in NUMBERS}
    return Limits(
        prepaid=values["prepaid"] == "yes",
        budgets=read_budgets(values["budgets"]),
        wait_seconds=read_number(values["wait_seconds"], 0) if values["wait_seconds"] else 0,
        models=tuple(names_in(values["models"])),
        protocols=read_protocols(values["protocols"]),
        endpoints=tuple(names_in(values["endpoints"])),
        networks=read_networks(values["networks"]),
        **numbers,
    )
