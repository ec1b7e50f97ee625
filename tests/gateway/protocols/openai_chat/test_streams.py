"""Streams of Chat: what any upstream's chunks amount to, and the grammar of those that a client is sent."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from conversations import collect
from grammars import GRAMMARS

from gateway.canonical import (
    Audio,
    Citation,
    Ending,
    Event,
    Finish,
    Image,
    Inline,
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
from gateway.errors import GatewayError, RateLimited, Unavailable, UpstreamFailed
from gateway.framings.sse import SSE
from gateway.protocols.capsules import unseal
from gateway.protocols.codec import Call
from gateway.protocols.openai_chat.decoder import Decoder
from gateway.protocols.openai_chat.encoder import Encoder
from gateway.protocols.openai_chat.native import CODEC
from gateway.protocols.openai_chat.requests import decode_request
from tests.support.looked_on import buckets

PROTOCOL = "openai_chat"

Serve = Callable[..., str]

SIGNED = Opaque("anthropic", "signature", "c2ln")
STARTED = ResponseStarted("id1", "upstream", 5)


def client(**members: Any) -> Request:
    body = {"model": "theirs", "stream": True, "stream_options": {"include_usage": True}} | members
    return decode_request(
        Call(
            "POST",
            "chat/completions",
            {},
            {},
            json.dumps({"messages": [{"role": "user", "content": "?"}]} | body).encode(),
        )
    )


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "m", "created": 5, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def calls(*fragments: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return chunk(finish, tool_calls=list(fragments))


def fragment(
    index: int | None = 0, call_id: str | None = None, name: str | None = None, text: Any = None
) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", text)) if value is not None}
    told = {key: value for key, value in (("index", index), ("id", call_id)) if value is not None}
    return {**told, "function": function}


def events(*chunks: dict[str, Any] | str) -> list[Event]:
    decoder = Decoder()
    payloads = [one.encode() if isinstance(one, str) else json.dumps(one).encode() for one in chunks]
    return [event for payload in payloads for event in decoder.feed(payload)] + decoder.end()


def read(*chunks: dict[str, Any]) -> Response:
    response: Response = collect(events(*chunks, "[DONE]"))
    return response


def read_calls(*chunks: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(part.id, part.name, part.arguments) for part in read(*chunks).parts if isinstance(part, ToolCall)]


def write(*passed: Event, request: Request | None = None, finish: Finish = "end") -> bytes:
    encoder = Encoder(request or client())
    told = (STARTED, *passed, UsageReported(Usage(input=3, output=2)), ResponseEnded(Ending(finish)))
    stream = b"".join(encoder.encode(event) for event in told)
    GRAMMARS["openai_chat"](stream, False)
    return stream


def deltas(stream: bytes) -> list[dict[str, Any]]:
    frames = [json.loads(payload) for payload in SSE().payloads(stream) if payload != b"[DONE]"]
    return [frame["choices"][0]["delta"] for frame in frames if frame["choices"]][1:]


def part(index: int, part: Part, *texts: str) -> list[Event]:
    return [PartStarted(index, part), *(PartDelta(index, text) for text in texts), PartEnded(index)]


# reading


def test_a_stream_is_read_with_each_part_ended_before_the_next_of_its_kind() -> None:
    told = events(
        chunk(role="assistant", content=""), chunk(reasoning_content="Hm."), chunk(content="Hi"), chunk("stop")
    )
    assert told == [
        ResponseStarted("c1", "m", 5),
        PartStarted(0, Reasoning()),
        PartDelta(0, "Hm."),
        PartEnded(0),
        PartStarted(1, Text()),
        PartDelta(1, "Hi"),
        PartEnded(1),
        ResponseEnded(Ending("end", raw="stop")),
    ]


@pytest.mark.parametrize(
    "fragments",
    [
        [fragment(0, "a", "f", ""), fragment(0, text='{"x"'), fragment(0, text=":1}")],
        [fragment(0, "a", "f", '{"x"'), fragment(0, "a", "f", ":1}")],
        [fragment(0, "a", "f", '{"x"'), fragment(0, "", text=":1}")],
        [fragment(0, "a"), fragment(0, name="f", text='{"x":1}')],
        [fragment(None, "a", "f", '{"x"'), fragment(None, text=":1}")],
        [fragment(None, "a", "f", '{"x"'), fragment(None, "a", text=":1}")],
        [fragment(3, "a", "f", {"x": 1})],
        [fragment(0, "a", text='{"x"'), fragment(0, name="f", text=":1}")],
    ],
)
def test_a_call_is_one_call_however_its_fragments_repeat_or_lack(fragments: list[dict[str, Any]]) -> None:
    ((call_id, name, arguments),) = read_calls(*(calls(one) for one in fragments), chunk("tool_calls"))
    assert (call_id, name, json.loads(arguments)) == ("a", "f", {"x": 1})


@pytest.mark.parametrize(
    "fragments",
    [
        [fragment(0, "a", "f", '{"x":1}'), fragment(1, "b", "f", '{"x":2}')],
        [fragment(0, "a", "f", '{"x":1}'), fragment(0, "b", "f", '{"x":2}')],
        [fragment(0, "", "f", '{"x":1}'), fragment(0, "", "f", '{"x":2}')],
        [fragment(None, "a", "f", '{"x":1}'), fragment(None, "b", "f", '{"x":2}')],
        [fragment(None, None, "f", '{"x":1}'), fragment(None, None, "f", '{"x":2}')],
        [
            fragment(0, "a", "f", '{"x"'),
            fragment(1, "b", "f", '{"x"'),
            fragment(0, text=":1}"),
            fragment(1, text=":2}"),
        ],
    ],
)
def test_two_calls_are_two_however_they_are_numbered(fragments: list[dict[str, Any]]) -> None:
    first, second = read_calls(*(calls(one) for one in fragments), chunk("tool_calls"))
    assert (json.loads(first[2]), json.loads(second[2])) == ({"x": 1}, {"x": 2})
    assert first[0] != second[0]


def test_a_call_that_is_whole_ends_when_the_next_begins() -> None:
    told = events(calls(fragment(0, "a", "f", "{}")), calls(fragment(1, "b", "f", "{}")), chunk("tool_calls"), "[DONE]")
    assert told.index(PartEnded(0)) < told.index(PartStarted(1, ToolCall("b", "f")))


def test_a_finish_that_says_stop_after_calls_means_the_calls() -> None:
    assert read(calls(fragment(0, "a", "f", "{}")), chunk("stop")).ending == Ending("tool", raw="stop")


def test_a_later_label_does_not_hide_a_stronger_one() -> None:
    assert read(chunk(content="Hi"), chunk("length"), chunk("stop")).ending.finish == "length"


@pytest.mark.parametrize(
    "usage",
    [
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        chunk("stop") | {"usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        {"choices": [], "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}},
    ],
)
def test_usage_counts_wherever_it_rides(usage: dict[str, Any]) -> None:
    assert read(chunk(content="Hi"), chunk("stop"), usage).usage == Usage(input=3, output=2)


def test_an_early_chunk_without_choices_does_not_begin_the_answer() -> None:
    early = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    assert read(early, chunk(content="Hi"), chunk("stop")).id == "c1"


def test_only_the_first_of_several_choices_is_followed() -> None:
    both = {"id": "c1", "choices": [{"index": i, "delta": {"content": text}} for i, text in ((0, "a"), (1, "b"))]}
    assert read(both, both, chunk("stop")).parts == (Text("aa"),)


def test_pieces_of_reasoning_details_are_put_together_by_their_index() -> None:
    pieces = [
        {"type": "reasoning.text", "text": "H", "index": 0, "format": "f"},
        {"type": "reasoning.text", "text": "m.", "index": 0},
        {"type": "reasoning.text", "signature": "eHg=", "index": 0},
    ]
    thought, said = read(*(chunk(reasoning_details=[one]) for one in pieces), chunk("stop", content="Hi")).parts
    assert isinstance(thought, Reasoning)
    assert thought.opaque
    assert (thought.text, said) == ("Hm.", Text("Hi"))
    assert json.loads(thought.opaque.data) == [
        {"type": "reasoning.text", "text": "Hm.", "index": 0, "format": "f", "signature": "eHg="}
    ]


def test_what_belongs_to_a_text_is_known_at_its_end() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://x", "title": "X"}}
    extra = {"google": {"thought_signature": "c2ln"}}
    told = events(chunk(content="Sun"), chunk("stop", annotations=[note], extra_content=extra))
    signature = Opaque("google", "thought_signature", "c2ln")
    assert PartEnded(0, signature, (Citation("https://x", "X"),)) in told


def test_audio_is_put_together_beside_its_transcript() -> None:
    told = [chunk(audio={"id": "a", "transcript": "Hi"}), chunk(audio={"data": "AAA="}), chunk(audio={"data": "AAA="})]
    assert read(*told, chunk("stop")).parts == (Text("Hi"), Audio(Inline("audio/pcm", "AAAAAA==")))


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        ["[DONE]"],
        [chunk(content="Hi")],
        [calls(fragment(0, "a", "f", '{"x"'))],
        [{"id": "c1", "choices": []}, {"choices": [], "usage": {"prompt_tokens": 3}}],
    ],
)
def test_a_stream_that_breaks_off_is_a_failure(chunks: list[Any]) -> None:
    with pytest.raises(UpstreamFailed):
        events(*chunks)


def test_a_stream_that_ends_without_its_terminal_or_its_finish_is_whole() -> None:
    assert collect(events(chunk(content="Hi"), chunk("stop"))).ending.finish == "end"
    assert collect(events(chunk(content="Hi"), "[DONE]")).ending.finish == "end"


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"error": {"message": "slow down", "type": "rate_limit_error"}}, RateLimited),
        ({"object": "error", "message": "slow down", "code": "rate_limit_exceeded"}, RateLimited),
        (chunk("error"), UpstreamFailed),
        ('{"choices":', UpstreamFailed),
    ],
)
def test_an_error_in_the_stream_is_raised_as_what_it_is(payload: Any, error: type[GatewayError]) -> None:
    with pytest.raises(error):
        events(chunk(content="Hi"), payload)


@pytest.mark.parametrize(
    "odd",
    [
        chunk(content=3, refusal=[], reasoning={}, audio=[], images=3, annotations=[3, {"url_citation": 3}]),
        chunk(reasoning_details=[{"index": {}, "type": [], "text": 3, "signature": 4}, 5]),
        chunk(extra_content={"google": {"thought_signature": 3}}, images=[{"image_url": {"url": "nowhere"}}]),
        calls({"index": {}, "id": 3, "function": {"name": [], "arguments": 3}}),
        chunk() | {"created": 1e300, "usage": 3, "service_tier": [], "model": None},
        chunk() | {"choices": [{"index": [], "delta": None, "finish_reason": {}}]},
    ],
)
def test_members_that_make_no_sense_are_passed_over(odd: dict[str, Any]) -> None:
    said = chunk("stop", content="Hi")
    said["choices"][0]["index"] = odd["choices"][0]["index"]
    assert Text("Hi") in read(odd, said).parts


def test_what_follows_the_terminal_is_not_read() -> None:
    assert collect(events(chunk("stop", content="Hi"), "[DONE]", chunk(content="more"))).parts == (Text("Hi"),)


# writing


def test_a_stream_has_one_role_one_finish_and_usage_before_its_terminal() -> None:
    frames = SSE().payloads(write(*part(0, Text(), "Hel", "lo")))
    chunks = [json.loads(frame) for frame in frames[:-1]]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-2]["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 5
    assert {(one["id"], one["model"], one["created"]) for one in chunks} == {("chatcmpl-id1", "theirs", 5)}


def test_a_client_that_did_not_ask_for_usage_gets_no_word_of_it() -> None:
    assert b"usage" not in write(*part(0, Text(), "Hi"), request=client(stream_options=None))


def test_calls_that_run_side_by_side_are_written_one_after_the_other() -> None:
    stream = write(
        PartStarted(0, ToolCall("a", "f")),
        PartStarted(1, ToolCall("b", "g")),
        PartDelta(1, '{"x"'),
        PartDelta(0, "{}"),
        PartDelta(1, ":2}"),
        PartEnded(1),
        PartEnded(0),
        finish="tool",
    )
    told = [delta["tool_calls"][0] for delta in deltas(stream) if delta]
    assert [(one["index"], one["function"].get("name")) for one in told] == [(0, "f"), (0, None), (1, "g"), (1, None)]
    assert told[-1]["function"]["arguments"] == '{"x":2}'


def test_a_call_without_arguments_streams_an_empty_object() -> None:
    told = deltas(write(*part(0, ToolCall("a", "f")), finish="tool"))
    assert told[-2]["tool_calls"] == [{"index": 0, "function": {"arguments": "{}"}}]


def test_a_client_of_functions_gets_the_first_call_as_a_function() -> None:
    legacy = client(functions=[{"name": "f"}])
    told = deltas(write(*part(0, ToolCall("a", "f"), "{}"), *part(1, ToolCall("b", "f"), "{}"), request=legacy))
    assert told == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
        {},
    ]


def test_thoughts_stream_as_text_and_their_tokens_follow_with_an_index() -> None:
    thoughts = [
        *(PartStarted(0, Reasoning()), PartDelta(0, "Hm."), PartEnded(0, SIGNED)),
        *part(1, Reasoning(opaque=Opaque("anthropic", "redacted", "eHg="))),
    ]
    thought, first, second, _ = deltas(write(*thoughts))
    assert thought == {"reasoning_content": "Hm."}
    assert first["reasoning_details"][0]["text"] == "Hm."
    assert unseal(first["reasoning_details"][0]["signature"]) == SIGNED
    assert second["reasoning_details"][0]["index"] == 1


def test_sources_refusals_images_and_signatures_each_have_their_member() -> None:
    signature = Opaque("google", "thought_signature", "c2ln")
    told = deltas(
        write(
            *(PartStarted(0, Text("Sun")), PartEnded(0, signature, (Citation("https://x", "X"),))),
            *part(1, Refusal(), "No."),
            *part(2, Image(Inline("image/png", "AAAA"))),
            *part(3, ToolCall("a", "f", opaque=signature), "{}"),
        )
    )
    members = [member for delta in told for member in delta]
    wanted = ["content", "extra_content", "annotations", "refusal", "images", "tool_calls", "tool_calls"]
    assert members == [*wanted, "reasoning_details"]


def test_a_stream_that_fails_ends_with_the_error_and_nothing_after_it() -> None:
    encoder = Encoder(client())
    stream = encoder.encode(STARTED) + encoder.encode(PartStarted(0, Text("Hi")))
    stream += encoder.fail(Unavailable("All busy."), "req_1") + encoder.encode(PartDelta(0, "!"))
    GRAMMARS["openai_chat"](stream, True)
    assert encoder.fail(Unavailable("Again."), "req_1") == b""
    assert json.loads(SSE().payloads(stream)[-1])["error"]["message"] == "All busy."


def test_an_answer_that_ends_in_an_error_is_one_to_the_client() -> None:
    encoder = Encoder(client())
    stream = encoder.encode(STARTED) + encoder.encode(ResponseEnded(Ending("malformed_call")))
    assert json.loads(SSE().payloads(stream)[-1])["error"]["code"] == "upstream_malformed_tool_call"


# recorded traffic


def decoded(stream: str) -> list[Event]:
    decoder = Decoder()
    payloads = SSE().payloads(SSE().feed(stream.encode()))
    return [event for payload in payloads for event in decoder.feed(payload)] + decoder.end()


def test_a_recorded_stream_says_what_the_relay_saw_in_it(recorded_stream: dict[str, Any]) -> None:
    stream = recorded_stream["response"]["sse"]
    reader = CODEC.new_reader()
    for payload in SSE().payloads(stream.encode()):
        reader.read_payload(payload)
    if reader.error:
        with pytest.raises(type(reader.error)):
            decoded(stream)
        return
    response = collect(decoded(stream))
    assert (response.usage, response.model, response.ending.finish) == (buckets(reader), reader.model, reader.finish)
    # the relay looks at all choices, and not into details
    if '"index":1' not in stream.replace(" ", "") and "reasoning_details" not in stream:
        said = "".join(one.text for one in response.parts if isinstance(one, Text | Refusal | Reasoning))
        pieces = reader.take_pieces()
        assert sorted(said) == sorted("".join(piece.text for piece in pieces if piece.kind != "tool"))


def test_a_recorded_stream_is_the_same_to_the_sdk_when_written_again(
    recorded_stream: dict[str, Any], serve: Serve
) -> None:
    try:
        passed = decoded(recorded_stream["response"]["sse"])
    except GatewayError:
        pytest.skip("it ends in an error")
    if passed[-1] == ResponseEnded(Ending("length", "length")):
        pytest.skip("the helper raises for an answer that stopped at its length")
    encoder = Encoder(client())
    stream = b"".join(encoder.encode(event) for event in passed)
    GRAMMARS["openai_chat"](stream, False)
    seen, told = accumulated(serve(200, stream, "text/event-stream")), collect(passed)
    assert seen.content == "".join(one.text for one in told.parts if isinstance(one, Text))
    assert seen.calls == [(one.id, one.name, one.arguments or "{}") for one in told.parts if isinstance(one, ToolCall)]
    assert seen.total == (told.usage.total if told.usage else None)


class Seen:
    """What the official SDK's accumulating helper made of a stream."""

    def __init__(self, completion: Any) -> None:
        message = completion.choices[0].message
        self.content = message.content or ""
        self.calls = [(one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ()]
        self.total = completion.usage.total_tokens if completion.usage else None


def accumulated(address: str) -> Seen:
    http: Any = httpx.Client(trust_env=False)
    sdk = openai.OpenAI(api_key="k", base_url=address, max_retries=0, http_client=http)
    with (
        sdk,
        sdk.chat.completions.stream(
            model="theirs", messages=[{"role": "user", "content": "?"}], stream_options={"include_usage": True}
        ) as stream,
    ):
        for _ in stream:
            pass
        return Seen(stream.get_final_completion())


def test_where_the_network_cuts_a_recorded_stream_does_not_matter(recorded_stream: dict[str, Any]) -> None:
    stream = recorded_stream["response"]["sse"].encode()[:4000]
    assert [payloads(stream, cut) for cut in range(1, len(stream), 97)] == [payloads(stream, 0)] * len(
        range(1, len(stream), 97)
    )


def payloads(stream: bytes, cut: int) -> list[bytes]:
    framing = SSE()
    return [payload for piece in (stream[:cut], stream[cut:]) for payload in framing.payloads(framing.feed(piece))]
