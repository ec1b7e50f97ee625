"""An application on a scripted link, whose clocks stand still."""

import pytest

from console.app import ConsoleApp
from console.session import Session
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
