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


class PriceDifference(Struct, frozen=True):
    """A price that a file says otherwise than what holds; empty prices stand for none."""

    provider_id: str
    model: str
    listed: bool
    """Whether an upstream lists the model."""
    before: dict[str, int]
    after: dict[str, int]
    source_before: str


class PriceComparison(Struct, frozen=True):
    """What a file of prices would change."""

    source: str
    """The file's name, and what kind it is."""
    version: str
    """The beginning of its SHA-256."""
    rows: int
    passed_over: int
    """Rows of providers that we do not know, or of things that we do not count."""
    differences: list[PriceDifference]
    """Listed models first. A price that you set yourself goes before either side."""


class ComparePrices(Operation[PriceComparison], frozen=True):
    """What a file would change. It may be rows as in our own list, LiteLLM's list, or genai-prices' `data.json`."""

    name: str
    content: bytes


class PriceListView(Struct, frozen=True):
    """Prices that were taken on from a file."""

    id: int
    source: str
    version: str
    rows: int
    accepted_at: int
    withdrawn_at: int | None


class AcceptPrices(Operation[PriceListView], frozen=True):
    """Have the differences hold for requests from now on."""

    name: str
    content: bytes
    version: str
    """Of the file that was looked at."""


class ListPriceLists(Operation[list[PriceListView]], frozen=True):
    """All that were ever taken on, the oldest first."""


class WithdrawPrices(Operation[Done], frozen=True):
    """Have a list hold no longer, for requests from now on."""

    id: int


class RestorePrices(Operation[PriceListView], frozen=True):
    """Have a withdrawn list hold again, for requests from now on."""

    id: int
