"""Messages requests, to the canonical model and from it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typing_extensions as te
from anthropic.types import message_create_params
from anthropic.types.beta import message_create_params as beta_message_create_params

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
    Part,
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
from gateway.protocols.anthropic_messages.fields import FATES, FIELDS
from gateway.protocols.anthropic_messages.requests import decode_request, encode_request
from gateway.protocols.capsules import seal
from gateway.protocols.codec import Call
from gateway.protocols.translation import Dialect, Encoded, ModelFacts, Target

PROTOCOL = "anthropic_messages"

GENUINE = Dialect()
CLONE = Dialect("clone", keeps_unknown=False, strict_tools=False, drops=("cache.ttl", "output_config", "tier"))

CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {**user(*content), "role": "assistant"}


def text(said: str, **members: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **members}


def decoded(*messages: dict[str, Any], headers: dict[str, str] | None = None, **members: Any) -> Request:
    body = {"model": "m", "max_tokens": 9, "messages": list(messages) or [user("Hi.")], **members}
    return decode_request(Call("POST", "messages", {}, headers or {}, json.dumps(body).encode()))


def encoded(request: Request, dialect: Dialect = GENUINE, **facts: Any) -> Encoded:
    return encode_request(request, Target("claude", dialect, ModelFacts(**facts)))


def body_of(request: Request, dialect: Dialect = GENUINE, **facts: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encoded(request, dialect, **facts).call.body)
    return body


def asked(*turns: Turn, **fields: Any) -> Request:
    return Request(model="m", turns=turns or (Turn("user", (Text("Hi."),)),), **fields)


def lost(request: Request, dialect: Dialect = GENUINE, **facts: Any) -> set[str]:
    return {loss.field for loss in encoded(request, dialect, **facts).losses}


# what is recorded


def normal(value: Any) -> Any:
    """Without what means the same as nothing, and with content in its long form."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    said_nothing = {"description": "", "is_error": False, "stream": False}
    members = {
        name: normal(item) for name, item in value.items() if item is not None and said_nothing.get(name) != item
    }
    for name in ("content", "system"):
        if isinstance(members.get(name), str) and (name == "system" or "role" in members or "tool_use_id" in members):
            members[name] = [text(members[name])]
    return members


def test_a_recorded_request_comes_back_as_it_was_sent(recorded_request: dict[str, Any]) -> None:
    sent = recorded_request["request"]["body"]
    request = decode_request(Call("POST", "messages", {}, {}, json.dumps(sent).encode()))
    result = encode_request(request, Target(sent["model"]))
    written = json.loads(result.call.body)
    assert normal({"max_tokens": written["max_tokens"], **sent}) == normal(written)
    assert not result.losses


def test_the_same_request_gives_the_same_bytes(recorded_request: dict[str, Any]) -> None:
    call = Call("POST", "messages", {}, {}, json.dumps(recorded_request["request"]["body"]).encode())
    assert encoded(decode_request(call)) == encoded(decode_request(call))


# completeness


def bare(hint: Any) -> Any:
    while te.get_origin(hint) in (te.Required, te.NotRequired, te.Annotated):
        hint = te.get_args(hint)[0]
    return hint


def typed_dicts(hint: Any) -> Iterator[Any]:
    hint = bare(hint)
    if te.is_typeddict(hint):
        yield hint
        return
    for inner in te.get_args(hint):
        yield from typed_dicts(inner)


def literals(hint: Any) -> list[str]:
    hint = bare(hint)
    if te.get_origin(hint) is te.Literal:
        return [value for value in te.get_args(hint) if isinstance(value, str)]
    return [value for inner in te.get_args(hint) for value in literals(inner)]


def parameters(kind: Any, prefix: str, seen: set[tuple[Any, str]]) -> Iterator[str]:
    """Every parameter of a TypedDict and of those within that are not decided as a whole."""
    if (kind, prefix) in seen:
        return
    seen.add((kind, prefix))
    for name, hint in te.get_type_hints(kind, include_extras=True).items():
        if prefix and name in ("type", "role"):
            continue
        key = f"{prefix}.{name}" if prefix else name
        yield key
        if FIELDS.get(key) in ("extension", "ignored", "Native.item"):
            continue
        for inner in typed_dicts(hint):
            hints = te.get_type_hints(inner, include_extras=True)
            tags = literals(hints.get("type")) or literals(hints.get("role"))
            if not any(tag in FIELDS for tag in tags):
                yield from parameters(inner, tags[0] if tags else key, seen)


@pytest.mark.parametrize(
    "kind",
    [message_create_params.MessageCreateParamsStreaming, beta_message_create_params.MessageCreateParamsStreaming],
)
def test_every_parameter_of_the_newest_sdk_has_a_meaning(kind: Any) -> None:
    assert {name for name in parameters(kind, "", set()) if name not in FIELDS} == set()


def test_every_canonical_field_has_a_fate() -> None:
    kinds = [re.sub(r"(?<=[a-z])([A-Z])", r"_\1", kind.__name__).lower() for kind in te.get_args(Part)]
    others = ("tool.function", "tool.custom", "tool.server", "source.inline", "source.remote", "source.stored")
    choices = [f"choice.{mode}" for mode in ("auto", "none", "required", "one", "subset")]
    assert {*Request.__struct_fields__, *(f"part.{kind}" for kind in kinds), *others, *choices} <= set(FATES)


def test_unknown_members_come_back_where_the_upstream_is_the_real_one_and_are_told_elsewhere() -> None:
    request = decoded(context_management={"edits": []}, brand_new=1)
    assert body_of(request)["brand_new"] == 1
    assert "brand_new" not in body_of(request, CLONE)
    assert lost(request, CLONE) == {"brand_new", "context_management"}


# from the wire


def test_parameters_become_canonical_fields() -> None:
    request = decoded(
        system="Be kind.",
        stream=True,
        stop_sequences=["END"],
        temperature=1,
        top_k=3,
        metadata={"user_id": "u"},
        service_tier="standard_only",
    )
    assert (request.instructions, request.stream, request.stop) == ((Text("Be kind."),), True, ("END",))
    assert (request.max_output, request.temperature, request.top_k) == (9, 1.0, 3)
    assert (request.user, request.tier) == ("u", "default")


def test_nulls_mean_that_the_client_did_not_say() -> None:
    request = decoded(stop_sequences=None, temperature=None, tools=None, thread=None, system=None, thinking=None)
    assert (request.stop, request.temperature, request.tools, request.thinking) == ((), None, (), None)
    assert "thread" not in request.extensions[PROTOCOL]


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


@pytest.mark.parametrize("spelling", ["output_format", "output_config"])
def test_a_format_is_understood_in_the_old_spelling_and_the_new(spelling: str) -> None:
    told = {"type": "json_schema", "schema": {"type": "object"}}
    request = decoded(**{spelling: told if spelling == "output_format" else {"format": told}})
    assert request.output == OutputFormat("schema", schema={"type": "object"})
    assert body_of(request)["output_config"] == {"format": told}


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


def test_blocks_become_parts_in_their_order() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    request = decoded(
        user(text("What?"), {"type": "image", "source": PNG}),
        assistant(thought, text("Looking."), CALL),
        user({**RESULT, "is_error": True}, text("And?", cache_control={"type": "ephemeral", "ttl": "1h"})),
    )
    assert request.turns[0].parts == (Text("What?"), Image(Inline("image/png", "iVBORw0KGgo=")))
    reasoning = Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "sig"))
    assert request.turns[1].parts == (reasoning, Text("Looking."), ToolCall("toolu_1", "look", '{"at":"it"}'))
    result = ToolResult("toolu_1", (Text("seen"),), name="look", is_error=True)
    assert request.turns[2].parts == (result, Text("And?", cache=Cache("1h")))


def test_documents_become_documents_whatever_their_source() -> None:
    sources: list[dict[str, Any]] = [
        {"type": "text", "media_type": "text/plain", "data": "é"},
        {"type": "content", "content": [text("a"), text("b")]},
        {"type": "url", "url": "https://a.example/x.pdf"},
        {"type": "file", "file_id": "file_1"},
    ]
    request = decoded(user(*({"type": "document", "source": source, "title": "T"} for source in sources)))
    found = [part.source for part in request.turns[0].parts if isinstance(part, Document)]
    assert found == [
        Inline("text/plain", "w6k="),
        Inline("text/plain", "YQoKYg=="),
        Remote("https://a.example/x.pdf"),
        Stored("anthropic_messages", "file_1"),
    ]
    assert [block["source"] for block in body_of(request)["messages"][0]["content"]] == sources


def test_what_nobody_else_can_say_stays_native_and_comes_back() -> None:
    search = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}, "caller": {"type": "direct"}}
    request = decoded(user("Hi."), assistant(search, text("Yes.", citations=[{"type": "char_location"}])), user("And?"))
    assert request.turns[1].parts[0] == Native("anthropic_messages", "server_tool_use", search)
    assert body_of(request)["messages"][1]["content"][0] == search
    assert body_of(request)["messages"][1]["content"][1]["citations"] == [{"type": "char_location"}]
    assert lost(request, CLONE) == {"turns[1].parts[0]"}


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
    assert decoded(tools=[item]).tools == (ServerTool("web_search", "anthropic_messages", item),)


def test_betas_and_version_go_back_to_the_real_api_alone() -> None:
    headers = {"anthropic-beta": "a-1,b-2", "anthropic-version": "2026-10-21"}
    request = decoded(headers=headers)
    sent = encoded(request).call.headers
    assert (sent["anthropic-beta"], sent["anthropic-version"]) == ("a-1,b-2", "2026-10-21")
    sent = encoded(request, CLONE).call.headers
    assert ("anthropic-beta" in sent, sent["anthropic-version"]) == (False, "2023-06-01")


def test_the_billing_line_is_no_instruction_and_reaches_the_real_api_alone() -> None:
    line = text("x-anthropic-billing-header: cc_version=2.1;")
    request = decoded(system=[line, text("Be kind.")])
    assert request.instructions == (Text("Be kind."),)
    assert body_of(request)["system"] == [line, text("Be kind.")]
    assert body_of(request, CLONE)["system"] == "Be kind."


def test_a_token_of_another_family_comes_out_of_its_capsule() -> None:
    token = Opaque("openai", "encrypted", "xyz", "acct")
    blocks = [{"type": "thinking", "thinking": "Hm.", "signature": seal(token)}, text("Yes.")]
    assert decoded(user("Hi."), assistant(*blocks), user("And?")).turns[1].parts[0] == Reasoning("Hm.", opaque=token)


def test_a_token_beside_a_call_is_the_calls_own() -> None:
    marker = {"type": "thinking", "thinking": "", "signature": seal(Opaque("google", "next thought_signature", "abc"))}
    request = decoded(user("Hi."), assistant(marker, CALL), user(RESULT))
    opaque = Opaque("google", "thought_signature", "abc")
    assert request.turns[1].parts == (ToolCall("toolu_1", "look", '{"at":"it"}', opaque=opaque),)


def test_empty_texts_and_empty_answers_are_left_out() -> None:
    request = decoded(user(text(""), text("Hi.")), assistant(""), user("Well?"), system=[text("")])
    assert [turn.parts for turn in request.turns] == [(Text("Hi."),), (Text("Well?"),)]
    assert request.instructions == ()


def test_results_of_a_threads_earlier_calls_are_taken_on_trust() -> None:
    request = decoded(user(RESULT), thread={"type": "continue", "previous_message_id": "msg_1"})
    assert request.turns[0].parts[0] == ToolResult("toolu_1", (Text("seen"),))
    with pytest.raises(BadRequest) as refused:
        encoded(request, CLONE)
    assert refused.value.code == "thread_unsupported_request"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": 5}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": ["Hi."]}, "messages[0]"),
    ({"messages": [{"role": "robot", "content": "Hi."}]}, "messages[0].role"),
    ({"messages": [{"content": "Hi."}]}, "messages[0]"),
    ({"messages": [{"role": "user"}]}, "messages[0]"),
    ({"messages": [user("")]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [user({"text": "Hi."})]}, "messages[0].content[0].type"),
    ({"messages": [user({"type": "song"})]}, "messages[0].content[0].type"),
    ({"messages": [user({"type": 7})]}, "messages[0].content[0].type"),
    ({"messages": [user({"type": "text"})]}, "messages[0].content[0]"),
    ({"messages": [user({"type": "text", "text": 5})]}, "messages[0].content[0].text"),
    ({"messages": [user(text("Hi.", cache_control={"type": "eternal"}))]}, "messages[0].content[0].cache_control.type"),
    (
        {"messages": [user({"type": "image", "source": {"type": "base64", "data": ""}})]},
        "messages[0].content[0].source",
    ),
    ({"messages": [user({"type": "image", "source": {**PNG, "data": "!"}})]}, "messages[0].content[0].source.data"),
    (
        {"messages": [user({"type": "image", "source": {"type": "url", "url": "x"}})]},
        "messages[0].content[0].source.url",
    ),
    ({"messages": [user({"type": "image", "source": {"type": "disk"}})]}, "messages[0].content[0].source.type"),
    ({"messages": [user(CALL)]}, "messages[0].content[0].type"),
    ({"messages": [user(RESULT)]}, "messages[0].content[0].tool_use_id"),
    ({"messages": [user("Hi."), assistant(RESULT)]}, "messages[1].content[0].type"),
    ({"messages": [user("Hi."), assistant(CALL)]}, "messages[1].content[0].id"),
    ({"messages": [user("Hi."), assistant(CALL), user("And?")]}, "messages[1].content[0].id"),
    ({"messages": [user("Hi."), assistant(CALL, CALL), user(RESULT)]}, "messages[1].content[1].id"),
    ({"messages": [user("Hi."), assistant(CALL), user(RESULT, RESULT)]}, "messages[2].content[1].tool_use_id"),
    ({"messages": [user("Hi."), assistant({**CALL, "input": "x"}), user(RESULT)]}, "messages[1].content[0].input"),
    ({"messages": [user("Hi."), assistant({**CALL, "id": ""}), user(RESULT)]}, "messages[1].content[0].id"),
    (
        {"messages": [user("Hi."), assistant(CALL), user({**RESULT, "content": [CALL]})]},
        "messages[2].content[0].content[0].type",
    ),
    (
        {"messages": [user("Hi."), assistant(CALL), user({**RESULT, "is_error": "no"})]},
        "messages[2].content[0].is_error",
    ),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": "9"}, "max_tokens"),
    ({"system": 5}, "system"),
    ({"system": [{"type": "image"}]}, "system[0].type"),
    ({"stream": "yes"}, "stream"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": 5}, "temperature"),
    ({"top_p": 2}, "top_p"),
    ({"top_k": 1.5}, "top_k"),
    ({"stop_sequences": "END"}, "stop_sequences"),
    ({"stop_sequences": [5]}, "stop_sequences[0]"),
    ({"thinking": {"type": "hard"}}, "thinking.type"),
    ({"thinking": {"type": "enabled", "budget_tokens": "many"}}, "thinking.budget_tokens"),
    ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    ({"output_config": {"format": {"type": "json_schema", "schema": "x"}}}, "output_config.format.schema"),
    ({"tools": {}}, "tools"),
    ({"tools": [{}]}, "tools[0]"),
    ({"tools": [{"name": ""}]}, "tools[0].name"),
    ({"tools": [{"type": 5, "name": "x"}]}, "tools[0].type"),
    ({"tools": [TOOL, TOOL]}, "tools[1].name"),
    ({"tools": [{"name": "x", "input_schema": []}]}, "tools[0].input_schema"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"metadata": {"user_id": 5}}, "metadata.user_id"),
]


@pytest.mark.parametrize(("members", "field"), WRONG)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(members: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        decoded(**members)
    assert refused.value.param == field
    assert f"'{field}'" in refused.value.message or field == "model"


# to the wire


def test_a_request_of_another_protocol_gets_what_messages_demands() -> None:
    body = body_of(asked(stream=True))
    assert body == {
        "model": "claude",
        "max_tokens": 8192,
        "messages": [user(text("Hi."))],
        "stream": True,
    }
    assert body_of(asked(), max_output=64_000)["max_tokens"] == 64_000
    assert body_of(asked(max_output=100_000), max_output=64_000)["max_tokens"] == 64_000


def test_turns_of_one_side_are_merged_and_results_come_first() -> None:
    body = body_of(
        asked(
            Turn("user", (Text("Hi."),)),
            Turn("assistant", (Text("Both."), ToolCall("a", "look", '{"at":1}'))),
            Turn("assistant", (ToolCall("b", "look", ""),)),
            Turn("user", (Text("Wait."), ToolResult("a", (Text("1"),)))),
            Turn("user", (ToolResult("b", structured={"n": 2}, is_error=True),)),
        )
    )
    calls = body["messages"][1]["content"]
    assert [(call.get("id"), call.get("input")) for call in calls] == [(None, None), ("a", {"at": 1}), ("b", {})]
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": [text("1")]},
        {"type": "tool_result", "tool_use_id": "b", "content": [text('{"n":2}')], "is_error": True},
        text("Wait."),
    ]


def test_instructions_within_the_conversation_become_the_users_words_and_that_is_told() -> None:
    request = asked(
        Turn("user", (Text("Hi."),)),
        Turn("system", (Text("Be brief."),)),
        Turn("assistant", (Text("Yes."),)),
        Turn("user", (Text("And?"),)),
    )
    assert body_of(request)["messages"][0] == user(text("Hi."), text("<system>\nBe brief.\n</system>"))
    assert lost(request) == {"turns[1]"}


def test_instructions_within_the_conversation_stay_for_those_who_know_them() -> None:
    system = {"role": "system", "content": [text("Be brief.")], "clear_at": "never"}
    request = decoded(user("Hi."), system)
    assert body_of(request)["messages"][1] == system
    assert body_of(request, CLONE)["messages"] == [user(text("Hi."), text("<system>\nBe brief.\n</system>"))]


@pytest.mark.parametrize("turns", [(Turn("assistant", (Text("Yes."),)), Turn("user", (Text("And?"),))), ()])
def test_a_conversation_begins_with_the_user(turns: tuple[Turn, ...]) -> None:
    request = Request(model="m", turns=turns, instructions=(Text("Be kind."),))
    assert body_of(request)["messages"][0] == user(text("Continue."))
    assert lost(request) == {"turns"}


def test_the_begun_answer_ends_in_no_blank_and_is_refused_by_models_that_take_none() -> None:
    request = asked(Turn("user", (Text("Hi."),)), Turn("assistant", (Text("So \n"),)))
    assert body_of(request)["messages"][1] == assistant(text("So"))
    with pytest.raises(BadRequest):
        body_of(request, thinking_style="adaptive")


@pytest.mark.parametrize(
    "turns",
    [
        (Turn("user", (ToolResult("a"),)),),
        (Turn("user", (Text("Hi."),)), Turn("assistant", (ToolCall("a", "look"),)), Turn("user", (Text("And?"),))),
        (Turn("user", (Text("Hi."),)), Turn("assistant", (ToolCall("a", "look"),))),
    ],
)
def test_a_call_without_result_and_a_result_without_call_are_refused(turns: tuple[Turn, ...]) -> None:
    with pytest.raises(BadRequest, match="'a'"):
        body_of(asked(*turns))


def test_ids_and_names_that_messages_refuses_are_changed_and_found_again() -> None:
    result = encoded(
        asked(
            Turn("user", (Text("Hi."),)),
            Turn("assistant", (ToolCall("call:1", "look.at"),)),
            Turn("user", (ToolResult("call:1"),)),
            tools=(FunctionTool("look.at"), FunctionTool("go", namespace="car")),
        )
    )
    body = json.loads(result.call.body)
    call, answer = body["messages"][1]["content"][0], body["messages"][2]["content"][0]
    assert (call["id"], call["id"].isalnum()) == (answer["tool_use_id"], True)
    assert result.names == {call["name"]: "look.at"}
    assert [tool["name"] for tool in body["tools"]] == [call["name"], "car__go"]


def test_arguments_that_are_no_object_are_kept_in_one_and_that_is_told() -> None:
    turns = (
        Turn("user", (Text("Hi."),)),
        Turn("assistant", (ToolCall("a", "look", "[1]"), ToolCall("b", "patch", "free text", custom=True))),
        Turn("user", (ToolResult("a"), ToolResult("b"))),
    )
    calls = body_of(asked(*turns))["messages"][1]["content"]
    assert [call["input"] for call in calls] == [{"_raw": "[1]"}, {"input": "free text"}]
    assert lost(asked(*turns)) == {"turns[1].parts[0].arguments"}


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


def content(part: Part, **facts: Any) -> Any:
    return body_of(asked(Turn("user", (part,))), **facts)["messages"][0]["content"][0]


def test_media_are_written_as_messages_has_them() -> None:
    assert content(Image(Inline("image/png", "iVBORw0KGgo="), detail="low")) == {"type": "image", "source": PNG}
    assert content(Image(Remote("https://a.example/b.png")))["source"] == {
        "type": "url",
        "url": "https://a.example/b.png",
    }
    pdf = content(Document(Inline("application/pdf", "JVBERg=="), name="a.pdf", cited=True))
    assert (pdf["source"]["media_type"], pdf["title"], pdf["citations"]) == (
        "application/pdf",
        "a.pdf",
        {"enabled": True},
    )
    assert content(Document(Inline("text/csv", "YSxi")))["source"] == {
        "type": "text",
        "media_type": "text/plain",
        "data": "a,b",
    }
    assert content(Refusal("No.")) == text("No.")


@pytest.mark.parametrize(
    "part",
    [
        Audio(Inline("audio/wav", "UklGRg==")),
        Video(Remote("https://a.example/b.mp4")),
        Image(Inline("image/tiff", "SUkqAA==")),
        Image(Remote("http://a.example/b.png")),
        Image(Stored("gemini", "files/1")),
        Document(Inline("application/zip", "UEsDBA==")),
    ],
)
def test_media_that_the_model_does_not_take_are_refused(part: Part) -> None:
    with pytest.raises(BadRequest) as refused:
        content(part)
    assert refused.value.param == "turns[0].parts[0]"


def test_media_that_a_model_made_stand_as_a_word_in_its_answer() -> None:
    request = asked(
        Turn("user", (Text("Draw."),)),
        Turn("assistant", (Image(Inline("image/png", "aa==")),)),
        Turn("user", (Text("More."),)),
    )
    assert body_of(request)["messages"][1] == assistant(text("[image]"))
    assert lost(request) == {"turns[1].parts[0]"}


def thoughts(*parts: Part) -> Request:
    said = Turn("assistant", (*parts, ToolCall("a", "look")))
    return asked(Turn("user", (Text("Hi."),)), said, Turn("user", (ToolResult("a"),)), thinking=Thinking("high"))


def test_thoughts_go_back_to_their_family_alone() -> None:
    own = thoughts(
        Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "s")),
        Reasoning(opaque=Opaque("anthropic", "redacted", "r")),
    )
    written = body_of(own)["messages"][1]["content"]
    assert written[:2] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "r"},
    ]
    for foreign in (Reasoning("Hm.", opaque=Opaque("openai", "encrypted", "e")), Reasoning("Hm.")):
        assert [block["type"] for block in body_of(thoughts(foreign))["messages"][1]["content"]] == ["tool_use"]
        assert lost(thoughts(foreign)) == {"part.reasoning", "thinking"}


def test_unsigned_thoughts_go_to_those_that_want_them_echoed() -> None:
    echoing = Dialect("mimo", echo_reasoning="required", keeps_unknown=False)
    written = body_of(thoughts(Reasoning("Hm.")), echoing)["messages"][1]["content"]
    assert written[0] == {"type": "thinking", "thinking": "Hm.", "signature": ""}


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


def test_sampling_is_dropped_where_the_model_takes_none_and_bent_where_it_must() -> None:
    request = asked(temperature=1.5, top_p=0.5, top_k=4)
    assert lost(request, samples=False) == {"temperature", "top_p", "top_k"}
    body = body_of(request)
    assert (body["temperature"], body["top_k"], "top_p" in body) == (1.0, 4, False)
    assert lost(request) == {"temperature", "top_p"}
    assert lost(asked(temperature=0.3, thinking=Thinking("low"))) == {"temperature"}


def test_sampling_asks_for_the_version_that_takes_it() -> None:
    headers = {"anthropic-version": "2026-10-21"}
    assert encoded(decoded(headers=headers, temperature=0.5)).call.headers["anthropic-version"] == "2023-06-01"


def test_a_schema_is_closed_for_the_format_and_json_alone_is_asked_for_in_words() -> None:
    output = OutputFormat(
        "schema", "n", schema={"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    )
    written = body_of(asked(output=output))["output_config"]["format"]["schema"]
    assert written["additionalProperties"] is False
    assert written["properties"]["a"] == {"type": "integer", "description": "{minimum: 1}"}
    assert "JSON object" in body_of(asked(output=OutputFormat("json")))["system"]
    assert lost(asked(output=OutputFormat("json"))) == {"output"}
    assert '"minimum":1' in body_of(asked(output=output), CLONE)["system"]


def test_places_to_cache_are_kept_up_to_four_the_last_ones_first() -> None:
    turns = (Turn("user", tuple(Text(word, cache=Cache("1h")) for word in "abcd")),)
    request = asked(*turns, instructions=(Text("Be kind.", cache=Cache()),))
    body = body_of(request)
    assert body["system"] == [text("Be kind.")]
    marks = [block["cache_control"] for block in body["messages"][0]["content"]]
    assert marks == [{"type": "ephemeral", "ttl": "1h"}] * 4
    assert body_of(request, CLONE)["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


def test_what_messages_cannot_be_told_is_lost_with_a_word_or_refused() -> None:
    request = asked(seed=1, presence_penalty=0.5, verbosity="low", stop=(" ", "END"), tier="flex", logit_bias={"1": 2})
    assert lost(request) == {"seed", "presence_penalty", "verbosity", "stop", "tier", "logit_bias"}
    for refused in ({"choices": 2}, {"logprobs": 0}, {"modalities": ("text", "audio")}):
        with pytest.raises(BadRequest):
            body_of(asked(**refused))


def test_another_protocols_own_members_are_told_and_its_state_is_refused() -> None:
    assert lost(asked(extensions={"openai_chat": {"prediction": {}, "_note": 1}})) == {"prediction"}
    with pytest.raises(BadRequest) as refused:
        body_of(asked(extensions={"openai_responses": {"previous_response_id": "resp_1"}}))
    assert refused.value.param == "previous_response_id"


def test_an_upstreams_row_says_what_is_left_out() -> None:
    dialect = Dialect("clone", drops=("temperature", "user", "cache"))
    request = asked(Turn("user", (Text("Hi.", cache=Cache()),)), temperature=0.5, user="u")
    body = body_of(request, dialect)
    assert ("temperature" in body, "metadata" in body, body["messages"]) == (False, False, [user(text("Hi."))])
    assert lost(request, dialect) == {"temperature", "user"}


def test_a_results_pictures_stay_within_it() -> None:
    result = ToolResult("a", (Text("See."), Image(Inline("image/png", "iVBORw0KGgo="))))
    request = asked(Turn("user", (Text("Hi."),)), Turn("assistant", (ToolCall("a", "look"),)), Turn("user", (result,)))
    written = body_of(request)["messages"][2]["content"][0]["content"]
    assert [block["type"] for block in written] == ["text", "image"]
