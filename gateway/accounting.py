"""What an operator can ask and do about limits, money and the record of what operators did.

Operations as in `gateway.operations`. A holder is named as in `data.limits`: `key:3`, `owner:NAME`, `everyone`.
"""

from msgspec import Struct

from data.limits import Brake, Limits, Per
from gateway.operations import Done, KeyCreated, KeyView, Operation

# --- limits and balances ------------------------------------------------------------------------------------------


class WindowView(Struct, frozen=True):
    """One budget as it stands."""

    per: Per
    zone: str
    limit_micros: int
    used_micros: int
    """Spent, or reserved for requests that run."""
    resets_at: int | None
    """UTC microseconds; None for one that never does."""


class Holding(Struct, frozen=True):
    """What a holder may use, has used and has left."""

    holder: str
    name: str
    """Of the key or owner, for a person."""
    limits: Limits
    balance_micros: int
    """What is left of what was paid in; says something only where the limits say prepaid."""
    reserved_micros: int
    cost_micros: int
    """Spent, ever."""
    windows: list[WindowView]
    running: int
    waiting: int
    """Requests that wait for a place."""


class ListHoldings(Operation[list[Holding]], frozen=True):
    """Everyone first, then the owners, then the keys that are not revoked."""


class GetHolding(Operation[Holding], frozen=True):
    holder: str


class SetLimits(Operation[Holding], frozen=True):
    """Replaces all limits of a holder."""

    holder: str
    limits: Limits


class TopUp(Operation[Holding], frozen=True):
    """Pays in; a negative amount takes out. Who was not prepaid begins at nothing and is prepaid from then on."""

    holder: str
    micros: int
    note: str = ""
    once: str = ""
    """The same word a second time books nothing, so that asking again does no harm."""


class OwnerView(Struct, frozen=True):
    name: str
    note: str
    keys: int
    """That are not revoked."""
    holding: Holding


class ListOwners(Operation[list[OwnerView]], frozen=True):
    """All that were described or that a key names."""


class SaveOwner(Operation[OwnerView], frozen=True):
    """Describes an owner; limits are set by `SetLimits`."""

    name: str
    note: str = ""


class RemoveOwner(Operation[Done], frozen=True):
    """Forgets an owner that no usable key names; what was spent stays on record."""

    name: str


# --- keys ---------------------------------------------------------------------------------------------------------


class RotateKey(Operation[KeyCreated], frozen=True):
    """A new secret at once; the old one stays good for a while. Revoking ends both."""

    id: int
    overlap_seconds: int = 86_400


class SetBrake(Operation[KeyView], frozen=True):
    """Slows, holds, freezes a key or has its dear requests approved; the brake is replaced whole."""

    id: int
    brake: Brake


class ApproveExchange(Operation[Done], frozen=True):
    """Let a request go that waits for approval. `CutExchange` refuses it."""

    id: int


# --- the ledger ---------------------------------------------------------------------------------------------------


class EntryView(Struct, frozen=True):
    """A ledger entry; its amounts add up to nothing."""

    id: int
    at: int
    kind: str
    exchange_id: int | None
    key_id: int | None
    owner: str
    balance_micros: int
    reserved_micros: int
    cost_micros: int
    funded_micros: int
    adjustment_id: int | None
    actor: str
    note: str


class ListEntries(Operation[list[EntryView]], frozen=True):
    """A holder's entries, newest first; pass the last id seen as `before` for the next page."""

    holder: str
    before: int | None = None
    limit: int = 200


class LedgerFinding(Struct, frozen=True):
    """Something that does not add up."""

    holder: str
    text: str


class LedgerChecked(Struct, frozen=True):
    """Start and top-ups against balance, costs and open reservations, for every holder."""

    holders: int
    entries: int
    open_reservations: int
    findings: list[LedgerFinding]


class CheckLedger(Operation[LedgerChecked], frozen=True): ...


class ChargeLine(Struct, frozen=True):
    """One meter of a charge."""

    meter: str
    count: int
    per_million: str
    """Micro-units per million; exact, so as text."""
    amount: str
    """Micro-units; exact, so as text."""
    source: str
    """Which price row: where it comes from, its version and its date."""


class ChargeExplained(Struct, frozen=True):
    """How a charge came to be: meters times price rows, the lines' sum, and the ledger entries that book it."""

    exchange_id: int
    model: str
    provider_id: str
    usage_source: str
    lines: list[ChargeLine]
    total_micros: int | None
    reserved_micros: int
    overrun: bool
    """It cost more than was reserved: the upstream used more than the request had declared."""
    entries: list[EntryView]


class ExplainCharge(Operation[ChargeExplained], frozen=True):
    id: int


class RepricedModel(Struct, frozen=True):
    """What re-pricing changes at one model."""

    model: str
    upstream: str
    exchanges: int
    before_micros: int
    after_micros: int
    unpriced_before: int
    unpriced_after: int


class Repriced(Struct, frozen=True):
    """The difference that today's prices make to a period; booked when there is an adjustment."""

    since: int
    until: int
    looked_at: int
    models: list[RepricedModel]
    """Those that change."""
    difference_micros: int
    adjustment_id: int | None


class Reprice(Operation[Repriced], frozen=True):
    """Works out what a period costs at the prices of now; books the difference only when told to."""

    since: int
    until: int
    model: str = ""
    book: bool = False
    note: str = ""


class AdjustmentView(Struct, frozen=True):
    id: int
    at: int
    actor: str
    note: str
    exchanges: int
    micros: int
    reversed_at: int | None


class ListAdjustments(Operation[list[AdjustmentView]], frozen=True): ...


class ReverseAdjustment(Operation[Done], frozen=True):
    """Books the opposite; the exchanges cost again what they did."""

    id: int


# --- what operators do --------------------------------------------------------------------------------------------


class BlastRadius(Struct, frozen=True):
    """Whom a change would touch, before it is made."""

    running: int
    """Answers that run now on what is changed."""
    keys: int
    """Keys that used it in the last hour."""
    micros_per_hour: int
    """What went through it in the last hour."""
    undoable: bool
    sentences: list[str]
    """What would happen, for a person."""


class GetBlastRadius(Operation[BlastRadius], frozen=True):
    """Of an operation that is not carried out: its name and its fields."""

    name: str
    fields: str = "{}"
    """As JSON."""


class ActView(Struct, frozen=True):
    """Something an operator did."""

    id: int
    at: int
    actor: str
    code: str
    text: str
    undoable: bool
    undone_at: int | None


class ListActs(Operation[list[ActView]], frozen=True):
    """Newest first; pass the last id seen as `before` for the next page."""

    before: int | None = None
    limit: int = 200


class UndoAct(Operation[Done], frozen=True):
    """Takes an act back; without a number the last one that can be."""

    id: int | None = None


# --- recording what requests say ----------------------------------------------------------------------------------


class StartCapture(Operation[KeyView], frozen=True):
    """Keep, sealed, what the next requests of a key and their answers say, for so long at the most."""

    id: int
    requests: int = 20
    minutes: int = 10
    keep_hours: int = 24


class StopCapture(Operation[KeyView], frozen=True):
    """Keep no more, nor what requests that run say; what was kept stays."""

    id: int


class Captured(Struct, frozen=True):
    """What was kept of an exchange. Every look is an act on record."""

    exchange_id: int
    expires_at: int
    request: str
    answer: str


class GetCapture(Operation[Captured], frozen=True):
    id: int


class WipeCaptures(Operation[Done], frozen=True):
    """Delete what was kept of a key's requests, now; those that run are not kept either."""

    id: int


# --- what is kept, and for how long -------------------------------------------------------------------------------


class Retention(Struct, frozen=True):
    """How long single requests are kept, and what they take."""

    days: int
    """0 keeps them for ever."""
    gigabytes: int
    """0 does not limit the database."""
    used_bytes: int
    oldest_at: int | None
    """When the oldest request on record began."""


class GetRetention(Operation[Retention], frozen=True): ...


class Cleaned(Struct, frozen=True):
    """What was deleted, and how long others had to wait for it at the most."""

    exchanges: int
    captures: int
    longest_us: int


class CleanUp(Operation[Cleaned], frozen=True):
    """Deletes now what is not to be kept any longer, which otherwise happens every minute."""
