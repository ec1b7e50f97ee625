"""What changes of keys, owners, limits and money do to whom."""

from collections.abc import Callable, Mapping
from typing import Any

from data.limits import EVERYONE, RELEASED
from data.traffic import Scope
from gateway.accounting import (
    ApproveExchange,
    CleanUp,
    GetCapture,
    RemoveOwner,
    Reprice,
    ReverseAdjustment,
    RotateKey,
    SaveOwner,
    SetBrake,
    SetLimits,
    StartCapture,
    StopCapture,
    TopUp,
    WipeCaptures,
)
from gateway.answers import values
from gateway.answers.touched import Touched, key_of, said, some
from gateway.holdings import limits_in_force
from gateway.operations import CreateKey, CutExchange, EditKey, Operation, RevokeKey, SetKeyEnabled, Shutdown
from gateway.snapshot import Snapshot

REFUSED = "New requests with it are refused."


def creating(_: Snapshot, operation: CreateKey) -> Touched:
    """A new key."""
    return Touched(sentences=("Undoing it revokes the key.",))


def editing(snapshot: Snapshot, operation: EditKey) -> Touched:
    """Another name, owner, note, expiry or choice of models."""
    key = key_of(snapshot, operation.id)
    owner = key.owner if operation.owner is None else operation.owner
    models = key.limits.models if operation.models is None else tuple(operation.models)
    may = f"may ask for {some(list(models))} alone" if models else "may ask for any model"
    return Touched(
        Scope(key_id=key.id),
        said(
            (owner != key.owner, f"What it uses from now on counts for {owner or 'nobody'}; what it used stays."),
            (models != key.limits.models, f"It {may} from the next request on."),
            (operation.expires_at is not None, "It is refused once its new time is over."),
            (operation.never_expires and key.expires_at is not None, "It does not expire any more."),
        ),
    )


def switching(snapshot: Snapshot, operation: SetKeyEnabled) -> Touched:
    """A key switched on or off."""
    key = key_of(snapshot, operation.id)
    told = "It is admitted again." if operation.enabled else REFUSED
    return Touched(Scope(key_id=key.id), (told,), cuts=not operation.enabled)


def revoking(snapshot: Snapshot, operation: RevokeKey) -> Touched:
    """A key ended for good."""
    key = key_of(snapshot, operation.id)
    return Touched(Scope(key_id=key.id), (REFUSED,), cuts=True)


def rotating(snapshot: Snapshot, operation: RotateKey) -> Touched:
    """Another secret."""
    key = key_of(snapshot, operation.id)
    seconds = operation.overlap_seconds
    when = f"in {values.span(seconds)}" if seconds > 0 else "from now on"
    return Touched(
        Scope(key_id=key.id),
        said(
            (True, f"Clients that hold the present secret are refused {when}; running answers go on."),
            (key.old_secret_hash, "The secret before that is refused at once."),
        ),
    )


def braking(snapshot: Snapshot, operation: SetBrake) -> Touched:
    """A key held back, or let go."""
    key, brake = key_of(snapshot, operation.id), operation.brake
    return Touched(
        Scope(key_id=key.id),
        said(
            (brake == RELEASED, "All that holds it back is lifted."),
            (brake.frozen, f"{REFUSED[:-1]} until it is unfrozen; running answers go on."),
            (brake.hold, "New requests wait until it is released."),
            (brake.tokens_per_second, f"Its answers pass at most {brake.tokens_per_second} tokens a second."),
            (brake.approve_above_micros is not None, "Requests that may cost more than that wait for you."),
        ),
    )


def limiting(snapshot: Snapshot, operation: SetLimits) -> Touched:
    """What a holder may use."""
    prepaid = operation.limits.prepaid and not is_prepaid(snapshot, operation.holder)
    return Touched(
        holders(snapshot, operation.holder),
        said(
            (prepaid, "It begins with nothing: new requests are refused until something is paid in."),
            (True, "The limits hold from the next request on; running answers go on."),
        ),
    )


def topping_up(snapshot: Snapshot, operation: TopUp) -> Touched:
    """Money paid in or taken out."""
    scope = holders(snapshot, operation.holder)
    less = operation.micros < 0
    first = not less and not is_prepaid(snapshot, operation.holder)
    return Touched(
        scope,
        said(
            (first, "It is prepaid from then on: when this is spent, new requests are refused."),
            (less, "It runs out of money sooner."),
            (True, "Undoing it books the opposite."),
        ),
    )


def holders(snapshot: Snapshot, holder: str) -> Scope:
    """The requests that count for a holder. Raises `NotFound`."""
    kind, _, name = holder.partition(":")
    if holder == EVERYONE:
        return Scope(everyone=True)
    if kind == "owner" and name:
        return Scope(owner=name)
    if kind == "key" and name.isdecimal():
        return Scope(key_id=key_of(snapshot, int(name)).id)
    raise values.missing("holder", holder)


def is_prepaid(snapshot: Snapshot, holder: str) -> bool:
    """Whether a holder spends only what was paid in, as things are."""
    limits = limits_in_force(snapshot, holder)
    return limits is not None and limits.prepaid


def describing(_: Snapshot, operation: SaveOwner) -> Touched:
    """Words about an owner."""
    return Touched()


def forgetting(snapshot: Snapshot, operation: RemoveOwner) -> Touched:
    """An owner gone."""
    keys = [key.name for key in snapshot.keys.values() if key.owner == operation.name and not key.revoked]
    return Touched(
        Scope(owner=operation.name),
        said(
            (keys, f"It is refused as long as keys name it: {some(keys)}."),
            (not keys, "Its limits are forgotten; what was spent stays on record."),
        ),
    )


def cutting(_: Snapshot, operation: CutExchange) -> Touched:
    """An answer ended."""
    return Touched(sentences=("The client gets an error in its own protocol; what has passed is paid for.",))


def approving(_: Snapshot, operation: ApproveExchange) -> Touched:
    """A request let go."""
    return Touched(sentences=("The request is sent, and may cost all that is reserved for it.",))


def shutting_down(_: Snapshot, operation: Shutdown) -> Touched:
    """The gateway ended."""
    told = "New requests are refused." + ("" if operation.now else " Running answers may end first.")
    return Touched(Scope(everyone=True), (told,), cuts=operation.now)


def capturing(snapshot: Snapshot, operation: StartCapture) -> Touched:
    """What requests say kept for a while."""
    kept = f"kept, sealed, for {operation.keep_hours} h"
    told = f"What its next {operation.requests} requests and their answers say is {kept}."
    return Touched(Scope(key_id=key_of(snapshot, operation.id).id), (told,))


def capturing_no_more(snapshot: Snapshot, operation: StopCapture) -> Touched:
    """Nothing more kept."""
    told = "Nothing more is kept; what was kept stays until its time is over."
    return Touched(Scope(key_id=key_of(snapshot, operation.id).id), (told,))


def wiping(snapshot: Snapshot, operation: WipeCaptures) -> Touched:
    """What was kept deleted."""
    return Touched(Scope(key_id=key_of(snapshot, operation.id).id), ("What was kept of its requests is deleted.",))


def looking(_: Snapshot, operation: GetCapture) -> Touched:
    """A look at what was kept."""
    return Touched(sentences=("That you looked is put on record.",))


def pricing_again(_: Snapshot, operation: Reprice) -> Touched:
    """What the past would cost at other prices."""
    told = "The difference is booked." if operation.book else "Nothing is booked."
    return Touched(sentences=(told, "Undoing it books the opposite."))


def reversing(_: Snapshot, operation: ReverseAdjustment) -> Touched:
    """An adjustment taken back."""
    return Touched(sentences=("The exchanges cost again what they did.",))


def cleaning(_: Snapshot, operation: CleanUp) -> Touched:
    """What is not to be kept any longer."""
    return Touched(sentences=("Requests that are older than was set, or too many, are deleted; totals stay.",))


OF_KEYS: Mapping[type[Operation[Any]], Callable[[Snapshot, Any], Touched]] = {
    CreateKey: creating,
    EditKey: editing,
    SetKeyEnabled: switching,
    RevokeKey: revoking,
    RotateKey: rotating,
    SetBrake: braking,
    SetLimits: limiting,
    TopUp: topping_up,
    SaveOwner: describing,
    RemoveOwner: forgetting,
    CutExchange: cutting,
    ApproveExchange: approving,
    Shutdown: shutting_down,
    StartCapture: capturing,
    StopCapture: capturing_no_more,
    WipeCaptures: wiping,
    GetCapture: looking,
    Reprice: pricing_again,
    ReverseAdjustment: reversing,
    CleanUp: cleaning,
}
