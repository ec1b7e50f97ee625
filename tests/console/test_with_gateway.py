"""The console on a real gateway with its demo upstream: from nothing to a cut stream, by keys alone."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp, Leaving
from console.session import Session
from console.widgets.confirm import GRACE
from gateway.operations import CreateKey
from gateway.service import ServiceOptions
from gateway.thread import GatewayThread
from tests.console.scripted import shown

TRIES = 200


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayThread]:
    """A gateway with nothing set up, on a machine without any provider's key."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GATEHOUSE_MASTER_KEY", raising=False)
    gateway = GatewayThread(ServiceOptions(tmp_path / "data", "127.0.0.1", 0))
    gateway.start()
    yield gateway
    gateway.stop(0)


@pytest.fixture
def console(gateway: GatewayThread) -> Iterator[ConsoleApp]:
    """A console whose clocks run."""
    link = gateway.link()
    yield ConsoleApp(Session(link))
    link.close()


async def until(pilot: Pilot[Leaving], app: ConsoleApp, seen: str) -> str:
    """Wait until something is on the screen."""
    for _ in range(TRIES):
        if seen in shown(app):
            return shown(app)
        await pilot.pause(0.05)
    raise AssertionError(f"{seen!r} never appeared on\n{shown(app)}")


def ask(base_url: str, secret: str, prompt: str) -> Callable[[], str]:
    """Send a streamed request from another thread; gives a function that waits for what came back."""
    body = {"model": "demo-1", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    headers = {"Authorization": f"Bearer {secret}"}
    answers: list[str] = []

    def send() -> None:
        url = f"{base_url}/v1/chat/completions"
        answers.append(httpx.post(url, json=body, headers=headers, timeout=30, trust_env=False).text)

    thread = threading.Thread(target=send)
    thread.start()

    def answer() -> str:
        thread.join()
        return answers[0]

    return answer


async def test_enter_leads_from_nothing_to_a_first_request(console: ConsoleApp) -> None:
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, console, "no account")
        await pilot.press("d", "enter")
        await until(pilot, console, "It works.")
        assert "✓  first-key" in await until(pilot, console, "✓  first-key")


async def test_a_running_stream_is_watched_and_cut(console: ConsoleApp, gateway: GatewayThread) -> None:
    async with console.run_test(size=(140, 40)) as pilot:
        await until(pilot, console, "no account")
        await pilot.press("d")
        await until(pilot, console, "✓  Upstream demo")
        created = await console.session.ask(CreateKey("alice"))
        answer = ask(gateway.base_url, created.secret, "[demo words 2000] [demo speed 30]")
        await until(pilot, console, "alice")
        await pilot.press("escape")
        await until(pilot, console, "▶")
        await pilot.press("v")
        await until(pilot, console, "A gateway stands between those who ask")
        await pilot.press("x")
        await pilot.pause(GRACE + 0.05)
        await pilot.press("y")
        await until(pilot, console, "■ cut after")
        assert "ended this answer" in answer()
