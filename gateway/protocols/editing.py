"""A request's body on its way to an upstream that wants parts of it otherwise: what is not touched keeps its bytes."""

import msgspec
from msgspec import Raw

from gateway.protocols.translation import Loss
from gateway.splice import with_member, without_member

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


class Draft:
    """A JSON object whose members are changed one by one. Raises msgspec's `DecodeError` for anything else."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.losses: list[Loss] = []
        self._members = _MEMBERS.decode(body)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def get(self, name: str) -> object:
        """The member's value; None where there is none."""
        return msgspec.json.decode(self._members[name]) if name in self._members else None

    def put(self, name: str, value: object) -> None:
        """Give the member this value; one that has it already keeps its bytes."""
        if name in self._members and self.get(name) == value:
            return
        self._members[name] = Raw(msgspec.json.encode(value))
        self.body = with_member(self.body, name, bytes(self._members[name]))

    def drop(self, name: str) -> None:
        if name in self._members:
            del self._members[name]
            self.body = without_member(self.body, name)

    def rename(self, old: str, new: str) -> None:
        """Move a member's value to another name, unless that has one."""
        if old in self._members and new not in self._members:
            self._members[new] = self._members[old]
            self.body = with_member(self.body, new, bytes(self._members[old]))
        self.drop(old)

    def lose(self, field: str, why: str) -> None:
        self.losses.append(Loss(field, why))
