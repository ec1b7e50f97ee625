"""Prices from files: what one would change, having that hold, and taking it back."""

import asyncio
import hashlib

import msgspec

from data import prices
from data.presets import load_presets
from data.tables import PriceList
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.errors import BadRequest
from gateway.operations import Done
from gateway.price_changes import Changed, compare
from gateway.price_files.reading import ReadFile, read_file
from gateway.price_operations import (
    AcceptPrices,
    ComparePrices,
    ListPriceLists,
    PriceComparison,
    PriceListView,
    RestorePrices,
    WithdrawPrices,
)
from gateway.price_sources import moment_of
from gateway.pricing import PriceBook
from gateway.snapshot import Snapshot

LARGEST_FILE = 7_000_000
"""Bytes; LiteLLM's list has half of that."""


async def compare_prices(desk: Desk, operation: ComparePrices) -> PriceComparison:
    """What a file would change, listed models first."""
    found, changes = await asyncio.to_thread(_look, desk.runtime.snapshot, operation.content, desk.runtime.now())
    differences = [change.difference for change in changes]
    return PriceComparison(
        source=_source(operation.name, found),
        version=version_of(operation.content),
        rows=len(found.rows),
        passed_over=found.passed_over,
        differences=sorted(differences, key=lambda each: not each.listed),
    )


async def accept_prices(desk: Desk, operation: AcceptPrices) -> PriceListView:
    """Store what differs and have it hold."""
    if operation.version != version_of(operation.content):
        raise values.refuse("version", "must be that of the file; it is another than the one you looked at")
    found, changes = await asyncio.to_thread(_look, desk.runtime.snapshot, operation.content, desk.runtime.now())
    if not changes:
        raise BadRequest("Nothing to take on: all of the file's prices hold already.", code="no_change")
    rows = msgspec.json.encode([change.row for change in changes])
    return await _take_on(desk, _source(operation.name, found), operation.version, rows)


async def list_price_lists(desk: Desk, _: ListPriceLists) -> list[PriceListView]:
    """All that were ever taken on."""
    async with desk.database.read() as session:
        return [list_view(row) for row in await prices.list_price_lists(session)]


async def withdraw_prices(desk: Desk, operation: WithdrawPrices) -> Done:
    """Have what was there before hold again."""
    async with desk.change("prices") as change:
        withdrawn = await prices.withdraw_list(change.session, operation.id, desk.runtime.now())
        if withdrawn is None:
            raise values.missing("list of prices in force with the number", operation.id)
        told = f"withdrew the prices from {withdrawn.source} {withdrawn.version}"
        change.told("prices_withdrawn", told, RestorePrices(operation.id))
    return Done(told)


async def restore_prices(desk: Desk, operation: RestorePrices) -> PriceListView:
    """Have the prices of a list hold again."""
    async with desk.database.read() as session:
        known = {row.id: row for row in await prices.list_price_lists(session)}
    row = known.get(operation.id)
    if row is None:
        raise values.missing("list of prices with the number", operation.id)
    return await _take_on(desk, row.source, row.version, row.rows)


async def _take_on(desk: Desk, source: str, version: str, rows: bytes) -> PriceListView:
    async with desk.change("prices") as change:
        accepted = await prices.accept_list(change.session, source, version, rows, desk.runtime.now())
        view = list_view(accepted)
        told = f"took on {view.rows} prices from {source} {version}"
        change.told("prices_accepted", told, WithdrawPrices(view.id))
    return view


def list_view(row: PriceList) -> PriceListView:
    """A list as operators see it."""
    rows = len(msgspec.json.decode(row.rows, type=list[msgspec.Raw]))
    return PriceListView(row.id or 0, row.source, row.version, rows, row.accepted_at, row.withdrawn_at)


def version_of(content: bytes) -> str:
    """By which a file is known again."""
    return hashlib.sha256(content).hexdigest()[:12]


def _source(name: str, found: ReadFile) -> str:
    return f"{values.name(name)} ({found.kind})"


def _look(snapshot: Snapshot, content: bytes, now: int) -> tuple[ReadFile, list[Changed]]:
    """Read a file and compare it with all that holds but the operator's own prices. Takes a while."""
    if len(content) > LARGEST_FILE:
        raise values.refuse("content", f"must be at most {LARGEST_FILE:,} bytes")
    found = read_file(content, moment_of(now).date())
    listed = {(upstream.provider_id, model) for upstream in snapshot.upstreams.values() for model in upstream.models}
    price_ids = {preset.id: preset.price_id for preset in load_presets()}
    book = PriceBook((), snapshot.price_lists)
    return found, compare(found.rows, book, price_ids, listed, now)
