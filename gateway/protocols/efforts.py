"""How much to think, in the two ways there are to say it: as an effort, and as a number of tokens."""

from collections.abc import Sequence

from gateway.canonical import Effort, Thinking

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

BUDGETS: dict[Effort, int] = {"none": 0, "minimal": 1024, "low": 2048, "medium": 8192, "high": 24_576, "xhigh": 32_000}
"""The tokens that an effort amounts to. The most there is has no number."""

_BOUNDS: tuple[tuple[int, Effort], ...] = (
    (1, "none"),
    (1500, "minimal"),
    (5000, "low"),
    (16_000, "medium"),
    (28_000, "high"),
)


def effort_of(thinking: Thinking) -> Effort | None:
    """The effort that was asked for, in either way; None where the model is to decide."""
    if thinking.effort is not None or thinking.budget is None or thinking.budget < 0:
        return thinking.effort
    budget = thinking.budget
    return next((effort for bound, effort in _BOUNDS if budget < bound), "xhigh")


def budget_of(thinking: Thinking) -> int | None:
    """The tokens that were asked for, in either way; None where there is no number for it."""
    if thinking.budget is not None and thinking.budget >= 0:
        return thinking.budget
    return BUDGETS.get(thinking.effort) if thinking.effort is not None else None


def nearest(effort: Effort, known: Sequence[Effort]) -> Effort:
    """The known effort nearest to it, rather more than less; itself where none is known."""
    place = EFFORTS.index(effort)
    return min(known, key=lambda one: (abs(EFFORTS.index(one) - place), -EFFORTS.index(one)), default=effort)
