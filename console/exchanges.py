"""How an exchange reads: its glyph, its words, its figures, and the filter's vocabulary for it. Pure."""

from collections.abc import Callable

from console.filter import Vocabulary
from console.ink import Span
from console.state import ConsoleState
from console.units import MICROS, duration
from console.widgets.columns import Spanning
from data.records import CLIENT_LEFT, CUT, DONE, FAILED, INTERRUPTED, RUNNING, ExchangeRecord

NAMED_FILTERS = {
    "problems": "state:err,cut,left",
    "errors": "state:err",
    "running": "state:wait,open",
    "slow": "ttft>5s | total>60s",
    "retried": "attempts>1",
    "waiting": "state:wait progress~.",
}


def sign(record: ExchangeRecord) -> Span:
    """The state as a glyph; the words beside it say the same."""
    if record.state == RUNNING:
        return ("▶", "accent") if record.first_token_us is not None else ("◌", "muted")
    if record.state == DONE:
        return ("✓↻", "warning") if record.attempts > 1 else ("✓", "good")
    return ("✗", "bad") if record.state in (FAILED, INTERRUPTED) else ("■", "warning")


def state_word(record: ExchangeRecord) -> str:
    """The state as the filter names it."""
    if record.state == RUNNING:
        return "open" if record.first_token_us is not None else "wait"
    if record.state == DONE:
        return "retry" if record.attempts > 1 else "ok"
    return {FAILED: "err", INTERRUPTED: "err", CUT: "cut", CLIENT_LEFT: "left"}.get(record.state, record.state)


def outcome(record: ExchangeRecord) -> str:
    """How it stands, in a few words."""
    if record.state == RUNNING:
        if record.progress:
            return record.progress
        return "streaming" if record.first_token_us is not None else "waiting for the upstream"
    if record.state == DONE:
        retries = record.attempts - 1
        after = f" after {retries} {'retry' if retries == 1 else 'retries'}" if retries > 0 else ""
        return f"{record.http_status or 200}{after}"
    return reason(record)


def reason(record: ExchangeRecord) -> str:
    """Why it did not end well."""
    after = f" after {duration(record.duration_us)}" if record.duration_us is not None else ""
    if record.state == FAILED:
        status = f"{record.http_status} " if record.http_status >= 400 else ""
        return f"{status}{record.error_message or record.error_code or 'failed'}"
    if record.state == CUT:
        return f"cut{after}" + (f": {record.error_message}" if record.error_message else "")
    return f"client left{after}" if record.state == CLIENT_LEFT else "the gateway stopped while it ran"


def reason_instead(record: ExchangeRecord) -> Spanning | None:
    """Those that did not end well spend their number columns on the reason, and tasks on how far they are."""
    if record.state == RUNNING and record.progress:
        return Spanning("in", (record.progress, "accent"))
    if record.state in (RUNNING, DONE):
        return None
    return Spanning("in", (reason(record), "bad" if sign(record)[0] == "✗" else "warning"))


def model(record: ExchangeRecord) -> str:
    """The model that served, or the one asked for while none has."""
    return record.model_served or record.model_asked


def tokens_in(record: ExchangeRecord) -> int:
    """All input, cached or not."""
    cached = record.cache_read_tokens + record.cache_write_5m_tokens + record.cache_write_1h_tokens
    return record.input_tokens + cached + record.tool_prompt_tokens


def tokens_out(record: ExchangeRecord) -> int:
    """All output, reasoning included."""
    return record.output_tokens + record.reasoning_tokens


def elapsed_us(record: ExchangeRecord, now_micros: int) -> int:
    """How long it took, or has been taking."""
    return record.duration_us if record.duration_us is not None else max(0, now_micros - record.started_at)


def tokens_per_second(record: ExchangeRecord, now_micros: int) -> float | None:
    """Output since the first token; nothing while that is too short to say."""
    if record.first_token_us is None or not tokens_out(record):
        return None
    streamed = elapsed_us(record, now_micros) - record.first_token_us
    return tokens_out(record) * MICROS / streamed if streamed > MICROS // 20 else None


def _in_units(micros: int | None) -> float | None:
    return None if micros is None else micros / MICROS


def vocabulary(state: ConsoleState, now_micros: Callable[[], int]) -> Vocabulary[ExchangeRecord]:
    """What filters can say about exchanges."""
    return Vocabulary(
        fields={
            "key": state.key_name,
            "model": model,
            "asked": lambda row: row.model_asked,
            "up": lambda row: row.upstream,
            "upstream": lambda row: row.upstream,
            "route": lambda row: row.route,
            "state": state_word,
            "code": lambda row: row.http_status,
            "err": lambda row: row.error_code,
            "ttft": lambda row: _in_units(row.first_token_us),
            "total": lambda row: _in_units(elapsed_us(row, now_micros())),
            "in": tokens_in,
            "out": tokens_out,
            "tps": lambda row: tokens_per_second(row, now_micros()),
            "cost": lambda row: _in_units(row.cost_micros),
            "attempts": lambda row: row.attempts,
            "id": lambda row: row.request_id,
            "age": lambda row: _in_units(now_micros() - row.started_at),
            "client": lambda row: row.client,
            "agent": lambda row: row.agent,
            "path": lambda row: row.path,
            "owner": lambda row: row.owner,
            "progress": lambda row: row.progress,
        },
        words=lambda row: (
            state.key_name(row),
            row.model_asked,
            row.model_served,
            row.upstream,
            row.request_id,
            row.error_message,
            row.error_code,
        ),
        named=NAMED_FILTERS,
    )
