"""Lines of JSON, wherever the network cuts them."""

import pytest

from gateway.errors import UpstreamFailed
from gateway.framings.ndjson import NDJSON
from gateway.framings.sse import FRAME_LIMIT

STREAM = b'{"a":1}\n\n{"b":"\xe2\x82\xac"}\r\n{"c":3}\n'


def read(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    framing = NDJSON()
    fed = [framing.feed(chunk) for chunk in chunks]
    return [payload for frames in fed for payload in framing.payloads(frames)], b"".join(fed) + framing.rest()


def test_a_cut_at_any_position_changes_neither_lines_nor_bytes() -> None:
    lines = [b'{"a":1}', b'{"b":"\xe2\x82\xac"}', b'{"c":3}']
    for at in range(len(STREAM) + 1):
        assert read([STREAM[:at], STREAM[at:]]) == (lines, STREAM)
    assert read([bytes([byte]) for byte in STREAM]) == (lines, STREAM)


def test_a_line_without_an_end_is_refused_past_the_limit() -> None:
    framing = NDJSON()
    with pytest.raises(UpstreamFailed):
        framing.feed(b"x" * (FRAME_LIMIT + 1))
