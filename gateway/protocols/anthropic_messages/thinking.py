"""How much to think, to and from the wire: a budget, an effort, or as the model likes."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical import JSON, Effort, Thinking
from gateway.protocols.anthropic_messages.draft import Draft
from gateway.protocols.anthropic_messages.wire import USUAL_OUTPUT, OutputConfigIn, ThinkingIn, blocks_of
from gateway.protocols.efforts import BUDGETS, budget_of, effort_of, nearest

SMALLEST_BUDGET = 1024

ROOM = 1024
"""Tokens for the answer itself, at least, out of the limit that the thinking shares."""

ANSWER = 4096
"""Tokens for the answer where the limit is ours to choose."""

MOST = 64_000
"""The budget for the most there is, where the limit leaves room for it."""

USUAL_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "max")
"""What a model takes of which nothing is known."""

SHOWN: Mapping[str, Literal["none", "summary"]] = {"summarized": "summary", "omitted": "none"}

OFF: JSON = {"type": "disabled"}


def read_thinking(told: ThinkingIn | None, config: OutputConfigIn | None) -> Thinking | None:
    effort: Effort | None = config.effort if config else None
    match told:
        case None:
            return None if effort is None else Thinking(effort)
        case ThinkingIn(type="disabled"):
            return Thinking("none")
        case ThinkingIn(type="enabled"):
            return Thinking(effort, told.budget_tokens, show=SHOWN.get(told.display or ""))
        case _:
            return Thinking(effort, adaptive=True, show=SHOWN.get(told.display or ""))


class Plan(Struct, frozen=True):
    """What is written about thinking, and the limit it shares with the answer."""

    thinking: JSON | None
    effort: str | None
    limit: int
    as_given: bool = False
    """The client said it in this very form, and knows what goes with it."""

    @property
    def thinks(self) -> bool:
        return self.thinking is not None and self.thinking.get("type") != "disabled"


def plan_thinking(draft: Draft) -> Plan:
    """In the way that the model takes, or as the client of this protocol said it."""
    thinking = draft.request.thinking
    if thinking is None or thinking == Thinking(show=thinking.show):
        return _within_limit(draft, None, None)
    told, effort = draft.members.get("_thinking"), draft.members.get("_effort")
    if draft.members and (told is None or (isinstance(told, dict) and _suits(told, draft))):
        return _within_limit(draft, told, effort if isinstance(effort, str) else None, as_given=True)
    if draft.facts.thinking_style in ("adaptive", "level"):
        return _within_limit(draft, *_as_effort(thinking, draft))
    return _within_limit(draft, _as_budget(thinking, draft), None)


def settle(plan: Plan, draft: Draft, messages: Sequence[JSON], choice: JSON | None) -> Plan:
    """Without thinking where the rest of the request leaves no room for it."""
    if not plan.thinks or plan.thinking is None:
        return plan
    if not plan.as_given and choice is not None and choice["type"] in ("any", "tool"):
        draft.lose("thinking", "The model cannot think before a call that it is forced to make.")
        return replace(plan, thinking=OFF)
    is_new = not plan.as_given or draft.thoughts_left_out
    if is_new and plan.thinking["type"] == "enabled" and _is_in_thoughtless_loop(messages):
        draft.lose("thinking", "The calls that are being answered came from another model's thoughts.")
        return replace(plan, thinking=OFF)
    return plan


def _suits(told: JSON, draft: Draft) -> bool:
    """Whether the model takes thinking in the form the client gave it."""
    style = draft.facts.thinking_style
    return (
        not style
        or told.get("type") not in ("enabled", "adaptive")
        or (told["type"] == "enabled") == (style == "budget")
    )


def _as_effort(thinking: Thinking, draft: Draft) -> tuple[JSON, Effort | None]:
    effort = effort_of(thinking)
    if effort == "none":
        return OFF, None
    known = tuple(taken for taken in draft.facts.efforts if taken != "none") or USUAL_EFFORTS
    return {"type": "adaptive", **_display(thinking, draft)}, None if effort is None else nearest(effort, known)


def _as_budget(thinking: Thinking, draft: Draft) -> JSON:
    budget = budget_of(thinking)
    if budget == 0:
        return OFF
    if budget is None:
        budget = MOST if thinking.effort == "max" else BUDGETS["medium"]
    budget = max(min(budget, draft.facts.largest_budget or budget), SMALLEST_BUDGET)
    return {"type": "enabled", "budget_tokens": budget, **_display(thinking, draft)}


def _display(thinking: Thinking, draft: Draft) -> JSON:
    if thinking.show is None or not draft.genuine:
        return {}
    return {"display": "omitted" if thinking.show == "none" else "summarized"}


def _within_limit(draft: Draft, thinking: JSON | None, effort: str | None, *, as_given: bool = False) -> Plan:
    asked, most = draft.request.max_output, draft.facts.max_output
    budget = thinking.get("budget_tokens") if thinking else None
    if not isinstance(budget, int):
        limit = asked if asked is not None else most or USUAL_OUTPUT
        return Plan(thinking, effort, min(limit, most or limit), as_given)
    limit = asked if asked is not None else most or max(USUAL_OUTPUT, budget + ANSWER)
    limit = min(limit, most or limit)
    largest = limit - (1 if as_given else ROOM)
    if budget <= largest:
        return Plan(thinking, effort, limit, as_given)
    if largest >= SMALLEST_BUDGET:
        return Plan({**(thinking or {}), "budget_tokens": largest}, effort, limit, as_given)
    draft.lose("thinking", "The limit of the answer leaves no room for thinking.")
    return Plan(OFF, effort, limit, as_given)


def _is_in_thoughtless_loop(messages: Sequence[JSON]) -> bool:
    """Whether the last message answers calls that a model made without a thought before them."""
    if len(messages) < 2 or not any(block["type"] == "tool_result" for block in blocks_of(messages[-1])):
        return False
    return not any(block["type"] in ("thinking", "redacted_thinking") for block in blocks_of(messages[-2])[:1])
