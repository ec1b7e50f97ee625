"""Streams of Responses: what any upstream's events amount to, and the grammar of those that a client is sent."""

import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import openai
import pytest

from gateway.canonical import (
    Citation,
    CustomTool,
    Ending,
    Event,
    Finish,
    Native,
    Opaque,
    Part,
    PartDelta,
    PartEnded,
    PartStarted,
    Reasoning,
    Refusal,
    Request,
    Response,
    ResponseEnded,
    ResponseStarted,
    Text,
    ToolCall,
    Usage,
    UsageReported,
)
from gateway.errors import RateLimited, Unavailable, UpstreamFailed
from gateway.framings.sse import SSE
from gateway.protocols.capsules import unseal
from gateway.protocols.codec import Call
from gateway.protocols.openai_responses.answers import decode_response, encode_response
from gateway.protocols.openai_responses.native import CODEC
from gateway.protocols.openai_responses.requests import decode_request
from gateway.protocols.openai_responses.streams import new_decoder, new_encoder
from tests.support.looked_on import buckets

PROTOCOL = "openai_responses"

Serve = Callable[..., str]

SIDE_BY_SIDE = {
    "openai-responses--test-openai-responses-model-mcp-list-tools-stream-backfills-missing-re--0": "in any order",
    "openai-responses--test-openai-responses-compact-stateful-mode-stream--2": "a token is sealed anew at the end",
    "openai-responses--test-openai-responses-model-mcp-server-tool-stream--0": "tokens are sealed anew at the end",
}
"""Recordings whose terminal says something else than their events do."""

THINNED = "openai-responses--openai-phase-1-chunks"
"""A recording without most of its deltas: what they said is told by the ends of its parts."""

CREATED: dict[str, Any] = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 5}}
COMPLETED: dict[str, Any] = {"type": "response.completed", "response": {"id": "resp_1", "status": "completed"}}


def client(**members: Any) -> Request:
    body = {"model": "theirs", "input": "Hello"} | members
    return decode_request(Call("POST", "responses", {}, {}, json.dumps(body).encode()))


SEEING = client(include=["reasoning.encrypted_content"])


def read(*events: dict[str, Any]) -> list[Event]:
    decoder = new_decoder()
    fed = [event for payload in events for event in decoder.feed(json.dumps(payload).encode())]
    return fed + decoder.end()


def event(kind: str, index: int = 0, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": index, "item_id": "rotating", **members}


def folded(events: Iterable[Event]) -> tuple[Part, ...]:
    """The parts that a stream amounts to."""
    parts: dict[int, Any] = {}
    for one in events:
        match one:
            case PartStarted(index=index, part=part):
                parts[index] = part
            case PartDelta(index=index, text=text):
                name = "arguments" if isinstance(parts[index], ToolCall) else "text"
                more = {name: getattr(parts[index], name) + text}
                if one.logprobs:
                    more["logprobs"] = (*parts[index].logprobs, *one.logprobs)
                parts[index] = msgspec.structs.replace(parts[index], **more)
            case PartEnded(index=index, opaque=opaque, citations=citations):
                added = {"opaque": opaque} if opaque else {"citations": citations} if citations else {}
                parts[index] = msgspec.structs.replace(parts[index], **added)
    return tuple(parts.values())


def told(frames: bytes) -> list[dict[str, Any]]:
    """The events in frames, each with its name on its own line."""
    blocks = [block.split("\n") for block in frames.decode().split("\n\n") if block]
    events = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [name for name, _ in blocks] == [f"event: {one['type']}" for one in events]
    return events


def write(*events: Event, request: Request | None = None) -> list[dict[str, Any]]:
    encoder = new_encoder(request or client())
    return told(b"".join(encoder.encode(one) for one in (ResponseStarted("up_1", "m", 7), *events)))


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("response.") for one in events]


def part(index: int, of: Part, *deltas: str, **ended: Any) -> list[Event]:
    return [PartStarted(index, of), *(PartDelta(index, text) for text in deltas), PartEnded(index, **ended)]


END = ResponseEnded(Ending("end"))


# reading


def test_a_stream_amounts_to_its_parts_usage_and_end() -> None:
    events = read(
        CREATED,
        event("output_item.added", item={"type": "message"}),
        event("output_text.delta", content_index=0, delta="Hel"),
        event("output_text.delta", content_index=0, delta="lo"),
        event("output_item.done", item={"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}),
        COMPLETED | {"response": {"status": "completed", "usage": {"input_tokens": 3, "output_tokens": 2}}},
    )
    assert events == [
        ResponseStarted("resp_1", "m", 5),
        PartStarted(0, Text()),
        PartDelta(0, "Hel"),
        PartDelta(0, "lo"),
        PartEnded(0),
        UsageReported(Usage(input=3, output=2)),
        ResponseEnded(Ending("end", raw="completed")),
    ]


def test_a_call_starts_when_it_is_announced_and_its_arguments_follow() -> None:
    item = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}
    events = read(
        CREATED,
        event("output_item.added", item=item),
        event("function_call_arguments.delta", delta='{"a"'),
        event("function_call_arguments.delta", delta=":1}"),
        event("function_call_arguments.done", arguments='{"a":1}'),
        event("output_item.done", item=item | {"arguments": '{"a":1}'}),
        COMPLETED,
    )
    assert events[1] == PartStarted(0, ToolCall("call_1", "f"))
    assert folded(events) == (ToolCall("call_1", "f", '{"a":1}'),)
    assert isinstance(events[-1], ResponseEnded)
    assert events[-1].ending.finish == "tool"


@pytest.mark.parametrize(
    "events",
    [
        [event("output_item.added"), event("function_call_arguments.done", arguments="{}")],
        [event("function_call_arguments.delta", delta="{"), event("function_call_arguments.delta", delta="}")],
        [event("output_item.added", item={"type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""})],
        [
            event(
                "output_item.added", item={"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
            )
        ],
        [],
    ],
)
def test_what_only_the_end_of_an_item_tells_is_made_up_for(events: list[dict[str, Any]]) -> None:
    item = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    assert folded(read(CREATED, *events, event("output_item.done", item=item), COMPLETED)) == (
        ToolCall("call_1", "f", "{}"),
    )


def test_a_stream_of_nothing_but_its_terminal_has_all_its_parts() -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    assert folded(read(COMPLETED | {"response": {"id": "resp_1", "status": "completed", "output": [item]}})) == (
        Text("Hello"),
    )


def test_the_missing_rest_of_a_text_is_added_at_its_end() -> None:
    delta = event("output_text.delta", content_index=0, delta="Hel")
    assert folded(read(CREATED, delta, event("output_text.done", content_index=0, text="Hello"), COMPLETED)) == (
        Text("Hello"),
    )


@pytest.mark.parametrize("name", ["reasoning_text", "reasoning"])
def test_raw_thoughts_are_read_under_either_name(name: str) -> None:
    events = [event(f"{name}.delta", content_index=0, delta="Hm"), event(f"{name}.done", content_index=0, text="Hm.")]
    assert folded(read(CREATED, *events, COMPLETED)) == (Reasoning("Hm."),)


def test_the_token_of_a_thought_stands_on_its_last_part() -> None:
    summary = [{"type": "summary_text", "text": "A."}, {"type": "summary_text", "text": "B."}]
    item = {"type": "reasoning", "summary": summary, "encrypted_content": "e"}
    deltas = [event("reasoning_summary_text.delta", summary_index=i, delta=text) for i, text in enumerate(["A.", "B."])]
    token = Opaque("openai", "encrypted", "e")
    for told_before in ([], deltas):
        events = read(CREATED, *told_before, event("output_item.done", item=item), COMPLETED)
        assert folded(events) == (Reasoning("A.", summary=True), Reasoning("B.", summary=True, opaque=token))


def test_annotations_and_refusals_are_read() -> None:
    note = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2}
    events = read(
        CREATED,
        event("output_text.delta", content_index=0, delta="Hi"),
        event("output_text.annotation.added", content_index=0, annotation=note),
        event("refusal.delta", content_index=1, delta="No"),
        COMPLETED,
    )
    assert folded(events) == (Text("Hi", (Citation("https://a", "A", start=0, end=2),)), Refusal("No"))
    assert events[-1] == ResponseEnded(Ending("refusal", raw="completed"))


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "filter"), ("x", "end")]
)
def test_an_incomplete_answer_says_why(reason: str, finish: Finish) -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    assert read(CREATED, {"type": "response.incomplete", "response": response})[-1] == ResponseEnded(
        Ending(finish, raw=reason)
    )


ERROR: dict[str, Any] = {"type": "error", "error": {"type": "x", "code": "rate_limit_exceeded", "message": "Slow down"}}
FAILED: dict[str, Any] = {
    "type": "response.failed",
    "response": {"status": "failed", "error": {"code": "server_error", "message": "Oh"}},
}


@pytest.mark.parametrize("events", [[ERROR], [ERROR, FAILED], [FAILED, ERROR], [{"error": ERROR["error"]}]])
def test_an_error_is_raised_whichever_of_its_two_events_comes_first(events: list[dict[str, Any]]) -> None:
    with pytest.raises(RateLimited, match="Slow down"):
        read(CREATED, *events)


@pytest.mark.parametrize("told_first", [True, False])
def test_a_filter_that_is_told_as_an_error_is_an_end(told_first: bool) -> None:
    error = {"type": "error", "code": "content_filter", "message": "Blocked"}
    text = event("output_text.delta", content_index=0, delta="Hi")
    events = read(CREATED, text, *([error, FAILED] if told_first else [FAILED, error]))
    assert events[-2:] == [PartEnded(0), ResponseEnded(Ending("filter", raw="content_filter"))]


def test_a_stream_that_breaks_off_is_never_taken_for_finished() -> None:
    with pytest.raises(UpstreamFailed, match="broke off"):
        read(CREATED, event("output_text.delta", content_index=0, delta="Hi"))
    with pytest.raises(UpstreamFailed, match="not readable"):
        new_decoder().feed(b'{"type":"response.output_text.delta","delta":"H')


@pytest.mark.parametrize("payload", [b"", b"[DONE]", b"null", b"[]", b'{"type":"keepalive"}', b'{"type":[]}', b"{}"])
def test_what_says_nothing_is_passed_over(payload: bytes) -> None:
    assert new_decoder().feed(payload) == []


def test_nothing_is_read_after_the_terminal() -> None:
    assert read(CREATED, COMPLETED, event("output_text.delta", delta="more"), ERROR)[-1] == ResponseEnded(
        Ending("end", raw="completed")
    )


# writing


def test_an_answer_keeps_to_the_documented_grammar() -> None:
    thought = part(0, Reasoning(), "Plan the lookup.", opaque=Opaque("openai", "encrypted", "b3BhcXVl"))
    call = part(2, ToolCall("call_a1", "weather"), '{"city":', '"Oslo"}')
    events = write(
        *thought,
        *part(1, Text(), "One ", "moment."),
        *call,
        UsageReported(Usage(input=56, cache_read=64, output=38, reasoning=10)),
        ResponseEnded(Ending("tool")),
        request=SEEING,
    )
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert events[2]["item"] == {"id": events[3]["item_id"], "type": "reasoning", "summary": []}
    assert events[8]["item"].items() >= {"content": [], "role": "assistant", "status": "in_progress"}.items()
    assert events[12]["text"] == "One moment."
    assert events[15]["item"].items() >= {"call_id": "call_a1", "name": "weather", "arguments": ""}.items()
    assert events[18]["arguments"] == '{"city":"Oslo"}'
    done = [one["item"] for one in events if one["type"] == "response.output_item.done"]
    assert events[-1]["response"]["output"] == done
    assert events[-1]["response"]["usage"]["total_tokens"] == 168


def test_an_item_keeps_its_id_and_its_place_in_all_its_events() -> None:
    events = write(*part(0, Text(), "A"), *part(1, ToolCall("c", "f"), "{}"), *part(2, Reasoning(), "B"), END)
    places: dict[int, set[str]] = {}
    for one in events:
        if "output_index" in one:
            places.setdefault(one["output_index"], set()).add(one.get("item_id") or one["item"]["id"])
    assert list(places) == [0, 1, 2]
    assert all(len(ids) == 1 for ids in places.values())


def test_parts_that_run_side_by_side_are_told_one_after_the_other() -> None:
    events = write(
        PartStarted(0, ToolCall("a", "f")),
        PartStarted(1, ToolCall("b", "g")),
        PartDelta(1, "{1"),
        PartDelta(0, "{0"),
        PartDelta(1, "}"),
        PartEnded(1),
        PartStarted(2, Text()),
        PartDelta(2, "Hi"),
        PartDelta(0, "}"),
        PartEnded(0),
        END,
    )
    output = events[-1]["response"]["output"]
    assert [item.get("arguments") for item in output] == ["{0}", "{1}", None]
    indexes = [one["output_index"] for one in events if "output_index" in one]
    assert indexes == sorted(indexes)


def test_no_message_is_opened_for_a_text_that_stays_empty() -> None:
    assert kinds(write(*part(0, Text()), *part(1, Refusal()), END)) == ["created", "in_progress", "completed"]


def test_texts_that_follow_each_other_are_parts_of_one_message() -> None:
    events = write(*part(0, Text(), "A"), *part(1, Text(), "B", citations=(Citation("https://a"),)), END)
    assert kinds(events).count("output_item.added") == 1
    assert [one["content_index"] for one in events if one["type"].endswith("text.delta")] == [0, 1]
    assert kinds(events)[-5:-1] == [
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]


def test_free_text_that_travelled_as_an_argument_is_shown_as_text() -> None:
    request = Request(model="m", turns=(), tools=(CustomTool("patch"),))
    events = write(*part(0, ToolCall("c", "patch"), '{"input":', '"*** Begin"}'), END, request=request)
    deltas = [one["delta"] for one in events if one["type"] == "response.custom_tool_call_input.delta"]
    assert deltas == ["*** Begin"]
    assert events[-1]["response"]["output"][0].items() >= {"type": "custom_tool_call", "input": "*** Begin"}.items()


def test_a_signature_on_a_call_goes_before_it_on_an_empty_thought() -> None:
    signature = Opaque("google", "thought_signature", "c2ln")
    events = write(*part(0, ToolCall("c", "f", opaque=signature), "{}"), END, request=SEEING)
    thought, call = events[-1]["response"]["output"]
    assert unseal(thought["encrypted_content"]) == signature
    assert (thought["summary"], call["call_id"]) == ([], "c")


@pytest.mark.parametrize(
    ("finish", "kind", "last"),
    [
        ("length", "incomplete", "incomplete"),
        ("filter", "incomplete", "incomplete"),
        ("pause", "completed", "completed"),
    ],
)
def test_the_last_item_of_an_answer_that_was_cut_short_says_so(finish: Finish, kind: str, last: str) -> None:
    events = write(*part(0, Text(), "A"), *part(1, ToolCall("c", "f"), '{"a'), ResponseEnded(Ending(finish)))
    assert kinds(events)[-1] == kind
    assert [item["status"] for item in events[-1]["response"]["output"]] == ["completed", last]


def test_a_failure_closes_what_is_open_and_keeps_what_was_said() -> None:
    encoder = new_encoder(client())
    started = [
        ResponseStarted("up_1", "m"),
        *part(0, Text(), "A"),
        PartStarted(1, ToolCall("c", "f")),
        PartDelta(1, "{"),
    ]
    before = told(b"".join(encoder.encode(one) for one in started))
    events = told(encoder.fail(Unavailable("All busy."), "req_1"))
    assert kinds(events) == ["output_item.done", "error", "failed"]
    assert events[1].items() >= {"message": "All busy.", "request_id": "req_1"}.items()
    assert events[1]["error"]["message"] == "All busy."
    answer = events[2]["response"]
    assert answer["id"] == before[0]["response"]["id"]
    assert (answer["status"], answer["error"]) == ("failed", {"code": "server_error", "message": "All busy."})
    assert [item["status"] for item in answer["output"]] == ["completed", "incomplete"]
    assert [one["sequence_number"] for one in before + events] == list(range(len(before + events)))


def test_every_started_item_ends_once_also_on_failure() -> None:
    for ending in (END, ResponseEnded(Ending("error")), None):
        encoder = new_encoder(client())
        started = (ResponseStarted("", ""), PartStarted(0, Text()), PartDelta(0, "A"), PartStarted(1, Reasoning()))
        frames = b"".join(encoder.encode(one) for one in started)
        frames += encoder.encode(ending) if ending else encoder.fail(Unavailable("No."), "req_1")
        events = told(frames)
        assert kinds(events).count("output_item.added") == kinds(events).count("output_item.done")
        assert kinds(events).count("content_part.added") == kinds(events).count("content_part.done")


def test_nothing_follows_the_terminal() -> None:
    encoder = new_encoder(client())
    encoder.encode(END)
    assert encoder.encode(PartStarted(0, Text("late"))) == b""
    assert encoder.encode(END) == b""
    assert encoder.fail(Unavailable("No."), "req_1") == b""


def test_a_stream_ends_with_what_the_whole_answer_would_have_been() -> None:
    parts: tuple[Part, ...] = (
        Reasoning("Hm.", opaque=Opaque("google", "thought_signature", "x")),
        Text("Hi"),
        ToolCall("c", "f"),
    )
    usage, ending = Usage(input=1, output=2), Ending("tool")
    response = Response("up_1", "m", parts, ending, usage, created=7)
    events = [event for index, one in enumerate(parts) for event in (PartStarted(index, one), PartEnded(index))]
    written = write(*events, UsageReported(usage), ResponseEnded(ending), request=SEEING)
    assert written[-1]["response"] == json.loads(encode_response(response, SEEING))


def test_a_finished_answer_is_what_the_sdks_own_helper_makes_of_it(serve: Serve) -> None:
    events = (
        ResponseStarted("up_1", "m", 7),
        *part(0, Reasoning(), "Hm."),
        *part(1, Text(), "Hello"),
        *part(2, ToolCall("c", "f"), "{}"),
        *part(3, Native("openai_responses", "web_search_call", {"type": "web_search_call", "id": "ws_1"})),
        UsageReported(Usage(input=1)),
        ResponseEnded(Ending("tool")),
    )
    final = accumulated(serve, events, client())
    assert (final.output_text, final.status, final.usage.total_tokens) == ("Hello", "completed", 1)
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call", "web_search_call"]


def test_the_sdk_raises_for_an_answer_that_failed(serve: Serve) -> None:
    encoder = new_encoder(client())
    frames = encoder.encode(ResponseStarted("up_1", "m")) + encoder.fail(RateLimited("Slow down."), "req_1")
    url = serve(200, frames, "text/event-stream")
    with sdk(url) as openai_client, pytest.raises(openai.APIError, match="Slow down"):
        list(openai_client.responses.create(model="m", input="x", stream=True))


# recordings


def test_a_recorded_stream_amounts_to_what_its_reader_saw(recorded_stream: dict[str, Any]) -> None:
    events = recorded_events(recorded_stream)
    reader = CODEC.new_reader()
    for payload in payloads(recorded_stream):
        reader.read_payload(payload)
    assert reader.finish
    assert events[-1] == ResponseEnded(Ending(reader.finish, raw="completed"))
    assert [one.usage for one in events if isinstance(one, UsageReported)][-1:] == [buckets(reader)]
    seen = "".join(piece.text for piece in reader.take_pieces() if piece.kind == "text")
    text = "".join(one.text for one in folded(events) if isinstance(one, Text | Refusal))
    assert text == (text_of(terminal(recorded_stream)) if recorded_stream["id"] == THINNED else seen)


def test_a_recorded_stream_amounts_to_the_answer_at_its_end(recorded_stream: dict[str, Any]) -> None:
    parts = folded(recorded_events(recorded_stream))
    whole = decode_response(json.dumps(terminal(recorded_stream)).encode())
    if recorded_stream["id"] in SIDE_BY_SIDE:
        assert sorted(map(type_of, parts)) == sorted(map(type_of, whole.parts))
    else:
        assert parts == whole.parts


def test_where_the_network_cuts_a_recorded_stream_does_not_matter(recorded_stream: dict[str, Any]) -> None:
    stream, framing, decoder = recorded_stream["response"]["sse"].encode(), SSE(), new_decoder()
    chunks = [stream[at : at + 61] for at in range(0, len(stream), 61)]
    cut = [payload for chunk in chunks for payload in framing.payloads(framing.feed(chunk))]
    assert [one for payload in cut for one in decoder.feed(payload)] == recorded_events(recorded_stream)


def test_every_part_of_a_recorded_stream_starts_and_ends_once(recorded_stream: dict[str, Any]) -> None:
    events = recorded_events(recorded_stream)
    started = [one.index for one in events if isinstance(one, PartStarted)]
    assert started == list(range(len(started)))
    assert sorted(one.index for one in events if isinstance(one, PartEnded)) == started


def test_a_recorded_stream_is_written_again_as_the_sdk_saw_it(recorded_stream: dict[str, Any], serve: Serve) -> None:
    asked = (recorded_stream["request"] or {}).get("body") or {}
    events = recorded_events(recorded_stream)
    final = accumulated(serve, events, client(**asked)).to_dict()
    raw = terminal(recorded_stream)
    assert text_of(final) == text_of(raw)
    assert calls_of(final) == calls_of(raw)
    assert [final["usage"][name] for name in COUNTS] == [raw["usage"][name] for name in COUNTS]


COUNTS = ("input_tokens", "output_tokens", "total_tokens")


def test_a_recorded_stream_is_written_by_the_grammar(recorded_stream: dict[str, Any]) -> None:
    encoder = new_encoder(client())
    events = told(b"".join(encoder.encode(one) for one in recorded_events(recorded_stream)))
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert kinds(events)[:2] + kinds(events)[-1:] == ["created", "in_progress", "completed"]
    opened = [(one["output_index"], one["type"][-5:]) for one in events if ".output_item." in one["type"]]
    for (added, _), (done, _) in pairwise(opened[: len(opened) // 2 * 2]):
        assert done - added in (0, 1)


def recorded_events(recording: dict[str, Any]) -> list[Event]:
    decoder = new_decoder()
    return [one for payload in payloads(recording) for one in decoder.feed(payload)] + decoder.end()


def payloads(recording: dict[str, Any]) -> list[bytes]:
    framing = SSE()
    return framing.payloads(framing.feed(recording["response"]["sse"].encode()))


def terminal(recording: dict[str, Any]) -> dict[str, Any]:
    events = [json.loads(payload) for payload in payloads(recording)]
    (response,) = [one["response"] for one in events if one["type"] == "response.completed"]
    return dict(response)


def type_of(one: Part) -> str:
    return type(one).__name__


def text_of(answer: dict[str, Any]) -> str:
    content = [part for item in answer["output"] for part in item.get("content") or ()]
    return "".join(part["text"] for part in content if part["type"] == "output_text")


def calls_of(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    return [(item["call_id"], item["name"], item["arguments"]) for item in calls]


def sdk(url: str) -> openai.OpenAI:
    http: Any = httpx.Client(trust_env=False)
    return openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0, http_client=http)


def accumulated(serve: Serve, events: Iterable[Event], request: Request) -> Any:
    """What the SDK's own helper makes of the stream."""
    encoder = new_encoder(request)
    frames = b"".join(encoder.encode(one) for one in events)
    url = serve(200, frames, "text/event-stream")
    with sdk(url) as openai_client, openai_client.responses.stream(model="m", input="x") as stream:
        return stream.get_final_response()
