"""Limits and balances: looking at them, setting them, paying in."""

import msgspec
from msgspec.structs import replace

from data import keys, ledger, owners
from data.database import Session
from data.limits import EVERYONE, Limits, owner_holder
from data.settings import Value, put_setting
from gateway.accounting import ApproveExchange, GetHolding, Holding, ListHoldings, SetLimits, TopUp
from gateway.answers import limits, values
from gateway.answers.asked import asked
from gateway.answers.desk import Desk
from gateway.budgets import dollars
from gateway.errors import BadRequest, NotFound
from gateway.holdings import holders, holding_of, limits_in_force
from gateway.loading import EVERYONES_LIMITS
from gateway.operations import Done


async def list_holdings(desk: Desk, _: ListHoldings) -> list[Holding]:
    """Everyone, the owners, the keys."""
    return [holding_of(desk.runtime, holder, name) for holder, name in holders(desk.runtime.snapshot)]


async def get_holding(desk: Desk, operation: GetHolding) -> Holding:
    """One holder's."""
    return holding_of(desk.runtime, operation.holder, find(desk, operation.holder)[0])


async def set_limits(desk: Desk, operation: SetLimits) -> Holding:
    """Replace a holder's limits. Who becomes prepaid begins at nothing."""
    name, before = find(desk, operation.holder)
    wanted = limits.checked(operation.limits)
    started = 0
    await desk.flush()
    async with desk.change() as change:
        if wanted.prepaid and not before.prepaid:
            now, actor = desk.runtime.now(), asked().actor
            started = await ledger.start_account(change.session, operation.holder, now, actor)
        await store(change.session, operation.holder, wanted, desk.runtime.now())
        change.told("limits_set", f"set the limits of {name}")
    desk.runtime.budgets.paid_in(operation.holder, started)
    return holding_of(desk.runtime, operation.holder, name)


async def top_up(desk: Desk, operation: TopUp) -> Holding:
    """Pay in, or take out. Doing so a second time by the same word does nothing."""
    name, before = find(desk, operation.holder)
    values.between(operation.micros, -limits.MOST_MICROS, limits.MOST_MICROS, "micros")
    if operation.micros == 0:
        raise values.refuse("micros", "must be an amount to pay in, or below 0 to take out")
    note = values.note(operation.note, "note")
    once = values.name(operation.once, "once", values.LONGEST_TEXT) if operation.once else ""
    paid = 0
    await desk.flush()
    async with desk.change("keys") as change:
        now, actor = desk.runtime.now(), asked().actor
        if not before.prepaid and operation.micros > 0:
            paid += await ledger.start_account(change.session, operation.holder, now, actor)
            await store(change.session, operation.holder, replace(before, prepaid=True), now)
        booked = await ledger.pay_in(change.session, operation.holder, operation.micros, now, actor, note, once)
        paid += operation.micros if booked else 0
        told = f"paid {dollars(operation.micros)} in for {name}" if booked else f"{name} was paid in for already"
        back = TopUp(operation.holder, -operation.micros, f"takes back: {note}".strip(": ")) if booked else None
        change.told("topped_up", told, back)
    desk.runtime.budgets.paid_in(operation.holder, paid)
    return holding_of(desk.runtime, operation.holder, name)


async def approve_exchange(desk: Desk, operation: ApproveExchange) -> Done:
    """Let a request go that waits for the operator."""
    running = desk.runtime.running.get(operation.id)
    if running is None:
        raise NotFound(f"No request {operation.id} is running.")
    running.approved = True
    told = f"approved request {operation.id}"
    await desk.record("exchange_approved", told)
    return Done(told)


async def store(session: Session, holder: str, wanted: Limits, now: int) -> None:
    """Write a holder's limits down where they belong."""
    key_id, owner = ledger.whose(holder)
    if key_id is not None:
        row = await keys.get_key(session, key_id)
        if row is None or row.revoked_at is not None:
            raise BadRequest("The key was revoked for good; create a new one.", code="key_revoked")
        row.models = list(wanted.models)
        row.limits = kept(replace(wanted, models=()))
    elif owner:
        await owners.limit_owner(session, owner, kept(wanted), now)
    else:
        await put_setting(session, EVERYONES_LIMITS, kept(wanted))


def kept(wanted: Limits) -> dict[str, Value]:
    """As the database has it."""
    built: dict[str, Value] = msgspec.to_builtins(wanted)
    return built


def find(desk: Desk, holder: str) -> tuple[str, Limits]:
    """A holder's name for a person, and its limits. Raises `NotFound`."""
    snapshot = desk.runtime.snapshot
    found = limits_in_force(snapshot, holder)
    if found is None:
        raise NotFound(f"There is no holder {holder!r}: name a key as key:3, an owner as owner:NAME, or {EVERYONE}.")
    kind, _, rest = holder.partition(":")
    if kind == "key":
        return next(key.name for key in snapshot.keys.values() if str(key.id) == rest), found
    return (rest if holder == owner_holder(rest) else EVERYONE), found
