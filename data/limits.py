"""What a key, an owner or everyone together may use, as the operator set it. The values alone: who enforces them is the
gateway, what may be set is checked where operators ask for it.
"""

from typing import Literal

from msgspec import Struct

Per = Literal["minute", "hour", "day", "week", "month", "total"]


class Budget(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Money that may be spent in each calendar window of a length."""

    per: Per
    micros: int
    zone: str = "UTC"
    """IANA name of the zone whose calendar cuts the windows."""
    hour: int = 0
    """At which hour days, weeks and months begin there."""
    weekday: int = 0
    """On which day weeks begin; 0 is Monday."""


class Limits(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that holds for one holder; what is empty or None does not limit."""

    prepaid: bool = False
    """Only what was paid in may be spent."""
    budgets: tuple[Budget, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrent: int | None = None
    """Requests that run at the same time."""
    wait_seconds: int = 0
    """How long a request may wait for one of those places; 0 refuses it at once."""
    max_output_tokens: int | None = None
    """In one request."""
    models: tuple[str, ...] = ()
    """Globs."""
    protocols: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    """What requests may be for: names of `gateway.endpoints.Work`."""
    networks: tuple[str, ...] = ()
    """CIDR blocks that requests may come from."""


class Brake(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an operator does to a key that burns too much, short of taking it away."""

    tokens_per_second: int | None = None
    """Running streams pass no more output than this."""
    hold: bool = False
    """New requests wait until this is lifted."""
    approve_above_micros: int | None = None
    """A request that may cost more waits for the operator."""
    frozen: bool = False
    """New requests are refused; running ones go on."""


FREE = Limits()
"""No limit at all."""
RELEASED = Brake()


def key_holder(key_id: int) -> str:
    """The name of a key's account."""
    return f"key:{key_id}"


def owner_holder(name: str) -> str:
    """The name of an owner's account."""
    return f"owner:{name}"


EVERYONE = "everyone"
"""The name of the account of all keys together."""
