"""One of a kind for each key, owner and everyone: found by name or by request, and kept under the limits in force."""

from data.limits import FREE, Limits
from gateway.holders import Holders, whose

ONE, TWO, THREE = (Limits(concurrent=number) for number in (1, 2, 3))


class Thing:
    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.limits = FREE

    def put_under(self, limits: Limits) -> None:
        self.limits = limits


def names(things: tuple[Thing, ...]) -> list[str]:
    return [thing.holder for thing in things]


def test_a_request_counts_for_its_key_its_owner_and_everyone() -> None:
    things = Holders(Thing)
    assert names(things.of(1, "ann")) == ["key:1", "owner:ann", "everyone"]
    assert names(things.of(1, "")) == ["key:1", "everyone"]
    assert names(things.of(None, "")) == ["everyone"]


def test_each_holder_has_one() -> None:
    things = Holders(Thing)
    assert things.of(1, "ann:b") == (things.get("key:1"), things.get("owner:ann:b"), things.get("everyone"))


def test_limits_that_are_no_longer_there_hold_no_longer() -> None:
    things = Holders(Thing)
    things.put_under([(1, ONE)], [("ann", TWO)], THREE)
    assert [thing.limits for thing in things.of(1, "ann")] == [ONE, TWO, THREE]
    things.put_under([(1, ONE)], [], FREE)
    assert [thing.limits for thing in things.of(1, "ann")] == [ONE, FREE, FREE]


def test_a_client_is_not_told_names() -> None:
    assert [whose(holder) for holder in ("key:1", "owner:ann", "everyone")] == [
        "This key",
        "This key's owner",
        "This gateway",
    ]
