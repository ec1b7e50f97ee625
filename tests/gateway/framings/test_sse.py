"""Frames of server-sent events, wherever the network cuts them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import UpstreamFailed
from gateway.framings.sse import FRAME_LIMIT, SSE, split_frames

STREAM = (
    b"\xef\xbb\xbfdata: one\n\n: comment\n\nevent: x\ndata:two\nid: 1\n\n"
    b"data: a\ndata: b\n\n\ndata: \xe2\x82\xac\n\ndata\n\n"
)
PAYLOADS = [b"one", b"two", b"a\nb", b"\xe2\x82\xac"]


def read(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    framing = SSE()
    fed = [framing.feed(chunk) for chunk in chunks]
    payloads = [payload for frames in fed for payload in framing.payloads(frames)]
    return payloads, b"".join(fed) + framing.rest()


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_a_cut_at_any_position_changes_neither_payloads_nor_bytes(ending: bytes) -> None:
    stream = STREAM.replace(b"\n", ending)
    for at in range(len(stream) + 1):
        assert read([stream[:at], stream[at:]]) == (PAYLOADS, stream)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_a_stream_that_comes_byte_by_byte_is_read_the_same(ending: bytes) -> None:
    stream = STREAM.replace(b"\n", ending)
    assert read([bytes([byte]) for byte in stream]) == (PAYLOADS, stream)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([b"\r", b"\n", b"data: x", b"data:", b":", b"\r\n", b"event: e"])))
def test_no_mix_of_line_endings_loses_or_changes_a_byte(chunks: list[bytes]) -> None:
    assert read(chunks)[1] == b"".join(chunks)


def test_a_chunk_of_whole_frames_is_handed_on_without_a_copy() -> None:
    chunk = b"data: 1\n\ndata: 2\n\n"
    assert SSE().feed(chunk) is chunk


def test_an_unfinished_frame_is_held_until_it_is_whole() -> None:
    framing = SSE()
    assert framing.feed(b"data: 1\n\ndata: 2\n") == b"data: 1\n\n"
    assert framing.rest() == b"data: 2\n"
    assert framing.feed(b"\n") == b"data: 2\n\n"


def test_a_frame_without_an_end_is_refused_past_the_limit() -> None:
    framing = SSE()
    framing.feed(b"data: " + b"x" * (FRAME_LIMIT - 6))
    with pytest.raises(UpstreamFailed):
        framing.feed(b"x")


def test_frames_are_split_each_with_its_own_blank_line() -> None:
    assert split_frames(b"data: 1\n\ndata: 2\r\n\r\n: c\r\r") == [b"data: 1\n\n", b"data: 2\r\n\r\n", b": c\r\r"]
