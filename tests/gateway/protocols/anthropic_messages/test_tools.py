"""Tools and the choice among them, both ways."""

from typing import Any

import pytest
from messages import CLONE, TOOL, asked, body_of, decoded

from gateway.canonical import (
    CustomTool,
    FunctionTool,
    ServerTool,
    ToolChoice,
    WebSearch,
)
from gateway.errors import BadRequest


@pytest.mark.parametrize(
    ("told", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "tool", "name": "look"}, ToolChoice("required", ("look",)), None),
        ({"type": "none"}, ToolChoice("none"), None),
    ],
)
def test_the_choice_of_tools_survives(told: dict[str, Any], choice: ToolChoice, parallel: bool | None) -> None:
    request = decoded(tools=[TOOL], tool_choice=told)
    assert (request.tool_choice, request.parallel_calls) == (choice, parallel)
    assert body_of(request)["tool_choice"] == told


def test_dated_client_tools_are_functions_to_others_and_themselves_at_home() -> None:
    item = {"type": "bash_20250124", "name": "bash", "cache_control": {"type": "ephemeral"}}
    request = decoded(tools=[item])
    tool = request.tools[0]
    assert isinstance(tool, FunctionTool)
    assert (tool.name, "command" in str(tool.schema)) == ("bash", True)
    assert body_of(request)["tools"] == [item]
    assert body_of(request, CLONE)["tools"][0]["input_schema"] == tool.schema


def test_server_tools_are_known_by_their_kind() -> None:
    item = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    assert decoded(tools=[item]).tools == (ServerTool("web_search", "anthropic_messages", item, WebSearch(max_uses=2)),)


def test_tools_are_written_with_an_object_as_their_schema() -> None:
    tools = (FunctionTool("a"), FunctionTool("b", "B.", {"properties": {"x": {}}}), CustomTool("c"))
    written = body_of(asked(tools=tools))["tools"]
    assert written[0] == {"name": "a", "input_schema": {"type": "object", "properties": {}}}
    assert written[1]["input_schema"]["type"] == "object"
    assert written[2]["input_schema"]["required"] == ["input"]


def test_a_strict_tool_stays_strict_where_its_schema_can_be_closed() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    open_schema = {"type": "object", "properties": {"x": {"type": "integer", "minimum": 3}}}
    written = body_of(
        asked(tools=(FunctionTool("a", schema=schema, strict=True), FunctionTool("b", schema=open_schema, strict=True)))
    )
    assert written["tools"][0] == {
        "name": "a",
        "input_schema": {**schema, "additionalProperties": False},
        "strict": True,
    }
    assert written["tools"][1] == {"name": "b", "input_schema": open_schema}


def test_only_the_tools_in_question_are_sent_where_the_choice_is_among_some() -> None:
    tools = (FunctionTool("a"), FunctionTool("b"), FunctionTool("c"))
    body = body_of(asked(tools=tools, tool_choice=ToolChoice("required", ("a", "c")), parallel_calls=False))
    assert [tool["name"] for tool in body["tools"]] == ["a", "c"]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert "tool_choice" not in body_of(asked(tool_choice=ToolChoice("required")))


def test_another_providers_server_tool_is_refused() -> None:
    with pytest.raises(BadRequest) as refused:
        body_of(asked(tools=(ServerTool("web_search", "openai_responses", {"type": "web_search"}),)))
    assert (refused.value.code, refused.value.param) == ("unsupported_tool", "tools[0]")
