"""What a body names that lies at one account is found, and what only looks so is not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from data.database import Database
from data.secrets import Vault
from gateway.belongings import Belongings, named_in
from gateway.canonical import PROTOCOLS, Protocol
from gateway.errors import BadRequest, NotFound, Unavailable
from gateway.protocols.codec import Call
from gateway.routing import Plan, Skipped, Target
from gateway.snapshot import Endpoint, Snapshot, UpstreamFacts
from gateway.stored_responses import StoredResponses

FILE = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
CONTAINER = b'data: {"type":"message_delta","delta":{"container":{"id":"container_1","expires_at":"2027"}}}\n\n'
STARTED = b'data: {"type":"message_start","message":{"type":"message","id":"msg_1","container":null}}\n\n'


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[StoredResponses]:
    database = Database(tmp_path / "gatehouse.db")
    await database.open()
    await database.migrate()
    yield StoredResponses(database, Vault(bytes(32)))
    await database.close()


def call(**members: Any) -> Call:
    return Call("POST", "messages", {}, {}, json.dumps({"model": "m", **members}).encode())


def upstream(number: int, protocol: Protocol = "anthropic_messages") -> UpstreamFacts:
    endpoints = {protocol: Endpoint(protocol, "http://up.test", "bearer")}
    return UpstreamFacts(
        number, f"up{number}", "p", "P", endpoints, "", "standard", None, False, 1, True, frozenset(("m",))
    )


UPSTREAMS = {1: upstream(1), 2: upstream(2), 3: upstream(3, "gemini")}
SNAPSHOT = Snapshot(upstreams=UPSTREAMS)


def plan(*numbers: int, skipped: tuple[Skipped, ...] = ()) -> Plan:
    upstreams = [UPSTREAMS[number] for number in numbers]
    return Plan("r", "", tuple(Target(u, next(iter(u.endpoints.values())), "m", "") for u in upstreams), skipped)


def note(stored: StoredResponses, upstream_id: int, asked: Call, answer: bytes = b"") -> None:
    """An upstream answered a request of key 1."""
    Belongings(stored, 1, "anthropic_messages", asked).note(upstream_id, answer)


async def places(stored: StoredResponses, asked: Call, given: Plan, key_id: int = 1) -> list[int]:
    found = await Belongings(stored, key_id, "anthropic_messages", asked).narrowed(given, SNAPSHOT)
    return [target.upstream.id for target in found.targets]


@pytest.mark.parametrize(
    ("protocol", "members", "place"),
    [
        ("anthropic_messages", {"messages": [{"role": "user", "content": [FILE]}]}, "file/file_1"),
        ("anthropic_messages", {"container": "container_1"}, "container/container_1"),
        ("anthropic_messages", {"container": {"id": "container_1", "skills": []}}, "container/container_1"),
        ("anthropic_messages", {"thread": {"type": "continue", "previous_message_id": "msg_1"}}, "thread/msg_1"),
        ("openai_responses", {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "container/cntr_1"),
        ("openai_responses", {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "store/vs_1"),
        ("openai_responses", {"input": [{"content": [{"type": "input_file", "file_id": "file-1"}]}]}, "file/file-1"),
        ("gemini", {"cachedContent": "cachedContents/1"}, "cache/cachedContents/1"),
        ("gemini", {"cached_content": "cachedContents/1"}, "cache/cachedContents/1"),
        (
            "gemini",
            {"contents": [{"parts": [{"fileData": {"fileUri": "https://generativelanguage.googleapis.com/f/1"}}]}]},
            "file/https://generativelanguage.googleapis.com/f/1",
        ),
    ],
)
def test_what_lies_at_an_account_is_found_in_every_protocol(protocol: Protocol, members: Any, place: str) -> None:
    assert [each.place for each in named_in(protocol, call(**members).body)] == [place]


@pytest.mark.parametrize(
    "members",
    [
        {"messages": [{"role": "user", "content": 'Say "file_id": "file_1".'}]},
        {"messages": [{"content": [{"type": "tool_use", "input": {"file_id": "file_1"}}]}]},
        {"contents": [{"parts": [{"functionCall": {"args": {"container": "container_1"}}}]}]},
        {"tools": [{"input_schema": {"properties": {"container": {"id": "x"}}}}]},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
        {"contents": [{"parts": [{"fileData": {"fileUri": "https://youtu.be/abc"}}]}]},
        {"container": None},
        {"container": "c" * 200},
    ],
)
def test_what_only_looks_so_is_left_alone(members: Any) -> None:
    assert [named_in(protocol, call(**members).body) for protocol in PROTOCOLS] == [[], [], [], []]


def test_a_name_that_hides_behind_escapes_is_found() -> None:
    assert named_in("anthropic_messages", b'{"c\\u006fntainer":"container_1"}')[0].place == "container/container_1"


async def test_it_goes_where_an_answer_told_that_it_lies(stored: StoredResponses) -> None:
    assert Belongings(stored, 1, "anthropic_messages", call()).tells(CONTAINER)
    note(stored, 2, call(), CONTAINER)
    assert await places(stored, call(container="container_1"), plan(1, 2, 3)) == [2]


async def test_it_goes_where_it_was_once_taken(stored: StoredResponses) -> None:
    asked = call(messages=[{"role": "user", "content": [FILE]}])
    assert await places(stored, asked, plan(3, 1, 2)) == [1, 2]
    note(stored, 2, asked)
    assert await places(stored, asked, plan(3, 1, 2)) == [2]


async def test_a_thread_goes_on_where_it_began(stored: StoredResponses) -> None:
    note(stored, 2, call(thread={"type": "create"}), STARTED)
    note(stored, 1, call(), STARTED.replace(b"msg_1", b"msg_2"))
    going_on = call(thread={"type": "continue", "previous_message_id": "msg_1"})
    assert await places(stored, going_on, plan(1, 2)) == [2]
    assert await stored.find(1, "thread/msg_2") is None


async def test_another_keys_container_is_not_there_but_its_files_may_be_shared(stored: StoredResponses) -> None:
    asked = call(messages=[{"role": "user", "content": [FILE]}])
    note(stored, 2, asked, CONTAINER)
    with pytest.raises(NotFound) as refused:
        await places(stored, call(container="container_1"), plan(1, 2), key_id=9)
    assert refused.value.param == "container"
    assert await places(stored, asked, plan(1, 2), key_id=9) == [1, 2]


async def test_what_lies_at_two_accounts_cannot_be_had_together(stored: StoredResponses) -> None:
    note(stored, 1, call(container="container_1"))
    note(stored, 2, call(container="container_2"))
    with pytest.raises(BadRequest, match="different upstreams"):
        await places(stored, call(container="container_1", tools=[{"container": "container_2"}]), plan(1, 2))


async def test_no_other_account_is_asked_when_the_one_is_down_or_serves_another_model(stored: StoredResponses) -> None:
    note(stored, 2, call(container="container_1"))
    with pytest.raises(Unavailable):
        await places(stored, call(container="container_1"), plan(1, skipped=(Skipped("up2", "m", "down"),)))
    with pytest.raises(BadRequest) as refused:
        await places(stored, call(container="container_1"), plan(1))
    assert refused.value.param == "container"


async def test_where_nobody_speaks_the_protocol_translation_says_so(stored: StoredResponses) -> None:
    assert await places(stored, call(container="container_1"), plan(3)) == [3]
