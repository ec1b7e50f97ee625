"""Holdings, windows and acts for the scripted link to answer with."""

from collections.abc import Mapping

from data.limits import FREE, Budget, Limits, Per
from gateway.accounting import ActView, BlastRadius, Holding, WindowView
from tests.console.scripted import NOW

HOUR = 3_600_000_000
DOLLAR = 1_000_000


def window(per: Per, used: float, limit: float, resets_in_hours: float | None = 2) -> WindowView:
    """A budget in dollars that begins anew in some hours."""
    resets_at = None if resets_in_hours is None else int(NOW * DOLLAR + resets_in_hours * HOUR)
    return WindowView(per, "UTC", int(limit * DOLLAR), int(used * DOLLAR), resets_at)


def holding(holder: str, name: str = "", limits: Limits = FREE, **fields: object) -> Holding:
    """What a holder has; give the fields that matter."""
    values: dict[str, object] = {
        "balance_micros": 0,
        "reserved_micros": 0,
        "cost_micros": 0,
        "windows": [],
        "running": 0,
        "waiting": 0,
    }
    return Holding(holder=holder, name=name or holder, limits=limits, **{**values, **fields})  # type: ignore[arg-type]


def budgeted(holder: str, *windows: WindowView) -> Holding:
    """One whose limits are these budgets."""
    budgets = tuple(Budget(window.per, window.limit_micros) for window in windows)
    return holding(holder, limits=Limits(budgets=budgets), windows=list(windows))


def radius(**fields: object) -> BlastRadius:
    """A change that touches something and can be taken back."""
    values: dict[str, object] = {
        "running": 6,
        "keys": 1,
        "micros_per_hour": 3_020_000,
        "undoable": True,
        "sentences": [],
    }
    return BlastRadius(**{**values, **fields})  # type: ignore[arg-type]


def act(id_: int, text: str, **fields: object) -> ActView:
    """Something an operator did, which can be taken back."""
    values: Mapping[str, object] = {"at": int(NOW * DOLLAR), "actor": "kim", "code": "limits_set", "undoable": True}
    return ActView(id=id_, text=text, **{"undone_at": None, **values, **fields})  # type: ignore[arg-type]
