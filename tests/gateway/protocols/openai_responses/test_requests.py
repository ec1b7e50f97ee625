"""Requests of Responses: what they amount to, how they are written for an upstream, and what they may not be."""

import json
import typing
from typing import Any, get_args

import msgspec
import pytest
from openai.types.responses import response_create_params, response_input_item_param, tool_param
from openai.types.responses.response_text_config_param import ResponseTextConfigParam
from openai.types.shared_params import Reasoning as ReasoningParam

from gateway import canonical
from gateway.canonical import (
    Audio,
    Cache,
    CustomTool,
    Document,
    FunctionTool,
    Image,
    Inline,
    Native,
    Opaque,
    OutputFormat,
    Reasoning,
    Refusal,
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
    Video,
)
from gateway.errors import BadRequest
from gateway.protocols.capsules import seal
from gateway.protocols.codec import Call
from gateway.protocols.openai_responses import wire
from gateway.protocols.openai_responses.items import READERS
from gateway.protocols.openai_responses.requests import FATES, FIELDS, decode_request, encode_request
from gateway.protocols.translation import Dialect, Encoded, ModelFacts, Target

PROTOCOL = "openai_responses"

OPENAI = Target(model="upstream-model", facts=ModelFacts(family="openai", efforts=("low", "medium", "high")))
HELLO = (Turn("user", (Text("Hello"),)),)
SIGNED = Opaque("anthropic", "signature", "c2ln")
WEATHER: dict[str, Any] = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"}
SUNNY: dict[str, Any] = {"type": "function_call_output", "call_id": "call_1", "output": "Sunny"}


def read(**members: Any) -> Request:
    body = {"model": "m", "input": "Hello"} | members
    return decode_request(Call("POST", "responses", {}, {}, json.dumps(body).encode()))


def write(request: Request, target: Target = OPENAI) -> dict[str, Any]:
    return body_of(encode_request(request, target))


def body_of(encoded: Encoded) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encoded.call.body)
    return body


def ask(**members: Any) -> Request:
    return Request(model="m", **{"turns": HELLO} | members)


def again(**members: Any) -> dict[str, Any]:
    """What is written for this protocol's own client."""
    return write(read(**members))


def said_by(role: Any, *parts: Any) -> tuple[Turn, ...]:
    return (Turn(role, parts),)


def lost(request: Request, target: Target = OPENAI) -> list[str]:
    return [loss.field for loss in encode_request(request, target).losses]


# reading


def test_a_string_as_input_is_what_the_user_said() -> None:
    assert read(input="Hello").turns == HELLO


def test_a_message_may_leave_out_its_type_and_have_a_string_as_content() -> None:
    assert read(input=[{"role": "user", "content": "Hello"}]).turns == HELLO


def test_the_models_items_up_to_the_next_result_are_one_turn() -> None:
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Looking."}]}
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "e"}
    second = WEATHER | {"call_id": "call_2"}
    turns = read(input=[thought, said, WEATHER, second, SUNNY, SUNNY | {"call_id": "call_2"}]).turns
    assert [(turn.role, len(turn.parts)) for turn in turns] == [("assistant", 4), ("user", 2)]
    assert turns[0].parts[0] == Reasoning("Hm.", summary=True, opaque=Opaque("openai", "encrypted", "e"))
    assert turns[0].parts[2:] == (ToolCall("call_1", "weather", "{}"), ToolCall("call_2", "weather", "{}"))


def test_instructions_are_joined_by_leading_system_items_and_later_ones_stay_in_place() -> None:
    items = [
        {"role": "system", "content": "Second."},
        {"role": "developer", "content": [{"type": "input_text", "text": "Third."}]},
        {"role": "user", "content": "Hello"},
        {"role": "developer", "content": "Be brief now."},
    ]
    request = read(instructions="First.", input=items)
    assert [text.text for text in request.instructions] == ["First.", "Second.", "Third."]
    assert [turn.role for turn in request.turns] == ["user", "system"]


@pytest.mark.parametrize(
    ("part", "read_as"),
    [
        (
            {"type": "input_image", "image_url": "https://a/b.png", "detail": "low"},
            Image(Remote("https://a/b.png"), "low"),
        ),
        ({"type": "input_image", "image_url": "data:image/png;base64,iVBO"}, Image(Inline("image/png", "iVBO"))),
        ({"type": "input_image", "file_id": "file-1"}, Image(Stored("openai_responses", "file-1"))),
        (
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
            Document(Inline("application/pdf", "JVBE"), "a.pdf"),
        ),
        ({"type": "input_file", "file_data": "JVBE"}, Document(Inline("application/pdf", "JVBE"))),
        ({"type": "input_file", "file_url": "https://a/b.pdf"}, Document(Remote("https://a/b.pdf"))),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            Audio(Inline("audio/mpeg", "AAAA")),
        ),
        (
            {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            Text("x", cache=Cache("12h")),
        ),
    ],
)
def test_content_is_read_and_written_back_for_the_same_protocol(part: dict[str, Any], read_as: object) -> None:
    request = read(input=[{"role": "user", "content": [part]}])
    assert request.turns[0].parts == (read_as,)
    written = write(request)["input"][0]["content"][0]
    assert part.items() <= (written | {"file_data": part.get("file_data")}).items()


def test_a_tool_result_may_hold_pictures_beside_its_text() -> None:
    output = [
        {"type": "input_text", "text": "See"},
        {"type": "input_image", "image_url": "https://a/b", "detail": "auto"},
    ]
    request = read(input=[WEATHER, SUNNY | {"output": output}])
    assert request.turns[1].parts == (ToolResult("call_1", (Text("See"), Image(Remote("https://a/b"), "auto"))),)
    assert write(request)["input"][1]["output"] == output


def test_free_text_tools_their_calls_and_results_are_told_from_functions() -> None:
    tool = {"type": "custom", "name": "patch", "description": "Edits", "format": {"type": "text"}}
    call = {"type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": "*** Begin"}
    result = {"type": "custom_tool_call_output", "call_id": "call_1", "output": "Done"}
    request = read(tools=[tool], input=[call, result])
    assert request.tools == (CustomTool("patch", "Edits", {"type": "text"}),)
    assert request.turns[0].parts == (ToolCall("call_1", "patch", "*** Begin", custom=True),)
    assert (write(request)["tools"], write(request)["input"]) == ([tool], [call, result])


def test_namespaces_group_tools_and_are_written_back_as_groups() -> None:
    function = {"type": "function", "name": "send", "parameters": {"type": "object"}, "strict": False}
    group = {"type": "namespace", "name": "mail", "description": "Letters", "tools": [function]}
    request = read(tools=[group, function | {"defer_loading": True}])
    assert request.tools == (
        FunctionTool("send", schema={"type": "object"}, strict=False, namespace="mail"),
        FunctionTool("send", schema={"type": "object"}, strict=False),
    )
    assert write(request)["tools"] == [group, function | {"defer_loading": True}]


SEND: dict[str, Any] = {"type": "function", "name": "send", "parameters": {"type": "object"}, "strict": False}
BROUGHT: dict[str, Any] = {
    "type": "additional_tools",
    "role": "developer",
    "tools": [
        {"type": "namespace", "name": "shell", "description": "", "tools": [{"type": "custom", "name": "exec"}]},
        SEND | {"description": "Sends a letter", "defer_loading": True},
    ],
}


def test_tools_that_an_item_brings_are_tools_like_those_of_the_list() -> None:
    request = read(input=[BROUGHT, {"role": "user", "content": "Hi"}], tools=[SEND | {"name": "first"}])
    assert request.tools == (
        FunctionTool("first", schema={"type": "object"}, strict=False),
        CustomTool("exec", namespace="shell"),
        FunctionTool("send", "Sends a letter", {"type": "object"}, strict=False),
    )
    assert request.turns == (Turn("user", (Text("Hi"),)),)
    assert request.extensions[PROTOCOL]["tools"] == {"2": {"defer_loading": True}}


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_an_item_that_brings_tools_stays_in_its_place_for_the_same_protocol(place: int) -> None:
    items: list[dict[str, Any]] = [{"role": "developer", "content": "Be brief."}, WEATHER, SUNNY]
    items.insert(place, BROUGHT)
    body = again(input=items)
    assert (body["input"][place], body.get("tools")) == (BROUGHT, None)
    assert [item["type"] for item in body["input"] if item != BROUGHT] == ["message", WEATHER["type"], SUNNY["type"]]


def test_a_tool_that_comes_again_takes_the_place_of_the_earlier_one() -> None:
    request = read(input=[BROUGHT, {"role": "user", "content": "Hi"}], tools=[SEND])
    assert [(tool.name, tool.description) for tool in request.tools if not isinstance(tool, ServerTool)] == [
        ("send", "Sends a letter"),
        ("exec", ""),
    ]


@pytest.mark.parametrize(
    ("choice", "read_as"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("required", ("f",))),
        ({"type": "custom", "name": "c"}, ToolChoice("required", ("c",))),
        ({"type": "web_search"}, ToolChoice("required", ("web_search",))),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}],
            },
            ToolChoice("auto", ("f", "c")),
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "mcp", "server_label": "s"}]},
            ToolChoice("required", ("mcp",)),
        ),
    ],
)
def test_every_form_of_choice_is_read_and_written_back(choice: object, read_as: ToolChoice) -> None:
    tools = [{"type": "function", "name": "f", "strict": True}, {"type": "custom", "name": "c"}, {"type": "web_search"}]
    request = read(tools=tools, tool_choice=choice)
    assert request.tool_choice == read_as
    assert write(request)["tool_choice"] == choice


def test_tools_of_the_provider_are_known_by_a_name_that_all_protocols_share() -> None:
    tools = [{"type": "web_search_preview"}, {"type": "code_interpreter", "container": "c"}, {"type": "tool_search"}]
    request = read(tools=tools)
    assert [tool.kind for tool in request.tools if isinstance(tool, ServerTool)] == [
        "web_search",
        "code_execution",
        "tool_search",
    ]
    assert write(request)["tools"] == tools


def test_how_much_to_think_and_what_to_show_of_it_is_read() -> None:
    asked = {"effort": "high", "summary": "detailed", "context": "all_turns"}
    request = read(reasoning=asked)
    assert request.thinking == Thinking(effort="high", show="summary")
    assert write(request)["reasoning"] == asked
    assert read(reasoning={"effort": None, "summary": None}).thinking is None


def test_the_form_of_the_text_is_read_and_written_back() -> None:
    form = {"type": "json_schema", "name": "Person", "schema": {"type": "object"}, "strict": True}
    text = {"format": form, "verbosity": "low"}
    request = read(text=text)
    assert request.output == OutputFormat("schema", name="Person", schema={"type": "object"}, strict=True)
    assert (request.verbosity, write(request)["text"]) == ("low", text)
    assert read(text={"format": {"type": "json_object"}}).output == OutputFormat("json")
    assert read(text={"format": {"type": "text"}}).output is None


def test_what_lies_at_the_provider_is_carried_for_the_same_protocol() -> None:
    members = {"previous_response_id": "resp_1", "prompt": {"id": "p"}, "background": True, "truncation": "auto"}
    request = read(**members)
    assert members.items() <= request.extensions["openai_responses"].items()
    assert members.items() <= write(request).items()
    assert read(input=[{"type": "item_reference", "id": "msg_1"}]).extensions[PROTOCOL]["item_reference"] == ["msg_1"]


def test_server_tools_items_stay_as_they_are_in_their_place() -> None:
    items: list[dict[str, Any]] = [
        {"role": "user", "content": "Hi"},
        {"type": "web_search_call", "id": "ws_1"},
        {"id": "msg_1"},
    ]
    request = read(input=items)
    assert request.turns[1].parts == (
        Native("openai_responses", "web_search_call", items[1]),
        Native("openai_responses", "item_reference", items[2]),
    )
    assert write(request)["input"][1:] == items[1:]


def test_a_token_of_another_family_comes_back_out_of_its_capsule() -> None:
    thought = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": seal(SIGNED),
    }
    request = read(input=[thought, WEATHER, SUNNY])
    assert request.turns[0].parts[0] == Reasoning("Hm.", opaque=SIGNED)
    assert write(request)["input"][0]["type"] == "function_call"
    assert lost(request) == ["turns[0].parts[0]"]


def test_a_signature_on_an_empty_thought_belongs_to_the_call_after_it() -> None:
    signature = Opaque("google", "thought_signature", "c2ln")
    thought = {"type": "reasoning", "summary": [], "encrypted_content": seal(signature)}
    call = read(input=[thought, WEATHER, WEATHER | {"call_id": "b"}, SUNNY, SUNNY | {"call_id": "b"}]).turns[0].parts
    assert call == (ToolCall("call_1", "weather", "{}", opaque=signature), ToolCall("b", "weather", "{}"))


def test_a_call_id_may_be_used_again_once_it_was_answered() -> None:
    request = read(input=[WEATHER, SUNNY, WEATHER, SUNNY])
    ids = [item["call_id"] for item in write(request)["input"]]
    assert ids[0] == ids[1] != ids[2] == ids[3]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"type": "bogus"}]}, "input[0].type"),
        ({"input": [{"type": ["message"]}]}, "input[0].type"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ""}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": []}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].image_url"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "%"}]}]},
            "input[0].content[0].file_data",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": "x"}]}]},
            "input[0].content[0].input_audio",
        ),
        ({"input": [{"type": "additional_tools", "tools": "x"}]}, "input[0].tools"),
        ({"input": [{"type": "additional_tools", "tools": [{"type": "custom"}]}]}, "input[0].tools[0].name"),
        ({"input": [SUNNY]}, "input[0].call_id"),
        ({"input": [WEATHER, SUNNY, SUNNY]}, "input[2].call_id"),
        ({"input": [WEATHER, WEATHER, SUNNY]}, "input[1].call_id"),
        ({"input": [WEATHER]}, "input[0].call_id"),
        ({"input": [WEATHER | {"call_id": ""}]}, "input[0].call_id"),
        ({"input": [WEATHER | {"name": None}, SUNNY]}, "input[0].name"),
        ({"input": [WEATHER | {"arguments": 5}, SUNNY]}, "input[0].arguments"),
        ({"input": [WEATHER, SUNNY | {"output": 5}]}, "input[1].output"),
        ({"input": [{"type": "reasoning", "summary": "x"}]}, "input[0].summary"),
        ({"input": [{"type": "reasoning", "summary": [{}]}]}, "input[0].summary[0].text"),
        ({"input": [{"type": "reasoning", "summary": [], "encrypted_content": 5}]}, "input[0].encrypted_content"),
        ({"instructions": 5}, "instructions"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"name": "f"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": "x"}]}, "tools[0].parameters"),
        ({"tools": [{"type": "function", "name": "f", "strict": "yes"}]}, "tools[0].strict"),
        ({"tools": [{"type": "namespace", "name": "n"}]}, "tools[0].tools"),
        ({"tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "f"}]}, "tools"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto"}}, "tool_choice.tools"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"text": "short"}, "text"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"reasoning": []}, "reasoning"),
        ({"temperature": "warm"}, "temperature"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"metadata": []}, "metadata"),
        ({"include": "x"}, "include[...]"),
        ({"previous_response_id": 5}, "previous_response_id"),
        ({"previous_response_id": "a", "conversation": "b"}, "previous_response_id"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused_by_the_name_of_the_field(members: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**members)
    assert caught.value.param == param.removesuffix("[...]")


def test_results_of_calls_that_the_provider_remembers_need_no_call_here() -> None:
    assert read(input=[SUNNY], previous_response_id="resp_1").turns[0].parts[0] == ToolResult(
        "call_1", (Text("Sunny"),)
    )
    assert read(input=[{"type": "item_reference", "id": "fc_1"}, SUNNY]).turns[1].role == "user"


def test_a_shell_call_of_the_provider_may_be_answered_like_a_function() -> None:
    shell = {"type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "status": "completed"}
    assert read(input=[shell, SUNNY]).turns[1].parts == (ToolResult("call_1", (Text("Sunny"),)),)


# writing for clients of other protocols


def test_a_conversation_becomes_items_in_its_order() -> None:
    turns = (
        *said_by("user", Text("Weather?"), Image(Remote("https://a/b"))),
        *said_by("assistant", Text("Looking."), ToolCall("call_1", "weather", '{"a":1}'), ToolCall("call_2", "time")),
        *said_by("user", ToolResult("call_1", (Text("Sunny"),)), ToolResult("call_2", is_error=True), Text("So?")),
    )
    items = write(ask(turns=turns))["input"]
    assert [item.get("role") or item["type"] for item in items] == [
        "user",
        "assistant",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
        "user",
    ]
    assert items[0]["content"][1] == {"type": "input_image", "detail": "auto", "image_url": "https://a/b"}
    assert items[1]["content"] == [{"type": "output_text", "text": "Looking.", "annotations": []}]
    assert [item["arguments"] for item in items[2:4]] == ['{"a":1}', "{}"]
    assert [item["output"] for item in items[4:6]] == ["Sunny", "ERROR: "]
    assert not any("id" in item for item in items)


def test_nothing_is_kept_at_the_upstream_and_the_thoughts_are_asked_for() -> None:
    body = write(ask())
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])


def test_a_model_that_does_not_think_is_not_asked_for_its_thoughts() -> None:
    assert "include" not in write(ask(), Target(model="m", facts=ModelFacts(family="openai")))
    assert "include" in write(ask(), Target(model="m"))


def test_the_thoughts_of_the_same_family_go_back_and_those_of_others_do_not() -> None:
    mine = Reasoning("Hm.", summary=True, opaque=Opaque("openai", "encrypted", "e"))
    turns = said_by("assistant", Reasoning("One.", summary=True), mine, Reasoning("No.", opaque=SIGNED), Text("Yes"))
    request = ask(turns=(*HELLO, *turns))
    summary = [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Hm."}]
    assert write(request)["input"][1] == {"type": "reasoning", "summary": summary, "encrypted_content": "e"}
    assert write(request)["input"][2]["type"] == "message"
    assert lost(request) == ["turns[1].parts[2]"]


def test_a_thought_that_we_showed_ourselves_is_not_sent_as_if_it_lay_at_the_upstream() -> None:
    thought = {
        "type": "reasoning",
        "id": wire.mint_item("rs", "seed"),
        "summary": [{"type": "summary_text", "text": "x"}],
    }
    said = {"type": "message", "id": wire.mint_item("msg", "seed"), "role": "assistant", "content": "Hi"}
    items = again(input=[thought, said, {"role": "user", "content": "So?"}])["input"]
    assert [item["type"] for item in items] == ["message", "message"]
    assert "id" not in items[0]


def test_a_tool_always_says_whether_it_is_strict() -> None:
    strict = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    tools = (FunctionTool("a"), FunctionTool("b", schema=strict, strict=True), FunctionTool("c", strict=True))
    written = write(ask(tools=tools))["tools"]
    assert [tool["strict"] for tool in written] == [False, True, False]
    assert written[0]["parameters"] == {"type": "object", "properties": {}}


def test_names_and_ids_that_openai_refuses_are_replaced_alike_everywhere() -> None:
    call = ToolCall("x" * 80, "mail.send")
    turns = (*said_by("assistant", call), *said_by("user", ToolResult("x" * 80)))
    encoded = encode_request(ask(turns=turns, tools=(FunctionTool("mail.send"),)), OPENAI)
    body = body_of(encoded)
    name = body["tools"][0]["name"]
    assert encoded.names == {name: "mail.send"}
    assert (body["input"][0]["name"], body["input"][0]["call_id"]) == (name, body["input"][1]["call_id"])
    assert len(body["input"][0]["call_id"]) <= 64


def test_an_error_and_a_structured_result_are_told_as_text() -> None:
    results = (ToolResult("a", (Text("No such city"),), is_error=True), ToolResult("b", structured={"ok": True}))
    calls = (ToolCall("a", "f"), ToolCall("b", "f"))
    items = write(ask(turns=(*said_by("assistant", *calls), *said_by("user", *results))))["input"]
    assert [item["output"] for item in items[2:]] == ["ERROR: No such city", '{"ok":true}']


def test_budgets_amount_to_efforts_that_the_model_takes() -> None:
    def effort(budget: int) -> object:
        return write(ask(thinking=Thinking(budget=budget))).get("reasoning", {}).get("effort")

    assert [effort(budget) for budget in (-1, 0, 1024, 8192, 20000, 32000)] == [
        None,
        "low",
        "low",
        "medium",
        "high",
        "high",
    ]


def test_a_summary_is_asked_for_where_thoughts_are_to_be_shown() -> None:
    assert write(ask(thinking=Thinking(effort="low", show="full")))["reasoning"] == {"effort": "low", "summary": "auto"}
    assert write(ask(thinking=Thinking(effort="low", show="none")))["reasoning"] == {"effort": "low"}


def test_what_responses_cannot_say_is_told_as_lost() -> None:
    request = ask(stop=("x",), top_k=5, seed=1, presence_penalty=1.0, frequency_penalty=1.0, logit_bias={"1": 2})
    assert sorted(lost(request)) == ["frequency_penalty", "logit_bias", "presence_penalty", "seed", "stop", "top_k"]
    assert lost(ask(max_output=5)) == ["max_output"]
    assert write(ask(max_output=5))["max_output_tokens"] == 16


def test_a_model_that_does_not_sample_is_spared_the_temperature() -> None:
    target = Target(model="m", facts=ModelFacts(family="openai", samples=False))
    assert lost(ask(temperature=0.5, top_p=0.5), target) == ["temperature", "top_p"]
    assert "temperature" not in write(ask(temperature=0.5), target)


@pytest.mark.parametrize(
    "members",
    [
        {"choices": 2},
        {"modalities": ("audio",)},
        {"turns": said_by("user", Video(Remote("https://a/b.mp4")))},
        {"turns": said_by("user", Audio(Remote("https://a/b.mp3")))},
        {"turns": said_by("user", Image(Stored("gemini", "f")))},
        {"tools": (ServerTool("web_search", "gemini", {}),)},
        {"extensions": {"anthropic_messages": {"container": "c"}}},
    ],
)
def test_what_would_be_another_request_without_it_is_refused(members: Any) -> None:
    with pytest.raises(BadRequest):
        write(ask(**members))


def test_the_name_of_a_speaker_is_told_as_lost() -> None:
    assert lost(ask(turns=(Turn("user", (Text("Hello"),), name="Ann"),))) == ["turns[0].name"]


def test_what_another_protocol_alone_knows_is_told_as_lost() -> None:
    assert lost(ask(extensions={"anthropic_messages": {"speed": "fast"}})) == ["speed"]


def test_instructions_come_above_and_later_ones_in_the_role_of_the_dialect() -> None:
    turns = (*HELLO, *said_by("system", Text("Be brief.")))
    body = write(ask(instructions=(Text("A"), Text("B")), turns=turns))
    assert (body["instructions"], body["input"][1]["role"]) == ("A\n\nB", "developer")
    plain = Target(model="m", dialect=Dialect(system_role="system"))
    assert write(ask(turns=turns), plain)["input"][1]["role"] == "system"


def test_refusals_and_text_keep_to_the_side_that_said_them() -> None:
    turns = (*said_by("assistant", Text("Well"), Refusal("No")), *said_by("user", Text("Please"), Text("")))
    said, asked = write(ask(turns=turns))["input"]
    assert [part["type"] for part in said["content"]] == ["output_text", "refusal"]
    assert [part["type"] for part in asked["content"]] == ["input_text"]


def test_a_text_document_becomes_text_below_its_name() -> None:
    document = Document(Inline("text/plain", "SGVsbG8="), name="a.txt")
    assert write(ask(turns=said_by("user", document)))["input"][0]["content"] == [
        {"type": "input_text", "text": "a.txt\n\nHello"}
    ]


def test_a_long_user_is_told_by_its_digest() -> None:
    body = write(ask(user="u" * 100))
    assert len(body["safety_identifier"]) == 64
    assert again(user="me")["user"] == "me"
    assert again(user="me", safety_identifier="you").items() >= {"user": "me", "safety_identifier": "you"}.items()


def test_a_picture_is_asked_for_by_the_tool_that_makes_it() -> None:
    assert write(ask(modalities=("text", "image")))["tools"] == [{"type": "image_generation"}]


def test_the_same_request_gives_the_same_bytes() -> None:
    request = ask(tools=(FunctionTool("a b"),), turns=said_by("assistant", ToolCall("", "a b")))
    assert encode_request(request, OPENAI) == encode_request(request, OPENAI)


def test_a_layout_that_does_not_fit_the_turns_any_more_is_not_used() -> None:
    request = read(input=[{"role": "user", "content": "Hello", "id": "msg_1"}])
    longer = msgspec.structs.replace(request, turns=(*request.turns, *said_by("user", Text("More"))))
    assert [item.get("id") for item in write(longer)["input"]] == [None, None]
    assert write(request)["input"][0]["id"] == "msg_1"


def test_unknown_members_reach_only_upstreams_that_take_them() -> None:
    request = read(min_p=0.1)
    assert write(request)["min_p"] == 0.1
    picky = Target(model="m", dialect=Dialect(keeps_unknown=False))
    assert "min_p" not in write(request, picky)
    assert lost(request, picky) == ["min_p"]


# recordings


def test_a_recorded_request_is_written_again_as_it_was(recorded_request: dict[str, Any]) -> None:
    body = recorded_request["request"]["body"]
    if "model" not in body:
        pytest.skip("a call without a model, such as reading a stored answer")
    request = read(**body)
    encoded = encode_request(request, Target(model=body["model"], facts=ModelFacts(family="openai")))
    assert plain(body_of(encoded)) == plain(body)
    assert (encoded.losses, encoded.names) == ((), {})


def plain(value: Any, name: str = "") -> Any:
    """What may be written in several ways, in one: null, empty and the default left out, a string as a list."""
    if name == "input" and isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: plain(item, name) for name, item in value.items() if item not in (None, "", [])}
    if value.get("stream") is False:
        del value["stream"]
    if "role" in value:
        kind = "output_text" if value["role"] == "assistant" else "input_text"
        content = value["content"]
        content = [{"type": kind, "text": content}] if isinstance(content, str) else content
        value = {"type": "message"} | value | {"content": content}
    return value


# completeness


def test_every_parameter_of_the_sdk_is_decided_about() -> None:
    params = typing.get_type_hints(response_create_params.ResponseCreateParamsStreaming)
    nested = {
        *(f"reasoning.{name}" for name in typing.get_type_hints(ReasoningParam)),
        *(f"text.{name}" for name in typing.get_type_hints(ResponseTextConfigParam)),
    }
    assert set(FIELDS) == {*params, *nested}
    known = {*Request.__struct_fields__, "extension", "ignored"}
    assert set(FIELDS.values()) <= known


def test_every_item_of_the_sdk_is_known() -> None:
    known = {*READERS, *wire.USER_ITEMS, *wire.MODEL_ITEMS}
    assert {
        kind for item in get_args(response_input_item_param.ResponseInputItemParam) for kind in kinds(item)
    } <= known


def test_every_tool_of_the_sdk_is_read() -> None:
    for kind in {kind for tool in get_args(tool_param.ToolParam) for kind in kinds(tool)}:
        tool: dict[str, Any] = {"type": kind, "name": "n", "description": "d"} | (
            {"tools": []} if kind == "namespace" else {}
        )
        assert len(read(tools=[tool]).tools) == (kind != "namespace")


def kinds(typed: Any) -> tuple[str, ...]:
    found = typing.get_type_hints(typed)["type"]
    while get_args(found) and not all(isinstance(one, str) for one in get_args(found)):
        found = get_args(found)[0]
    return get_args(found)


def test_every_canonical_field_and_kind_has_a_fate() -> None:
    kinds_of = {"part": get_args(canonical.Part), "tool": get_args(canonical.Tool)}
    named = {
        "ToolCall": "tool_call",
        "ToolResult": "tool_result",
        "FunctionTool": "function",
        "CustomTool": "custom",
        "ServerTool": "server",
    }
    needed = {f"{of}.{named.get(k.__name__, k.__name__.lower())}" for of, all_ in kinds_of.items() for k in all_}
    choices = {f"choice.{form}" for form in ("auto", "none", "required", "one", "subset")}
    searches = {"tool.web_search", *(f"search.{option}" for option in canonical.WebSearch.__struct_fields__)}
    assert set(FATES) == {*Request.__struct_fields__, *needed, *choices, *searches}
