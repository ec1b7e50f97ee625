"""What holds for every protocol: one reading of a request, and readers that learn the same however bytes are cut."""

import json
from typing import Any

import msgspec
import pytest

from gateway.canonical import PROTOCOLS, ModelEntry, Protocol
from gateway.errors import BadRequest, GatewayError, Unavailable
from gateway.protocols.codec import Call, Codec
from gateway.protocols.registry import CODECS, codec_for

NO_END = {
    "openai-chat--test-tool-use-failed-error-streaming--0": "the provider broke off with an error",
    "openai-chat--test-tool-use-failed-error-streaming-with-text--0": "the provider broke off with an error",
}


def call_for(protocol: Protocol, body: bytes, **query: str) -> Call:
    path = "models/m:generateContent" if protocol == "gemini" else "any"
    return Call(method="POST", path=path, query=query, headers={}, body=body)


def call_of(recording: dict[str, Any]) -> Call:
    request = recording["request"]
    path = request["path"].split("?")[0]
    path = path[path.find("models/") :]
    return Call(method="POST", path=path, query={}, headers={}, body=json.dumps(request["body"], indent=1).encode())


def stream_of(recording: dict[str, Any]) -> tuple[bytes, Codec, Call]:
    events = recording["response"].get("sse")
    query = {"alt": "sse"} if events else {}
    text = events or recording["response"]["json_array_text"]
    protocol: Protocol = recording["protocol"]
    return text.encode(), codec_for(protocol, query), call_for(protocol, b"{}", **query)


def read_stream(codec: Codec, call: Call, chunks: list[bytes]) -> Any:
    framing, reader = codec.new_framing(call), codec.new_reader()
    for chunk in chunks:
        for payload in framing.payloads(framing.feed(chunk)):
            reader.read_payload(payload)
    return reader


def learnt(reader: Any) -> tuple[object, ...]:
    error = reader.error and (type(reader.error), reader.error.message)
    return reader.usage, reader.model, reader.finish, reader.ended, error, reader.take_pieces()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "ends too early, at line 1, column 1"),
        (b'{"model":"m",\n "x": [1, 2', "ends too early, at line 2, column 12"),
        (b'{"model":"m",\n\n  oops}', "line 3, column 3"),
        (b'["model"]', "must be a JSON object"),
        (b'"model"', "must be a JSON object"),
        (b'{"model":"m","x":"\xff"}', "not valid UTF-8 at line 1, column 19"),
        (b'{"model":"m","x":["a\\u0000b"]}', "NUL"),
        (b'{"model":"m","x":"\\uD83D"}', "surrogate"),
        (b'{"model":"m","x":"\\ude00\\ud83d"}', "surrogate"),
        (b'{"model":"m","x":' + b"[" * 64 + b"]" * 64 + b"}", "deeper than 64"),
        (b'{"model":"m","x":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, "deeper than 64"),
        (b'{"model":"m"} {"model":"n"}', "line 1"),
    ],
)
def test_a_body_with_more_than_one_reading_is_refused_with_words(protocol: Protocol, body: bytes, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        CODECS[protocol].read_call(call_for(protocol, body))
    assert caught.value.code == "invalid_json"
    assert says in caught.value.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","x":"\\\\u0000 \\\\ud83d"}',
        b'{"model":"m","x":"\\ud83d\\ude00 \xf0\x9f\x98\x80 \\\\\\ud83d\\ude00"}',
        b'{"model":"m","x":' + b"[" * 63 + b"]" * 63 + b"}",
        b'{"model":"m","x":[' + b"{},[]," * 500 + b'"[[[[{{{{\\"[[[["]}',
        b' {"model":"m", "steam":false, "stop_sequences":null, "thinking": {"type": "disabled"}, "x": {"model": 1}}',
    ],
)
def test_a_body_that_only_looks_odd_is_read(protocol: Protocol, body: bytes) -> None:
    assert CODECS[protocol].read_call(call_for(protocol, body)).model == "m"


@pytest.mark.parametrize(
    ("protocol", "body", "param"),
    [
        ("openai_chat", b'{"model":"m","model":"n"}', "model"),
        ("openai_chat", b'{"model":"m","n":1,"x":{"n":1},"n":5}', "n"),
        ("openai_chat", b'{"model":"m","max_tokens":1,"max_\\u0074okens":5}', "max_tokens"),
        ("openai_chat", b'{"model":"m","stream_options":{},"stream_options":{}}', "stream_options"),
        ("openai_responses", b'{"model":"m","max_output_tokens":1,"max_output_tokens":5}', "max_output_tokens"),
        ("anthropic_messages", b'{"model":"m","stream":true,"stream":false}', "stream"),
        ("gemini", b'{"generationConfig":{},"generation_config":{}}', "generationConfig"),
        ("gemini", b'{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}', "maxOutputTokens"),
        ("gemini", b'{"generation_config":{"candidateCount":1,"candidateCount":9}}', "candidateCount"),
    ],
)
def test_a_policy_field_that_is_given_twice_is_refused_by_name(protocol: Protocol, body: bytes, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        CODECS[protocol].read_call(call_for(protocol, body))
    assert (caught.value.code, caught.value.param) == ("duplicate_parameter", param)


def test_a_recorded_request_is_read_and_only_its_model_replaced(recorded_request: dict[str, Any]) -> None:
    codec, call = CODECS[recorded_request["protocol"]], call_of(recorded_request)
    if "model" not in recorded_request["request"]["body"] and recorded_request["protocol"] != "gemini":
        pytest.skip("a call without a model, such as reading a stored answer")
    old = codec.read_call(call).model
    moved = codec.with_model(call, 'new "model" é')
    assert codec.read_call(moved).model == 'new "model" é'
    assert codec.with_model(moved, old) == call


def test_a_recorded_stream_is_read_to_its_end(recorded_stream: dict[str, Any]) -> None:
    stream, codec, call = stream_of(recorded_stream)
    reader = read_stream(codec, call, [stream])
    assert reader.ended != (recorded_stream["id"] in NO_END)
    assert reader.model
    assert reader.finish or recorded_stream["id"] in NO_END


def test_where_the_network_cuts_a_recorded_stream_does_not_matter(recorded_stream: dict[str, Any]) -> None:
    stream, codec, call = stream_of(recorded_stream)
    whole = learnt(read_stream(codec, call, [stream]))
    for size in (7, 61, 1021):
        cut = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert learnt(read_stream(codec, call, cut)) == whole


def test_a_recorded_stream_is_terminal_only_at_its_end(recorded_stream: dict[str, Any]) -> None:
    stream, codec, call = stream_of(recorded_stream)
    framing = codec.new_framing(call)
    fed = [framing.feed(stream[at : at + 1]) for at in range(len(stream))]
    frames = [frame for frame in fed if framing.payloads(frame)]
    assert codec.is_terminal(frames[-1]) != (recorded_stream["id"] in NO_END)
    assert not any(map(codec.is_terminal, frames[:-1]))


def test_buckets_of_a_recorded_answer_add_up_to_the_total_of_its_provider(recorded_answer: dict[str, Any]) -> None:
    body = recorded_answer["response"]["body"]
    reader = CODECS[recorded_answer["protocol"]].new_reader()
    reader.read_body(json.dumps(body).encode())
    assert (reader.ended, reader.error) == (True, None)
    assert (reader.usage.total if reader.usage else None) == total_of(body)


def test_buckets_of_a_recorded_stream_add_up_to_the_total_of_its_provider(recorded_stream: dict[str, Any]) -> None:
    stream, codec, call = stream_of(recorded_stream)
    framing, reader = codec.new_framing(call), read_stream(codec, call, [stream])
    said = [json.loads(data) for data in framing.payloads(framing.feed(stream)) if data != b"[DONE]"]
    totals = [total for payload in said if (total := total_of(payload)) is not None]
    if recorded_stream["protocol"] == "anthropic_messages":
        totals = [total_of({"usage": merged_usage(said)})]
    assert (reader.usage.total if reader.usage else None) == (totals[-1] if totals else None)


def merged_usage(events: list[dict[str, Any]]) -> dict[str, Any]:
    usage: dict[str, Any] = {}
    for event in events:
        usage |= event.get("message", {}).get("usage") or event.get("usage") or {}
    return usage


def total_of(answer: dict[str, Any]) -> int | None:
    """The provider's own sum; Anthropic gives none, but parts that do not overlap."""
    usage = (answer.get("response") or answer).get("usage") or (answer.get("x_groq") or {}).get("usage")
    if usage and "input_tokens" in usage and "total_tokens" not in usage:
        parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        return sum(usage.get(part) or 0 for part in parts)
    if usage:
        return usage.get("total_tokens")
    return answer.get("usageMetadata", {}).get("totalTokenCount")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"choices":1}',
        b'{"choices":[null]}',
        b'{"type":5,"delta":[],"usage":7,"item":{"content":"x"}}',
        b'{"usage":{"input_tokens":true,"output_tokens":-1,"total_tokens":1e3},"usageMetadata":[1]}',
        b'{"type":"message_start","message":{"usage":null,"content":null}}',
        b'{"candidates":[{"content":{},"index":[]}]}',
        b'{"type":"response.completed","response":{"output":[{"type":[],"content":[1]}]}}',
        b"[" * 5000,
    ],
)
def test_a_reader_never_raises_on_what_it_does_not_understand(protocol: Protocol, payload: bytes) -> None:
    reader = CODECS[protocol].new_reader()
    reader.read_payload(payload)
    reader.read_body(payload)
    assert reader.usage is None
    assert reader.take_pieces() == []


def test_every_recorded_error_becomes_an_error_of_ours(recorded_error: dict[str, Any]) -> None:
    response = recorded_error["response"]
    codec = CODECS[recorded_error["protocol"]]
    error = codec.read_error(response["status"], {}, json.dumps(response["body"]).encode())
    assert isinstance(error, GatewayError)
    assert error.message
    assert codec.error_status(error) >= 400


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_error_frame_is_read_back_as_an_error_and_not_as_an_end(protocol: Protocol) -> None:
    codec = CODECS[protocol]
    call = call_for(protocol, b"{}", alt="sse")
    frames = codec.error_frames(Unavailable("All busy."), "req_1", codec.new_reader())
    reader = read_stream(codec, call, [frames])
    assert isinstance(reader.error, GatewayError)
    assert reader.error.message == "All busy."
    assert not reader.finish or reader.finish == "error"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_keep_alive_says_nothing_and_does_not_commit(protocol: Protocol) -> None:
    codec = CODECS[protocol]
    for call in (call_for(protocol, b"{}", alt="sse"), call_for(protocol, b"{}")):
        framing = codec.new_framing(call)
        assert not any(map(codec.is_content, framing.payloads(framing.feed(codec.keep_alive))))
        assert not codec.is_terminal(codec.keep_alive)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_of_the_list_looks_as_it_does_alone(protocol: Protocol) -> None:
    codec, model = CODECS[protocol], ModelEntry(id="a/b:c", created=1763600000, owner="us")
    listed = msgspec.json.decode(codec.model_list([model], {}))
    assert listed["models" if protocol == "gemini" else "data"] == [msgspec.json.decode(codec.model_item(model))]
