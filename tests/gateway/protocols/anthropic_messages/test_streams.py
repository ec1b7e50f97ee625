"""Streams of Messages events, to canonical events and from them."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import msgspec
import pytest
from conversations import collect
from grammars import check_anthropic

from gateway.canonical import (
    Citation,
    Ending,
    Event,
    Finish,
    Image,
    Inline,
    Native,
    Opaque,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Refusal,
    Request,
    ResponseEnded,
    ResponseStarted,
    Text,
    Thinking,
    ToolCall,
    Usage,
    UsageReported,
)
from gateway.errors import RateLimited, Unavailable, UpstreamFailed
from gateway.framings.sse import SSE
from gateway.protocols.anthropic_messages.answers import decode_response
from gateway.protocols.anthropic_messages.native import CODEC
from gateway.protocols.anthropic_messages.streams import StreamDecoder, StreamEncoder
from gateway.protocols.capsules import unseal
from tests.support.looked_on import buckets

PROTOCOL = "anthropic_messages"

SPLICED = "anthropic-messages--spliced-message-start-chunks"
"""A recording in which a second answer begins in the middle of the first, made so on purpose."""

ASKED = Request(model="theirs", turns=())
THINKING = Request(model="theirs", turns=(), thinking=Thinking("high"))

Serve = Callable[..., str]

STARTED = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 5}}}
STOPPED = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
ENDED = {"type": "message_stop"}


def start(block: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(kind: str, index: int = 0, **members: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **members}}


def stop(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def fed(*events: dict[str, Any]) -> list[Event]:
    decoder = StreamDecoder()
    return [event for told in events for event in decoder.feed(json.dumps(told).encode())] + decoder.end()


def read(stream: bytes) -> list[Event]:
    decoder, framing = StreamDecoder(), SSE()
    payloads = framing.payloads(framing.feed(stream) + framing.rest())
    return [event for payload in payloads for event in decoder.feed(payload)] + decoder.end()


def parts_of(*events: dict[str, Any]) -> tuple[Part, ...]:
    return collect(fed(STARTED, *events, STOPPED, ENDED)).parts


def write(events: list[Event], request: Request = ASKED) -> bytes:
    encoder = StreamEncoder(request)
    return b"".join(encoder.encode(event) for event in events)


def told(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(frame.partition(b"data: ")[2]) for frame in stream.split(b"\n\n") if frame]


def streamed(*events: Event, finish: Finish = "end") -> list[Event]:
    usage, ended = UsageReported(Usage(input=5, output=7)), ResponseEnded(Ending(finish))
    return [ResponseStarted("r", "m"), *events, usage, ended]


def blocks(stream: bytes) -> list[dict[str, Any]]:
    """The blocks that a stream amounts to: what they began as, all they said, and what came at their end."""
    written: list[dict[str, Any]] = []
    for event in told(stream):
        if event["type"] == "content_block_start":
            written.append({**event["content_block"], "deltas": ""})
        elif event["type"] == "content_block_delta":
            said = event["delta"]
            written[-1] |= {name: said[name] for name in ("signature", "citation") if name in said}
            written[-1]["deltas"] += said.get("text", said.get("thinking", said.get("partial_json", "")))
    return written


# what is recorded


def is_spliced(recording: dict[str, Any]) -> bool:
    return bool(recording["id"] in SPLICED)


def test_a_recorded_stream_is_what_looking_on_saw_of_it(recorded_stream: dict[str, Any]) -> None:
    stream = recorded_stream["response"]["sse"].encode()
    if is_spliced(recorded_stream):
        with pytest.raises(UpstreamFailed):
            read(stream)
        return
    reader, framing, response = CODEC.new_reader(), SSE(), collect(read(stream))
    for payload in framing.payloads(framing.feed(stream) + framing.rest()):
        reader.read_payload(payload)
    seen = reader.take_pieces()
    texts = "".join(part.text for part in response.parts if isinstance(part, Text))
    thoughts = "".join(part.text for part in response.parts if isinstance(part, Reasoning))
    assert texts == "".join(piece.text for piece in seen if piece.kind == "text")
    assert thoughts == "".join(piece.text for piece in seen if piece.kind == "reasoning")
    assert (response.ending.finish, response.usage, response.model) == (reader.finish, buckets(reader), reader.model)


def test_a_recorded_stream_is_the_same_to_the_sdk_after_a_round_trip(
    recorded_stream: dict[str, Any], serve: Serve
) -> None:
    raw = recorded_stream["response"]["sse"].encode()
    if is_spliced(recorded_stream):
        pytest.skip("the SDK does not take it either")
    events = read(raw)
    again = write(events, msgspec.structs.replace(ASKED, model=collect(events).model))
    seen = [seen_by_the_sdk(serve(200, stream, "text/event-stream")) for stream in (raw, again)]
    assert seen[0] == seen[1]


def seen_by_the_sdk(url: str) -> Any:
    asked: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi."}]}
    client = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
    with client, client.beta.messages.stream(**asked) as stream:
        message = stream.get_final_message()
    usage = message.usage
    counts = (usage.input_tokens, usage.cache_read_input_tokens or 0, usage.output_tokens)
    kept = ("type", "text", "thinking", "signature", "data", "id", "name", "input", "content", "tool_use_id")
    content = [{name: getattr(block, name, None) for name in kept} for block in message.content]
    said = [block for block in content if block["type"] != "text" or block["text"]]
    return message.id, message.model, message.stop_reason, message.stop_sequence, counts, said


@pytest.mark.parametrize("size", [1, 7, 64])
def test_where_a_recorded_stream_is_cut_does_not_matter(recorded_stream: dict[str, Any], size: int) -> None:
    stream = recorded_stream["response"]["sse"].encode()[:20_000]
    whole, pieces = SSE(), SSE()
    cut = [
        payload
        for at in range(0, len(stream), size)
        for payload in pieces.payloads(pieces.feed(stream[at : at + size]))
    ]
    assert cut == list(whole.payloads(whole.feed(stream)))


GOLDEN = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_doc1",
            "type": "message",
            "role": "assistant",
            "model": "m-large",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 56,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 64,
                "output_tokens": 1,
            },
        },
    },
    start({"type": "thinking", "thinking": "", "signature": ""}),
    delta("thinking_delta", thinking="Need two cities."),
    delta("signature_delta", signature="c2lnbmF0dXJl"),
    stop(),
    start({"type": "text", "text": ""}, 1),
    delta("text_delta", 1, text="Checking."),
    stop(1),
    start({"type": "tool_use", "id": "toolu_a1", "name": "weather", "input": {}}, 2),
    delta("input_json_delta", 2, partial_json='{"city":'),
    delta("input_json_delta", 2, partial_json='"Oslo"}'),
    stop(2),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {
            "input_tokens": 56,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 64,
            "output_tokens": 48,
        },
    },
    {"type": "message_stop"},
]


def test_a_stream_as_it_should_be_comes_back_event_for_event() -> None:
    request = Request(model="m-large", turns=())
    assert told(write(fed(*GOLDEN), request)) == GOLDEN


# from the wire


def test_events_become_parts_and_usage() -> None:
    events = fed(
        STARTED,
        {"type": "ping"},
        start({"type": "text", "text": ""}),
        delta("text_delta", text="Hi."),
        stop(),
        STOPPED,
        ENDED,
    )
    assert events == [
        ResponseStarted("msg_1", "m"),
        UsageReported(Usage(input=5)),
        PartStarted(0, Text()),
        PartDelta(0, "Hi."),
        PartEnded(0),
        UsageReported(Usage(input=5, output=7)),
        ResponseEnded(Ending("end", "end_turn")),
    ]


def test_empty_texts_are_never_heard_of_but_signed_thoughts_are() -> None:
    empty = [start({"type": "text", "text": ""}), stop()]
    silent = [start({"type": "thinking", "thinking": ""}, 1), delta("signature_delta", 1, signature="sig"), stop(1)]
    dark = [start({"type": "redacted_thinking", "data": "dark"}, 2), stop(2)]
    assert parts_of(*empty, *silent, *dark) == (
        Reasoning(opaque=Opaque("anthropic", "signature", "sig")),
        Reasoning(opaque=Opaque("anthropic", "redacted", "dark")),
    )


def test_a_call_without_arguments_has_an_empty_object_as_in_a_whole_answer() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    parts = parts_of(start(block), delta("input_json_delta", partial_json=""), stop())
    assert parts == decode_response(json.dumps({"content": [block]}).encode()).parts
    assert parts == (ToolCall("toolu_1", "look", "{}"),)


def test_a_call_that_is_whole_at_its_start_is_taken_as_it_is() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}}
    assert parts_of(start(block), stop()) == (ToolCall("toolu_1", "look", '{"at":"it"}'),)


def test_calls_of_one_id_or_none_are_told_apart() -> None:
    call = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    given = ({**call, "id": told_id} for told_id in ("a", "a", ""))
    parts = parts_of(*(event for at, block in enumerate(given) for event in (start(block, at), stop(at))))
    assert len({part.id for part in parts if isinstance(part, ToolCall)}) == 3


def test_citations_come_with_the_end_of_their_text() -> None:
    told = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "Yes"}
    events = fed(
        STARTED,
        start({"type": "text", "text": ""}),
        delta("citations_delta", citation=told),
        delta("text_delta", text="Yes."),
        stop(),
        STOPPED,
    )
    assert PartEnded(0, citations=(Citation("https://a.example", "A", "Yes", 0, 4),)) in events


def test_a_server_tools_call_is_told_of_when_it_is_whole() -> None:
    block = {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}
    events = fed(
        STARTED,
        start(block),
        delta("input_json_delta", partial_json='{"query":'),
        delta("input_json_delta", partial_json='"x"}'),
        stop(),
        STOPPED,
    )
    whole = Native("anthropic_messages", "server_tool_use", {**block, "input": {"query": "x"}})
    assert PartStarted(0, whole) in events


def test_a_delta_of_another_kind_than_its_block_begins_a_block_of_its_own() -> None:
    parts = parts_of(
        start({"type": "text", "text": ""}),
        delta("thinking_delta", thinking="Hm."),
        delta("text_delta", text="So."),
        stop(),
    )
    assert parts == (Reasoning("Hm."), Text("So."))


def test_blocks_that_nobody_began_or_ended_are_put_right() -> None:
    assert collect(fed(delta("text_delta", text="Hi."), STOPPED)).parts == (Text("Hi."),)


def test_what_comes_after_the_end_is_not_heard() -> None:
    assert fed(STARTED, STOPPED, ENDED, delta("text_delta", text="Hi."), ENDED) == fed(STARTED, STOPPED, ENDED)


def test_unknown_events_and_garbage_are_passed_over() -> None:
    decoder = StreamDecoder()
    for payload in (b"[DONE]", b"{", b'{"type":"surprise"}', b'{"type":"content_block_delta","index":{},"delta":5}'):
        assert decoder.feed(payload) == []


@pytest.mark.parametrize("events", [[], [STARTED], [STARTED, start({"type": "text", "text": "Hi."})]])
def test_a_stream_that_breaks_off_is_a_failure(events: list[dict[str, Any]]) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        fed(*events)
    assert failed.value.code == "upstream_cut_off"


def test_an_error_event_is_raised() -> None:
    with pytest.raises(RateLimited):
        fed(STARTED, {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}})


def test_a_second_answer_in_the_middle_of_the_first_is_a_failure() -> None:
    with pytest.raises(UpstreamFailed):
        fed(STARTED, start({"type": "text", "text": "Hi."}), STARTED)


# to the wire


def test_parts_side_by_side_are_written_one_after_the_other() -> None:
    stream = write(
        streamed(
            PartStarted(0, ToolCall("a", "look")),
            PartStarted(1, ToolCall("b", "look")),
            PartDelta(1, '{"n":'),
            PartDelta(0, '{"n":1}'),
            PartStarted(2, Text()),
            PartDelta(1, "2}"),
            PartEnded(1),
            PartDelta(2, "Both."),
            PartEnded(0),
            PartEnded(2),
        )
    )
    check_anthropic(stream, False)
    assert [block["deltas"] for block in blocks(stream)] == ['{"n":1}', '{"n":2}', "Both."]


def test_nothing_is_held_back_that_could_be_written() -> None:
    encoder = StreamEncoder(ASKED)
    for event in (ResponseStarted("r", "m"), PartStarted(0, Text())):
        encoder.encode(event)
    assert [event["type"] for event in told(encoder.encode(PartDelta(0, "H")))] == [
        "content_block_start",
        "content_block_delta",
    ]
    assert len(told(encoder.encode(PartDelta(0, "i")))) == 1


def test_a_message_begins_with_the_usage_that_is_known_by_then() -> None:
    started = told(write([ResponseStarted("r", "m"), UsageReported(Usage(input=9)), PartStarted(0, Text())]))[0]
    assert (started["message"]["usage"]["input_tokens"], started["message"]["model"]) == (9, "theirs")
    assert started["message"]["id"].startswith("msg_")


def test_an_empty_answer_is_a_whole_message() -> None:
    stream = write(streamed())
    check_anthropic(stream, False)
    assert [event["type"] for event in told(stream)] == ["message_start", "message_delta", "message_stop"]


def test_refusals_and_media_are_told_as_text() -> None:
    drawn = PartStarted(1, Image(Inline("image/png", "aa==")))
    refused = [PartStarted(0, Refusal()), PartDelta(0, "No."), PartEnded(0), drawn, PartEnded(1)]
    assert [block["deltas"] for block in blocks(write(streamed(*refused)))] == ["No.", "[image]"]


def test_a_call_makes_the_stop_reason_and_nothing_follows_the_stop() -> None:
    events = streamed(PartStarted(0, ToolCall("a", "look")), PartEnded(0))
    stream = write([*events, PartStarted(1, Text("Hi.")), ResponseEnded(Ending("end"))])
    assert [event["type"] for event in told(stream)][-2:] == ["message_delta", "message_stop"]
    assert told(stream)[-2]["delta"]["stop_reason"] == "tool_use"


FOREIGN = Opaque("openai", "encrypted", "gAAA")


def thought(text: str, opaque: Opaque | None) -> list[Event]:
    deltas: list[Event] = [PartDelta(0, text)] if text else []
    return streamed(PartStarted(0, Reasoning()), *deltas, PartEnded(0, opaque))


def test_foreign_thoughts_pass_as_they_come_and_their_token_at_the_end() -> None:
    (block,) = blocks(write(thought("Hm.", FOREIGN), THINKING))
    assert (block["deltas"], unseal(block["signature"])) == ("Hm.", FOREIGN)
    (block,) = blocks(write(thought("", FOREIGN), THINKING))
    assert unseal(block["data"]) == FOREIGN
    assert blocks(write(thought("Hm.", None), THINKING))[0]["signature"]


def test_a_client_that_asked_for_no_thoughts_gets_none_but_the_models_own() -> None:
    assert blocks(write(thought("Hm.", FOREIGN))) == []
    (block,) = blocks(write(thought("Hm.", Opaque("anthropic", "signature", "sig"))))
    assert (block["deltas"], block["signature"]) == ("Hm.", "sig")


def test_a_calls_token_goes_before_it_and_a_texts_token_after_it() -> None:
    token = Opaque("google", "thought_signature", "abc")
    call, text = PartStarted(0, ToolCall("a", "look", opaque=token)), PartStarted(1, Text())
    stream = write(streamed(call, PartEnded(0), text, PartDelta(1, "So."), PartEnded(1, token)), THINKING)
    check_anthropic(stream, False)
    assert [block["type"] for block in blocks(stream)] == ["thinking", "tool_use", "text", "thinking"]


def test_citations_are_written_before_their_block_ends() -> None:
    cited = (Citation("https://a.example", "A", "so", 0, 3),)
    stream = write(streamed(PartStarted(0, Text()), PartDelta(0, "So."), PartEnded(0, citations=cited)))
    assert blocks(stream)[0]["citation"]["url"] == "https://a.example"


def test_a_failure_closes_what_is_open_and_raises_in_the_sdk(serve: Serve) -> None:
    encoder = StreamEncoder(ASKED)
    begun = [ResponseStarted("r", "m"), PartStarted(0, Text()), PartDelta(0, "H")]
    stream = b"".join(map(encoder.encode, begun)) + encoder.fail(Unavailable("All busy."), "req_1")
    check_anthropic(stream, True)
    assert encoder.encode(PartDelta(0, "i")) + encoder.fail(Unavailable("Again."), "req_1") == b""
    with pytest.raises(anthropic.APIStatusError, match="All busy"):
        seen_by_the_sdk(serve(200, stream, "text/event-stream"))


@pytest.mark.parametrize("finish", ["malformed_call", "error"])
def test_an_answer_that_failed_never_looks_finished(finish: Finish) -> None:
    stream = write(streamed(PartStarted(0, Text("Hi.")), finish=finish))
    check_anthropic(stream, True)
