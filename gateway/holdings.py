"""What holders may use, have used and have left, as it stands this moment."""

from collections.abc import Iterator

from data.limits import EVERYONE, Limits, key_holder, owner_holder
from gateway.accounting import Holding, WindowView
from gateway.budgets import Account
from gateway.runtime import Runtime
from gateway.snapshot import Snapshot


def holding_of(runtime: Runtime, holder: str, name: str) -> Holding:
    """One holder's."""
    account, share = runtime.budgets.account(holder), runtime.limits.share(holder)
    return Holding(
        holder=holder,
        name=name,
        limits=share.limits,
        balance_micros=account.balance,
        reserved_micros=account.reserved,
        cost_micros=account.cost,
        windows=list(windows_of(account, runtime.now())),
        running=share.running,
        waiting=len(share.waiters),
    )


def windows_of(account: Account, now: int) -> Iterator[WindowView]:
    """Its budgets as they stand."""
    for span in account.windows(now):
        budget = span.budget
        yield WindowView(budget.per, budget.zone, budget.micros, span.spent + account.reserved, span.end)


def holders(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Everyone, the owners that have limits or a usable key, and the usable keys: their names as holders, and for
    people."""
    usable = [key for key in snapshot.keys.values() if not key.revoked]
    yield EVERYONE, "everyone"
    for name in sorted(snapshot.owners.keys() | {key.owner for key in usable if key.owner}):
        yield owner_holder(name), name
    for key in usable:
        yield key_holder(key.id), key.name


def limits_in_force(snapshot: Snapshot, holder: str) -> Limits | None:
    """What holds for a holder; None for one that there is not."""
    kind, _, name = holder.partition(":")
    if kind == "key":
        return next((key.limits for key in snapshot.keys.values() if str(key.id) == name and not key.revoked), None)
    if kind == "owner" and name:
        return snapshot.owners.get(name, Limits())
    return snapshot.everyone if holder == EVERYONE else None
