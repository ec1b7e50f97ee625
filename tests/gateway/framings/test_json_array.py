"""A streamed JSON array, wherever the network cuts it."""

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import UpstreamFailed
from gateway.framings.json_array import JSONArray
from gateway.framings.sse import FRAME_LIMIT

ELEMENTS = [{"a": 'x"]}\\'}, {"b": {"c": [{"d": "\\"}, "}"]}}, {"e": "\u20ac{["}]
STREAM = b"[" + b"\r\n,\r\n".join(json.dumps(element, indent=1).encode() for element in ELEMENTS) + b"\n]\n"
LAW = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def read(chunks: list[bytes]) -> tuple[list[object], bytes]:
    framing = JSONArray()
    fed = [framing.feed(chunk) for chunk in chunks]
    payloads = [json.loads(payload) for frames in fed for payload in framing.payloads(frames)]
    return payloads, b"".join(fed) + framing.rest()


def test_a_cut_at_any_position_changes_neither_elements_nor_bytes() -> None:
    for at in range(len(STREAM) + 1):
        assert read([STREAM[:at], STREAM[at:]]) == (ELEMENTS, STREAM)


@LAW
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_number_of_cuts_changes_neither_elements_nor_bytes(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(STREAM)]
    assert read([STREAM[a:b] for a, b in pairwise(at)]) == (ELEMENTS, STREAM)


def test_what_was_handed_on_can_be_closed_at_any_moment() -> None:
    for at in range(len(STREAM)):
        out = JSONArray().feed(STREAM[:at])
        if out and not out.endswith(b"]"):
            assert ELEMENTS[: len(json.loads(out + b"]"))] == json.loads(out + b"]")


def test_an_element_without_an_end_is_refused_past_the_limit() -> None:
    framing = JSONArray()
    framing.feed(b'[{"a":"')
    with pytest.raises(UpstreamFailed):
        framing.feed(b"x" * FRAME_LIMIT)
