"""What is told about one exchange, as lines: the whole of it for its screen, the gist for the pane beside the list."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from console.exchanges import elapsed_us, model, outcome, sign, tokens_in, tokens_out, tokens_per_second
from console.ink import Line, Span, fit, wrap
from console.units import MICROS, clock_time, count, duration, fine, latency, money
from console.widgets.charts import Phase, waterfall
from data.records import RUNNING, AttemptRecord, ExchangeRecord
from gateway.meters import TOKENS, UNITS, Unit

LABEL_WIDTH = 12
METERS = (
    ("input", "input_tokens"),
    ("cache read", "cache_read_tokens"),
    ("cache write 5m", "cache_write_5m_tokens"),
    ("cache write 1h", "cache_write_1h_tokens"),
    ("tool prompt", "tool_prompt_tokens"),
    ("output", "output_tokens"),
    ("reasoning", "reasoning_tokens"),
)


class CostLine(Struct, frozen=True):
    """One line of `price_lines`, as far as it can be read. Amounts may have fractions."""

    meter: str = ""
    tokens: int = 0
    per_million: float | str = 0
    amount: float | str = 0
    source: str = ""
    version: str = ""
    row: str = ""
    date: str = ""
    note: str = ""

    @property
    def unit(self) -> Unit:
        """What its price is for."""
        return UNITS.get(self.meter, TOKENS)

    @property
    def origin(self) -> str:
        """The row that the price comes from, and what there is to say of it."""
        row = ", ".join(filter(None, (f"{self.source} {self.version}".strip(), self.row, self.date)))
        return f"{row}; {self.note}" if self.note else row


class LostField(Struct, frozen=True):
    """One entry of `warnings`."""

    field: str = ""
    why: str = ""


def lost(warnings: str) -> list[str]:
    """What the target could not say, a sentence each."""
    try:
        return [f"{each.field}: {each.why}" for each in msgspec.json.decode(warnings, type=list[LostField])]
    except msgspec.DecodeError:
        return [warnings] if warnings else []


def title_line(record: ExchangeRecord, width: int) -> Line:
    """Which exchange, and how it stands."""
    glyph, tone = sign(record)
    return (
        (f" #{record.id} ", "strong"),
        (f"{record.path}   ", "muted"),
        (f"{glyph} ", tone),
        (outcome(record), "plain" if tone == "good" else tone),
        (f"   {model(record)}   ", "strong"),
        (clock_time(record.started_at), "muted"),
    )


def detail_lines(
    record: ExchangeRecord, attempts: Sequence[AttemptRecord], key_name: str, now_micros: int, width: int
) -> list[Line]:
    """Everything on record."""
    sections = [
        _overview(record, key_name, width),
        _problem(record, width),
        _section("TIME", waterfall(phases(record, attempts, now_micros), width)),
        _section("ATTEMPTS", [_attempt_line(attempt) for attempt in attempts]),
        _section("TOKENS", _token_lines(record, now_micros)),
        _section("COST", _cost_lines(record)),
        _section(
            "LOST ON THE WAY", [_text_line(line) for told in lost(record.warnings) for line in wrap(told, width - 4)]
        ),
        _section("REQUEST HEADERS", _header_lines(record, width)),
    ]
    return [line for section in sections for line in section]


def summary_lines(record: ExchangeRecord, key_name: str, now_micros: int, width: int) -> list[Line]:
    """The gist, for a narrow pane."""
    glyph, tone = sign(record)
    figures = f"{count(tokens_in(record))} in  {count(tokens_out(record))} out"
    speed = tokens_per_second(record, now_micros)
    lines: list[Line] = [
        ((f"#{record.id}  ", "strong"), (f"{glyph} ", tone), (duration(elapsed_us(record, now_micros)), "plain")),
        ((model(record), "strong"),),
        (("key ", "muted"), (key_name, "plain"), ("  via ", "muted"), (record.upstream or "-", "plain")),
        ((figures + (f"  {count(speed)} tok/s" if speed else "") + f"  {money(record.cost_micros)}", "plain"),),
        (("─" * width, "rule"),),
        *waterfall(phases(record, (), now_micros), width, name_width=11, note_width=6),
        (("─" * width, "rule"),),
    ]
    words = [outcome(record)] if record.state != RUNNING else []
    words += [f"client {record.client}", record.agent] if record.client else []
    return [*lines, *(((part, tone if tone == "bad" else "muted"),) for word in words for part in wrap(word, width))]


def phases(record: ExchangeRecord, attempts: Sequence[AttemptRecord], now_micros: int) -> list[Phase]:
    """Where the time went: each failed try, then the wait for the first token, then the stream."""
    tried = [_tried(attempt) for attempt in attempts if not _answered(attempt)]
    answered = attempts[-1].started_us if attempts and _answered(attempts[-1]) else None
    if attempts and answered is None and record.state != RUNNING:
        return tried
    began = answered if answered is not None else max((phase.end_us for phase in tried), default=0)
    return [*tried, *_answering(record, began, elapsed_us(record, now_micros))]


def _tried(attempt: AttemptRecord) -> Phase:
    end = attempt.started_us + attempt.duration_us
    return Phase(attempt.upstream, attempt.started_us, end, _attempt_note(attempt), "bad")


def _answering(record: ExchangeRecord, began: int, end: int) -> list[Phase]:
    first = record.first_token_us
    if first is None:
        return [Phase("first token", began, end, latency(end - began), "muted")]
    waited = Phase("first token", began, first, latency(first - began), "muted")
    return [waited, Phase("stream", first, end, fine(max(0, end - first)))]


def _answered(attempt: AttemptRecord) -> bool:
    return not attempt.error and attempt.http_status < 400


def _attempt_note(attempt: AttemptRecord) -> str:
    status = f" {attempt.http_status}" if attempt.http_status else ""
    return f"{fine(attempt.duration_us)}{status} {attempt.error}"


def _section(title: str, lines: Sequence[Line]) -> list[Line]:
    return [((f" {title}", "heading"),), *lines, ()] if lines else []


def _fact(label: str, *spans: Span) -> Line:
    return ((f" {fit(label, LABEL_WIDTH)} ", "muted"), *spans)


def _text_line(text: str) -> Line:
    return (("   " + text, "plain"),)


def _overview(record: ExchangeRecord, key_name: str, width: int) -> list[Line]:
    asked = f"   asked for {record.model_asked}" if record.model_asked != model(record) else ""
    shape = f"{record.protocol}  {record.operation}  {'stream' if record.stream else 'whole'}"
    lines = [
        _fact("key", (key_name, "strong"), (f"   client {record.client}  {record.agent}", "muted")),
        _fact("model", (model(record), "strong"), (asked, "muted")),
        _fact(
            "upstream",
            (record.upstream or "none", "strong"),
            (f"   route {record.route}" if record.route else "", "muted"),
        ),
        _fact("request", (record.request_id, "plain"), (f"   {shape}", "muted")),
    ]
    if record.upstream_request_id:
        lines.append(_fact("upstream id", (record.upstream_request_id, "muted")))
    if record.progress:
        lines.append(_fact("progress", (record.progress, "plain")))
    if record.finish:
        lines.append(_fact("finish", (record.finish, "plain")))
    return [*lines, ()]


def _problem(record: ExchangeRecord, width: int) -> list[Line]:
    if not record.error_message and not record.error_code:
        return []
    text = f"{record.error_code}: {record.error_message}" if record.error_code else record.error_message
    return [*((("   " + part, "bad"),) for part in wrap(text, width - 4)), ()]


def _attempt_line(attempt: AttemptRecord) -> Line:
    good = _answered(attempt)
    return (
        (f"   {attempt.number}  ", "muted"),
        ("✓ " if good else "✗ ", "good" if good else "bad"),
        (fit(attempt.upstream, 14) + " ", "plain"),
        (fit(attempt.model, 20) + " ", "muted"),
        (f"{attempt.http_status or '-':>4} {fine(attempt.duration_us):>7}  ", "plain"),
        (f"{attempt.error}  " if attempt.error else "", "bad"),
        (attempt.decision, "muted"),
    )


def _token_lines(record: ExchangeRecord, now_micros: int) -> list[Line]:
    counted = "   counted here, the provider did not say" if record.usage_source == "counted" else ""
    speed = tokens_per_second(record, now_micros)
    parts = [f"{name} {getattr(record, field):,}" for name, field in METERS if getattr(record, field)]
    if not parts:
        return []
    total: Line = (
        (f"   in {tokens_in(record):,}   out {tokens_out(record):,}", "strong"),
        (f"   {speed:.0f} tok/s" if speed else "", "plain"),
        (counted, "warning"),
    )
    return [total, (("   " + "   ".join(parts), "muted"),)]


def _cost_lines(record: ExchangeRecord) -> list[Line]:
    if record.cost_micros is None:
        return [(("   no price is known for this model", "muted"),)] if record.state != RUNNING else []
    lines: list[Line] = [((f"   {money(record.cost_micros)}", "strong"), ("   c", "key"), (" explains it", "muted"))]
    return [*lines, *(_cost_line(line) for line in _priced(record.price_lines))]


def _cost_line(line: CostLine) -> Line:
    return (
        (f"   {fit(line.meter.replace('_', ' '), 16)}", "muted"),
        (f"{line.tokens:>10,}", "plain"),
        (f"  at {f'${_dollars(line.per_million) * line.unit.per / MICROS:g}':>8} per {line.unit.name}", "muted"),
        (f"  ${_dollars(line.amount):.6f}", "plain"),
        (f"   {line.origin}", "muted"),
    )


def _priced(text: str) -> list[CostLine]:
    try:
        return msgspec.json.decode(text, type=list[CostLine]) if text else []
    except msgspec.MsgspecError:
        return []


def _dollars(micros: float | str) -> float:
    try:
        return float(micros) / MICROS
    except ValueError:
        return 0.0


def _header_lines(record: ExchangeRecord, width: int) -> list[Line]:
    try:
        headers = msgspec.json.decode(record.request_headers, type=dict[str, str]) if record.request_headers else {}
    except msgspec.MsgspecError:
        return [_text_line(record.request_headers)]
    name_width = min(28, max((len(name) for name in headers), default=0))
    return [((f"   {fit(name, name_width)}  ", "muted"), (value, "plain")) for name, value in sorted(headers.items())]
