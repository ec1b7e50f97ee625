"""Recorded traffic of real providers, for tests that ask by a `recorded_…` argument, and a server to answer SDKs."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
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


Serve = Callable[[int, bytes, str], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that gives everybody this status and body; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, body: bytes, content_type: str = "application/json") -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.do_GET()

            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-type", content_type)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Answer))
        Thread(target=servers[-1].serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
