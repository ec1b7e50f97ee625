"""Relayed requests for upstreams with a dialect of their own: what is changed, and above all what is not."""

import json
from typing import Any

import pytest

from gateway.canonical import Opaque, Protocol
from gateway.protocols.capsules import seal
from gateway.protocols.codec import Call
from gateway.protocols.dialects import DIALECTS, dialect_for
from gateway.protocols.patches import AS_WRITTEN, patched

PATHS: dict[Protocol, str] = {
    "openai_chat": "chat/completions",
    "openai_responses": "responses",
    "anthropic_messages": "messages",
    "gemini": "models/m:generateContent",
}
CAPSULE = seal(Opaque("anthropic", "signature", "c2ln"))
CHAT = [(name, dialect) for name, dialect in DIALECTS["openai_chat"].items() if name not in AS_WRITTEN]
ASSISTANT = {"role": "assistant", "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": "{}"}}]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "x"}


def send(protocol: Protocol, body: bytes, **headers: str) -> Call:
    return Call("POST", PATHS[protocol], {}, headers, body)


FOUND_ELSEWHERE = seal(Opaque("", "searched", ""))


def test_a_search_that_another_provider_ran_is_not_given_back_to_anthropic() -> None:
    location = {"type": "web_search_result_location", "url": "https://a", "cited_text": ""}
    own = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_2", "content": []}
    content = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [{"type": "web_search_result", "url": "https://a", "encrypted_content": FOUND_ELSEWHERE}],
        },
        {"type": "server_tool_use", "id": "srvtoolu_2", "name": "web_search", "input": {}},
        own,
        {
            "type": "text",
            "text": "So.",
            "citations": [location | {"encrypted_index": FOUND_ELSEWHERE}, location | {"encrypted_index": "Eo8B"}],
        },
    ]
    sent = patch("anthropic_messages", "standard", {"messages": [{"role": "assistant", "content": content}]})
    (message,) = sent["messages"]
    assert message["content"][:2] == content[2:4]
    assert message["content"][2]["citations"] == [location | {"encrypted_index": "Eo8B"}]


def chat(dialect: str, *messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return patch("openai_chat", dialect, {"messages": [{"role": "user", "content": "?"}, *messages]} | members)


def claude(dialect: str = "zai", **members: Any) -> dict[str, Any]:
    return patch("anthropic_messages", dialect, {"messages": [{"role": "user", "content": "?"}]} | members)


def patch(protocol: Protocol, dialect: str, members: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({"model": "m", **members}).encode()
    sent: dict[str, Any] = json.loads(patched(send(protocol, body), protocol, dialect_for(protocol, dialect))[0].body)
    return sent


def lost(dialect: str, **members: Any) -> set[str]:
    body = json.dumps({"messages": [{"role": "user", "content": "?"}]} | members).encode()
    losses = patched(send("openai_chat", body), "openai_chat", dialect_for("openai_chat", dialect))[1]
    return {loss.field for loss in losses}


@pytest.mark.parametrize("protocol", PATHS)
@pytest.mark.parametrize("dialect", AS_WRITTEN)
def test_an_upstream_without_a_dialect_gets_the_very_call(protocol: Protocol, dialect: str) -> None:
    body = b'{ "max_completion_tokens":5,"store" : true,"x":1.0, "messages":[{"role":"developer","content":"x"}]}'
    call = send(protocol, body, **{"anthropic-beta": "x"})
    assert patched(call, protocol, dialect_for(protocol, dialect)) == (call, ())


@pytest.mark.parametrize("name", [name for name, _ in CHAT])
def test_a_request_that_needs_no_patch_keeps_every_byte(name: str) -> None:
    body = b'{"stream" : true, "temperature":1.0,"messages":[{"role":"user","content":"\\u00e9"}],"x":{}}'
    call = send("openai_chat", body)
    assert patched(call, "openai_chat", dialect_for("openai_chat", name)) == (call, ())


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"messages":3}', b'{"messages":[3,{"role":3}]}', b'{"thinking":3}'])
@pytest.mark.parametrize("name", [name for name, _ in CHAT])
def test_odd_bodies_are_no_reason_to_fail(name: str, body: bytes) -> None:
    assert patched(send("openai_chat", body), "openai_chat", dialect_for("openai_chat", name))


def test_only_what_must_be_changed_loses_its_spelling() -> None:
    body = b'{"temperature" : 1.0, "max_completion_tokens": 5, "messages": [{"role": "user", "content":"x"}]}'
    sent = patched(send("openai_chat", body), "openai_chat", dialect_for("openai_chat", "vllm"))[0].body
    assert sent == b'{"max_tokens":5,"temperature" : 1.0, "messages": [{"role": "user", "content":"x"}]}'


def test_other_operations_of_the_protocol_are_left_alone() -> None:
    call = Call("POST", "embeddings", {}, {}, b'{"user":"u","input":"x"}')
    assert patched(call, "openai_chat", dialect_for("openai_chat", "mistral")) == (call, ())


def test_instructions_in_the_newer_role_go_out_in_the_older() -> None:
    assert chat("deepseek", {"role": "developer", "content": "x"})["messages"][1]["role"] == "system"


def test_what_an_upstream_refuses_is_left_out_and_told_where_it_matters() -> None:
    members = {"store": True, "metadata": {"a": "b"}, "verbosity": "low", "prompt_cache_key": "k"}
    assert not chat("vllm", **members).keys() & members.keys()
    assert lost("vllm", **members) == {"verbosity"}
    assert lost("deepseek", parallel_tool_calls=False) == {"parallel_calls"}
    assert lost("deepseek", parallel_tool_calls=True) == set()


def test_a_seed_and_a_forced_call_have_mistrals_words() -> None:
    sent = chat("mistral", seed=7, tool_choice="required")
    assert (sent["random_seed"], sent["tool_choice"]) == (7, "any")
    assert "seed" not in sent


def test_mistral_gets_call_ids_of_nine_letters_on_both_sides() -> None:
    _, said, result = chat("mistral", ASSISTANT, RESULT)["messages"]
    assert len(said["tool_calls"][0]["id"]) == 9
    assert result["tool_call_id"] == said["tool_calls"][0]["id"]


@pytest.mark.parametrize(
    ("dialect", "given", "sent"),
    [
        ("deepseek", {"reasoning_effort": "medium"}, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("deepseek", {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ("zai", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("qwen", {"reasoning_effort": "low", "stream": True}, {"enable_thinking": True, "thinking_budget": 2048}),
        ("qwen", {}, {"enable_thinking": False}),
        ("openrouter", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ("groq", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ("mistral", {"reasoning_effort": "low"}, {}),
    ],
)
def test_the_wish_to_think_is_said_in_the_upstreams_words(dialect: str, given: Any, sent: Any) -> None:
    members = ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget")
    body = chat(dialect, **given)
    assert {name: body[name] for name in members if name in body} == sent


def test_earlier_reasoning_goes_where_it_is_wanted_under_its_name() -> None:
    thought = ASSISTANT | {"reasoning_content": "Hm."}
    assert chat("vllm", thought, RESULT)["messages"][1]["reasoning"] == "Hm."
    assert chat("deepseek", thought, RESULT)["messages"][1]["reasoning_content"] == "Hm."
    assert chat("deepseek", ASSISTANT, RESULT)["messages"][1]["reasoning_content"] == ""
    assert "reasoning_content" not in chat("groq", thought, RESULT)["messages"][1]


def test_an_upstream_that_takes_no_null_for_content_gets_an_empty_text() -> None:
    assert chat("mimo", ASSISTANT, RESULT)["messages"][1]["content"] == ""


@pytest.mark.parametrize(
    ("protocol", "given", "kept"),
    [
        (
            "openai_chat",
            {"messages": [{"role": "assistant", "content": "x", "reasoning_details": [{"data": CAPSULE}]}]},
            {"messages": [{"role": "assistant", "content": "x"}]},
        ),
        (
            "anthropic_messages",
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "redacted_thinking", "data": CAPSULE}]},
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "x", "signature": CAPSULE},
                            {"type": "text", "text": "y"},
                        ],
                    },
                ]
            },
            {"messages": [{"role": "assistant", "content": [{"type": "text", "text": "y"}]}]},
        ),
        (
            "openai_responses",
            {"input": [{"type": "reasoning", "summary": [], "encrypted_content": CAPSULE}, {"role": "user"}]},
            {"input": [{"role": "user"}]},
        ),
        (
            "gemini",
            {"contents": [{"parts": [{"text": "x", "thoughtSignature": CAPSULE}]}]},
            {"contents": [{"parts": [{"text": "x"}]}]},
        ),
    ],
)
def test_another_familys_capsules_reach_no_upstream(protocol: Protocol, given: Any, kept: Any) -> None:
    assert patch(protocol, "standard", given) == {"model": "m", **kept}


# clones of Anthropic's endpoint


def test_a_clone_gets_neither_betas_nor_the_members_that_need_them() -> None:
    body = b'{"context_management":{},"speed":"fast","diagnostics":{},"max_tokens":5,"messages":[]}'
    call = send("anthropic_messages", body, **{"anthropic-beta": "a,b", "anthropic-version": "2023-06-01"})
    sent, losses = patched(call, "anthropic_messages", dialect_for("anthropic_messages", "zai"))
    assert sent.headers == {"anthropic-version": "2023-06-01"}
    assert sent.body == b'{"max_tokens":5,"messages":[]}'
    assert {loss.field for loss in losses} == {"context_management", "speed"}


def test_a_clone_gets_tools_and_caching_as_they_were_at_first() -> None:
    tool = {"name": "f", "input_schema": {}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    (sent,) = claude(tools=[tool | {"type": "custom", "strict": True, "eager_input_streaming": True}])["tools"]
    assert sent == {"name": "f", "input_schema": {}, "cache_control": {"type": "ephemeral"}}


def test_instructions_between_turns_are_said_by_the_user_after_the_results() -> None:
    messages = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}]},
    ]
    _, said = claude(messages=messages)["messages"]
    assert [block["type"] for block in said["content"]] == ["tool_result", "text"]
    assert said["content"][1]["text"] == "<system>Be brief.</system>"


def test_what_is_for_anthropic_alone_in_the_instructions_is_left_out() -> None:
    system = [{"type": "text", "text": "x-anthropic-billing-header: x"}, {"type": "text", "text": "Be brief."}]
    assert claude(system=system)["system"] == system[1:]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (32_000, {"type": "enabled", "budget_tokens": 8192}),
        (4000, {"type": "enabled", "budget_tokens": 3999}),
        (500, {"type": "disabled"}),
    ],
)
def test_thinking_without_a_budget_gets_one_within_the_limit(limit: int, expected: dict[str, Any]) -> None:
    assert claude(max_tokens=limit, thinking={"type": "adaptive"})["thinking"] == expected
