"""Whole messages, to the canonical model and from it."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import msgspec
import pytest

from gateway.canonical import (
    Audio,
    Citation,
    Ending,
    Finish,
    Inline,
    Native,
    Opaque,
    Part,
    Piece,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from gateway.errors import BadRequest, GatewayError, UpstreamFailed
from gateway.protocols.anthropic_messages.answers import decode_response, encode_response
from gateway.protocols.anthropic_messages.native import CODEC
from gateway.protocols.anthropic_messages.requests import decode_request
from gateway.protocols.anthropic_messages.searches import FOREIGN as FOREIGN_FIND
from gateway.protocols.capsules import unseal
from gateway.protocols.codec import Call
from tests.support.looked_on import buckets

PROTOCOL = "anthropic_messages"

ASKED = Request(model="theirs", turns=())
THINKING = Request(model="theirs", turns=(), thinking=Thinking("high"))

LOST = {
    "citations": "only what has an address can be named",
    "caller": "nobody else has calls within calls",
    "container": "lies at the upstream",
}
"""Members of recorded messages that are not written again, and why."""

Serve = Callable[..., str]


def message(*content: dict[str, Any], **members: Any) -> bytes:
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": list(content)}
    return json.dumps({**told, "stop_reason": "end_turn", "usage": {}, **members}).encode()


def written(*parts: Part, finish: Finish = "end", request: Request = ASKED, **members: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode_response(Response("x", "m", parts, Ending(finish), **members), request))
    return body


def bare(content: Any) -> Any:
    if isinstance(content, list):
        return [bare(item) for item in content]
    if not isinstance(content, dict):
        return content
    return {name: bare(value) for name, value in content.items() if name not in LOST and value is not None}


# what is recorded


def is_message(recording: dict[str, Any]) -> bool:
    return "content" in recording["response"]["body"]


def test_a_recorded_message_is_what_looking_on_saw_of_it(recorded_answer: dict[str, Any]) -> None:
    if not is_message(recorded_answer):
        pytest.skip("counts tokens and says nothing")
    body = json.dumps(recorded_answer["response"]["body"]).encode()
    reader, response = CODEC.new_reader(), decode_response(body)
    reader.read_body(body)
    pieces = [Piece("text", part.text) for part in response.parts if isinstance(part, Text)]
    thoughts = [Piece("reasoning", part.text) for part in response.parts if isinstance(part, Reasoning) and part.text]
    seen = reader.take_pieces()
    assert pieces == [piece for piece in seen if piece.kind == "text"]
    assert thoughts == [piece for piece in seen if piece.kind == "reasoning"]
    assert (response.ending.finish, response.usage, response.model) == (reader.finish, buckets(reader), reader.model)


def test_a_recorded_message_is_the_same_to_the_sdk_after_a_round_trip(
    recorded_answer: dict[str, Any], serve: Serve
) -> None:
    if not is_message(recorded_answer):
        pytest.skip("counts tokens and says nothing")
    raw = json.dumps(recorded_answer["response"]["body"]).encode()
    again = encode_response(decode_response(raw), msgspec.structs.replace(ASKED, model=json.loads(raw)["model"]))
    seen = [seen_by_the_sdk(serve(200, body)) for body in (raw, again)]
    assert seen[0] == seen[1]


def seen_by_the_sdk(url: str) -> Any:
    with anthropic.Anthropic(api_key="k", base_url=url, max_retries=0) as client:
        told = client.beta.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "Hi."}])
    usage = told.usage
    counts = (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens, usage.output_tokens)
    content = bare([block.model_dump() for block in told.content])
    return (told.id, told.model, told.role, told.stop_reason, told.stop_sequence, counts, content)


# from the wire


def test_blocks_become_parts_and_what_is_native_stays_so() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    response = decode_response(
        message(
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "dark"},
            {"type": "text", "text": ""},
            {"type": "text", "text": "So."},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}},
            search,
        )
    )
    assert response.parts == (
        Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "sig")),
        Reasoning(opaque=Opaque("anthropic", "redacted", "dark")),
        Text("So."),
        ToolCall("toolu_1", "look", '{"at":"it"}'),
        Native("anthropic_messages", "server_tool_use", search),
    )


def test_a_citation_is_for_the_whole_of_its_text() -> None:
    told = {
        "type": "web_search_result_location",
        "url": "https://a.example",
        "title": "A",
        "cited_text": "Yes",
        "encrypted_index": "e",
    }
    response = decode_response(message({"type": "text", "text": "Yes, they say.", "citations": [told]}))
    assert response.parts == (Text("Yes, they say.", (Citation("https://a.example", "A", "Yes", 0, 14),)),)


@pytest.mark.parametrize(
    ("reason", "calls", "finish"),
    [
        ("end_turn", False, "end"),
        ("end_turn", True, "tool"),
        ("tool_use", False, "end"),
        ("max_tokens", True, "length"),
        ("refusal", False, "refusal"),
        ("pause_turn", False, "pause"),
        ("model_context_window_exceeded", False, "context_full"),
        ("eos", False, "end"),
        (None, True, "tool"),
    ],
)
def test_the_finish_is_seen_in_what_was_said(reason: str | None, calls: bool, finish: Finish) -> None:
    content = [{"type": "tool_use", "id": "a", "name": "look", "input": {}}] if calls else []
    assert decode_response(message(*content, stop_reason=reason)).ending.finish == finish


def test_what_imitations_get_wrong_about_calls_is_put_right() -> None:
    call = {"type": "tool_use", "name": "look"}
    response = decode_response(message({**call, "id": "", "input": None}, {**call, "id": "", "input": '{"a":1}'}))
    first, second = (part for part in response.parts if isinstance(part, ToolCall))
    assert (first.arguments, second.arguments) == ("{}", '{"a":1}')
    assert (len(first.id), first.id != second.id) == (9, True)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"content": "Hi."}', b'{"content": 5}'])
def test_what_is_no_message_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        decode_response(body)


def test_an_error_with_a_good_status_is_an_error() -> None:
    with pytest.raises(BadRequest, match="too many cats"):
        decode_response(b'{"type":"error","error":{"type":"invalid_request_error","message":"too many cats"}}')


# to the wire


def test_a_message_has_all_that_strict_clients_want() -> None:
    assert written(Text("Hi."), usage=Usage(5, 4, 3, 2, 1, 10, 7)) == {
        "id": "msg_" + written(Text("Hi."))["id"].removeprefix("msg_"),
        "type": "message",
        "role": "assistant",
        "model": "theirs",
        "content": [{"type": "text", "text": "Hi."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 5,
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
            "cache_read_input_tokens": 4,
            "output_tokens": 17,
            "output_tokens_details": {"thinking_tokens": 7},
        },
    }


@pytest.mark.parametrize(
    ("finish", "calls", "reason"),
    [
        ("end", False, "end_turn"),
        ("end", True, "tool_use"),
        ("tool", True, "tool_use"),
        ("tool", False, "end_turn"),
        ("length", True, "max_tokens"),
        ("context_full", False, "model_context_window_exceeded"),
        ("filter", False, "refusal"),
        ("refusal", False, "refusal"),
        ("pause", False, "pause_turn"),
    ],
)
def test_the_stop_reason_says_whether_a_tool_is_called(finish: Finish, calls: bool, reason: str) -> None:
    parts = (ToolCall("a", "look", "{}"),) if calls else (Text("Hi."),)
    assert written(*parts, finish=finish)["stop_reason"] == reason


@pytest.mark.parametrize("finish", ["malformed_call", "error"])
def test_an_answer_that_failed_is_no_message(finish: Finish) -> None:
    with pytest.raises(UpstreamFailed):
        written(Text("Hi."), finish=finish)


def test_a_call_that_cannot_be_read_is_not_passed_on() -> None:
    with pytest.raises(GatewayError) as failed:
        written(ToolCall("a", "look", '{"at":'))
    assert failed.value.code == "upstream_malformed_tool_call"


def test_refusals_and_media_are_told_as_text() -> None:
    body = written(Refusal("No."), Audio(Inline("audio/wav", "UklGRg==")))
    assert [block["text"] for block in body["content"]] == ["No.", "[audio]"]


def test_why_a_model_declined_is_told() -> None:
    body = encode_response(Response("x", "m", (), Ending("refusal", detail="Too dangerous.")), ASKED)
    assert json.loads(body)["stop_details"]["explanation"] == "Too dangerous."


def test_a_source_with_an_address_is_cited() -> None:
    cited = Text("So.", (Citation("https://a.example", "A", "so", 0, 3), Citation(title="A document")))
    assert written(cited)["content"][0]["citations"] == [
        {
            "type": "web_search_result_location",
            "url": "https://a.example",
            "title": "A",
            "cited_text": "so",
            "encrypted_index": FOREIGN_FIND,
        }
    ]


FOREIGN = Opaque("openai", "encrypted", "gAAA")


def test_foreign_thoughts_reach_a_client_that_asked_for_some_each_with_a_token() -> None:
    signed, unsigned, hidden = written(
        Reasoning("Hm.", opaque=FOREIGN), Reasoning("Oh."), Reasoning(opaque=FOREIGN), request=THINKING
    )["content"]
    assert (signed["thinking"], unseal(signed["signature"])) == ("Hm.", FOREIGN)
    assert (unsigned["thinking"], bool(unsigned["signature"])) == ("Oh.", True)
    assert (hidden["type"], unseal(hidden["data"])) == ("redacted_thinking", FOREIGN)


def test_a_client_that_asked_for_no_thoughts_gets_none_but_the_models_own() -> None:
    own = Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "sig"))
    assert written(Reasoning("Hm.", opaque=FOREIGN), Reasoning("Oh."), own)["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    ]


def test_thoughts_that_are_not_to_be_shown_keep_their_token_alone() -> None:
    request = Request(model="theirs", turns=(), thinking=Thinking("high", show="none"))
    (block,) = written(Reasoning("Hm.", opaque=FOREIGN), Reasoning("Oh."), request=request)["content"]
    assert unseal(block["data"]) == FOREIGN


@pytest.mark.parametrize("part", [ToolCall("a", "look", "{}"), Text("So.")])
def test_a_token_of_a_call_or_a_text_comes_back_with_it(part: Part) -> None:
    signed = msgspec.structs.replace(part, opaque=Opaque("google", "thought_signature", "abc"))
    content = written(Text("First."), signed, request=THINKING)["content"]
    result = [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}, {"type": "text", "text": "And?"}]}
    ]
    if isinstance(part, Text):
        result[0]["content"] = "And?"
    sent = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": content}, *result],
    }
    turns = decode_request(Call("POST", "messages", {}, {}, json.dumps(sent).encode())).turns
    assert turns[1].parts == (Text("First."), signed)
