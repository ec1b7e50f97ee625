"""Calls reach the client under the names and in the kinds that it gave its tools, whatever the upstream knew."""

from gateway.canonical import (
    CustomTool,
    Ending,
    Event,
    FunctionTool,
    PartDelta,
    PartEnded,
    PartStarted,
    Request,
    Response,
    Text,
    ToolCall,
)
from gateway.protocols.client_calls import ClientCalls

TOOLS = (FunctionTool("look.up"), FunctionTool("run", namespace="shell"), CustomTool("patch"))
REQUEST = Request(model="m", turns=(), tools=TOOLS)
NAMES = {"look_up_x1": "look.up"}


def streamed(*events: Event) -> list[Event]:
    calls = ClientCalls(REQUEST, NAMES)
    return [told for event in events for told in calls.event(event)]


def test_a_name_that_was_changed_for_the_target_is_changed_back() -> None:
    assert streamed(PartStarted(0, ToolCall("c", "look_up_x1"))) == [PartStarted(0, ToolCall("c", "look.up"))]


def test_a_full_name_is_split_into_the_namespace_and_the_name_that_the_client_gave() -> None:
    told = streamed(PartStarted(0, ToolCall("c", "shell__run")))
    assert told == [PartStarted(0, ToolCall("c", "run", namespace="shell"))]


def test_a_tool_that_the_client_never_offered_keeps_its_name() -> None:
    assert streamed(PartStarted(0, ToolCall("c", "other"))) == [PartStarted(0, ToolCall("c", "other"))]


def test_a_free_text_tools_call_is_unwrapped_once_its_text_is_whole() -> None:
    told = streamed(
        PartStarted(0, ToolCall("c", "patch")), PartDelta(0, '{"inp'), PartDelta(0, 'ut":"a\\nb"}'), PartEnded(0)
    )
    assert told == [PartStarted(0, ToolCall("c", "patch", custom=True)), PartDelta(0, "a\nb"), PartEnded(0)]


def test_text_beside_it_passes_without_waiting() -> None:
    told = streamed(PartStarted(0, ToolCall("c", "patch")), PartStarted(1, Text()), PartDelta(1, "hi"))
    assert told[-1] == PartDelta(1, "hi")


def test_a_call_that_is_free_text_already_is_left_alone() -> None:
    told = streamed(PartStarted(0, ToolCall("c", "patch", custom=True)), PartDelta(0, "raw"), PartEnded(0))
    assert told[1] == PartDelta(0, "raw")


def test_a_whole_answer_is_treated_like_its_stream() -> None:
    parts = (Text("hi"), ToolCall("c", "patch", '{"input":"x"}'), ToolCall("d", "look_up_x1", "{}"))
    told = ClientCalls(REQUEST, NAMES).response(Response("r", "m", parts, Ending("tool")))
    assert told.parts == (Text("hi"), ToolCall("c", "patch", "x", custom=True), ToolCall("d", "look.up", "{}"))
