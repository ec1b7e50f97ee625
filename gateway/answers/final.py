"""What cannot be taken back, and why not: it is said before it is done."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway import accounting, operations
from gateway.operations import Operation

FINAL: Mapping[type[Operation[Any]], str] = {
    operations.Shutdown: "This cannot be undone: what runs ends, and a new gateway must be started.",
    operations.CutExchange: "This cannot be undone: the client has been told that its answer ended.",
    operations.RevokeKey: "This cannot be undone: a revoked key never works again.",
    accounting.RotateKey: "This cannot be undone: the old secret is not brought back.",
    accounting.ApproveExchange: "This cannot be undone: the request goes to its provider.",
    accounting.ReverseAdjustment: "This cannot be undone: the time can be priced again instead.",
    accounting.CleanUp: "This cannot be undone: what is deleted is gone.",
    accounting.GetCapture: "This cannot be undone: the look stays on record.",
    accounting.WipeCaptures: "This cannot be undone: what was kept is deleted.",
}


def is_final(kinds: Iterable[type[Operation[Any]]]) -> bool:
    """Whether something among these cannot be taken back."""
    return any(kind in FINAL for kind in kinds)
