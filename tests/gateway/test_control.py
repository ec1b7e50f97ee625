"""The control socket, both ends: a scripted gateway behind it and a console's link in front."""

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.answers.asked import ACTOR, user_name
from gateway.answers.reading import read_operation
from gateway.bus import Bus
from gateway.canonical import Piece
from gateway.control import ControlServer, bind, peer_user
from gateway.errors import BadRequest, Internal, NotFound, RateLimited, Unavailable
from gateway.events import ConfigurationChanged, News, Noted, TextPassed
from gateway.operations import (
    AliasView,
    Answer,
    CutExchange,
    Done,
    GetSnippets,
    ListAliases,
    ListKeys,
    OpenTap,
    Operation,
    SaveAlias,
    Tap,
)
from gateway.remote import RemoteLink, answer_type


async def answer(operation: Operation[Answer]) -> Answer:
    """A gateway that knows a little."""
    match operation:
        case SaveAlias(name, model):
            reply: object = AliasView(name, model)
        case ListAliases():
            reply = [AliasView("fast", "demo-fast")]
        case OpenTap():
            reply = Tap([Piece("text", "hé\u2028\x1b[2J")], running=True)
        case ListKeys():
            raise RateLimited("Not so fast.", code="slow_down", param="limit", retry_after=2.5)
        case GetSnippets():
            raise RuntimeError("a bug that names sk-secret")
        case _:
            raise NotFound("No such exchange.")
    return reply  # type: ignore[return-value]


@pytest.fixture
def path() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="gh-"))
    yield directory / "control.sock"
    shutil.rmtree(directory)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def server(path: Path, bus: Bus) -> AsyncIterator[ControlServer]:
    server = ControlServer(answer, bus, path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def link(path: Path, server: ControlServer) -> AsyncIterator[RemoteLink]:
    link = RemoteLink(path)
    yield link
    await link.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.02)


async def news(link: RemoteLink, enough: Callable[[list[News]], bool]) -> list[News]:
    """News until there is enough of it."""
    seen: list[News] = []

    def look() -> bool:
        seen.extend(link.drain())
        return enough(seen)

    await until(look)
    return seen


async def test_an_operation_is_answered_with_the_type_it_names(link: RemoteLink) -> None:
    assert await link.ask(SaveAlias("fast", "demo-fast")) == AliasView("fast", "demo-fast")
    assert await link.ask(ListAliases()) == [AliasView("fast", "demo-fast")]


async def test_text_with_control_characters_arrives_as_it_was(link: RemoteLink) -> None:
    tap = await link.ask(OpenTap(7))
    assert tap.pieces == [Piece("text", "hé\u2028\x1b[2J")]


async def test_every_operation_says_what_it_is_answered_with() -> None:
    assert all(answer_type(operation) for operation in Operation.__subclasses__())
    assert answer_type(CutExchange) is Done


async def test_a_refusal_arrives_as_the_error_it_was(link: RemoteLink) -> None:
    with pytest.raises(RateLimited, match="Not so fast") as caught:
        await link.ask(ListKeys())
    assert (caught.value.code, caught.value.param, caught.value.retry_after) == ("slow_down", "limit", 2.5)


async def test_a_bug_in_the_gateway_tells_the_console_nothing_of_its_inside(link: RemoteLink) -> None:
    with pytest.raises(Internal) as caught:
        await link.ask(GetSnippets())
    assert "sk-secret" not in caught.value.message


def test_an_operation_of_another_version_is_refused_in_plain_words() -> None:
    with pytest.raises(NotFound, match="another version"):
        read_operation("FlyToTheMoon", b"{}")
    with pytest.raises(BadRequest, match="unknown field"):
        read_operation("SaveAlias", b'{"name": "a", "model": "b", "colour": "red"}')


def test_the_socket_can_be_opened_by_its_owner_alone(path: Path) -> None:
    with bind(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_user_at_the_other_end_is_known(path: Path) -> None:
    listener = bind(path)
    with listener:
        _reader, writer = await asyncio.open_unix_connection(path)
        connection, _ = listener.accept()
        with connection:
            assert peer_user(connection) == os.getuid()
        writer.close()
        await writer.wait_closed()


async def test_what_is_asked_is_asked_in_the_name_of_the_user_at_the_other_end(path: Path, bus: Bus) -> None:
    askers: list[str | None] = []

    async def note_asker(operation: Operation[Answer]) -> Answer:
        askers.append(ACTOR.get(None))
        return await answer(operation)

    server = ControlServer(note_asker, bus, path)
    await server.start()
    link = RemoteLink(path)
    await link.ask(ListAliases())
    await link.close()
    await server.stop()
    assert askers == [user_name(os.getuid())]


async def test_a_process_of_another_user_is_hung_up_on(
    path: Path, server: ControlServer, link: RemoteLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.control.peer_user", lambda _: os.getuid() + 4321)
    with pytest.raises(Unavailable):
        await link.ask(ListAliases())


async def test_a_dead_gateways_socket_does_not_hinder_the_next(path: Path, bus: Bus) -> None:
    bind(path).close()
    server = ControlServer(answer, bus, path)
    await server.start()
    link = RemoteLink(path)
    assert await link.ask(ListAliases())
    await link.close()
    await server.stop()
    with pytest.raises(Unavailable):
        await RemoteLink(path).ask(ListAliases())


async def test_news_reach_the_console_in_order_and_whole(link: RemoteLink, bus: Bus) -> None:
    await link.watch()
    told: list[News] = [TextPassed(7, "text", f"piece {number}\u2028\n") for number in range(500)]
    told.append(Noted(1, "info", "a", "b"))
    for each in told:
        bus.publish(each)
    assert await news(link, lambda seen: len(seen) >= len(told)) == told


async def test_a_console_that_leaves_is_no_longer_told(link: RemoteLink, bus: Bus) -> None:
    await link.watch()
    assert bus.watched
    await link.close()
    await until(lambda: not bus.watched)


async def test_asking_a_gateway_that_is_not_there_says_so(path: Path) -> None:
    link = RemoteLink(path)
    with pytest.raises(Unavailable, match="Start it"):
        await link.ask(ListAliases())
    with pytest.raises(Unavailable, match="Start it"):
        await link.watch()
    await link.close()


async def test_a_console_finds_its_gateway_again_after_a_restart(
    path: Path, server: ControlServer, link: RemoteLink, bus: Bus
) -> None:
    await link.watch()
    await server.stop()
    await news(link, lambda seen: any(isinstance(each, Noted) and each.code == "gateway_gone" for each in seen))
    assert link.lost
    again = ControlServer(answer, bus, path)
    await again.start()
    await news(link, lambda seen: ConfigurationChanged("keys") in seen)
    assert not link.lost
    await again.stop()


async def test_stopping_does_not_wait_for_consoles_that_watch(path: Path, bus: Bus) -> None:
    server = ControlServer(answer, bus, path)
    await server.start()
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with httpx.AsyncClient(transport=transport) as client, client.stream("GET", "http://x/news") as response:
        await anext(response.aiter_raw())
        await server.stop()
