"""How much to think, both ways."""

from typing import Any

import pytest
from messages import asked, body_of, decoded, lost, thoughts

from gateway.canonical import (
    FunctionTool,
    Thinking,
    ToolChoice,
)


@pytest.mark.parametrize(
    ("members", "thinking"),
    [
        ({"thinking": {"type": "disabled"}}, Thinking("none")),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, Thinking(budget=2000)),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Thinking(adaptive=True, show="none")),
        ({"output_config": {"effort": "max"}}, Thinking("max")),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, Thinking("low", adaptive=True)),
    ],
)
def test_thinking_is_understood_in_all_its_forms(members: dict[str, Any], thinking: Thinking) -> None:
    assert decoded(**members).thinking == thinking


def test_calls_that_came_without_thoughts_are_answered_without_thinking() -> None:
    assert body_of(thoughts())["thinking"] == {"type": "disabled"}
    assert body_of(thoughts(), thinking_style="adaptive")["thinking"] == {"type": "adaptive"}


@pytest.mark.parametrize(
    ("thinking", "written"),
    [
        (Thinking("none"), {"type": "disabled"}),
        (Thinking("medium"), {"type": "enabled", "budget_tokens": 8192}),
        (Thinking("minimal", show="summary"), {"type": "enabled", "budget_tokens": 1024, "display": "summarized"}),
        (Thinking(budget=100), {"type": "enabled", "budget_tokens": 1024}),
        (Thinking(budget=90_000), {"type": "enabled", "budget_tokens": 30_000}),
        (Thinking(budget=-1), {"type": "enabled", "budget_tokens": 8192}),
        (Thinking(show="summary"), None),
    ],
)
def test_thinking_is_a_budget_for_models_that_take_one(thinking: Thinking, written: dict[str, Any] | None) -> None:
    body = body_of(asked(thinking=thinking), thinking_style="budget", largest_budget=30_000)
    assert body.get("thinking") == written
    assert body["max_tokens"] >= 8192
    assert body["max_tokens"] > (written or {}).get("budget_tokens", 0)


@pytest.mark.parametrize(
    ("thinking", "kind", "effort"),
    [
        (Thinking("none"), "disabled", None),
        (Thinking("minimal"), "adaptive", "low"),
        (Thinking("xhigh"), "adaptive", "max"),
        (Thinking(budget=9000), "adaptive", "medium"),
        (Thinking(budget=-1), "adaptive", None),
        (Thinking(adaptive=True), "adaptive", None),
    ],
)
def test_thinking_is_an_effort_for_models_that_decide_themselves(
    thinking: Thinking, kind: str, effort: str | None
) -> None:
    body = body_of(asked(thinking=thinking), thinking_style="adaptive")
    assert body["thinking"]["type"] == kind
    assert body.get("output_config", {}).get("effort") == effort


def test_the_budget_leaves_room_within_the_clients_limit_or_there_is_no_thinking() -> None:
    assert body_of(asked(thinking=Thinking("high"), max_output=5000))["thinking"]["budget_tokens"] == 3976
    narrow = asked(thinking=Thinking("high"), max_output=1500)
    assert body_of(narrow)["thinking"] == {"type": "disabled"}
    assert lost(narrow) == {"thinking"}


def test_a_forced_call_is_made_without_thinking() -> None:
    request = asked(tools=(FunctionTool("a"),), tool_choice=ToolChoice("required", ("a",)), thinking=Thinking("low"))
    body = body_of(request)
    assert (body["thinking"], body["tool_choice"]) == ({"type": "disabled"}, {"type": "tool", "name": "a"})
    assert lost(request) == {"thinking"}


def test_a_client_of_this_protocol_gets_its_thinking_in_the_form_its_new_model_takes() -> None:
    request = decoded(max_tokens=20_000, thinking={"type": "enabled", "budget_tokens": 10_000})
    assert body_of(request, thinking_style="adaptive")["thinking"] == {"type": "adaptive"}
    assert body_of(request)["thinking"] == {"type": "enabled", "budget_tokens": 10_000}
