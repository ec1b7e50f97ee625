"""How much to think, to and from the wire: a level or a budget, by what the model takes.

The numbers that stand for efforts are ours; they keep the order and the size, no more.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from gateway.canonical import JSON, Effort, Thinking
from gateway.protocols.gemini import wire
from gateway.protocols.translation import ModelFacts

EFFORTS: tuple[Effort, ...] = get_args(Effort)

USUAL_EFFORTS: tuple[Effort, ...] = ("minimal", "low", "medium", "high")
"""What a model takes of which nothing is known."""

BUDGETS: Mapping[Effort, int] = {"none": 0, "minimal": 1024, "low": 2048, "medium": 8192, "high": 24576}

BOUNDS: tuple[tuple[int, Effort], ...] = (
    (1, "none"),
    (1500, "minimal"),
    (5000, "low"),
    (16_000, "medium"),
    (28_000, "high"),
)
"""Budgets below which an effort is meant."""

SHOWN: Mapping[bool | None, Literal["none", "summary"]] = {True: "summary", False: "none"}

LARGEST_BUDGET = 24_576
SMALLEST_BUDGET = 128
"""Of models that cannot stop thinking."""


def read_thinking(value: JSON | None) -> Thinking | None:
    if value is None:
        return None
    place = "generationConfig.thinkingConfig"
    told = wire.read(wire.ThinkingConfig, value, place)
    effort = _read_level(told.thinking_level, f"{place}.thinkingLevel")
    if effort and told.thinking_budget is not None:
        raise wire.invalid(f"{place}.thinkingBudget", "and 'thinkingLevel' are given both")
    return Thinking(effort, told.thinking_budget, show=SHOWN.get(told.include_thoughts))


def _read_level(level: str | None, place: str) -> Effort | None:
    named = (level or "THINKING_LEVEL_UNSPECIFIED").lower()
    if named == "thinking_level_unspecified":
        return None
    for effort in EFFORTS:
        if effort == named and effort not in ("none", "max"):
            return effort
    raise wire.invalid(place, "is no level of thinking")


def write_thinking(thinking: Thinking | None, facts: ModelFacts) -> JSON:
    if thinking is None:
        return {}
    written: JSON = {}
    if thinking.show is not None:
        written["includeThoughts"] = thinking.show != "none"
    if _is_told_by_level(thinking, facts):
        level = _to_level(thinking, facts)
        return written | ({"thinkingLevel": level} if level else {})
    budget = _to_budget(thinking, facts)
    return written | ({} if budget is None else {"thinkingBudget": budget})


def _is_told_by_level(thinking: Thinking, facts: ModelFacts) -> bool:
    """As the model takes it, or as the client said it where that is not known."""
    match facts.thinking_style:
        case "level":
            return True
        case "budget":
            return False
        case _:
            return thinking.budget is None


def _to_level(thinking: Thinking, facts: ModelFacts) -> str:
    effort = thinking.effort
    if effort is None and thinking.budget is not None and thinking.budget >= 0:
        effort = next((named for bound, named in BOUNDS if thinking.budget < bound), "xhigh")
    if effort is None:
        return ""
    taken = [EFFORTS.index(named) for named in facts.efforts or USUAL_EFFORTS if named not in ("none", "max")]
    wanted = EFFORTS.index(effort)
    return EFFORTS[min(taken, key=lambda at: (abs(at - wanted), at), default=wanted)].upper()


def _to_budget(thinking: Thinking, facts: ModelFacts) -> int | None:
    largest = facts.largest_budget or LARGEST_BUDGET
    budget = thinking.budget
    if budget is None and thinking.effort is not None:
        budget = BUDGETS.get(thinking.effort, largest)
    if budget is None:
        return -1 if thinking.adaptive else None
    if budget == 0 and facts.efforts and "none" not in facts.efforts:
        return SMALLEST_BUDGET
    return min(budget, largest) if facts.thinking_style == "budget" else budget
