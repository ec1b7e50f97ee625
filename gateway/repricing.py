"""What requests of the past would cost at other prices than they paid. Pure: it books nothing and changes no record.

Works on any slice of a period, so that a long one can be gone through bit by bit.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from data.records import RUNNING, ExchangeRecord
from gateway.canonical import NO_DETAILS, Details, Usage
from gateway.pricing import PriceBook
from gateway.rates import Charge, PriceLine
from gateway.snapshot import UpstreamFacts


class _Line(Struct, frozen=True):
    model: str = ""


_LINES = msgspec.json.Decoder(list[_Line])
_DETAILS = msgspec.json.Decoder(Details)


class PriceChange(Struct, frozen=True):
    """A request that would cost something else. None stands for a cost that nobody knows."""

    exchange_id: int
    key_id: int | None
    upstream: str
    model: str
    """As what it is priced."""
    before_micros: int | None
    after_micros: int | None
    before_lines: str
    after_lines: str
    """JSON lists of `gateway.rates.PriceLine`."""

    @property
    def difference(self) -> int:
        """Micro-units; positive is dearer."""
        return (self.after_micros or 0) - (self.before_micros or 0)


class Total(Struct, frozen=True):
    """What the changes at one model of one upstream come to."""

    exchanges: int = 0
    before_micros: int = 0
    after_micros: int = 0
    unpriced_before: int = 0
    unpriced_after: int = 0

    def plus(self, change: PriceChange) -> "Total":
        """With one more."""
        return Total(
            exchanges=self.exchanges + 1,
            before_micros=self.before_micros + (change.before_micros or 0),
            after_micros=self.after_micros + (change.after_micros or 0),
            unpriced_before=self.unpriced_before + (change.before_micros is None),
            unpriced_after=self.unpriced_after + (change.after_micros is None),
        )


class Totals:
    """Sums of changes, slice after slice."""

    def __init__(self) -> None:
        self.by_model: dict[tuple[str, str], Total] = {}
        """By upstream and model."""

    def add(self, changes: Iterable[PriceChange]) -> None:
        """Take in a slice."""
        for change in changes:
            key = (change.upstream, change.model)
            self.by_model[key] = self.by_model.get(key, Total()).plus(change)

    @property
    def difference(self) -> int:
        """What all of it comes to, in micro-units."""
        return sum(total.after_micros - total.before_micros for total in self.by_model.values())


def reprice(
    records: Iterable[ExchangeRecord], book: PriceBook, upstreams: Mapping[int, UpstreamFacts], at: int | None = None
) -> Iterator[PriceChange]:
    """The changes to these requests at the prices of a moment, or each at those of its own start.

    What runs has no cost yet, what used nothing has none at any price, and what an upstream did that is gone keeps its
    cost: nobody can tell by whose prices it would go.
    """
    for record in records:
        account = upstreams.get(record.upstream_id or 0)
        usage = usage_of(record)
        if account is None or record.state == RUNNING or not (usage.total or usage.details is not NO_DETAILS):
            continue
        charge, model = _charge(record, usage, book, account, record.started_at if at is None else at)
        after = charge.total_micros if charge else None
        if after != record.cost_micros:
            yield _change(record, model, charge)


def usage_of(record: ExchangeRecord) -> Usage:
    """What a request used, as it was when it was priced."""
    details = _DETAILS.decode(record.usage_details) if record.usage_details else NO_DETAILS
    return Usage(
        input=record.input_tokens,
        cache_read=record.cache_read_tokens,
        cache_write_5m=record.cache_write_5m_tokens,
        cache_write_1h=record.cache_write_1h_tokens,
        tool_prompt=record.tool_prompt_tokens,
        output=record.output_tokens,
        reasoning=record.reasoning_tokens,
        details=details,
    )


def lines_of(record: ExchangeRecord) -> list[PriceLine]:
    """How its cost came about; also of records that older versions wrote."""
    return msgspec.json.decode(record.price_lines, type=list[PriceLine]) if record.price_lines else []


def _charge(
    record: ExchangeRecord, usage: Usage, book: PriceBook, account: UpstreamFacts, at: int
) -> tuple[Charge | None, str]:
    """The cost, and as what model: what it was priced as before, or else the first of its names that has a price."""
    lines = _LINES.decode(record.price_lines) if record.price_lines else []
    priced_as = [line.model for line in lines[:1] if line.model]
    names = priced_as or list(dict.fromkeys(filter(None, (record.model_served, record.model_asked))))
    for name in names:
        if charge := book.charge(account.provider_id, account.price_id, name, usage, at):
            return charge, name
    return None, next(iter(names), "")


def _change(record: ExchangeRecord, model: str, charge: Charge | None) -> PriceChange:
    return PriceChange(
        exchange_id=record.id,
        key_id=record.key_id,
        upstream=record.upstream,
        model=model,
        before_micros=record.cost_micros,
        after_micros=charge.total_micros if charge else None,
        before_lines=record.price_lines,
        after_lines=msgspec.json.encode(charge.lines).decode() if charge else "",
    )
