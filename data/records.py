"""The values that travel whole: into the journal, the database, the news and the console, in one shape."""

from msgspec import Struct

RUNNING = "running"
DONE = "done"
FAILED = "failed"
CUT = "cut"
CLIENT_LEFT = "client_left"
INTERRUPTED = "interrupted"


class ExchangeRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """One request with its response, as far as it has come. Times in UTC microseconds, money in micro-units."""

    id: int
    request_id: str
    started_at: int
    state: str
    """running, done, failed, cut (by operator or revocation), client_left, interrupted (the gateway died)."""
    protocol: str
    operation: str
    path: str
    stream: bool = False
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
    """provider, counted (by our tokenizer), or empty while unknown."""
    input_tokens: int = 0
    """Fresh input: neither read from nor written to a cache. The buckets are disjoint."""
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    tool_prompt_tokens: int = 0
    output_tokens: int = 0
    """Visible output, without reasoning."""
    reasoning_tokens: int = 0
    usage_details: str = ""
    """JSON object of `gateway.canonical.Details`; empty for the usual request, which has none."""
    cost_micros: int | None = None
    """None when the model has no price. While it runs, what it has cost so far."""
    price_lines: str = ""
    """JSON list of `gateway.rates.PriceLine`."""
    first_token_us: int | None = None
    duration_us: int | None = None
    attempts: int = 0
    client: str = ""
    agent: str = ""
    request_headers: str = ""
    """JSON object of the client's headers that hold no secret."""
    upstream_request_id: str = ""
    warnings: str = ""
    progress: str = ""
    """How far a task has come at its upstream, in words; what a request waits for that the operator holds back."""
    owner: str = ""
    """Whose key it was then."""
    reserved_micros: int = 0
    """The most it was held to cost before it was sent."""


class AttemptRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """One try at one upstream."""

    exchange_id: int
    number: int
    upstream_id: int
    upstream: str
    model: str
    started_us: int
    """Microseconds after the exchange's start."""
    duration_us: int
    http_status: int = 0
    error: str = ""
    decision: str = ""
    """What was decided then: answered, next target, given up; with the reason."""


class Billed(Struct, frozen=True):
    """What one key used of one model."""

    key_id: int
    """0 for requests without a key."""
    key: str
    model: str
    requests: int
    input_tokens: int
    """Neither read from nor written to a cache."""
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    """Reasoning included."""
    reasoning_tokens: int
    cost_micros: int
    unpriced: int
    """Requests whose model has no price; nothing is charged for them."""


class ProviderPreset(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `data/reference/providers.toml`."""

    id: str
    title: str
    endpoints: dict[str, str] = {}
    signers: dict[str, str] = {}
    dialect: str = "standard"
    price_id: str | None = None
    key_env: list[str] = []
    docs_url: str = ""
    local: bool = False
    needs_base_url: bool = False
    """There is no usual address: the operator must give one."""
    hint: str = ""
    """What a newcomer must know to add it, in a sentence."""
