"""An application on a scripted link, whose clocks stand still."""

from collections.abc import Iterator
from pathlib import Path

import blank
import pytest
from commands import Commands

from console.app import ConsoleApp
from console.session import Session
from gateway.service import ServiceOptions
from gateway.thread import GatewayThread
from tests.console.scripted import NOW, Clock, ScriptedLink


@pytest.fixture
def link() -> ScriptedLink:
    """The gateway's side of the boundary."""
    return ScriptedLink()


@pytest.fixture
def clock() -> Clock:
    """The monotonic clock of the session."""
    return Clock(1_000.0)


@pytest.fixture
def session(link: ScriptedLink, clock: Clock) -> Session:
    """A session on the scripted link."""
    return Session(link, clock=clock, now=lambda: NOW)


@pytest.fixture
def app(session: Session) -> ConsoleApp:
    """The application, without timers: tests call `poll` and `tick`."""
    return ConsoleApp(session, theme="gatehouse-dark", live=False)


@pytest.fixture
def do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    """Commands for a running gateway with the demo provider."""
    monkeypatch.setenv("GATEHOUSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    blank.lay(tmp_path / "data")
    gateway = GatewayThread(ServiceOptions(directory=tmp_path / "data", port=0))
    gateway.start()
    commands = Commands(gateway, monkeypatch, capsys)
    commands("provider add demo")
    yield commands
    gateway.stop(drain=0)
