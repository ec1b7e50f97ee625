"""OpenAI Chat Completions: what is read of requests and answers, and what is changed in them."""

import json
from typing import Any

import pytest

from gateway.canonical import Piece, Usage
from gateway.errors import BadRequest, RateLimited
from gateway.framings.sse import SSE
from gateway.protocols.codec import Call
from gateway.protocols.openai_chat import CODEC

PROTOCOL = "openai_chat"


def call(body: bytes | dict[str, Any]) -> Call:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call(method="POST", path="chat/completions", query={}, headers={}, body=data)


def reader_of(*payloads: dict[str, Any] | bytes) -> Any:
    reader = CODEC.new_reader()
    for payload in payloads:
        reader.read_payload(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return reader


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}], "usage": None}


def test_policy_reads_model_stream_limit_and_choices() -> None:
    asked = CODEC.read_call(call({"model": "m", "stream": True, "n": 2, "max_tokens": 5, "max_completion_tokens": 7}))
    assert (asked.model, asked.stream, asked.choices, asked.max_output, asked.wants_usage) == ("m", True, 2, 7, False)


def test_unknown_fields_typos_and_nulls_are_no_error() -> None:
    asked = CODEC.read_call(call({"model": "m", "steam": False, "stream": None, "max_tokens": None, "n": None}))
    assert (asked.stream, asked.max_output, asked.choices, asked.wants_usage) == (False, None, 1, True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stream": "true"}, "stream"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_completion_tokens": True}, "max_completion_tokens"),
        ({"n": 0}, "n"),
        ({"model": 3}, "model"),
        ({"model": None}, "model"),
        ({"model": "m" * 257}, "model"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_a_policy_field_of_the_wrong_kind_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        CODEC.read_call(call({"model": "m", **fields}))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (b'{"model":"m"}', b'{"model":"m"}'),
        (b'{"stream":true}', b'{"stream_options":{"include_usage":true},"stream":true}'),
        (b'{"stream":true,"stream_options":null}', b'{"stream":true,"stream_options":{"include_usage":true}}'),
        (
            b'{"stream":true, "stream_options" : {"x": 1.0}}',
            b'{"stream":true, "stream_options" : {"include_usage":true,"x": 1.0}}',
        ),
        (
            b'{"stream":true,"stream_options":{"include_usage":false}}',
            b'{"stream":true,"stream_options":{"include_usage":true}}',
        ),
        (
            b'{"stream":true,"stream_options":{"include_usage": true}}',
            b'{"stream":true,"stream_options":{"include_usage": true}}',
        ),
    ],
)
def test_usage_is_asked_for_in_streams_that_did_not(asked: bytes, sent: bytes) -> None:
    assert CODEC.with_usage(call(asked)).body == sent


def test_a_stream_that_was_made_to_carry_usage_looks_as_if_it_were_not() -> None:
    text = '{"choices":[{"delta":{"content":"\\",\\"usage\\":null"}}]%s}'
    asked = 'data: %s\n\n: c\n\ndata: {"choices":[],"usage":{"total_tokens":3}}\n\ndata: [DONE]\n\n' % (
        text % ',"usage":null'
    )
    plain = f"data: {text % ''}\n\n: c\n\ndata: [DONE]\n\n"
    assert CODEC.without_usage(asked.encode()) == plain.encode()


@pytest.mark.parametrize(
    ("asked", "plain"),
    [
        (b'{"choices":[1],"usage":null}', b'{"choices":[1]}'),
        (b'{"choices":[1],"usage":null,"obfuscation":"x"}', b'{"choices":[1],"obfuscation":"x"}'),
        (b'{"usage": null, "choices": []}', b'{ "choices": []}'),
        (b'{"choices":[{"usage":null}],"usage":null}', b'{"choices":[{"usage":null}]}'),
        (b'{"choices":[],"x":{"usage":null}}', b'{"choices":[],"x":{"usage":null}}'),
        (b'{"usage":null', b'{"usage":null'),
    ],
)
def test_only_the_outermost_null_usage_is_taken_out(asked: bytes, plain: bytes) -> None:
    for ending in (b"\n\n", b"\r\n\r\n"):
        assert CODEC.without_usage(b"data: " + asked + ending) == b"data: " + plain + ending


def test_usage_that_rides_on_a_choice_is_left_alone() -> None:
    frame = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":3}}\n\n'
    assert CODEC.without_usage(frame) == frame


def test_pieces_come_in_order_with_reasoning_and_calls_apart() -> None:
    reader = reader_of(
        delta(role="assistant", content=""),
        delta(reasoning="Hm"),
        delta(content="Hi"),
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "id": "", "function": {"arguments": "{}"}}]),
        delta("stop"),
    )
    pieces = [Piece("reasoning", "Hm"), Piece("text", "Hi"), Piece("tool", "f"), Piece("tool", "{}")]
    assert reader.take_pieces() == pieces
    assert (reader.finish, reader.ended, reader.take_pieces()) == ("tool", True, [])


@pytest.mark.parametrize(
    ("usage", "buckets"),
    [
        (
            {"prompt_tokens": 120, "completion_tokens": 48, "prompt_tokens_details": {"cached_tokens": 64}},
            Usage(input=56, cache_read=64, output=48),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 3},
            Usage(input=3, cache_read=6, output=5),
        ),
        ({"prompt_tokens": 9, "cached_tokens": 4, "completion_tokens": 0}, Usage(input=5, cache_read=4)),
        (
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            Usage(input=35, output=12, reasoning=62),
        ),
        (
            {"prompt_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 3}},
            Usage(cache_read=3, cache_write_5m=1),
        ),
        ({"prompt_tokens": True, "completion_tokens": -1, "total_tokens": 10**12}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage()),
        ([1], None),
    ],
)
def test_usage_is_read_into_disjoint_buckets(usage: Any, buckets: Usage | None) -> None:
    assert reader_of({"choices": [], "usage": usage}).usage == buckets


def test_later_usage_wins_field_by_field() -> None:
    reader = reader_of(
        {"usage": {"prompt_tokens": 5, "completion_tokens": 1}}, {"x_groq": {"usage": {"completion_tokens": 3}}}
    )
    assert reader.usage == Usage(input=5, output=3)


def test_a_role_alone_does_not_commit_the_answer() -> None:
    assert not CODEC.is_content(json.dumps(delta(role="assistant", content="")).encode())
    assert not CODEC.is_content(b'{"choices":[],"prompt_filter_results":[]}')
    assert CODEC.is_content(json.dumps(delta(content="a")).encode())
    assert CODEC.is_content(b"[DONE]")


def test_an_error_in_a_chunk_is_an_error_and_no_end() -> None:
    reader = reader_of({"error": {"message": "slow down", "type": "rate_limit_error"}})
    assert isinstance(reader.error, RateLimited)
    assert not reader.ended


def test_a_text_that_spells_the_terminal_does_not_end_the_stream() -> None:
    assert CODEC.is_terminal(b"data: {}\r\n\r\ndata:[DONE]\r\n\r\n")
    assert not CODEC.is_terminal(b'data: {"choices":[{"delta":{"content":"data: [DONE]"}}]}\n\n')


def test_several_choices_end_when_each_has_ended() -> None:
    first = {"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}]}
    reader = reader_of(first, {"choices": [{"index": 0, "finish_reason": "length"}]})
    assert not reader.ended
    reader.read_payload(b'{"choices":[{"index":1,"finish_reason":"stop"}]}')
    assert (reader.ended, reader.finish) == (True, "length")


def test_usage_taken_out_of_a_recorded_stream_is_all_that_goes(recorded_stream: dict[str, Any]) -> None:
    stream = recorded_stream["response"]["sse"].encode()
    kept, whole = (SSE().payloads(frames) for frames in (CODEC.without_usage(stream), stream))
    drop = [p for p in whole if b'"usage"' in p and (d := json.loads(p)).get("usage") and not d["choices"]]
    assert [json.loads(p) for p in kept if p != b"[DONE]"] == [
        {name: value for name, value in json.loads(p).items() if (name, value) != ("usage", None)}
        for p in whole
        if p not in drop and p != b"[DONE]"
    ]
