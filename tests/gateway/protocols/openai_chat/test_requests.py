"""Requests of Chat: what they amount to, how they are written for an upstream, and what they may not be."""

import json
import typing
from typing import Any, get_args

import msgspec
import pytest
from openai.types.chat import ChatCompletionStreamOptionsParam, completion_create_params

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
    WebSearch,
)
from gateway.errors import BadRequest
from gateway.protocols.capsules import seal
from gateway.protocols.codec import Call
from gateway.protocols.dialects import DIALECTS, dialect_for
from gateway.protocols.openai_chat.requests import FATES, FIELDS, decode_request, encode_request
from gateway.protocols.translation import Encoded, ModelFacts, Target

PROTOCOL = "openai_chat"

PNG = "iVBORw0KGgo="
HELLO = (Turn("user", (Text("Hello"),)),)
SIGNED = Opaque("anthropic", "signature", "c2ln")
WEATHER: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
}
ASKED: list[dict[str, Any]] = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": None, "tool_calls": [WEATHER]},
]
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}},
    {"type": "function", "function": {"name": "time"}},
]
HOSTS = {
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "ollama.com": "ollama",
    "api.groq.com": "groq",
    "myorg-myaccount.snowflakecomputing.com": "openrouter",
}


def read(**members: Any) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]} | members
    return decode_request(Call("POST", "chat/completions", {}, {}, json.dumps(body).encode()))


def target(dialect: str = "openai", **facts: Any) -> Target:
    return Target("upstream-model", dialect_for("openai_chat", dialect), ModelFacts(**facts))


def encode(request: Request, dialect: str = "openai", **facts: Any) -> Encoded:
    return encode_request(request, target(dialect, **facts))


def write(request: Request, dialect: str = "openai", **facts: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(request, dialect, **facts).call.body)
    return body


def ask(**members: Any) -> Request:
    return Request(model="m", **{"turns": HELLO} | members)


def said(*turns: Turn, dialect: str = "openai", **facts: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = write(ask(turns=turns), dialect, **facts)["messages"]
    return messages


def user(*parts: Any) -> Turn:
    return Turn("user", parts)


def model(*parts: Any) -> Turn:
    return Turn("assistant", parts)


def lost(request: Request, dialect: str = "openai", **facts: Any) -> set[str]:
    return {loss.field for loss in encode(request, dialect, **facts).losses}


# reading


def test_system_messages_at_the_front_are_instructions_and_later_ones_stay_in_place() -> None:
    request = read(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "content": "Hello"},
            {"role": "system", "content": "Now in verse."},
        ]
    )
    assert request.instructions == (Text("Be brief."), Text("Be kind."))
    assert request.turns == (user(Text("Hello")), Turn("system", (Text("Now in verse."),)))


def test_results_of_parallel_calls_are_one_turn_and_know_their_tools() -> None:
    second = WEATHER | {"id": "call_2"}
    request = read(
        messages=[
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": "Checking.", "tool_calls": [WEATHER, second]},
            {"role": "tool", "tool_call_id": "call_2", "content": "Rain"},
            {"role": "tool", "tool_call_id": "call_1", "content": "Sun"},
            {"role": "user", "content": "And?"},
        ]
    )
    call = ToolCall("call_1", "weather", '{"city":"Oslo"}')
    results = [ToolResult(f"call_{n}", (Text(text),), name="weather") for n, text in ((2, "Rain"), (1, "Sun"))]
    assert request.turns[1] == model(Text("Checking."), call, msgspec.structs.replace(call, id="call_2"))
    assert request.turns[2:] == (user(*results), user(Text("And?")))


def test_legacy_functions_are_tools_whose_calls_get_ids() -> None:
    request = read(
        functions=[{"name": "weather", "parameters": {"type": "object"}}],
        function_call={"name": "weather"},
        messages=[
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
            {"role": "function", "name": "weather", "content": "Sun"},
        ],
    )
    call, result = request.turns[1].parts[0], request.turns[2].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert len(call.id) == 9
    assert result.call_id == call.id
    assert request.tools == (FunctionTool("weather", schema={"type": "object"}),)
    assert request.tool_choice == ToolChoice("required", ("weather",))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}, Remote("https://x/y.png")),
        ({"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}, Inline("image/png", PNG)),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}, Inline("audio/mpeg", "AAAA")),
        ({"type": "file", "file": {"file_id": "file-1"}}, Stored("openai_chat", "file-1")),
        ({"type": "file", "file": {"file_data": "https://x/y.pdf"}}, Remote("https://x/y.pdf")),
        ({"type": "file", "file": {"file_data": "JVBERg"}}, Inline("application/pdf", "JVBERg==")),
        ({"type": "video_url", "video_url": {"url": "https://x/y.mp4"}}, Remote("https://x/y.mp4")),
    ],
)
def test_media_of_every_kind_is_read_with_its_source(part: dict[str, Any], expected: Any) -> None:
    (read_part,) = read(messages=[{"role": "user", "content": [part]}]).turns[0].parts
    assert isinstance(read_part, Image | Audio | Document | Video)
    assert read_part.source == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"reasoning_effort": "low"}, Thinking("low")),
        ({"reasoning": {"max_tokens": 500}}, Thinking(budget=500)),
        ({"reasoning": {"effort": "high", "exclude": True}}, Thinking("high", show="none")),
        ({"reasoning": {"enabled": False}}, Thinking("none")),
        ({"thinking": {"type": "disabled"}}, Thinking("none")),
        ({"thinking": {"type": "auto"}}, Thinking(adaptive=True)),
        ({"enable_thinking": True, "thinking_budget": 99}, Thinking(budget=99)),
        ({"enable_thinking": False}, Thinking("none")),
    ],
)
def test_the_wish_to_think_is_understood_in_every_upstreams_words(members: Any, expected: Thinking) -> None:
    assert read(**members).thinking == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "time"}}, ToolChoice("required", ("time",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "time"}}]},
            },
            ToolChoice("auto", ("time",)),
        ),
    ],
)
def test_every_form_of_tool_choice_is_read(choice: Any, expected: ToolChoice) -> None:
    assert read(tools=TOOLS, tool_choice=choice).tool_choice == expected


def test_custom_tools_keep_their_grammar_and_other_tools_their_members() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}
    hosted: dict[str, Any] = {"type": "openrouter:web_search", "parameters": {"max_uses": 1}}
    request = read(tools=[{"type": "custom", "custom": {"name": "patch", "format": grammar}}, hosted])
    flat: dict[str, Any] = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    assert request.tools[0] == CustomTool("patch", format=flat)
    assert request.tools[1] == ServerTool("web_search", "openai_chat", hosted, WebSearch(max_uses=1))


def assistant(**members: Any) -> tuple[Any, ...]:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "Sun", **members}]
    return read(messages=messages).turns[1].parts


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning", "reasoning_text"])
def test_reasoning_is_read_under_all_its_names(member: str) -> None:
    assert assistant(**{member: "Hm."}) == (Reasoning("Hm."), Text("Sun"))


def test_capsules_in_reasoning_details_become_the_thoughts_they_were() -> None:
    details = [
        {"type": "reasoning.text", "text": "Hm.", "signature": seal(SIGNED), "index": 0},
        {"type": "reasoning.encrypted", "data": seal(Opaque("anthropic", "redacted", "eHg=")), "index": 1},
    ]
    parts = assistant(reasoning_content="Hm.", reasoning_details=details)
    hidden = Reasoning(opaque=Opaque("anthropic", "redacted", "eHg="))
    assert parts == (Reasoning("Hm.", opaque=SIGNED), hidden, Text("Sun"))


def test_an_upstreams_own_reasoning_details_are_one_token_of_that_upstream() -> None:
    details = [{"type": "reasoning.encrypted", "data": "eHg=", "format": "anthropic-claude-v1"}]
    thought = assistant(reasoning="Hm.", reasoning_details=details)[0]
    assert thought == Reasoning(
        "Hm.", opaque=Opaque("openrouter", "details", json.dumps(details, separators=(",", ":")))
    )


def test_googles_signatures_come_back_on_the_parts_they_belong_to() -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    messages = [*ASKED, {"role": "tool", "tool_call_id": "call_1", "content": "Sun"}]
    messages[1] = {"role": "assistant", "content": "Let me see.", "tool_calls": [WEATHER | {"extra_content": extra}]}
    _, call = read(messages=messages).turns[1].parts
    assert isinstance(call, ToolCall)
    assert call.opaque == Opaque("google", "thought_signature", "c2ln")
    assert assistant(extra_content=extra) == (Text("Sun", opaque=call.opaque),)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "y.png"}}]}]},
            "messages[0].content[0].image_url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0].file",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "input_audio", "input_audio": {"data": "%", "format": "wav"}}],
                    }
                ]
            },
            "messages[0].content[0].input_audio.data",
        ),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "function", "name": "x", "content": "y"}]}, "messages[0].name"),
        ({"messages": ASKED}, "messages[1].tool_calls"),
        ({"messages": [*ASKED, {"role": "user", "content": "?"}]}, "messages[1].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [WEATHER, WEATHER]}]}, "messages[0].tool_calls[1].id"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "messages[0].tool_calls[0].function"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "system", "content": ""}]}, "messages"),
        (
            {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": "https://x/y"}]}]},
            "messages[0].content",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [*TOOLS, {"type": "function", "function": {"name": "weather"}}]}, "tools[2]"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "x", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": TOOLS, "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"type": "function"}}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"temperature": "hot"}, "temperature"),
        ({"n": 0}, "n"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stop": [1]}, "stop[0]"),
        ({"top_logprobs": 5.5, "logprobs": True}, "top_logprobs"),
        ({"logit_bias": [1]}, "logit_bias"),
        ({"seed": "x"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"metadata": "x"}, "metadata"),
        ({"model": ""}, "model"),
    ],
)
def test_a_request_that_cannot_be_understood_is_refused_by_the_name_of_its_field(members: Any, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(**members)
    assert refused.value.param == param
    assert param in refused.value.message or param == "model"


def test_a_schema_that_refers_to_itself_is_carried_and_not_followed() -> None:
    schema = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    request = read(tools=[{"type": "function", "function": {"name": "tree", "parameters": schema}}])
    assert write(request)["tools"][0]["function"]["parameters"] == schema


# writing: turns


def test_results_follow_their_calls_in_the_order_of_the_calls_and_the_rest_comes_after() -> None:
    messages = said(
        user(Text("Weather?")),
        model(ToolCall("a", "weather", "{}"), ToolCall("b", "weather", "{}")),
        user(Text("Be quick."), ToolResult("b", (Text("Rain"),)), ToolResult("a", (Text("Sun"),))),
    )
    assert [message.get("tool_call_id", message["role"]) for message in messages] == [
        "user",
        "assistant",
        "a",
        "b",
        "user",
    ]
    assert messages[1]["content"] is None
    assert messages[-1]["content"] == "Be quick."


@pytest.mark.parametrize(
    "turns",
    [
        (model(ToolCall("a", "weather")),),
        (model(ToolCall("a", "weather")), user(Text("Well?"))),
        (user(ToolResult("a")),),
        (model(ToolCall("a", "weather")), user(ToolResult("a"), ToolResult("a"))),
    ],
)
def test_calls_and_results_without_each_other_are_refused(turns: tuple[Turn, ...]) -> None:
    with pytest.raises(BadRequest, match=r"no result|no call"):
        said(*turns)


def test_a_turn_of_the_model_is_one_message_with_its_texts_in_one() -> None:
    (message,) = said(model(Text("It is "), Reasoning("Hm."), Text("sunny.")))
    assert message == {"role": "assistant", "content": "It is sunny."}


def test_a_call_without_arguments_has_an_empty_object_and_a_failed_result_says_so() -> None:
    messages = said(model(ToolCall("a", "weather")), user(ToolResult("a", (Text("no net"),), is_error=True)))
    assert messages[0]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert messages[1]["content"] == "ERROR: no net"


def test_a_result_that_is_an_object_is_written_as_json() -> None:
    messages = said(model(ToolCall("a", "weather")), user(ToolResult("a", structured={"sun": True})))
    assert messages[1]["content"] == '{"sun":true}'


def test_images_in_a_result_stay_there_or_follow_in_a_message_of_the_user() -> None:
    turns = model(ToolCall("a", "look")), user(ToolResult("a", (Image(Inline("image/png", PNG)),)), Text("What is it?"))
    assert said(*turns)[1]["content"][0]["type"] == "image_url"
    messages = said(*turns, dialect="vllm")
    assert [message["role"] for message in messages] == ["assistant", "tool", "user", "user"]
    assert isinstance(messages[1]["content"], str)
    assert messages[2]["content"][0]["image_url"] == {"url": f"data:image/png;base64,{PNG}"}


def test_ids_and_names_that_the_upstream_refuses_are_replaced_and_can_be_undone() -> None:
    turns = (model(ToolCall("toolu_" + "x" * 50, "get weather")), user(ToolResult("toolu_" + "x" * 50)))
    encoded = encode(ask(turns=turns, tools=(FunctionTool("get weather"),)), "mistral")
    body = json.loads(encoded.call.body)
    written = body["messages"][0]["tool_calls"][0]
    assert len(written["id"]) == 9
    assert body["messages"][1]["tool_call_id"] == written["id"]
    assert encoded.names == {written["function"]["name"]: "get weather"}
    assert body["tools"][0]["function"]["name"] == written["function"]["name"]


def test_a_namespace_becomes_part_of_the_name() -> None:
    body = write(ask(tools=(FunctionTool("search", namespace="docs"),)))
    assert body["tools"][0]["function"]["name"] == "docs__search"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Image(Inline("image/png", PNG), "low"), {"url": f"data:image/png;base64,{PNG}", "detail": "low"}),
        (Image(Remote("https://x/y.png")), {"url": "https://x/y.png"}),
        (Audio(Inline("audio/mpeg", "AAAA")), {"data": "AAAA", "format": "mp3"}),
        (
            Document(Inline("application/pdf", "AAAA"), name="a.pdf"),
            {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        ),
    ],
)
def test_media_are_written_in_the_request_or_by_their_address(part: Any, expected: Any) -> None:
    (written,) = said(user(part))[0]["content"]
    assert written[written["type"]] == expected


def test_a_text_document_is_text_under_its_title() -> None:
    (message,) = said(user(Document(Inline("text/plain", "SGk="), title="Note", context="Old.")))
    assert message["content"] == "Document: Note\n\nOld.\n\nHi"


@pytest.mark.parametrize(
    ("part", "dialect"),
    [
        (Video(Remote("https://x/y.mp4")), "openai"),
        (Audio(Inline("audio/flac", "AAAA")), "openai"),
        (Document(Remote("https://x/y.pdf")), "openai"),
        (Document(Stored("anthropic_messages", "file_1")), "openai"),
        (Image(Stored("gemini", "files/1")), "openai"),
        (Image(Remote("https://x/y.png")), "ollama"),
    ],
)
def test_media_that_the_upstream_cannot_take_are_refused_at_their_place(part: Any, dialect: str) -> None:
    with pytest.raises(BadRequest) as refused:
        said(user(Text("See"), part), dialect=dialect)
    assert (refused.value.param or "").startswith("turns[0]")


def test_what_only_another_protocol_can_say_is_left_out_and_told() -> None:
    native = Native("anthropic_messages", "server_tool_use", {})
    assert lost(ask(turns=(*HELLO, model(Text("Hi"), native)))) == {"turns[1].parts[1]"}


def test_a_refusal_is_a_part_of_its_own_at_openai_and_text_elsewhere() -> None:
    refusal = {"type": "refusal", "refusal": "No."}
    assert said(model(Refusal("No.")))[0] == {"role": "assistant", "content": [refusal]}
    assert said(model(Refusal("No.")), dialect="vllm")[0] == {"role": "assistant", "content": "No."}


# writing: reasoning


CALLED = (model(Reasoning("Hm."), ToolCall("a", "weather")), user(ToolResult("a")))


def test_reasoning_goes_back_to_upstreams_that_need_it_and_to_no_others() -> None:
    assert said(*CALLED, dialect="deepseek")[0]["reasoning_content"] == "Hm."
    assert "reasoning_content" not in said(*CALLED, dialect="openai")[0]
    assert said(*CALLED, dialect="vllm")[0]["reasoning"] == "Hm."


def test_an_upstream_that_insists_on_reasoning_gets_an_empty_one_where_there_is_none() -> None:
    turns = (model(ToolCall("a", "weather")), user(ToolResult("a")))
    assert said(*turns, dialect="deepseek")[0]["reasoning_content"] == ""
    assert "reasoning_content" not in said(model(Text("Hi")), dialect="deepseek")[0]


def test_another_familys_thoughts_are_kept_to_themselves() -> None:
    turns = (model(Reasoning("Secret.", opaque=SIGNED), ToolCall("a", "weather")), user(ToolResult("a")))
    assert said(*turns, dialect="deepseek")[0]["reasoning_content"] == ""
    assert "Secret." not in json.dumps(said(*turns, dialect="openrouter"))


def test_reasoning_details_go_back_to_where_they_came_from_as_they_were() -> None:
    details = [{"type": "reasoning.encrypted", "data": "eHg=", "index": 0}]
    opaque = Opaque("openrouter", "details", json.dumps(details))
    turns = (model(Reasoning("Hm.", opaque=opaque), ToolCall("a", "weather")), user(ToolResult("a")))
    assert said(*turns, dialect="openrouter")[0]["reasoning_details"] == details
    assert "reasoning_details" not in said(*turns, dialect="deepseek")[0]


def test_a_capsule_that_a_client_made_up_is_no_reason_to_fail() -> None:
    opaque = Opaque("openrouter", "details", "{not json")
    turns = (model(Reasoning("Hm.", opaque=opaque), ToolCall("a", "weather")), user(ToolResult("a")))
    assert said(*turns, dialect="openrouter")[0]["reasoning"] == "Hm."


def test_googles_signature_goes_to_googles_models_alone() -> None:
    signed = ToolCall("a", "weather", opaque=Opaque("google", "thought_signature", "c2ln"))
    turns = (model(signed), user(ToolResult("a")))
    extra = {"google": {"thought_signature": "c2ln"}}
    assert said(*turns, dialect="google-compat")[0]["tool_calls"][0]["extra_content"] == extra
    assert "extra_content" not in said(*turns)[0]["tool_calls"][0]


@pytest.mark.parametrize(
    ("dialect", "thinking", "expected"),
    [
        ("openai", Thinking("high"), {"reasoning_effort": "high"}),
        ("openai", Thinking(budget=3000), {"reasoning_effort": "low"}),
        ("openai", Thinking(budget=-1), {}),
        ("deepseek", Thinking("medium"), {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("deepseek", Thinking("none"), {"thinking": {"type": "disabled"}}),
        ("ark", Thinking("max"), {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("ark", Thinking(adaptive=True), {"thinking": {"type": "auto"}}),
        ("moonshot", Thinking("low"), {"thinking": {"type": "enabled"}}),
        ("qwen", Thinking("medium"), {"enable_thinking": True, "thinking_budget": 8192}),
        ("qwen", Thinking("none"), {"enable_thinking": False}),
        ("openrouter", Thinking("low"), {"reasoning": {"effort": "low"}}),
        ("openrouter", Thinking(budget=500), {"reasoning": {"max_tokens": 500}}),
        ("mistral", Thinking("low"), {}),
    ],
)
def test_every_upstream_is_told_to_think_in_its_own_words(dialect: str, thinking: Thinking, expected: Any) -> None:
    members = ("reasoning_effort", "thinking", "enable_thinking", "thinking_budget", "reasoning")
    body = write(ask(thinking=thinking, stream=True), dialect)
    assert {name: body[name] for name in members if name in body} == expected


def test_an_effort_that_the_model_does_not_know_becomes_the_nearest() -> None:
    assert write(ask(thinking=Thinking("xhigh")), efforts=("low", "high"))["reasoning_effort"] == "high"


def test_an_upstream_that_cannot_think_and_call_does_not_think() -> None:
    request = ask(thinking=Thinking("high"), tools=(FunctionTool("weather"),), tool_choice=ToolChoice("required"))
    assert write(request, "deepseek")["thinking"] == {"type": "disabled"}
    assert "thinking" in lost(request, "deepseek")
    assert write(ask(thinking=Thinking("high")), "qwen")["enable_thinking"] is False


# writing: the rest


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("required", ("time",)), {"type": "function", "function": {"name": "time"}}),
    ],
)
def test_every_form_of_tool_choice_is_written(choice: ToolChoice, expected: Any) -> None:
    request = ask(tools=(FunctionTool("weather"), FunctionTool("time")), tool_choice=choice)
    assert write(request)["tool_choice"] == expected


def test_a_choice_among_some_tools_is_said_at_openai_and_done_elsewhere() -> None:
    request = ask(tools=(FunctionTool("weather"), FunctionTool("time")), tool_choice=ToolChoice("auto", ("time",)))
    chosen = [{"type": "function", "function": {"name": "time"}}]
    assert write(request)["tool_choice"]["allowed_tools"] == {"mode": "auto", "tools": chosen}
    elsewhere = write(request, "vllm")
    assert elsewhere["tool_choice"] == "auto"
    assert [tool["function"]["name"] for tool in elsewhere["tools"]] == ["time"]


def test_mistral_is_told_in_its_own_word_that_a_tool_must_be_called() -> None:
    assert (
        write(ask(tools=(FunctionTool("time"),), tool_choice=ToolChoice("required")), "mistral")["tool_choice"] == "any"
    )


def test_a_free_text_tool_is_a_function_where_there_are_only_functions() -> None:
    request = ask(
        tools=(CustomTool("patch"),),
        turns=(model(ToolCall("a", "patch", "*** Begin", custom=True)), user(ToolResult("a", custom=True))),
    )
    assert write(request)["messages"][0]["tool_calls"][0]["custom"] == {"name": "patch", "input": "*** Begin"}
    body = write(request, "vllm")
    assert body["tools"][0]["function"]["parameters"]["required"] == ["input"]
    assert body["messages"][0]["tool_calls"][0]["function"]["arguments"] == '{"input":"*** Begin"}'


def test_a_tool_that_another_provider_runs_is_refused() -> None:
    with pytest.raises(BadRequest, match="web_search"):
        write(ask(tools=(ServerTool("web_search", "gemini", {}),)))


def test_a_schema_that_openai_would_refuse_as_strict_is_not_called_strict() -> None:
    open_ended: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
    body = write(ask(tools=(FunctionTool("weather", schema=open_ended, strict=True),)))
    assert body["tools"][0]["function"]["strict"] is False


def test_a_schema_for_the_answer_is_asked_for_in_words_where_there_is_no_other_way() -> None:
    request = ask(output=OutputFormat("schema", "city", schema={"type": "object"}))
    assert write(request)["response_format"]["json_schema"] == {"name": "city", "schema": {"type": "object"}}
    body = write(request, "deepseek")
    assert body["response_format"] == {"type": "json_object"}
    assert '{"type":"object"}' in body["messages"][0]["content"]
    assert "output" in lost(request, "deepseek")


@pytest.mark.parametrize(("dialect", "member"), [("openai", "max_completion_tokens"), ("vllm", "max_tokens")])
def test_the_limit_has_the_upstreams_name_and_the_models_bound(dialect: str, member: str) -> None:
    assert write(ask(max_output=50), dialect)[member] == 50
    assert write(ask(max_output=50), dialect, max_output=40)[member] == 40
    assert lost(ask(max_output=50), dialect, max_output=40) == {"max_output"}


def test_what_a_model_refuses_is_left_out_and_told() -> None:
    request = ask(temperature=0.5, top_p=0.9, top_k=5, seed=1)
    assert lost(request, samples=False) == {"temperature", "top_p", "top_k"}
    assert not write(request, samples=False).keys() & {"temperature", "top_p", "top_k"}
    assert lost(request) == {"top_k"}
    assert write(request, "vllm")["top_k"] == 5


def test_what_says_nothing_to_the_model_goes_without_a_word() -> None:
    request = ask(user="u", metadata={"a": "b"}, cache_key="k", cache=Cache())
    assert lost(request, "mistral") == set()
    assert not write(request, "mistral").keys() & {"user", "metadata", "prompt_cache_key"}


def test_a_user_is_named_to_openai_in_at_most_64_characters() -> None:
    assert write(ask(user="u"))["safety_identifier"] == "u"
    assert len(write(ask(user="u" * 200))["safety_identifier"]) == 64
    assert write(ask(user="u"), "vllm")["user"] == "u"


def test_a_stream_always_asks_for_usage() -> None:
    assert write(ask(stream=True))["stream_options"] == {"include_usage": True}
    assert "stream_options" not in write(ask())


def test_several_answers_cannot_come_through_another_protocol() -> None:
    with pytest.raises(BadRequest, match="one answer"):
        write(ask(choices=2))


def test_what_only_the_clients_protocol_knows_is_told_and_its_state_refused() -> None:
    assert lost(ask(extensions={"anthropic_messages": {"context_management": {}}})) == {"context_management"}
    with pytest.raises(BadRequest) as refused:
        write(ask(extensions={"openai_responses": {"previous_response_id": "resp_1"}}))
    assert refused.value.param == "previous_response_id"


def test_members_that_nobody_knows_go_to_upstreams_that_may_know_them() -> None:
    request = read(min_p=0.1)
    assert write(request, "vllm")["min_p"] == 0.1
    assert "min_p" not in write(request)
    assert lost(request) == {"min_p"}


@pytest.mark.parametrize("dialect", DIALECTS["openai_chat"])
def test_the_same_request_is_the_same_bytes_at_every_upstream(dialect: str) -> None:
    request = read(messages=[*ASKED, {"role": "tool", "tool_call_id": "call_1", "content": "Sun"}], tools=TOOLS)
    assert encode(request, dialect).call == encode(request, dialect).call


# the same protocol again


def test_a_recorded_request_is_written_as_it_came(recorded_request: dict[str, Any]) -> None:
    if recorded_request["response"]["status"] >= 400:
        pytest.skip("the provider refused it")
    body = recorded_request["request"]["body"]
    if "messages" not in body:
        pytest.skip("not a request for a chat completion")
    name = HOSTS.get(recorded_request["upstream_host"], "standard")
    dialect = msgspec.structs.replace(
        dialect_for("openai_chat", name), drops=(), limit_field="max_completion_tokens", keeps_unknown=True
    )
    again = json.loads(encode_request(read(**body), Target(body["model"], dialect)).call.body)
    assert normal(again) == normal(body)


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """The same request in one spelling where Chat has several for the same thing."""
    body = {name: value for name, value in body.items() if value is not None and value is not False}
    if "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
    if "functions" in body:
        body["tools"] = [{"type": "function", "function": function} for function in body.pop("functions")]
        body["tool_choice"] = body.pop("function_call", None)
    for name, usual in (("response_format", {"type": "text"}), ("n", 1), ("logit_bias", {}), ("top_logprobs", 0)):
        if body.get(name) == usual:
            del body[name]
    body.pop("stream_options", None)
    body["stop"] = [body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or []
    if not body.get("tools"):
        body = {k: v for k, v in body.items() if k not in ("tools", "tool_choice", "parallel_tool_calls")}
    body["tools"] = [{"type": "function"} | without_nothing(tool) for tool in body.get("tools", [])]
    if isinstance(body.get("tool_choice"), dict):
        body["tool_choice"] = {"type": "function"} | body["tool_choice"]
    return body | {"messages": [normal_message(message) for message in body["messages"]]}


def without_nothing(tool: dict[str, Any]) -> dict[str, Any]:
    function = {name: value for name, value in tool.get("function", {}).items() if value not in ("", None)}
    return tool | ({"function": function} if function else {})


def normal_message(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list) and [set(part) for part in content] == [{"type", "text"}]:
        content = content[0]["text"]
    known = {"role", "content", "name", "tool_calls", "tool_call_id", "refusal", "reasoning_content"}
    if message["role"] == "user":
        known.discard("tool_calls")
    kept = {name: value for name, value in message.items() if name in known and value}
    if calls := kept.get("tool_calls"):
        kept["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in calls]
    return kept | {"content": content or ""}


# completeness


def test_every_parameter_of_the_sdk_is_decided_about() -> None:
    params = typing.get_type_hints(completion_create_params.CompletionCreateParamsStreaming)
    nested = {f"stream_options.{name}" for name in typing.get_type_hints(ChatCompletionStreamOptionsParam)}
    assert set(FIELDS) == {*params, *nested}
    assert set(FIELDS.values()) <= {*Request.__struct_fields__, "extension", "ignored"}


def test_every_canonical_field_and_kind_has_a_fate() -> None:
    kinds = {"part": get_args(canonical.Part), "tool": get_args(canonical.Tool)}
    named = {
        "ToolCall": "tool_call",
        "ToolResult": "tool_result",
        "FunctionTool": "function",
        "CustomTool": "custom",
        "ServerTool": "server",
    }
    needed = {f"{of}.{named.get(k.__name__, k.__name__.lower())}" for of, all_ in kinds.items() for k in all_}
    choices = {f"choice.{form}" for form in ("auto", "none", "required", "one", "subset")}
    searches = {"tool.web_search", *(f"search.{option}" for option in canonical.WebSearch.__struct_fields__)}
    assert set(FATES) == {*Request.__struct_fields__, *needed, *choices, *searches}


def test_a_field_that_a_row_drops_is_one_that_there_is() -> None:
    members = {*Request.__struct_fields__, *FIELDS, "output.schema", "name"}
    for dialect in DIALECTS["openai_chat"].values():
        assert set(dialect.drops) <= members
    assert dialect_for("gemini", "google-compat") == dialect_for("gemini", "standard")
