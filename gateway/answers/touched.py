"""What a change would do to whom, told before it is made: from the configuration in force, without a database."""

from msgspec import Struct

from data.traffic import NOBODY, Scope
from gateway.answers import values
from gateway.snapshot import KeyFacts, RouteFacts, Snapshot, UpstreamFacts

KEPT_SEALED = "What it replaces stays sealed with the record of this act for 30 days, so that it can be undone."
MOST_NAMED = 3


class Touched(Struct, frozen=True):
    """Whose requests a change is about, and what happens to them, in sentences."""

    scope: Scope = NOBODY
    sentences: tuple[str, ...] = ()
    cuts: bool = False
    """Whether the answers that run there are cut."""


def key_of(snapshot: Snapshot, number: int) -> KeyFacts:
    """The key of this number. Raises `NotFound`."""
    found = next((key for key in snapshot.keys.values() if key.id == number), None)
    if found is None:
        raise values.missing("key", number)
    return found


def upstream_of(snapshot: Snapshot, number: int) -> UpstreamFacts:
    """The account of this number. Raises `NotFound`."""
    if number not in snapshot.upstreams:
        raise values.missing("upstream", number)
    return snapshot.upstreams[number]


def route_of(snapshot: Snapshot, number: int) -> RouteFacts:
    """The route of this number. Raises `NotFound`."""
    found = next((route for route in snapshot.routes if route.id == number), None)
    if found is None:
        raise values.missing("route", number)
    return found


def some(names: list[str]) -> str:
    """The first few names, and how many more."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def said(*sentences: tuple[object, str]) -> tuple[str, ...]:
    """Those sentences that are true."""
    return tuple(sentence for true, sentence in sentences if true)
