"""A choice among tools names tools that are there."""

import pytest

from gateway.canonical import FunctionTool, ServerTool, Tool, ToolChoice
from gateway.errors import BadRequest
from gateway.protocols.choices import check_choice

TOOLS = (
    FunctionTool("look"),
    FunctionTool("run", namespace="shell"),
    ServerTool("advisor_20260301", "anthropic_messages", {"name": "advisor"}),
)


@pytest.mark.parametrize("name", ["look", "run", "shell__run", "advisor", "advisor_20260301"])
def test_a_tool_may_be_chosen_by_any_of_its_names(name: str) -> None:
    check_choice(ToolChoice("required", (name,)), TOOLS, "tool_choice")


@pytest.mark.parametrize(
    ("choice", "tools"), [(ToolChoice("auto", ("look", "leap")), TOOLS), (ToolChoice("required"), ())]
)
def test_what_is_not_offered_cannot_be_chosen(choice: ToolChoice, tools: tuple[Tool, ...]) -> None:
    with pytest.raises(BadRequest) as refused:
        check_choice(choice, tools, "toolConfig")
    assert refused.value.param == "toolConfig"


def test_no_tool_need_be_offered_where_none_is_demanded() -> None:
    check_choice(ToolChoice("auto"), (), "tool_choice")
    check_choice(None, (), "tool_choice")
