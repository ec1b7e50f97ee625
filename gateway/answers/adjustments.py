"""Pricing a time again: what it would come to, booking the difference, and taking that back."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import astuple

from data import adjustments
from data.adjustments import Correction, Moved
from data.records import ExchangeRecord
from data.tables import Adjustment
from gateway import repricing
from gateway.accounting import AdjustmentView, ListAdjustments, Reprice, Repriced, RepricedModel, ReverseAdjustment
from gateway.answers import values
from gateway.answers.asked import asked
from gateway.answers.desk import Desk
from gateway.errors import BadRequest
from gateway.operations import Done
from gateway.repricing import PriceChange, Totals
from gateway.runtime import Runtime

PAGE = 200
"""How many requests are priced at a time, in a thread."""
SLICE = 50
"""How many are booked in one transaction: others wait for it."""
BREATH = 0.01
"""Seconds between two of them, for whoever waits."""


async def reprice(desk: Desk, operation: Reprice) -> Repriced:
    """Price what ended in a time again, and book the difference where that is asked for."""
    if operation.until <= operation.since:
        raise values.refuse("until", "must be later than since")
    pattern, note = operation.model and values.model(operation.model), values.note(operation.note, "note")
    await desk.flush()
    totals, looked_at, adjustment_id = Totals(), 0, None
    after = (operation.since, -1)
    while records := await page(desk, operation, after):
        after = (records[-1].started_at, records[-1].id)
        looked_at += len(records)
        changes = await asyncio.to_thread(changes_of, desk.runtime, records, pattern)
        totals.add(changes)
        if changes and operation.book:
            adjustment_id = adjustment_id or await begin(desk, note)
            await book(desk, adjustment_id, changes)
    if adjustment_id is not None:
        async with desk.change() as change:
            told = f"booked what pricing again came to as adjustment {adjustment_id}"
            change.told("repriced", told, ReverseAdjustment(adjustment_id))
    models = [RepricedModel(model, upstream, *astuple(each)) for (upstream, model), each in totals.by_model.items()]
    return Repriced(operation.since, operation.until, looked_at, models, totals.difference, adjustment_id)


def changes_of(runtime: Runtime, records: Sequence[ExchangeRecord], pattern: str) -> list[PriceChange]:
    """What some would cost instead. What was charged at a price that nobody knows any more stays charged."""
    changes = repricing.reprice(records, runtime.prices, runtime.snapshot.upstreams)
    glob = pattern.lower() or "*"
    return [each for each in changes if each.after_micros is not None and fnmatchcase(each.model.lower(), glob)]


async def page(desk: Desk, operation: Reprice, after: tuple[int, int]) -> list[ExchangeRecord]:
    """The next exchanges of the time."""
    async with desk.database.read() as session:
        return await adjustments.page_ended(session, operation.since, operation.until, after, PAGE)


async def begin(desk: Desk, note: str) -> int:
    """The number of a new adjustment."""
    async with desk.database.write() as session:
        return await adjustments.begin_adjustment(session, desk.runtime.now(), asked().actor, note)


async def book(desk: Desk, adjustment_id: int, changes: Sequence[PriceChange]) -> None:
    """Book changes, a few at a time."""
    for some in in_slices(changes):
        corrections = [
            Correction(each.exchange_id, each.before_micros, each.after_micros, each.after_lines) for each in some
        ]
        async with desk.database.write() as session:
            moved = await adjustments.adjust(session, adjustment_id, corrections)
        tell_budgets(desk, moved)
        await asyncio.sleep(BREATH)


def tell_budgets(desk: Desk, moved: Iterable[Moved]) -> None:
    """Have what was corrected count for the windows it falls into."""
    for each in moved:
        desk.runtime.budgets.adjusted(each.key_id, each.owner, each.micros, each.at)


def in_slices(changes: Sequence[PriceChange]) -> Iterator[Sequence[PriceChange]]:
    """As many as are booked together."""
    for start in range(0, len(changes), SLICE):
        yield changes[start : start + SLICE]


async def list_adjustments(desk: Desk, _: ListAdjustments) -> list[AdjustmentView]:
    """All that were booked."""
    async with desk.database.read() as session:
        return [view(each) for each in await adjustments.list_adjustments(session)]


async def reverse_adjustment(desk: Desk, operation: ReverseAdjustment) -> Done:
    """Have the exchanges cost again what they did. Goes on where an earlier try was broken off."""
    async with desk.database.read() as session:
        adjustment = await adjustments.get_adjustment(session, operation.id)
        if adjustment is None:
            raise values.missing("adjustment", operation.id)
        if reason := await adjustments.why_not_reversible(session, adjustment):
            raise BadRequest(f"Adjustment {operation.id} cannot be reversed: {reason}.")
    moved: list[Moved] | None = []
    while moved is not None:
        moved = await reverse_some(desk, operation.id)
        tell_budgets(desk, moved or [])
        await asyncio.sleep(BREATH)
    told = f"reversed adjustment {operation.id} of {adjustment.exchanges} requests"
    await desk.record("adjustment_reversed", told)
    return Done(told)


async def reverse_some(desk: Desk, adjustment_id: int) -> list[Moved] | None:
    """One slice of a reversal; None when nothing is left of it."""
    async with desk.database.write() as session:
        return await adjustments.reverse(session, adjustment_id, desk.runtime.now(), asked().actor, SLICE)


def view(adjustment: Adjustment) -> AdjustmentView:
    """An adjustment as the operator sees it."""
    return AdjustmentView(
        id=adjustment.id or 0,
        at=adjustment.at,
        actor=adjustment.actor,
        note=adjustment.note,
        exchanges=adjustment.exchanges,
        micros=adjustment.micros,
        reversed_at=adjustment.reversed_at,
    )
