"""Messages requests as a whole, both ways."""

import json
from typing import Any

import pytest
from messages import CALL, CLONE, PNG, RESULT, TOOL, asked, assistant, body_of, decoded, encoded, lost, text, user

from gateway.canonical import (
    Cache,
    FunctionTool,
    OutputFormat,
    Request,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from gateway.errors import BadRequest
from gateway.protocols.anthropic_messages.requests import decode_request, encode_request
from gateway.protocols.codec import Call
from gateway.protocols.translation import Dialect, Target

PROTOCOL = "anthropic_messages"


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


def test_unknown_members_come_back_where_the_upstream_is_the_real_one_and_are_told_elsewhere() -> None:
    request = decoded(context_management={"edits": []}, brand_new=1)
    assert body_of(request)["brand_new"] == 1
    assert "brand_new" not in body_of(request, CLONE)
    assert lost(request, CLONE) == {"brand_new", "context_management"}


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


@pytest.mark.parametrize("spelling", ["output_format", "output_config"])
def test_a_format_is_understood_in_the_old_spelling_and_the_new(spelling: str) -> None:
    told = {"type": "json_schema", "schema": {"type": "object"}}
    request = decoded(**{spelling: told if spelling == "output_format" else {"format": told}})
    assert request.output == OutputFormat("schema", schema={"type": "object"})
    assert body_of(request)["output_config"] == {"format": told}


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


def test_what_messages_cannot_be_told_is_lost_with_a_word_or_refused() -> None:
    request = asked(
        seed=1, presence_penalty=0.5, verbosity="low", stop=(" ", "END"), tier="flex", logit_bias={"1": 2}, logprobs=0
    )
    assert lost(request) == {"seed", "presence_penalty", "verbosity", "stop", "tier", "logit_bias", "logprobs"}
    for refused in ({"choices": 2}, {"modalities": ("text", "audio")}):
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
