"""One of a kind for each key, each owner, and everyone together: for what the limits of all three hold at once."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar
from typing import Protocol as Interface

from data.limits import EVERYONE, FREE, Limits, key_holder, owner_holder


class Limited(Interface):
    """What limits hold for."""

    def put_under(self, limits: Limits) -> None:
        """What holds from now on."""
        ...


Kind = TypeVar("Kind", bound=Limited)


class Holders(Generic[Kind]):
    """All of them, made when they are first asked for. Belongs to the gateway's loop."""

    def __init__(self, new: Callable[[str], Kind]) -> None:
        self._new = new
        self._known = {EVERYONE: new(EVERYONE)}

    def get(self, holder: str) -> Kind:
        """A holder's, by its name."""
        if (found := self._known.get(holder)) is None:
            found = self._known[holder] = self._new(holder)
        return found

    def of(self, key_id: int | None, owner: str) -> tuple[Kind, ...]:
        """Those that a request of this key counts for."""
        if key_id is None:
            return (self._known[EVERYONE],)
        key = self.get(key_holder(key_id))
        everyone = self._known[EVERYONE]
        return (key, self.get(owner_holder(owner)), everyone) if owner else (key, everyone)

    def put_under(self, keys: Iterable[tuple[int, Limits]], owners: Iterable[tuple[str, Limits]], all_: Limits) -> None:
        """The limits in force from now on."""
        limits = {EVERYONE: all_}
        limits.update((key_holder(key_id), each) for key_id, each in keys)
        limits.update((owner_holder(name), each) for name, each in owners)
        for holder in limits.keys() | self._known.keys():
            self.get(holder).put_under(limits.get(holder, FREE))


def whose(holder: str) -> str:
    """A holder in the words of its client, who need not know its name."""
    return {"key": "This key", "owner": "This key's owner"}.get(holder.partition(":")[0], "This gateway")
