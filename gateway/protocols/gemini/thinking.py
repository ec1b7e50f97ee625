"""How much to think, to and from the wire: a level or a budget, by what the model takes."""

from collections.abc import Mapping
from typing import Literal

from gateway.canonical import JSON, Effort, Thinking
from gateway.protocols.efforts import budget_of, effort_of, nearest
from gateway.protocols.gemini import wire
from gateway.protocols.translation import ModelFacts

LEVELS: tuple[Effort, ...] = ("minimal", "low", "medium", "high", "xhigh")
USUAL_LEVELS: tuple[Effort, ...] = ("minimal", "low", "medium", "high")
"""What a model takes of which nothing is known."""

LARGEST_BUDGET = 24_576
SMALLEST_BUDGET = 128
"""Of models that cannot stop thinking."""

SHOWN: Mapping[bool | None, Literal["none", "summary"]] = {True: "summary", False: "none"}


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
    for effort in LEVELS:
        if effort == named:
            return effort
    raise wire.invalid(place, "is no level of thinking")


def write_thinking(thinking: Thinking | None, facts: ModelFacts) -> JSON:
    if thinking is None:
        return {}
    shown: JSON = {} if thinking.show is None else {"includeThoughts": thinking.show != "none"}
    if _is_told_by_level(thinking, facts):
        effort = effort_of(thinking)
        levels = [level for level in facts.efforts if level in LEVELS] or USUAL_LEVELS
        return shown | ({} if effort is None else {"thinkingLevel": nearest(effort, levels).upper()})
    budget = _to_budget(thinking, facts)
    return shown | ({} if budget is None else {"thinkingBudget": budget})


def _is_told_by_level(thinking: Thinking, facts: ModelFacts) -> bool:
    """As the model takes it, or as the client said it where that is not known."""
    return facts.thinking_style == "level" or (facts.thinking_style != "budget" and thinking.budget is None)


def _to_budget(thinking: Thinking, facts: ModelFacts) -> int | None:
    """Tokens, -1 for as many as the model likes."""
    largest = facts.largest_budget or LARGEST_BUDGET
    budget = budget_of(thinking)
    if budget is None and thinking.effort is not None:
        return largest
    if budget is None:
        return -1 if thinking.adaptive or thinking.budget == -1 else None
    if budget == 0 and facts.efforts and "none" not in facts.efforts:
        return SMALLEST_BUDGET
    return min(budget, largest) if facts.thinking_style == "budget" else budget
