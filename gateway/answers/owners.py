"""People and teams that keys belong to: listing, describing, forgetting."""

from collections import Counter

from data import keys, owners
from data.database import Session
from data.limits import owner_holder
from data.tables import Key, Owner
from gateway.accounting import ListOwners, OwnerView, RemoveOwner, SaveOwner
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.errors import BadRequest
from gateway.holdings import holding_of
from gateway.operations import Done


async def list_owners(desk: Desk, _: ListOwners) -> list[OwnerView]:
    """All that were described or that a usable key names, by name."""
    await desk.flush()
    async with desk.database.read() as session:
        described = {row.name: row for row in await owners.list_owners(session)}
        named = Counter(row.owner for row in await usable_keys(session) if row.owner)
        names = sorted(described.keys() | named.keys())
        return [view(desk, name, described.get(name), named[name]) for name in names]


async def save_owner(desk: Desk, operation: SaveOwner) -> OwnerView:
    """Describe an owner, new or known."""
    name, note = values.name(operation.name), values.note(operation.note, "note")
    async with desk.change() as change:
        await owners.save_owner(change.session, name, note, desk.runtime.now())
        change.told("owner_saved", f"described owner {name}")
    return next(owner for owner in await list_owners(desk, ListOwners()) if owner.name == name)


async def remove_owner(desk: Desk, operation: RemoveOwner) -> Done:
    """Forget an owner that nobody uses any more."""
    told = f"removed owner {operation.name}"
    async with desk.change() as change:
        theirs = [row.name for row in await usable_keys(change.session) if row.owner == operation.name]
        if theirs:
            raise BadRequest(
                f"{operation.name} still has {', '.join(theirs[:3])}{' and more' * (len(theirs) > 3)}: "
                "give these keys another owner or revoke them first.",
                code="owner_in_use",
                param="name",
            )
        if not await owners.remove_owner(change.session, operation.name):
            raise values.missing("owner", operation.name)
        change.told("owner_removed", told)
    return Done(told)


async def usable_keys(session: Session) -> list[Key]:
    """The keys that are not revoked."""
    return [row for row in await keys.list_keys(session) if row.revoked_at is None]


def view(desk: Desk, name: str, row: Owner | None, count: int) -> OwnerView:
    """An owner as the operator sees it."""
    return OwnerView(name, row.note if row else "", count, holding_of(desk.runtime, owner_holder(name), name))
