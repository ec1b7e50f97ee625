"""What an operator can ask and do about prices; more of `gateway.operations`."""

from msgspec import Struct

from gateway.operations import Done, Operation


class PriceView(Struct, frozen=True):
    """The price that applies to a model, and where it comes from."""

    provider_id: str
    model: str
    prices: dict[str, int]
    """Meter to micro-units for its unit, as `gateway.meters` has them."""
    source: str


class ListPrices(Operation[list[PriceView]], frozen=True):
    """The prices of all models that upstreams list; those without one have empty prices."""


class SetPrice(Operation[PriceView], frozen=True):
    """What the models that fit a glob cost from a moment on, in place of an earlier price of the same glob."""

    provider_id: str
    model: str
    prices: dict[str, int]
    since: int | None = None
    """The start of the first request it holds for; now unless given, also in the past."""


class RemovePrice(Operation[Done], frozen=True):
    """Have the tables hold again from now on; for earlier requests the price stays what it was."""

    provider_id: str
    model: str


class SetPriceView(Struct, frozen=True):
    """A price that the operator set: one that holds, is yet to hold, or has held."""

    id: int
    provider_id: str
    model: str
    prices: dict[str, int]
    set_at: int
    since: int
    until: int | None


class ListSetPrices(Operation[list[SetPriceView]], frozen=True):
    """Every price that the operator ever set, those set first first."""
