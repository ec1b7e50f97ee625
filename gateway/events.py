"""News: what happened, in the past tense. Losing news costs freshness, never truth."""

from typing import Literal

from msgspec import Struct

from data.records import AttemptRecord, ExchangeRecord
from gateway.canonical import TextKind


class ExchangeStarted(Struct, frozen=True, tag=True, gc=False):
    """A request is on record."""

    record: ExchangeRecord


class ExchangeProgressed(Struct, frozen=True, tag=True, gc=False):
    """A running answer has come further. At most a few times a second for each exchange."""

    id: int
    upstream: str
    model_served: str
    route: str
    first_token_us: int | None
    output_tokens: int
    """The provider's figure where it has said one, otherwise an estimate while it runs."""
    cost_micros: int | None
    progress: str = ""
    """How far a task has come, in words."""


class ExchangeEnded(Struct, frozen=True, tag=True, gc=False):
    """A request is over and settled."""

    record: ExchangeRecord
    attempts: tuple[AttemptRecord, ...] = ()


class TextPassed(Struct, frozen=True, tag=True, gc=False):
    """A tapped exchange put out some text. Only sent while somebody taps."""

    id: int
    kind: TextKind
    text: str


class ConfigurationChanged(Struct, frozen=True, tag=True):
    """Keys, upstreams, models, routes, aliases or prices are not what they were."""

    what: Literal["keys", "upstreams", "models", "routes", "aliases", "prices", "settings"]


class UpstreamHealthChanged(Struct, frozen=True, tag=True):
    """An upstream was set aside, or taken back."""

    upstream_id: int
    state: Literal["up", "shaky", "down"]
    why: str


class Noted(Struct, frozen=True, tag=True):
    """A line for the operator's event list. The text holds no secret and no prompt."""

    at: int
    """UTC microseconds."""
    level: Literal["info", "warning", "error"]
    code: str
    text: str


News = (
    ExchangeStarted
    | ExchangeProgressed
    | ExchangeEnded
    | TextPassed
    | ConfigurationChanged
    | UpstreamHealthChanged
    | Noted
)
