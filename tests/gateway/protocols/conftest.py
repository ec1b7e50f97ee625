"""Recorded traffic of real providers, for the tests that ask for it by a `recorded_…` argument."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
NAMES = {
    "openai_chat": "openai-chat",
    "openai_responses": "openai-responses",
    "anthropic_messages": "anthropic-messages",
    "gemini": "gemini",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name in metafunc.fixturenames:
        if name.startswith("recorded_"):
            found = list(recordings(name, getattr(metafunc.module, "PROTOCOL", None)))
            absent = [pytest.param(None, marks=pytest.mark.skip(reason="no recorded traffic in ../shared/corpus"))]
            metafunc.parametrize(name, found or absent)


def recordings(kind: str, only: str | None) -> Iterator[Any]:
    for path in sorted(CORPUS.glob("*.json")):
        recording = json.loads(path.read_text())
        protocol = next((ours for ours, theirs in NAMES.items() if theirs == recording.get("protocol")), None)
        if protocol and only in (None, protocol) and is_kind(kind, recording):
            yield pytest.param({**recording, "protocol": protocol}, id=path.stem)


def is_kind(kind: str, recording: dict[str, Any]) -> bool:
    response, request = recording["response"], recording["request"]
    failed = response.get("status", 200) >= 400
    match kind:
        case "recorded_stream":
            return bool(recording["stream"]) and not failed
        case "recorded_answer":
            return not recording["stream"] and not failed
        case "recorded_error":
            return failed
        case _:
            return request is not None and isinstance(request["body"], dict)
