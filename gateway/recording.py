"""Writes an exchange down in the shape that the journal, the database, the news and the console share.

A record grows with what becomes known: that the request came, where it was put, what was read of the answer, how it
ended.
"""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from data.records import DONE, RUNNING, ExchangeRecord
from gateway import intake
from gateway.canonical import NO_DETAILS, Asked, Protocol, Usage
from gateway.errors import GatewayError
from gateway.events import ExchangeProgressed
from gateway.intake import Arrival
from gateway.protocols.codec import Reader
from gateway.rates import Charge
from gateway.routing import Target
from gateway.snapshot import KeyFacts

LONGEST_MESSAGE = 500
LONGEST_AGENT = 256


class Outcome(Struct, frozen=True):
    """How an exchange stands, or how it ended."""

    state: str
    error: GatewayError | None = None
    usage: Usage = Usage()
    source: str = ""
    charge: Charge | None = None


def arrived(arrival: Arrival, started_at: int) -> ExchangeRecord:
    """A request, as far as its head tells."""
    return ExchangeRecord(
        id=0,
        request_id=arrival.request_id,
        started_at=started_at,
        state=RUNNING,
        protocol="",
        operation=arrival.endpoint.work,
        path=arrival.path,
        client=arrival.client,
        agent=arrival.headers.get("user-agent", "")[:LONGEST_AGENT],
        request_headers=intake.recorded_headers(arrival.headers),
    )


def begun(
    record: ExchangeRecord, number: int, protocol: Protocol, asked: Asked, key: KeyFacts | None, route: str
) -> ExchangeRecord:
    """It is understood, allowed and planned."""
    return replace(
        record,
        id=number,
        protocol=protocol,
        stream=asked.stream,
        key_id=key.id if key else None,
        owner=key.owner if key else "",
        model_asked=asked.model,
        route=route,
    )


def put_to(record: ExchangeRecord, target: Target, upstream_request_id: str, warnings: str) -> ExchangeRecord:
    """A target was asked."""
    return replace(
        record,
        model_served=target.model,
        upstream_id=target.upstream.id,
        upstream=target.upstream.name,
        upstream_request_id=upstream_request_id,
        warnings=warnings,
    )


def read(record: ExchangeRecord, reader: Reader) -> ExchangeRecord:
    """An answer came, as far as it was read."""
    return replace(record, model_served=reader.model or record.model_served, finish=reader.finish or "")


def progressed(
    record: ExchangeRecord, target: Target | None, first_token_us: int | None, output_tokens: int
) -> ExchangeProgressed:
    """News of how far it has come."""
    return ExchangeProgressed(
        id=record.id,
        upstream=target.upstream.name if target else "",
        model_served=target.model if target else "",
        route=record.route,
        first_token_us=first_token_us,
        output_tokens=output_tokens,
        cost_micros=None,
        progress=record.progress,
    )


def came_to(record: ExchangeRecord, outcome: Outcome, http_status: int) -> ExchangeRecord:
    """How it stands, or how it ended."""
    usage, error, charge = outcome.usage, outcome.error, outcome.charge
    return replace(
        record,
        state=outcome.state,
        http_status=http_status or (200 if outcome.state == DONE else 0),
        error_code=error.code if error else "",
        error_message=error.message[:LONGEST_MESSAGE] if error else "",
        usage_source=outcome.source,
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h,
        tool_prompt_tokens=usage.tool_prompt,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        usage_details="" if usage.details is NO_DETAILS else msgspec.json.encode(usage.details).decode(),
        cost_micros=charge.total_micros if charge else None,
        price_lines=msgspec.json.encode(charge.lines).decode() if charge else "",
    )
