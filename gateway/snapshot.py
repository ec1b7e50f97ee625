"""All that a request's way depends on, as one immutable value. The operator changes things by replacing it whole."""

from msgspec import Struct, field

from data.limits import FREE, RELEASED, Brake, Limits
from gateway.canonical import Protocol, VideoShape
from gateway.settings import Settings


class KeyFacts(Struct, frozen=True):
    """A client key as policy sees it."""

    id: int
    public_id: str
    secret_hash: bytes
    name: str
    owner: str
    enabled: bool
    expires_at: int | None
    """UTC microseconds."""
    revoked: bool
    limits: Limits = FREE
    brake: Brake = RELEASED
    old_secret_hash: bytes = b""
    """Of the secret before the last rotation; empty when there is none."""
    old_valid_until: int = 0
    """UTC microseconds."""
    capture_until: int = 0
    """Until when what its requests say may be kept; UTC microseconds."""
    capture_left: int = 0
    """Of how many more, as far as that is stored."""
    capture_hours: int = 24
    by_old_secret: bool = False
    """Whether who presents it did so with the secret before the last rotation."""


class Endpoint(Struct, frozen=True):
    """How to speak one protocol with one upstream."""

    protocol: Protocol
    base_url: str
    """Without a trailing slash; the protocol's own path follows."""
    signer: str


class UpstreamFacts(Struct, frozen=True):
    """An account at a provider, ready to be called."""

    id: int
    name: str
    provider_id: str
    provider_title: str
    endpoints: dict[Protocol, Endpoint]
    credential: str = field()
    dialect: str
    price_id: str | None
    local: bool
    weight: int
    enabled: bool
    models: frozenset[str]
    unpriced: bool = False
    """Whether models are served whose price nobody knows."""
    videos: dict[VideoShape, Endpoint] = {}
    """Where it makes videos, by the shape that tasks have there; signed and refused as in Chat."""

    def __repr__(self) -> str:
        return f"UpstreamFacts({self.name!r})"


class TargetFacts(Struct, frozen=True):
    """One place a route sends to."""

    upstream_id: int
    model: str | None
    priority: int
    weight: int


class RouteFacts(Struct, frozen=True):
    """A route, in the order of its position."""

    id: int
    name: str
    patterns: tuple[str, ...]
    enabled: bool
    targets: tuple[TargetFacts, ...]
    strict: bool = False
    """Refuse what would be lost in translation."""
    web_search: bool = False
    """Let a target's own search of the web take the place of another provider's that a client asks for."""


class PriceOverrideFacts(Struct, frozen=True):
    """What the operator says a model costs, at present or once."""

    id: int
    provider_id: str
    pattern: str
    prices: dict[str, int]
    """Meter to micro-units for its unit."""
    since: int
    until: int | None = None


class PriceListFacts(Struct, frozen=True):
    """A list of prices that the operator took on."""

    id: int
    source: str
    version: str
    rows: bytes
    """JSON list of `data.supplement.PriceRow`."""
    accepted_at: int
    withdrawn_at: int | None = None


class Snapshot(Struct, frozen=True):
    """The configuration in force."""

    version: int = 0
    keys: dict[str, KeyFacts] = {}
    """By public id."""
    upstreams: dict[int, UpstreamFacts] = {}
    routes: tuple[RouteFacts, ...] = ()
    aliases: dict[str, str] = {}
    prices: tuple[PriceOverrideFacts, ...] = ()
    owners: dict[str, Limits] = {}
    """By name; owners without limits may be missing."""
    everyone: Limits = FREE
    """What holds for all keys together."""
    settings: Settings = Settings()
    price_lists: tuple[PriceListFacts, ...] = ()
