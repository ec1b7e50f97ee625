"""What the operator asked for is kept, and no more: counted, timed, bounded, sealed, and gone when it is wiped."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from house import House
from scripted_provider import ScriptedProvider, sse

from data.captures import find_captures, get_capture
from data.database import Database
from data.retention import wipe_captures
from data.secrets import Vault
from gateway.accounting import Captured, GetCapture, ListActs, StartCapture, StopCapture, WipeCaptures
from gateway.capture import CUT_OFF, HOUR, LARGEST, MOST_WAITING, Captures, Collected
from gateway.errors import BadRequest
from gateway.snapshot import KeyFacts

CANARY = b"canary-7f3a9d"


def vault() -> Vault:
    return Vault(bytes(32))


def ordered() -> Captures:
    key = KeyFacts(1, "k", b"", "ada", "", True, None, False, capture_until=100, capture_left=5)
    captures = Captures(vault())
    captures.put_under([key])
    return captures


def holds(directory: Path) -> bool:
    return any(CANARY in file.read_bytes() for file in directory.rglob("*") if file.is_file())


async def kept_of(house: House, number: int) -> Captured:
    """What is kept of an exchange, once it is stored."""
    for _ in range(500):
        with contextlib.suppress(BadRequest):
            return await house.service.ask(GetCapture(number))
        await asyncio.sleep(0.01)
    raise AssertionError("nothing was kept")


def test_of_twenty_requests_five_are_collected_when_five_were_asked_for() -> None:
    captures = ordered()
    begun = [captures.begin(1, number, 10, b"") for number in range(20)]
    assert sum(each is not None for each in begun) == 5


def test_nothing_is_collected_unasked_or_of_another_key_or_after_the_time() -> None:
    captures = ordered()
    assert captures.begin(2, 1, 10, b"") is None
    assert captures.begin(1, 2, 100, b"") is None


def test_what_is_too_long_is_cut_off_and_says_so() -> None:
    collected = Collected(1, 1, 0, HOUR, b"x" * (LARGEST + 1))
    for _ in range(3):
        collected.add(b"y" * LARGEST)
    assert collected.request == b"x" * LARGEST + CUT_OFF
    assert bytes(collected.answer) == b"y" * LARGEST + CUT_OFF


async def test_what_is_kept_is_sealed_on_the_disk_and_opens_with_the_vault(database: Database, tmp_path: Path) -> None:
    captures = ordered()
    collected = captures.begin(1, 9, 10, CANARY)
    assert collected is not None
    collected.add(CANARY)
    captures.keep(collected)
    await captures.flush(database)
    assert not holds(tmp_path)
    async with database.read() as session:
        row = await get_capture(session, 9, 11)
        assert row is not None
        assert await get_capture(session, 9, 10 + 24 * HOUR) is None
    assert vault().unseal_bytes(row.request, "captures", 9, "request") == CANARY
    async with database.write() as session:
        await wipe_captures(session, await find_captures(session, 1))
        assert await find_captures(session, 1) == []


async def test_what_runs_or_waits_while_captures_are_wiped_is_not_stored_afterwards(database: Database) -> None:
    captures = ordered()
    running, waiting = captures.begin(1, 1, 10, CANARY), captures.begin(1, 2, 10, CANARY)
    captures.keep(waiting)
    async with captures.wiping(1) as number:
        begun = captures.begin(1, 3, 10, CANARY)
        captures.keep(captures.begin(1, 4, 10, CANARY))
    assert number == 1
    captures.keep(running)
    captures.keep(begun)
    assert not captures.waiting
    captures.keep(captures.begin(1, 5, 10, b""))
    await captures.flush(database)
    async with database.read() as session:
        assert await find_captures(session, 1) == [5]


async def test_a_failure_of_storing_is_told_once_and_lets_only_so_many_wait(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    captures = Captures(vault())
    captures.put_under([KeyFacts(1, "k", b"", "ada", "", True, None, False, capture_until=100, capture_left=99)])
    for number in range(MOST_WAITING + 3):
        captures.keep(captures.begin(1, number, 10, CANARY))
    broken = Database(tmp_path / "nowhere" / "gatehouse.db")
    await captures.flush(broken)
    await captures.flush(broken)
    await captures.flush(database)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert caplog.messages[1] == "what requests said is stored again; 3 captures were dropped"
    async with database.read() as session:
        assert sorted(await find_captures(session, 1)) == list(range(3, MOST_WAITING + 3))


OPENAI = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"m-large","choices":[{"index":0,'
    b'"delta":{"content":"Hello"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
ANTHROPIC = b"".join(
    b"event: " + kind + b"\ndata: " + data + b"\n\n"
    for kind, data in (
        (
            b"message_start",
            b'{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m-large","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}',
        ),
        (b"content_block_start", b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
        (
            b"content_block_delta",
            b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}',
        ),
        (b"content_block_stop", b'{"type":"content_block_stop","index":0}'),
        (b"message_delta", b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}'),
        (b"message_stop", b'{"type":"message_stop"}'),
    )
)


@pytest.mark.parametrize(
    ("provider_id", "path", "stream"),
    [("openai-compatible", "/v1/chat/completions", OPENAI), ("anthropic", "/v1/messages", ANTHROPIC)],
)
async def test_a_stream_is_kept_as_its_client_had_it_only_while_that_is_on_and_each_look_is_on_record(
    house: House, provider: ScriptedProvider, tmp_path: Path, provider_id: str, path: str, stream: bytes
) -> None:
    ask = house.service.ask
    provider.replies(sse(stream))
    await house.add(provider_id, provider.url, models=("m-large",))
    body = {
        "model": "m-large",
        "stream": True,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "canary-7f3a9d"}],
    }
    await house.client.post(path, json=body)
    off = await house.settled()
    await ask(StartCapture(house.key.key.id, requests=1))
    given = await house.client.post(path, json=body)
    on = await house.settled()
    await house.client.post(path, json=body)
    late = await house.settled()
    kept = await kept_of(house, on.id)
    assert kept.answer == given.text
    assert "canary-7f3a9d" in kept.request
    assert house.secret not in kept.request + kept.answer
    assert (await ask(ListActs()))[0].code == "capture_read"
    assert not holds(tmp_path)
    await ask(WipeCaptures(house.key.key.id))
    for number in (off.id, on.id, late.id):
        with pytest.raises(BadRequest, match="Nothing is kept"):
            await ask(GetCapture(number))


BODY = {"model": "m-large", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("ending", [StopCapture, WipeCaptures])
async def test_a_request_that_runs_when_its_capture_is_stopped_or_wiped_is_not_kept(
    house: House, provider: ScriptedProvider, ending: type[StopCapture | WipeCaptures]
) -> None:
    rest = asyncio.Event()
    provider.replies(sse(OPENAI[:150], rest, OPENAI[150:]))
    await house.add("openai-compatible", provider.url, models=("m-large",))
    await house.service.ask(StartCapture(house.key.key.id))
    async with house.client.stream("POST", "/v1/chat/completions", json=BODY) as response:
        await house.service.ask(ending(house.key.key.id))
        rest.set()
        await response.aread()
    await house.service.drain(5)
    with pytest.raises(BadRequest, match="Nothing is kept"):
        await house.service.ask(GetCapture((await house.settled()).id))


async def test_no_sealed_byte_of_a_capture_is_in_any_file_once_it_is_wiped(
    house: House, provider: ScriptedProvider, tmp_path: Path
) -> None:
    provider.replies(sse(OPENAI))
    await house.add("openai-compatible", provider.url, models=("m-large",))
    await house.service.ask(StartCapture(house.key.key.id))
    await house.client.post("/v1/chat/completions", json=BODY)
    await kept_of(house, (await house.settled()).id)
    with contextlib.closing(sqlite3.connect(house.service.directory.database)) as beside:
        sealed = beside.execute("SELECT request, answer FROM captures").fetchone()

    def held() -> set[bytes]:
        files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
        return {each for each in sealed if any(each[-60:] in content for content in files)}

    assert held() == set(sealed)
    await house.service.ask(WipeCaptures(house.key.key.id))
    assert held() == set()
