"""`console` commands run in the test's own process, next to the gateway that they are about."""

import io
import json
import shlex
from typing import Any

import httpx
import pytest

from console.main import main
from gateway.thread import GatewayThread


class Person(io.StringIO):
    """Somebody at a terminal, who types this."""

    def isatty(self) -> bool:
        return True


class Commands:
    """Runs `console` commands."""

    def __init__(self, gateway: GatewayThread, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]):
        self.url = gateway.base_url
        self._monkeypatch = monkeypatch
        self._capture = capture

    def run(self, line: str, *, stdin: str | Person = "", status: int = 0) -> tuple[str, str]:
        """What a command prints, and what it complains of."""
        self._monkeypatch.setattr("sys.argv", ["console", *shlex.split(line)])
        self._monkeypatch.setattr("sys.stdin", stdin if isinstance(stdin, Person) else io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        printed, complaints = self._capture.readouterr()
        assert (ended.value.code or 0) == status, printed + complaints
        return printed, complaints

    def __call__(self, line: str) -> str:
        return self.run(line)[0]

    def json(self, line: str) -> Any:
        return json.loads(self(f"{line} --json"))


def ask(url: str, secret: str, prompt: str) -> httpx.Response:
    """Send a chat request with a key."""
    body = {"model": "demo-1", "messages": [{"role": "user", "content": prompt}]}
    headers = {"authorization": f"Bearer {secret}"}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30)
