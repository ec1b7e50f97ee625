"""What an operator can ask and do: each a value that names its answer's type.

The same values are answered in-process and over the control socket; `Operator.ask` takes any of them.
"""

from typing import Generic, Literal, TypeVar

from msgspec import Struct

from data.limits import FREE, RELEASED, Brake, Limits
from data.records import AttemptRecord, ExchangeRecord
from gateway.canonical import Piece, Protocol

Answer = TypeVar("Answer")


class Operation(Struct, Generic[Answer], frozen=True, forbid_unknown_fields=True):
    """A question or an act; subclasses name the answer's type: `class Cut(Operation[CutDone])`."""


class Done(Struct, frozen=True):
    """It was done; the text says what, for a person."""

    text: str


# --- the gateway as a whole ---------------------------------------------------------------------------------------


class Status(Struct, frozen=True):
    """The state of the whole gateway."""

    version: str
    base_url: str
    """What clients are given, without a path: `http://127.0.0.1:8400`. Empty when not serving."""
    data_directory: str
    pid: int
    started_at: int
    running: int
    keys: int
    upstreams: int
    routes: int
    exchanges: int
    """On record, ever."""
    today_cost_micros: int
    draining: bool


class GetStatus(Operation[Status], frozen=True): ...


class Shutdown(Operation[Done], frozen=True):
    """Stop the gateway: refuse new requests, let running ones end."""

    now: bool = False
    """Cut running ones with an error in their own protocol instead of waiting."""


class NotedEvent(Struct, frozen=True):
    at: int
    level: Literal["info", "warning", "error"]
    code: str
    text: str


class ListEvents(Operation[list[NotedEvent]], frozen=True):
    """The newest entries of the event list, newest first."""

    limit: int = 500


# --- exchanges ----------------------------------------------------------------------------------------------------


class ExchangeFilter(Struct, frozen=True):
    """Which exchanges; empty fields do not narrow. Text fields match as literal substrings."""

    key_id: int | None = None
    upstream_id: int | None = None
    model: str = ""
    state: str = ""
    text: str = ""
    """In the model's, upstream's or key's name, the request id or the error."""
    since: int | None = None
    until: int | None = None


class ListExchanges(Operation[list[ExchangeRecord]], frozen=True):
    """Newest first, running ones included; pass the last id seen as `before` for the next page."""

    filter: ExchangeFilter = ExchangeFilter()
    before: int | None = None
    limit: int = 200


class ExchangeDetail(Struct, frozen=True):
    record: ExchangeRecord
    attempts: list[AttemptRecord]
    key_name: str


class GetExchange(Operation[ExchangeDetail], frozen=True):
    id: int


class Tap(Struct, frozen=True):
    """The text that passed before the tap was opened (its last 64 kB); the rest comes as `TextPassed` news."""

    pieces: list[Piece]
    running: bool


class OpenTap(Operation[Tap], frozen=True):
    id: int


class CloseTap(Operation[Done], frozen=True):
    id: int


class CutExchange(Operation[Done], frozen=True):
    """End a running answer; the client gets its protocol's error, the part that passed is settled."""

    id: int


# --- keys ---------------------------------------------------------------------------------------------------------


class KeyView(Struct, frozen=True):
    """A client key with what it did lately."""

    id: int
    public_id: str
    tail: str
    name: str
    owner: str
    note: str
    models: list[str]
    state: Literal["on", "off", "expired", "revoked"]
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    running: int
    requests_today: int
    tokens_today: int
    cost_today_micros: int
    requests_by_hour: list[int]
    """The last 24 hours, oldest first."""
    tags: list[str] = []
    brake: Brake = RELEASED
    old_valid_until: int | None = None
    """Until when the secret before the last rotation is good."""
    old_last_used_at: int | None = None
    capture_until: int | None = None
    """What its requests say is being kept until then, or until none are left."""
    capture_left: int = 0


class ListKeys(Operation[list[KeyView]], frozen=True): ...


class KeyCreated(Struct, frozen=True):
    """The only time the secret is told."""

    key: KeyView
    secret: str


class CreateKey(Operation[KeyCreated], frozen=True):
    name: str
    owner: str = ""
    note: str = ""
    models: list[str] = []
    expires_at: int | None = None
    tags: list[str] = []
    limits: Limits = FREE
    """The models are given above."""


class EditKey(Operation[KeyView], frozen=True):
    """Replaces the fields that are given."""

    id: int
    name: str | None = None
    owner: str | None = None
    note: str | None = None
    models: list[str] | None = None
    expires_at: int | None = None
    never_expires: bool = False
    tags: list[str] | None = None


class SetKeyEnabled(Operation[KeyView], frozen=True):
    id: int
    enabled: bool


class RevokeKey(Operation[Done], frozen=True):
    """For good, at once: new requests are refused and running streams are cut."""

    id: int


class Snippet(Struct, frozen=True):
    """Ready to paste, holding the real base URL."""

    id: str
    """curl, python-openai, python-anthropic, python-google, javascript, go, claude-code, codex, gemini-cli, env."""
    title: str
    language: str
    text: str


class GetSnippets(Operation[list[Snippet]], frozen=True):
    """The secret is put in where given, a placeholder otherwise; likewise the model."""

    secret: str = ""
    model: str = ""


# --- providers and upstreams --------------------------------------------------------------------------------------


class ProviderView(Struct, frozen=True):
    """Somebody who serves models, as a choice when adding an upstream."""

    id: str
    title: str
    protocols: list[Protocol]
    base_url: str
    key_env: list[str]
    docs_url: str
    local: bool
    needs_base_url: bool
    hint: str


class ListProviders(Operation[list[ProviderView]], frozen=True): ...


class Candidate(Struct, frozen=True):
    """A provider found on this machine: a variable that is set, a local server that answers, or the demo."""

    provider_id: str
    title: str
    found: str
    """What was found, without any value: `OPENAI_API_KEY is set`."""
    env: str = ""
    base_url: str = ""


class FindCandidates(Operation[list[Candidate]], frozen=True):
    """Looks at the gateway's environment and at the usual local ports; contacts nothing outside this machine."""


class TestStep(Struct, frozen=True):
    """One step of testing an upstream."""

    name: str
    ok: bool
    detail: str
    """What was seen, or what went wrong and what to do about it."""
    duration_us: int


class UpstreamView(Struct, frozen=True):
    """An account at a provider, with its state."""

    id: int
    name: str
    provider_id: str
    provider_title: str
    protocols: list[Protocol]
    base_url: str
    credential_hint: str
    weight: int
    enabled: bool
    models: list[str]
    models_listed_at: int | None
    health: Literal["up", "shaky", "down"]
    health_why: str
    running: int
    requests_today: int
    errors_today: int
    unpriced: bool = False
    """Models are served whose price nobody knows."""


class ListUpstreams(Operation[list[UpstreamView]], frozen=True): ...


class UpstreamAdded(Struct, frozen=True):
    upstream: UpstreamView
    test: list[TestStep]


class AddUpstream(Operation[UpstreamAdded], frozen=True):
    """Adds an account, tests it and lists its models. A failed test is told, not refused."""

    provider_id: str
    name: str = ""
    """Defaults to the provider's id, numbered if taken."""
    credential: str = ""
    credential_env: str = ""
    """Take the credential from this variable of the gateway's environment instead."""
    base_url: str = ""
    project: str = ""
    location: str = ""
    models: list[str] = []
    """Models the provider's list does not name."""
    weight: int = 1
    unpriced: bool = False
    """Serve models whose price nobody knows, and mark what they are used for."""


class EditUpstream(Operation[UpstreamView], frozen=True):
    """Replaces the fields that are given."""

    id: int
    name: str | None = None
    credential: str | None = None
    base_url: str | None = None
    weight: int | None = None
    models: list[str] | None = None
    unpriced: bool | None = None


class SetUpstreamEnabled(Operation[UpstreamView], frozen=True):
    id: int
    enabled: bool


class TestUpstream(Operation[UpstreamAdded], frozen=True):
    """Tests it again and refreshes its model list."""

    id: int


class RemoveUpstream(Operation[Done], frozen=True):
    """Its routes' targets go with it; its exchanges stay on record."""

    id: int


# --- routes, aliases, models --------------------------------------------------------------------------------------


class TargetView(Struct, frozen=True):
    upstream: str
    """The upstream's name."""
    model: str = ""
    """Empty: the model as it was asked for."""
    priority: int = 1
    weight: int = 1


class RouteView(Struct, frozen=True):
    id: int
    position: int
    name: str
    pattern: str
    enabled: bool
    targets: list[TargetView]
    requests_today: int
    strict: bool = False
    web_search: bool = False


class ListRoutes(Operation[list[RouteView]], frozen=True): ...


class SaveRoute(Operation[RouteView], frozen=True):
    """Creates a route at the end (no id), or replaces one."""

    name: str
    pattern: str
    targets: list[TargetView]
    id: int | None = None
    enabled: bool = True
    strict: bool = False
    """Refuse what would be lost in translation to another protocol, instead of only telling it."""
    web_search: bool = False
    """Where a client asks for a web search that another provider runs, let the model's own provider search instead."""


class MoveRoute(Operation[Done], frozen=True):
    id: int
    position: int
    """From 1."""


class SetRouteEnabled(Operation[RouteView], frozen=True):
    id: int
    enabled: bool


class RemoveRoute(Operation[Done], frozen=True):
    id: int


class PlannedTarget(Struct, frozen=True):
    upstream: str
    model: str
    taken: bool
    reason: str
    """Why it would be tried at this place, or why it is left out."""


class RouteExplained(Struct, frozen=True):
    """Where a request would go, and why."""

    reason: str
    targets: list[PlannedTarget]


class ExplainRoute(Operation[RouteExplained], frozen=True):
    model: str
    protocol: Protocol = "openai_chat"


class AliasView(Struct, frozen=True):
    name: str
    model: str


class ListAliases(Operation[list[AliasView]], frozen=True): ...


class SaveAlias(Operation[AliasView], frozen=True):
    name: str
    model: str


class RemoveAlias(Operation[Done], frozen=True):
    name: str


# --- usage --------------------------------------------------------------------------------------------------------


class UsageRow(Struct, frozen=True):
    """What one group used in one period."""

    label: str
    """The group: a key's, model's, upstream's, owner's or tag's name; empty when grouped by time alone."""
    start: int
    """The period's start; the whole range's when it is not divided."""
    requests: int
    errors: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    """Reasoning included."""
    reasoning_tokens: int
    cost_micros: int
    unpriced: int
    """Requests whose model has no price."""


class GetUsage(Operation[list[UsageRow]], frozen=True):
    """Usage from `since` until `until`, by group and by period; both are taken to whole quarters of an hour."""

    since: int
    until: int
    by: Literal["key", "model", "upstream", "owner", "tag", "none"] = "none"
    every: Literal["hour", "day", "all"] = "all"
    """Periods are cut in UTC shifted by `utc_offset`."""
    utc_offset: int = 0
    """Seconds east of UTC."""
    key_id: int | None = None
    upstream_id: int | None = None


# --- first steps --------------------------------------------------------------------------------------------------


class Tried(Struct, frozen=True):
    """What came of a request sent to our own port."""

    ok: bool
    text: str
    exchange_id: int | None


class TryRequest(Operation[Tried], frozen=True):
    """Sends a small streamed chat request through the gateway's own HTTP port."""

    secret: str
    model: str
    prompt: str = "Say hello in one sentence."
