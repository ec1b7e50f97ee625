"""Gemini's requests as they are written for an upstream, whatever protocol they came from."""

import json
import re
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical import (
    CustomTool,
    FunctionTool,
    Image,
    Inline,
    Native,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Remote,
    Request,
    ServerTool,
    Stored,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from gateway.errors import BadRequest
from gateway.protocols.gemini.translation import TRANSLATION
from gateway.protocols.translation import Dialect, Loss, ModelFacts, Target

SIGNATURE = "c2lnbmF0dXJl"
TARGET = Target("gemini-next", facts=ModelFacts(family="google", thinking_style="level"))
OLDER = Target("gemini-old", facts=ModelFacts(family="google", thinking_style="budget", largest_budget=32768))
WEATHER = FunctionTool("weather", "Tells it.", {"type": "object", "properties": {"city": {"type": "string"}}})


def encode(request: Request, target: Target = TARGET) -> dict[str, Any]:
    body = json.loads(TRANSLATION.encode_request(request, target).call.body)
    assert isinstance(body, dict)
    return body


def losses(request: Request, target: Target = TARGET) -> list[str]:
    return [loss.field for loss in TRANSLATION.encode_request(request, target).losses]


def asking(*parts: Part, **fields_: Any) -> Request:
    return Request("m", (Turn("user", parts or (Text("Hello"),)),), **fields_)


def after(*said: Part, results: tuple[ToolResult, ...] = (), **fields_: Any) -> Request:
    turns = (Turn("user", (Text("Hello"),)), Turn("assistant", said), *([Turn("user", results)] if results else []))
    return Request("m", turns, **fields_)


def parts_of(request: Request, turn: int, target: Target = TARGET) -> list[dict[str, Any]]:
    parts = encode(request, target)["contents"][turn]["parts"]
    assert isinstance(parts, list)
    return parts


def test_turns_of_one_side_are_one_content_with_results_first_and_in_the_order_of_the_calls() -> None:
    calls = (ToolCall("a", "x"), ToolCall("b", "y", '{"n":1}'))
    turns = (
        Turn("user", (Text("Hello"),)),
        Turn("assistant", calls[:1]),
        Turn("assistant", calls[1:]),
        Turn("user", (Text("And?"), ToolResult("b", (Text("2"),)))),
        Turn("user", (ToolResult("a", (Text("1"),), is_error=True),)),
    )
    contents = encode(Request("m", turns))["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    assert [part["functionCall"]["args"] for part in contents[1]["parts"]] == [{}, {"n": 1}]
    assert contents[2]["parts"] == [
        {"functionResponse": {"id": "a", "name": "x", "response": {"error": "1"}}},
        {"functionResponse": {"id": "b", "name": "y", "response": {"output": "2"}}},
        {"text": "And?"},
    ]


@pytest.mark.parametrize(
    "request_",
    [
        after(ToolCall("a", "x"), results=(ToolResult("b", (Text("1"),)),)),
        after(ToolCall("a", "x"), ToolCall("b", "x"), results=(ToolResult("b", (Text("1"),)),)),
        after(ToolCall("a", "x"), results=(ToolResult("a"), ToolResult("a"))),
        asking(ToolResult("a", (Text("1"),))),
        Request("m", ()),
        asking(choices=2),
        asking(tools=(ServerTool("web_search", "openai_responses", {"type": "web_search"}),)),
        asking(Image(Stored("openai_responses", "file_1"))),
        asking(extensions={"anthropic_messages": {"thread": {"type": "create"}}}),
    ],
)
def test_what_cannot_be_said_without_changing_it_is_refused(request_: Request) -> None:
    with pytest.raises(BadRequest):
        TRANSLATION.encode_request(request_, TARGET)


def test_media_in_a_result_stand_in_it_or_beside_it_as_the_model_takes_them() -> None:
    result = ToolResult("a", (Text("Here"), Image(Inline("image/png", "AAAA"))))
    request = after(ToolCall("a", "x"), results=(result,))
    blob = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert parts_of(request, 2)[0]["functionResponse"]["parts"] == [blob]
    assert parts_of(request, 2, OLDER)[1] == blob


def test_a_signature_goes_to_the_call_it_came_with_also_when_a_client_kept_it_as_a_thought() -> None:
    signed = Opaque("google", "thought_signature", SIGNATURE)
    kept = after(Reasoning(opaque=signed), ToolCall("a", "x"), ToolCall("b", "x"))
    straight = after(ToolCall("a", "x", opaque=signed), ToolCall("b", "x"))
    assert parts_of(kept, 1) == parts_of(straight, 1)
    assert [part.get("thoughtSignature") for part in parts_of(kept, 1)] == [SIGNATURE, None]


def test_another_familys_thought_is_left_out_with_its_text() -> None:
    foreign = Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "abc"))
    request = after(foreign, Reasoning("Hm?"), Text("Yes"))
    assert parts_of(request, 1) == [{"text": "Yes"}]
    assert losses(request) == ["part.reasoning"]


def test_a_stand_in_signs_the_first_call_of_each_step_since_the_user_spoke() -> None:
    old = (Turn("user", (Text("1"),)), Turn("assistant", (ToolCall("o", "x"),)), Turn("user", (ToolResult("o"),)))
    new = (
        Turn("assistant", (Text("Done"),)),
        Turn("user", (Text("2"),)),
        Turn("assistant", (ToolCall("a", "x"), ToolCall("b", "x"))),
        Turn("user", (ToolResult("a"), ToolResult("b"))),
        Turn("assistant", (ToolCall("c", "x", opaque=Opaque("google", "thought_signature", SIGNATURE)),)),
        Turn("user", (ToolResult("c"),)),
    )
    contents = encode(Request("m", old + new))["contents"]
    signatures = [
        part.get("thoughtSignature") for content in contents for part in content["parts"] if "functionCall" in part
    ]
    assert signatures == [None, "skip_thought_signature_validator", None, SIGNATURE]
    assert "part.reasoning" in losses(Request("m", old + new))
    assert "thoughtSignature" not in json.dumps(encode(Request("m", old), OLDER))


@pytest.mark.parametrize(
    ("thinking", "target", "written"),
    [
        (Thinking("none"), TARGET, {"thinkingLevel": "MINIMAL"}),
        (Thinking("max", show="summary"), TARGET, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (Thinking(budget=2048), TARGET, {"thinkingLevel": "LOW"}),
        (Thinking(budget=-1), TARGET, None),
        (Thinking("none"), OLDER, {"thinkingBudget": 0}),
        (Thinking("max", show="none"), OLDER, {"thinkingBudget": 32768, "includeThoughts": False}),
        (Thinking(adaptive=True), OLDER, {"thinkingBudget": -1}),
        (Thinking(budget=99999), OLDER, {"thinkingBudget": 32768}),
        (Thinking("medium"), Target("m"), {"thinkingLevel": "MEDIUM"}),
        (Thinking(budget=77), Target("m"), {"thinkingBudget": 77}),
    ],
)
def test_thinking_is_told_in_the_way_the_model_takes_it(
    thinking: Thinking, target: Target, written: dict[str, object] | None
) -> None:
    assert encode(asking(thinking=thinking), target).get("generationConfig", {}).get("thinkingConfig") == written


@pytest.mark.parametrize(
    ("choice", "strict", "written"),
    [
        (ToolChoice("auto"), None, {"mode": "AUTO"}),
        (ToolChoice("auto"), True, {"mode": "VALIDATED"}),
        (ToolChoice("auto", ("weather",)), None, {"mode": "VALIDATED", "allowedFunctionNames": ["weather"]}),
        (ToolChoice("none"), None, {"mode": "NONE"}),
        (ToolChoice("required"), True, {"mode": "ANY"}),
        (ToolChoice("required", ("weather",)), None, {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)
def test_a_choice_of_tools_comes_back_as_it_was_written(
    choice: ToolChoice, strict: bool | None, written: dict[str, object]
) -> None:
    body = encode(asking(tools=(replace(WEATHER, strict=strict),), tool_choice=choice))
    assert body["toolConfig"]["functionCallingConfig"] == written
    encoded = TRANSLATION.encode_request(asking(tools=(replace(WEATHER, strict=strict),), tool_choice=choice), TARGET)
    assert TRANSLATION.decode_request(encoded.call).tool_choice == choice


def test_tools_are_named_as_gemini_can_and_their_names_lead_back() -> None:
    tools = (FunctionTool("tide table"), FunctionTool("read", namespace="files"), CustomTool("patch", "Edits."))
    encoded = TRANSLATION.encode_request(asking(tools=tools, tool_choice=ToolChoice("required", ("read",))), TARGET)
    body = json.loads(encoded.call.body)
    written = [function["name"] for function in body["tools"][0]["functionDeclarations"]]
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}", name) for name in written)
    assert [encoded.names.get(name, name) for name in written] == ["tide table", "files__read", "patch"]
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["files__read"]
    assert "parametersJsonSchema" not in body["tools"][0]["functionDeclarations"][0]


def test_what_a_schema_cannot_say_is_told_by_its_place() -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 5}}}
    request = asking(tools=(FunctionTool("x", schema=schema),), output=OutputFormat("schema", schema=schema))
    assert losses(request) == ["tools[0].schema.properties.n.multipleOf", "output.schema.properties.n.multipleOf"]
    assert encode(request)["generationConfig"]["responseMimeType"] == "application/json"


def test_an_upstream_of_the_older_schemas_gets_those() -> None:
    older = Target("m", Dialect(json_schemas=False))
    body = encode(asking(tools=(WEATHER,), output=OutputFormat("schema", schema=WEATHER.schema)), older)
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}
    assert body["tools"][0]["functionDeclarations"][0]["parameters"] == schema
    assert body["generationConfig"]["responseSchema"] == schema


def test_an_output_format_beside_functions_is_refused_where_the_model_takes_one_of_them() -> None:
    request = asking(tools=(WEATHER,), output=OutputFormat("json"))
    assert encode(request)["generationConfig"] == {"responseMimeType": "application/json"}
    with pytest.raises(BadRequest):
        TRANSLATION.encode_request(request, OLDER)


def test_what_gemini_has_no_word_for_is_told() -> None:
    request = asking(
        Native("anthropic_messages", "server_tool_use", {}),
        Text("Hello"),
        logit_bias={"1": 2},
        verbosity="low",
        parallel_calls=False,
        stop=tuple("abcdef"),
        tier="scale",
        extensions={"openai_chat": {"prediction": {}}},
    )
    expected = {"turns[0].parts[0]", "logit_bias", "verbosity", "parallel_calls", "stop", "tier", "prediction"}
    assert set(losses(request)) == expected


def test_a_system_turn_within_the_conversation_stays_in_its_place() -> None:
    turns = (Turn("user", (Text("1"),)), Turn("system", (Text("Be brief."),)), Turn("user", (Text("2"),)))
    encoded = TRANSLATION.encode_request(Request("m", turns), TARGET)
    texts = [part["text"] for part in json.loads(encoded.call.body)["contents"][0]["parts"]]
    assert texts == ["1", "<system>\nBe brief.\n</system>", "2"]
    assert encoded.losses == (Loss("turns[1]", "Gemini has no system turns within a conversation."),)


def test_an_address_without_a_type_is_given_one_and_refused_where_addresses_are() -> None:
    image = asking(Image(Remote("https://example.com/cat.webp?size=1")))
    assert parts_of(image, 0) == [
        {"fileData": {"fileUri": "https://example.com/cat.webp?size=1", "mimeType": "image/webp"}}
    ]
    with pytest.raises(BadRequest):
        TRANSLATION.encode_request(image, Target("m", Dialect(image_urls=False)))
