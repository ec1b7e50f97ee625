"""Recorded answers of real providers, from their bytes to what they cost, against a table worked out by hand."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from data.presets import load_presets
from gateway.framings.json_array import JSONArray
from gateway.framings.sse import SSE
from gateway.pricing import PriceBook
from gateway.protocols.codec import Reader
from gateway.protocols.registry import CODECS
from gateway.rates import counted

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
PROTOCOLS = {protocol.replace("_", "-"): codec for protocol, codec in CODECS.items()}
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1_000_000)
PRICE_IDS = {preset.id: preset.price_id for preset in load_presets()}


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    recording: str
    provider: str
    source: str
    used: dict[str, int]
    sum: str
    micros: int
    others: dict[str, dict[str, int]] = {}
    """What other models used for it; their part of the sum comes last."""


class Answers(Struct, frozen=True):
    answer: list[Answer]


TABLE = msgspec.toml.decode(Path(__file__).with_name("recorded_prices.toml").read_bytes(), type=Answers).answer


def worked_out(sum_: str) -> int:
    """The sum as it is written: products of a count and a price, added up."""
    products = (product.split(" * ") for product in sum_.split(" + "))
    total = sum((Decimal(count) * Decimal(price) for count, price in products), Decimal())
    return int(total.to_integral_value(ROUND_HALF_UP))


def look_on(recording: dict[str, Any]) -> Reader:
    reader, response = PROTOCOLS[recording["protocol"]].new_reader(), recording["response"]
    if "body" in response:
        reader.read_body(json.dumps(response["body"]).encode())
        return reader
    framing = SSE() if "sse" in response else JSONArray()
    frames = framing.feed((response.get("sse") or response["json_array_text"]).encode()) + framing.rest()
    for payload in framing.payloads(frames):
        reader.read_payload(payload)
    return reader


def recordings() -> Iterator[dict[str, Any]]:
    for path in sorted(CORPUS.glob("*.json")):
        recording = json.loads(path.read_text())
        if recording.get("protocol") in PROTOCOLS and recording["response"].get("status", 200) < 400:
            yield recording


@pytest.mark.parametrize("answer", TABLE, ids=lambda answer: answer.recording)
def test_the_hand_worked_sums_are_right_in_themselves(answer: Answer) -> None:
    assert worked_out(answer.sum) == answer.micros
    counts = [*answer.used.values(), *(count for other in answer.others.values() for count in other.values())]
    assert [int(product.split(" * ")[0]) for product in answer.sum.split(" + ")] == counts


@pytest.mark.parametrize("answer", TABLE, ids=lambda answer: answer.recording)
def test_a_recorded_answer_costs_what_was_worked_out_by_hand(answer: Answer) -> None:
    path = CORPUS / f"{answer.recording}.json"
    if not path.exists():
        pytest.skip("no recorded traffic in ../shared/corpus")
    reader = look_on(json.loads(path.read_text()))
    assert reader.usage is not None
    assert dict(counted(reader.usage)) == answer.used
    assert reader.usage.details.others == answer.others
    price_id = PRICE_IDS[answer.provider]
    charge = PriceBook().charge(answer.provider, price_id, reader.model, reader.usage, NOON)
    assert charge is not None
    assert charge.total_micros == answer.micros


def test_the_table_has_caches_reasoning_audio_and_server_tools() -> None:
    meters = [meter for answer in TABLE for meter in answer.used]
    assert len(TABLE) >= 40
    assert min(map(meters.count, ("input_audio", "output_audio", "web_searches", "file_searches"))) >= 1
    assert min(map(meters.count, ("cache_read", "cache_write_5m", "tool_prompt", "reasoning"))) >= 4


def test_what_is_paid_for_adds_up_to_the_providers_tokens_in_every_recording() -> None:
    looked_at = 0
    for recording in recordings():
        usage = look_on(recording).usage
        if usage is None:
            continue
        tokens = sum(count for meter, count in counted(usage) if not meter.endswith("searches"))
        assert tokens == usage.total, recording["id"]
        looked_at += 1
    if not looked_at:
        pytest.skip("no recorded traffic in ../shared/corpus")
    assert looked_at > 200
