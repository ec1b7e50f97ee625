"""All tables. Times are UTC microseconds since the epoch, money is integer micro-units (1 USD = 1,000,000)."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel


class Provider(SQLModel, table=True):
    """Somebody who serves models: a preset that ships with Gatehouse, or one the operator described."""

    __tablename__ = "providers"

    id: str = Field(primary_key=True, max_length=64)
    title: str
    preset: bool = True
    endpoints: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Protocol name to base URL."""
    signers: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Protocol name to signer name, where it is not the protocol's usual one."""
    dialect: str = "standard"
    price_id: str | None = None
    """This provider's id in the price data."""
    key_env: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    docs_url: str = ""
    local: bool = False
    """Runs on the operator's own machine: needs no credential and costs nothing."""
    needs_base_url: bool = False
    hint: str = ""


class Upstream(SQLModel, table=True):
    """One account at a provider, with its credential."""

    __tablename__ = "upstreams"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, index=True, max_length=64)
    provider_id: str = Field(foreign_key="providers.id")
    base_urls: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Protocol name to base URL, where it differs from the provider's."""
    credential: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """Encrypted; see `data.secrets`."""
    credential_hint: str = ""
    """The last four characters, to tell credentials apart."""
    dialect: str | None = None
    weight: int = 1
    enabled: bool = True
    unpriced: bool = Field(default=False, sa_column_kwargs={"server_default": text("0")})
    """Serve models whose price nobody knows, and mark what they are used for."""
    models_listed_at: int | None = Field(default=None, sa_type=BigInteger)
    created_at: int = Field(sa_type=BigInteger)


class Model(SQLModel, table=True):
    """A model that an upstream lists or that the operator added to it."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("upstream_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    upstream_id: int = Field(foreign_key="upstreams.id", index=True, ondelete="CASCADE")
    name: str = Field(index=True)
    listed: bool = True
    """Came from the upstream's own list; false when the operator typed it."""


class Alias(SQLModel, table=True):
    """Another name for a model, as clients may ask for it."""

    __tablename__ = "aliases"

    name: str = Field(primary_key=True, max_length=256)
    model: str


class Route(SQLModel, table=True):
    """A rule: requests for models that fit the pattern go to these targets. The first that fits wins."""

    __tablename__ = "routes"

    id: int | None = Field(default=None, primary_key=True)
    position: int = Field(index=True)
    name: str
    pattern: str
    """A glob over the model's name: `*`, `?`, `[...]`; several separated by commas."""
    enabled: bool = True
    strict: bool = False
    """Refuse a request that would lose something on its way into another protocol, instead of telling the loss."""
    web_search: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Let a provider's own search of the web take the place of another's that a request asks for."""


class RouteTarget(SQLModel, table=True):
    """Where a route sends to. Lower priority first; equal priorities share by weight."""

    __tablename__ = "route_targets"

    id: int | None = Field(default=None, primary_key=True)
    route_id: int = Field(foreign_key="routes.id", index=True, ondelete="CASCADE")
    upstream_id: int = Field(foreign_key="upstreams.id", index=True, ondelete="CASCADE")
    model: str | None = None
    """The model's name at the upstream, where it differs from the one asked for."""
    priority: int = 1
    weight: int = 1


class Key(SQLModel, table=True):
    """A client key. Only a keyed hash of its secret is stored."""

    __tablename__ = "keys"

    id: int | None = Field(default=None, primary_key=True)
    public_id: str = Field(unique=True, index=True, max_length=16)
    secret_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    tail: str
    """The last four characters, to tell keys apart."""
    name: str
    owner: str = ""
    note: str = ""
    models: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Globs of the models it may ask for; empty means any."""
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))
    limits: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}"))
    """A `data.limits.Limits`, but for the models."""
    brake: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}"))
    """A `data.limits.Brake`."""
    enabled: bool = True
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    last_used_at: int | None = Field(default=None, sa_type=BigInteger)
    old_secret_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """Of the secret before the last rotation."""
    old_valid_until: int | None = Field(default=None, sa_type=BigInteger)
    old_last_used_at: int | None = Field(default=None, sa_type=BigInteger)
    capture_until: int | None = Field(default=None, sa_type=BigInteger)
    """While this lies ahead, and requests are left, what its requests and answers say is kept, sealed."""
    capture_left: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    capture_hours: int = Field(default=24, sa_column_kwargs={"server_default": text("24")})
    """How long what was kept is kept."""


class Owner(SQLModel, table=True):
    """A person or team that keys belong to; its limits hold for all of its keys together."""

    __tablename__ = "owners"

    name: str = Field(primary_key=True, max_length=64)
    note: str = ""
    limits: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: int = Field(sa_type=BigInteger)


class Exchange(SQLModel, table=True):
    """One request with its response. The columns are the fields of `data.records.ExchangeRecord`."""

    __tablename__ = "exchanges"
    __table_args__ = (
        Index("exchanges_by_key", "key_id"),
        Index("exchanges_by_upstream", "upstream_id"),
        Index("exchanges_by_model_asked", "model_asked"),
        Index("exchanges_by_model_served", "model_served"),
        Index("exchanges_by_start", "started_at"),
        Index("exchanges_by_state", "state"),
    )

    # Only an INTEGER key is the table's own order in SQLite; a BIGINT would be an index beside it.
    id: int = Field(sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True))
    request_id: str = Field(unique=True, max_length=64)
    started_at: int = Field(sa_type=BigInteger)
    state: str
    protocol: str
    operation: str
    path: str
    stream: bool
    key_id: int | None = None
    model_asked: str = ""
    model_served: str = ""
    route: str = ""
    upstream_id: int | None = None
    upstream: str = ""
    http_status: int = 0
    error_code: str = ""
    error_message: str = ""
    finish: str = ""
    usage_source: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    tool_prompt_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    usage_details: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    cost_micros: int | None = Field(default=None, sa_type=BigInteger)
    price_lines: str = ""
    first_token_us: int | None = None
    duration_us: int | None = Field(default=None, sa_type=BigInteger)
    attempts: int = 0
    client: str = ""
    agent: str = ""
    request_headers: str = ""
    upstream_request_id: str = ""
    warnings: str = ""
    progress: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    owner: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    reserved_micros: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


class Task(SQLModel, table=True):
    """A video that an upstream makes, for as long as anybody may ask for it. It stays with its key and its account."""

    __tablename__ = "tasks"
    __table_args__ = (Index("tasks_by_key", "key_id", "exchange_id"), Index("tasks_by_settlement", "settled_at"))

    exchange_id: int = Field(sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True))
    token: str = Field(unique=True, max_length=32)
    """The random part of the id that clients have."""
    key_id: int
    upstream_id: int
    upstream_task_id: str
    """Never shown to a client."""
    shape: str
    """How the upstream speaks of it: a name in `gateway.canonical.VideoShape`."""
    model: str
    """As the client named it."""
    created_at: int = Field(sa_type=BigInteger)
    settled_at: int | None = Field(default=None, sa_type=BigInteger)
    """When its end was put on record and paid for."""
    deleted_at: int | None = Field(default=None, sa_type=BigInteger)
    status: str
    standing: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What the upstream last said of it, as `gateway.standings.Standing`."""


class Attempt(SQLModel, table=True):
    """One try of an exchange at one upstream. The columns are the fields of `data.records.AttemptRecord`."""

    __tablename__ = "attempts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    exchange_id: int = Field(primary_key=True, sa_type=BigInteger)
    number: int = Field(primary_key=True)
    upstream_id: int
    upstream: str
    model: str
    started_us: int = Field(sa_type=BigInteger)
    duration_us: int = Field(sa_type=BigInteger)
    http_status: int = 0
    error: str = ""
    decision: str = ""


class LedgerEntry(SQLModel, table=True):
    """Append-only: money that went from one place to others. Its four amounts add up to nothing, always.

    What an exchange moves counts for its key, for that key's owner and for everyone; what is paid in counts for one
    holder: the key if there is one, otherwise the owner, otherwise everyone.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("balance_micros + reserved_micros + cost_micros + funded_micros = 0", name="ledger_balances"),
        Index(
            "ledger_entries_once",
            "exchange_id",
            "kind",
            unique=True,
            sqlite_where=text("kind IN ('reserve', 'settle')"),
        ),
        Index("ledger_entries_by_key", "key_id", "at"),
        Index("ledger_entries_of_key", "key_id", sqlite_where=text("key_id IS NOT NULL")),
        Index("ledger_entries_of_owner", "owner", sqlite_where=text("owner != ''")),
        Index("ledger_entries_adjusting", "exchange_id", sqlite_where=text("adjustment_id IS NOT NULL")),
        Index("ledger_entries_paid_once", "once", unique=True, sqlite_where=text("once IS NOT NULL")),
        Index("ledger_entries_by_adjustment", "adjustment_id", sqlite_where=text("adjustment_id IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: int = Field(sa_type=BigInteger)
    """The moment it counts for: an exchange's start, whenever that ended."""
    kind: str
    """start, top_up, reserve, settle, adjust."""
    exchange_id: int | None = Field(default=None, sa_type=BigInteger)
    key_id: int | None = None
    owner: str = ""
    balance_micros: int = Field(default=0, sa_type=BigInteger)
    """What the holder may spend."""
    reserved_micros: int = Field(default=0, sa_type=BigInteger)
    """What is put aside for requests that run."""
    cost_micros: int = Field(default=0, sa_type=BigInteger)
    """What was spent."""
    funded_micros: int = Field(default=0, sa_type=BigInteger)
    """Where the money came from: what was paid in, negative."""
    adjustment_id: int | None = None
    actor: str = ""
    note: str = ""
    once: str | None = None
    """Names a payment, so that it is not booked twice."""
    currency: str = "USD"


class Account(SQLModel, table=True):
    """What a holder's ledger entries add up to. Kept by the database itself as entries are appended."""

    __tablename__ = "accounts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    holder: str = Field(primary_key=True)
    """As `data.limits` names them."""
    balance_micros: int = Field(default=0, sa_type=BigInteger)
    reserved_micros: int = Field(default=0, sa_type=BigInteger)
    cost_micros: int = Field(default=0, sa_type=BigInteger)
    funded_micros: int = Field(default=0, sa_type=BigInteger)


class Adjustment(SQLModel, table=True):
    """A correction of what exchanges cost, booked as one and reversible as one."""

    __tablename__ = "adjustments"

    id: int | None = Field(default=None, primary_key=True)
    at: int = Field(sa_type=BigInteger)
    actor: str
    note: str
    exchanges: int
    micros: int = Field(sa_type=BigInteger)
    """What all of it comes to; positive is dearer."""
    reversed_at: int | None = Field(default=None, sa_type=BigInteger)
    reversed_through: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """The last exchange for which the opposite was booked, while that is going on."""


class AdjustedExchange(SQLModel, table=True):
    """What an adjustment changed of one exchange."""

    __tablename__ = "adjusted_exchanges"
    __table_args__ = ({"sqlite_with_rowid": False},)

    adjustment_id: int = Field(primary_key=True)
    exchange_id: int = Field(primary_key=True, sa_type=BigInteger)
    before_micros: int | None = Field(default=None, sa_type=BigInteger)
    after_micros: int | None = Field(default=None, sa_type=BigInteger)
    before_lines: str
    after_lines: str


class UsageSum(SQLModel, table=True):
    """What ended in a quarter of an hour, summed up. Stays when exchanges are deleted.

    All time zones are a multiple of a quarter away from UTC, so any calendar can be cut from it. Kept by the database
    itself as exchanges end.
    """

    __tablename__ = "usage_sums"
    __table_args__ = (
        Index("usage_sums_by_key", "key_id", "quarter"),
        {"sqlite_with_rowid": False},
    )

    quarter: int = Field(primary_key=True, sa_type=BigInteger)
    """When it began, in UTC microseconds; exchanges belong to that in which they started."""
    key_id: int = Field(primary_key=True)
    """0 for requests without a key."""
    owner: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    upstream: str = Field(primary_key=True)
    upstream_id: int = Field(primary_key=True)
    """0 for requests that went to none."""
    route: str = Field(primary_key=True)
    requests: int
    errors: int
    input_tokens: int = Field(sa_type=BigInteger)
    cache_read_tokens: int = Field(sa_type=BigInteger)
    cache_write_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    reasoning_tokens: int = Field(sa_type=BigInteger)
    cost_micros: int = Field(sa_type=BigInteger)
    unpriced: int


class Act(SQLModel, table=True):
    """Something that an operator did: who, when, what, and how to undo it."""

    __tablename__ = "acts"
    __table_args__ = (Index("acts_by_time", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: int = Field(sa_type=BigInteger)
    actor: str
    code: str
    text: str
    undo: str = ""
    """How it is taken back: a `data.acts.Undo` as JSON; empty when nothing does."""
    undone_at: int | None = Field(default=None, sa_type=BigInteger)


class Capture(SQLModel, table=True):
    """What a request and its answer said, kept because the operator asked for it. Sealed; see `data.secrets`."""

    __tablename__ = "captures"
    __table_args__ = (Index("captures_by_expiry", "expires_at"),)

    exchange_id: int = Field(sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True))
    key_id: int
    at: int = Field(sa_type=BigInteger)
    expires_at: int = Field(sa_type=BigInteger)
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Alert(SQLModel, table=True):
    """Something that operators were told once, so that it is not told again."""

    __tablename__ = "alerts"

    name: str = Field(primary_key=True)
    """What it is about, and which window: `key:3 month 2026-11-01 80`."""
    at: int = Field(sa_type=BigInteger)


class PriceOverride(SQLModel, table=True):
    """What the operator says a model costs. Rows are added and closed, never changed: each stays explainable."""

    __tablename__ = "price_overrides"

    id: int | None = Field(default=None, primary_key=True)
    provider_id: str
    model: str
    """A glob over the served model's name."""
    prices: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Meter to micro-units for its unit, as `gateway.meters` has them."""
    set_at: int = Field(sa_type=BigInteger)
    since: int = Field(sa_type=BigInteger)
    """The start of the first request that it holds for."""
    until: int | None = Field(default=None, sa_type=BigInteger)
    """When another took its place, or none."""


class PriceList(SQLModel, table=True):
    """Prices out of a file that the operator took on. Withdrawn, it stays for the requests that it was in force for."""

    __tablename__ = "price_lists"

    id: int | None = Field(default=None, primary_key=True)
    source: str
    """The file's name."""
    version: str
    """The beginning of the file's SHA-256."""
    rows: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """JSON list of `data.supplement.PriceRow`."""
    accepted_at: int = Field(sa_type=BigInteger)
    withdrawn_at: int | None = Field(default=None, sa_type=BigInteger)


class Setting(SQLModel, table=True):
    """A named value of the operator's."""

    __tablename__ = "settings"

    name: str = Field(primary_key=True, max_length=64)
    value: Any = Field(sa_column=Column(JSON, nullable=False))


class StoredResponse(SQLModel, table=True):
    """A response (or conversation) that a client may name later: kept here, or a note of the account that keeps it."""

    __tablename__ = "stored_responses"
    __table_args__ = (Index("stored_responses_by_expiry", "expires_at"),)

    # The id comes first so that whose it is can be asked too; it is looked up by both.
    id: str = Field(primary_key=True, max_length=128)
    key_id: int = Field(primary_key=True)
    upstream_id: int | None = None
    """The account that keeps it; None when it is kept here."""
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int = Field(sa_type=BigInteger)
    items: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """The conversation up to it, as a JSON list. Sealed; see `data.secrets`."""
    response: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """Sealed as well."""


class StoredItem(SQLModel, table=True):
    """An item of a stored response's output, which clients may name by its own id."""

    __tablename__ = "stored_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["response_id", "key_id"], ["stored_responses.id", "stored_responses.key_id"], ondelete="CASCADE"
        ),
        Index("stored_items_by_response", "response_id", "key_id"),
    )

    id: str = Field(primary_key=True, max_length=128)
    key_id: int = Field(primary_key=True)
    response_id: str = Field(max_length=128)
