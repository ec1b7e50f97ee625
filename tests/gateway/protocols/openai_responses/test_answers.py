"""Whole answers of Responses: what they amount to, and how any answer is written for a client."""

import json
from typing import Any

import pytest
from openai.types.responses import Response as SdkResponse

from gateway.canonical import (
    JSON,
    Citation,
    CustomTool,
    Ending,
    Finish,
    FunctionTool,
    Image,
    Inline,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Request,
    Response,
    Text,
    ToolCall,
    Usage,
)
from gateway.errors import BadRequest, RateLimited, UpstreamFailed
from gateway.protocols.capsules import unseal
from gateway.protocols.codec import Call
from gateway.protocols.openai_responses.answers import decode_response, encode_response
from gateway.protocols.openai_responses.native import CODEC
from gateway.protocols.openai_responses.requests import decode_request
from tests.support.looked_on import buckets

PROTOCOL = "openai_responses"

NOT_ANSWERS = {
    "openai-responses--test-background-mode-streaming-without-starting-after-vcr--0": "queued: the answer comes later",
    "openai-responses--test-background-mode-vcr--1": "in progress: the answer comes later",
    "openai-responses--test-responses-usage-limit-not-exceeded--0": "a count of tokens",
    "openai-responses--test-openai-responses-compact-with-auto-previous-response-id--1": "a compacted conversation",
    "openai-responses--test-openai-responses-compact-with-auto-previous-response-id-chain--4": "compacted as well",
}
"""Recordings of other operations of the protocol, which are relayed and not translated."""

SIGNATURE = Opaque("google", "thought_signature", "c2ln")


def client(**members: Any) -> Request:
    body = {"model": "theirs", "input": "Hello"} | members
    return decode_request(Call("POST", "responses", {}, {}, json.dumps(body).encode()))


SEEING = client(include=["reasoning.encrypted_content"])


def read(*items: dict[str, Any], **members: Any) -> Response:
    body = {"id": "resp_1", "model": "m", "status": "completed", "created_at": 5.0, "output": list(items)} | members
    return decode_response(json.dumps(body).encode())


def answer(*parts: Part, finish: Finish = "end", **members: Any) -> Response:
    ending = Ending(finish, detail=members.pop("detail", ""))
    return Response(id="up_1", model="m", parts=parts, ending=ending, created=7, **members)


def write(response: Response, request: Request | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode_response(response, request or client()))
    assert SdkResponse.model_validate(body).id == body["id"]
    return body


def said(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": list(content)}


def texts(body: dict[str, Any]) -> list[str]:
    return [part.get("text") or part.get("refusal") for item in body["output"] for part in item.get("content", ())]


# reading


def test_an_answer_is_its_items_in_order_with_tokens_and_usage() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": [{"text": "A."}, {"text": "B."}], "encrypted_content": "e"}
    call = {"type": "function_call", "id": "fc", "call_id": "call_1", "name": "f", "arguments": "{}"}
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3, "total_tokens": 12}
    response = read(thought, said({"type": "output_text", "text": "Hi"}), call, usage=usage, service_tier="flex")
    assert response.parts == (
        Reasoning("A.", summary=True),
        Reasoning("B.", summary=True, opaque=Opaque("openai", "encrypted", "e")),
        Text("Hi"),
        ToolCall("call_1", "f", "{}"),
    )
    assert (response.ending.finish, response.created, response.tier) == ("tool", 5, "flex")
    assert response.usage == Usage(input=5, cache_read=4, output=3)


def test_what_is_not_understood_of_an_item_is_left_out() -> None:
    odd = said({"type": "output_text"}, {"type": "output_text", "text": ""})
    response = read(odd, {"type": 5}, {"type": "reasoning", "summary": None}, {"type": "new_call", "id": "n"})
    assert response.parts == (Native("openai_responses", "new_call", {"type": "new_call", "id": "n"}),)


def test_citations_and_made_pictures_are_read() -> None:
    cited: JSON = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2}
    picture = {"type": "image_generation_call", "id": "ig", "result": "iVBO", "output_format": "webp"}
    response = read(said({"type": "output_text", "text": "Hi", "annotations": [cited]}), picture)
    assert response.parts == (
        Text("Hi", (Citation("https://a", "A", start=0, end=2),)),
        Image(Inline("image/webp", "iVBO")),
    )


@pytest.mark.parametrize(
    ("members", "finish"),
    [
        ({}, "end"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "filter"),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "end"),
        ({"status": "incomplete", "incomplete_details": None}, "end"),
        ({"status": "failed", "error": {"code": "content_filter", "message": "Blocked"}}, "filter"),
        ({"output": [said({"type": "refusal", "refusal": "No"})]}, "refusal"),
        ({"output": [{"type": "shell_call", "call_id": "c"}]}, "tool"),
        ({"output": [{"type": "web_search_call", "id": "ws"}]}, "end"),
    ],
)
def test_why_an_answer_ended_is_told_by_its_status_and_its_calls(members: dict[str, Any], finish: str) -> None:
    assert read(**members).ending.finish == finish


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"<html>", UpstreamFailed),
        (b"{}", UpstreamFailed),
        (b'{"output":null}', UpstreamFailed),
        (b'{"status":"queued","output":[]}', UpstreamFailed),
        (b'{"status":"cancelled","output":[]}', UpstreamFailed),
        (b'{"status":"failed","output":[],"error":{"code":"server_error","message":"Oh"}}', UpstreamFailed),
        (b'{"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"Slow"}}', RateLimited),
        (
            b'{"error":{"code":"context_length_exceeded","message":"Too long","type":"invalid_request_error"}}',
            BadRequest,
        ),
    ],
)
def test_an_answer_that_is_none_is_an_error(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_response(body)


def test_calls_without_an_id_of_their_own_get_one() -> None:
    call = {"type": "function_call", "call_id": "", "name": "f", "arguments": {"a": 1}}
    first, second = read(call, call | {"call_id": "f"}).parts
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert len({first.id, second.id, "", "f"}) == 4
    assert first.arguments == '{"a":1}'


# writing


def test_every_key_of_the_response_object_is_there() -> None:
    body = write(answer(Text("Hi"), usage=Usage(input=1)))
    assert set(body) >= set(SdkResponse.model_fields)
    assert (body["model"], body["status"], body["completed_at"]) == ("theirs", "completed", 7)
    assert body["usage"]["input_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}
    assert body["usage"]["output_tokens_details"] == {"reasoning_tokens": 0}


def test_what_was_asked_for_is_repeated() -> None:
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}]
    asked: dict[str, Any] = {
        "instructions": "Be brief.",
        "tools": tools,
        "tool_choice": {"type": "function", "name": "f"},
        "temperature": 0.5,
        "store": False,
        "metadata": {"a": "b"},
        "previous_response_id": "resp_0",
        "max_output_tokens": 99,
        "truncation": "auto",
        "user": "me",
    }
    assert write(answer(), client(**asked)).items() >= asked.items()
    body = write(answer(), client(conversation="conv_1", reasoning={"effort": "low", "summary": "auto"}))
    assert (body["conversation"], body["reasoning"]) == ({"id": "conv_1"}, {"effort": "low", "summary": "auto"})


def test_texts_that_follow_each_other_are_parts_of_one_message() -> None:
    body = write(answer(Text("One. "), Text("Two."), ToolCall("call_1", "f"), Text("Three.")))
    assert [item["type"] for item in body["output"]] == ["message", "function_call", "message"]
    assert texts(body) == ["One. ", "Two.", "Three."]
    assert [item["id"].split("_")[0] for item in body["output"]] == ["msg", "fc", "msg"]
    assert len({item["id"] for item in body["output"]}) == 3


def test_a_call_without_arguments_is_given_an_empty_object() -> None:
    (item,) = write(answer(ToolCall("call_1", "f"), finish="tool"))["output"]
    assert (item["arguments"], item["call_id"], item["status"]) == ("{}", "call_1", "completed")


def test_a_tool_is_called_by_the_name_and_in_the_form_it_was_declared_in() -> None:
    request = Request(
        model="m", turns=(), tools=(FunctionTool("send", namespace="mail"), CustomTool("patch"), FunctionTool("f"))
    )
    calls = (ToolCall("a", "mail__send", "{}"), ToolCall("b", "patch", '{"input":"*** Begin"}'), ToolCall("c", "f"))
    send, patch, plain = write(answer(*calls), request)["output"]
    assert (send["name"], send["namespace"]) == ("send", "mail")
    assert (patch["type"], patch["input"]) == ("custom_tool_call", "*** Begin")
    assert "namespace" not in plain


def test_tokens_are_shown_only_to_clients_that_asked_for_them() -> None:
    thought = Reasoning("Hm.", opaque=Opaque("anthropic", "signature", "c2ln"))
    assert "encrypted_content" not in write(answer(thought))["output"][0]
    (item,) = write(answer(thought), SEEING)["output"]
    assert item["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert unseal(item["encrypted_content"]) == thought.opaque


def test_a_token_of_its_own_family_is_shown_as_it_is() -> None:
    thoughts = (Reasoning("A."), Reasoning("B.", opaque=Opaque("openai", "encrypted", "e")), Reasoning("C."))
    first, second = write(answer(*thoughts), SEEING)["output"]
    assert ([part["text"] for part in first["summary"]], first["encrypted_content"]) == (["A.", "B."], "e")
    assert second["summary"] == [{"type": "summary_text", "text": "C."}]


def test_a_signature_on_a_call_comes_back_with_the_next_request() -> None:
    response = answer(ToolCall("a", "f", "{}", opaque=SIGNATURE), ToolCall("b", "f", "{}"), finish="tool")
    items = write(response, SEEING)["output"]
    assert [item["type"] for item in items] == ["reasoning", "function_call", "function_call"]
    results = [{"type": "function_call_output", "call_id": one, "output": "x"} for one in "ab"]
    assert client(input=[*items, *results]).turns[0].parts == response.parts


@pytest.mark.parametrize(
    ("finish", "status", "reason", "last"),
    [
        ("end", "completed", None, "completed"),
        ("stop_sequence", "completed", None, "completed"),
        ("tool", "completed", None, "completed"),
        ("length", "incomplete", "max_output_tokens", "incomplete"),
        ("context_full", "incomplete", "max_output_tokens", "incomplete"),
        ("filter", "incomplete", "content_filter", "incomplete"),
        ("pause", "completed", None, "completed"),
        ("malformed_call", "failed", None, "incomplete"),
        ("error", "failed", None, "incomplete"),
    ],
)
def test_why_an_answer_ended_becomes_its_status(finish: Finish, status: str, reason: Any, last: str) -> None:
    body = write(answer(Text("Hi"), finish=finish, detail="Because"))
    assert (body["status"], body["output"][0]["status"]) == (status, last)
    assert body["incomplete_details"] == (reason and {"reason": reason})
    assert body["error"] == ({"code": "server_error", "message": "Because"} if status == "failed" else None)


def test_a_refusal_is_said_even_where_the_model_used_no_words() -> None:
    assert texts(write(answer(finish="refusal"))) == ["The model declined to answer."]
    assert texts(write(answer(Text("I"), finish="refusal", detail="No."))) == ["I", "No."]
    assert texts(write(answer(Text("I cannot."), finish="refusal"))) == ["I cannot.", ""]
    assert read(*write(answer(Text("I cannot."), finish="refusal"))["output"]).ending.finish == "refusal"
    assert texts(write(answer(Refusal("Never"), finish="refusal"))) == ["Never"]


def test_citations_become_annotations_of_their_text() -> None:
    citations = (Citation("https://a", "A"), Citation(title="b.pdf", start=1, end=2))
    (item,) = write(answer(Text("Hello", citations)))["output"]
    assert item["content"][0]["annotations"] == [
        {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 5},
        {"type": "file_citation", "file_id": "", "filename": "b.pdf", "index": 2},
    ]


def test_pictures_are_shown_and_other_protocols_own_parts_are_not() -> None:
    parts = (Image(Inline("image/png", "iVBO")), Image(Remote("https://a/b.png")), Native("gemini", "x", {}))
    picture, link = write(answer(*parts))["output"]
    assert (picture["type"], picture["result"]) == ("image_generation_call", "iVBO")
    assert link["content"][0]["text"] == "https://a/b.png"


def test_an_answer_survives_writing_and_reading() -> None:
    usage = Usage(input=5, cache_read=3, cache_write_5m=2, output=7, reasoning=4)
    parts = (Reasoning("Hm.", summary=True), Text("Hi"), ToolCall("call_1", "f", '{"a":1}'))
    response = answer(*parts, finish="tool", usage=usage, tier="flex")
    again = decode_response(encode_response(response, client()))
    assert (again.parts, again.ending.finish, again.usage) == (parts, "tool", usage)
    assert (again.created, again.tier, again.id) == (7, "flex", "resp_up_1")


# recordings


def test_a_recorded_answer_amounts_to_what_its_reader_saw(recorded_answer: dict[str, Any]) -> None:
    response, body = recorded(recorded_answer)
    reader = CODEC.new_reader()
    reader.read_body(json.dumps(body).encode())
    assert (response.usage, response.model, response.ending.finish) == (buckets(reader), reader.model, reader.finish)
    seen = "".join(piece.text for piece in reader.take_pieces() if piece.kind == "text")
    assert "".join(part.text for part in response.parts if isinstance(part, Text | Refusal)) == seen


def test_a_recorded_answer_is_written_again_as_the_sdk_saw_it(recorded_answer: dict[str, Any]) -> None:
    response, body = recorded(recorded_answer)
    asked = (recorded_answer["request"] or {}).get("body") or {}
    shown = "reasoning.encrypted_content" in asked.get("include", ())
    assert view(write(response, client(**asked))) == view(body) | ({} if shown else {"tokens": []})


def recorded(recording: dict[str, Any]) -> tuple[Response, dict[str, Any]]:
    if recording["id"] in NOT_ANSWERS:
        pytest.skip(NOT_ANSWERS[recording["id"]])
    body: dict[str, Any] = recording["response"]["body"]
    return decode_response(json.dumps(body).encode()), body


def view(body: dict[str, Any]) -> dict[str, Any]:
    """What a client makes of an answer. Ids are ours; raw thoughts are shown as summaries; a file has no id here.

    Tokens are compared where the client asked for them: some upstreams send them to everybody.
    """
    items = [*body["output"]]
    content = [part for item in items if item["type"] == "message" for part in item["content"]]
    thoughts = [part for item in items if item["type"] == "reasoning" for part in thoughts_of(item)]
    known = ("message", "reasoning", "function_call", "custom_tool_call")
    usage = body["usage"] or {}
    return {
        "text": "".join(part.get("text", "") for part in content),
        "refusals": [part["refusal"] for part in content if "refusal" in part],
        "annotations": [one | {"file_id": ""} for part in content for one in part.get("annotations", ())],
        "thoughts": [part["text"] for part in thoughts],
        "tokens": [
            item["encrypted_content"] for item in items if known[1] == item["type"] and item.get("encrypted_content")
        ],
        "calls": [
            (item["call_id"], item["name"], item.get("arguments")) for item in items if item["type"] in known[2:]
        ],
        "others": [item for item in items if item["type"] not in known],
        "ending": (body["status"], body["incomplete_details"]),
        "usage": [
            usage.get("input_tokens"),
            (usage.get("input_tokens_details") or {}).get("cached_tokens"),
            usage.get("output_tokens"),
            (usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
            usage.get("total_tokens"),
        ],
    }


def thoughts_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [*item["summary"], *(item.get("content") or ())]
