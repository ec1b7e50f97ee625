"""Whole answers of Chat: what they amount to, and how any answer is written for a client."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from gateway.canonical import (
    Audio,
    Citation,
    Ending,
    Finish,
    Image,
    Inline,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    ToolCall,
    Usage,
)
from gateway.errors import RateLimited, UpstreamFailed
from gateway.protocols.capsules import unseal
from gateway.protocols.codec import Call
from gateway.protocols.openai_chat.answers import decode_response, encode_response
from gateway.protocols.openai_chat.native import CODEC
from gateway.protocols.openai_chat.requests import decode_request
from tests.support.looked_on import buckets

PROTOCOL = "openai_chat"

SIGNED = Opaque("anthropic", "signature", "c2ln")
CITED = Citation("https://x", "X", start=0, end=3)


def client(**members: Any) -> Request:
    body = {"model": "theirs", "messages": [{"role": "user", "content": "Hello"}]} | members
    return decode_request(Call("POST", "chat/completions", {}, {}, json.dumps(body).encode()))


def read(finish: str | None = "stop", **message: Any) -> Response:
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish}
    return decode_response(json.dumps({"id": "c1", "model": "m", "created": 5, "choices": [choice]}).encode())


def write(*parts: Part, finish: Finish = "end", request: Request | None = None, **members: Any) -> dict[str, Any]:
    response = Response("id1", "upstream", parts, Ending(finish), **members)
    written: dict[str, Any] = json.loads(encode_response(response, request or client()))
    ChatCompletion.model_validate(written)
    return written


def message(*parts: Part, **members: Any) -> dict[str, Any]:
    said: dict[str, Any] = write(*parts, **members)["choices"][0]["message"]
    return said


def call(call_id: str = "call_1", arguments: Any = "{}", **members: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": arguments}} | members


# reading


def test_an_answer_is_read_with_its_thoughts_first_and_its_calls_last() -> None:
    response = read(finish="tool_calls", content="Let me see.", reasoning_content="Hm.", tool_calls=[call()])
    assert response.parts == (Reasoning("Hm."), Text("Let me see."), ToolCall("call_1", "weather", "{}"))
    assert (response.id, response.model, response.created) == ("c1", "m", 5)
    assert response.ending == Ending("tool", raw="tool_calls")


@pytest.mark.parametrize(
    ("label", "parts", "finish"),
    [
        ("stop", {"content": "Hi"}, "end"),
        ("eos", {"content": "Hi"}, "end"),
        (None, {"content": "Hi"}, "end"),
        ("stop", {"tool_calls": [call()]}, "tool"),
        ("function_call", {"function_call": {"name": "weather", "arguments": "{}"}}, "tool"),
        ("tool_calls", {"content": "Hi"}, "end"),
        ("length", {"tool_calls": [call()]}, "length"),
        ("content_filter", {"content": "Hi"}, "filter"),
        ("stop", {"refusal": "No."}, "refusal"),
    ],
)
def test_why_it_ended_is_seen_by_what_it_holds(label: str | None, parts: dict[str, Any], finish: Finish) -> None:
    assert read(label, **parts).ending.finish == finish


@pytest.mark.parametrize(
    ("arguments", "expected"), [({"city": "Oslo"}, '{"city":"Oslo"}'), (None, ""), ('{"a": 1}', '{"a": 1}')]
)
def test_arguments_are_text_whatever_they_were(arguments: Any, expected: str) -> None:
    (called,) = read(tool_calls=[call(arguments=arguments)]).parts
    assert isinstance(called, ToolCall)
    assert called.arguments == expected


def test_calls_without_ids_of_their_own_get_different_ones() -> None:
    first, second, third = read(tool_calls=[call(""), call("weather"), call("")]).parts
    ids = {part.id for part in (first, second, third) if isinstance(part, ToolCall)}
    assert len(ids) == 3
    assert not ids & {"", "weather"}


def test_members_that_are_filled_with_nothing_say_nothing() -> None:
    nothing: dict[str, Any] = {"name": "", "arguments": "", "input": ""}
    told: dict[str, Any] = {"function_call": nothing, "audio": {"id": "", "data": "", "transcript": ""}, "refusal": ""}
    assert read(content="Hi", **told).ending == Ending("end", raw="stop")
    (called,) = read(tool_calls=[call(custom=nothing)], **told).parts
    assert called == ToolCall("call_1", "weather", "{}")


def test_content_in_parts_is_read_with_its_thinking() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Hi"},
    ]
    assert read(content=content).parts == (Reasoning("Hm."), Text("Hi"))


def test_reasoning_details_become_a_token_with_the_thought() -> None:
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "eHg=", "index": 0}]
    (thought,) = read(reasoning="Hm.", reasoning_details=details).parts
    token = json.dumps(details, separators=(",", ":"))
    assert thought == Reasoning("Hm.", opaque=Opaque("openrouter", "details", token))


def test_sources_images_audio_and_signatures_are_read() -> None:
    annotation = {"url": "https://x", "title": "X", "start_index": 0, "end_index": 3}
    (cited,) = read(content="Sun", annotations=[{"type": "url_citation", "url_citation": annotation}]).parts
    assert cited == Text("Sun", (CITED,))
    (drawn,) = read(images=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]).parts
    assert drawn == Image(Inline("image/png", "AAAA"))
    assert read(audio={"id": "a", "data": "UklGRg==", "transcript": "Hi"}).parts == (
        Text("Hi"),
        Audio(Inline("audio/wav", "UklGRg==")),
    )
    extra = {"google": {"thought_signature": "c2ln"}}
    (signed,) = read(content="Sun", extra_content=extra).parts
    assert signed == Text("Sun", opaque=Opaque("google", "thought_signature", "c2ln"))


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"choices":[]}', b'{"choices":"x"}', b"[1]"])
def test_what_is_no_answer_is_a_failure_of_the_upstream(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        decode_response(body)


def test_an_error_under_a_good_status_is_raised_as_what_it_is() -> None:
    with pytest.raises(RateLimited):
        decode_response(b'{"error":{"code":429,"message":"slow down"}}')
    with pytest.raises(UpstreamFailed):
        read("error", content="Hi")


# writing


def test_an_answer_has_the_clients_name_for_the_model_and_all_that_sdks_ask_for() -> None:
    written = write(Text("Hi"), created=5, tier="priority", usage=Usage(input=3, cache_read=2, output=4, reasoning=1))
    assert (written["id"], written["model"], written["created"]) == ("chatcmpl-id1", "theirs", 5)
    assert written["service_tier"] == "priority"
    assert written["choices"][0]["message"] == {"role": "assistant", "content": "Hi", "refusal": None}
    assert written["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 5,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }


@pytest.mark.parametrize(
    ("finish", "label"),
    [
        ("end", "stop"),
        ("stop_sequence", "stop"),
        ("tool", "tool_calls"),
        ("length", "length"),
        ("context_full", "length"),
        ("filter", "content_filter"),
        ("refusal", "content_filter"),
        ("pause", "stop"),
    ],
)
def test_every_way_to_end_has_its_label(finish: Finish, label: str) -> None:
    assert write(Text("Hi"), finish=finish)["choices"][0]["finish_reason"] == label


def test_a_refusal_in_words_is_its_own_member_and_stops() -> None:
    written = write(Refusal("No."), finish="refusal")["choices"][0]
    assert (written["message"]["refusal"], written["message"]["content"]) == ("No.", None)
    assert written["finish_reason"] == "stop"


@pytest.mark.parametrize("finish", ["malformed_call", "error"])
def test_an_answer_that_failed_is_an_error_and_no_answer(finish: Finish) -> None:
    with pytest.raises(UpstreamFailed):
        write(finish=finish)


def test_calls_have_text_for_arguments_and_the_content_is_null_beside_them() -> None:
    said = message(ToolCall("a", "weather"), ToolCall("b", "patch", "x", custom=True), finish="tool")
    assert said["content"] is None
    assert said["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        {"id": "b", "type": "custom", "custom": {"name": "patch", "input": "x"}},
    ]


def test_a_client_of_functions_gets_a_function_call() -> None:
    legacy = client(functions=[{"name": "weather"}])
    written = write(ToolCall("a", "weather", "{}"), finish="tool", request=legacy)["choices"][0]
    assert written["message"]["function_call"] == {"name": "weather", "arguments": "{}"}
    assert "tool_calls" not in written["message"]
    assert written["finish_reason"] == "function_call"


def test_thoughts_are_shown_and_their_tokens_travel_beside_them() -> None:
    said = message(Reasoning("Hm.", opaque=SIGNED), Text("Sun"))
    (entry,) = said["reasoning_details"]
    assert said["reasoning_content"] == "Hm."
    assert (entry["type"], entry["text"], entry["index"]) == ("reasoning.text", "Hm.", 0)
    assert unseal(entry["signature"]) == SIGNED


def test_a_client_that_wants_no_thoughts_gets_none() -> None:
    said = message(Reasoning("Hm.", opaque=SIGNED), Text("Sun"), request=client(reasoning={"exclude": True}))
    assert said.keys() == {"role", "content", "refusal"}


def test_a_token_on_a_call_is_found_again_by_the_calls_id() -> None:
    token = Opaque("openai", "encrypted", "eHg=")
    said = message(ToolCall("a", "weather", "{}", opaque=token), finish="tool")
    assert said["reasoning_details"][0]["id"] == "a"
    asked = {"role": "user", "content": "?"}
    answered = {"role": "tool", "tool_call_id": "a", "content": "Sun"}
    assert client(messages=[asked, said, answered]).turns[1].parts == (ToolCall("a", "weather", "{}", opaque=token),)


def test_googles_signature_stands_where_googles_own_endpoint_has_it() -> None:
    token = Opaque("google", "thought_signature", "c2ln")
    extra = {"google": {"thought_signature": "c2ln"}}
    assert message(ToolCall("a", "weather", opaque=token))["tool_calls"][0]["extra_content"] == extra
    assert message(Text("Sun", opaque=token))["extra_content"] == extra


def test_sources_images_and_audio_are_written() -> None:
    said = message(Text("Sun", (CITED,)), Image(Inline("image/png", "AAAA")))
    assert said["annotations"][0]["url_citation"]["title"] == "X"
    assert said["images"][0]["image_url"]["url"] == "data:image/png;base64,AAAA"
    speaking = client(modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"})
    spoken = message(Text("Hi"), Audio(Inline("audio/wav", "AAAA")), request=speaking)
    assert (spoken["content"], spoken["audio"]["transcript"], spoken["audio"]["data"]) == (None, "Hi", "AAAA")


# recorded traffic


def test_a_recorded_answer_says_what_the_relay_saw_in_it(recorded_answer: dict[str, Any]) -> None:
    body = json.dumps(recorded_answer["response"]["body"]).encode()
    reader = CODEC.new_reader()
    reader.read_body(body)
    if reader.error:
        with pytest.raises(type(reader.error)):
            decode_response(body)
        return
    response = decode_response(body)
    assert (response.usage, response.model) == (buckets(reader), reader.model)
    assert reader.finish in (response.ending.finish, None)
    first, *others = recorded_answer["response"]["body"]["choices"]
    # the relay hears no speech, and looks at all choices
    if not others and not first["message"].get("audio"):
        assert said_in(response.parts) == "".join(piece.text for piece in reader.take_pieces() if piece.kind != "tool")


def said_in(parts: tuple[Part, ...]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text | Refusal | Reasoning))


def test_a_recorded_answer_is_the_same_to_the_sdk_when_written_again(recorded_answer: dict[str, Any]) -> None:
    body = recorded_answer["response"]["body"]
    if body.get("error"):
        pytest.skip("an error")
    spoken = client(modalities=["text", "audio"]) if body["choices"][0]["message"].get("audio") else client()
    again = json.loads(encode_response(decode_response(json.dumps(body).encode()), spoken))
    ChatCompletion.model_validate(again)
    assert gist(again) == gist(body)


def gist(body: dict[str, Any]) -> dict[str, Any]:
    """What a client acts on, with what other upstreams spell differently spelt in one way."""
    said = body["choices"][0]["message"]
    functions = [call["function"] for call in said.get("tool_calls") or ()] + [said.get("function_call") or {}]
    content, details = said.get("content"), said.get("reasoning_details") or ()
    told = "".join(entry.get("text", "") for entry in details)
    return {
        "content": "".join(part.get("text", "") for part in content) if isinstance(content, list) else content or "",
        "refusal": said.get("refusal") or None,
        "reasoning": said.get("reasoning_content") or said.get("reasoning") or told,
        "calls": [(call["name"], json.loads(call["arguments"] or "{}")) for call in functions if call.get("name")],
        "audio": (said.get("audio") or {}).get("data") or None,
        "cited": [one["url_citation"]["url"] for one in said.get("annotations") or () if "url_citation" in one],
    }
