"""A request is put in front of what it goes on from: as a conversation when that is kept here, else at its account."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from data.database import Database
from data.secrets import Vault
from gateway import continuation
from gateway.canonical import Protocol
from gateway.continuation import Continuation, keep, narrowed, response_in, take_up, with_previous
from gateway.errors import BadRequest, NotFound, Unavailable
from gateway.protocols.codec import Call
from gateway.routing import Plan, Skipped, Target
from gateway.snapshot import Endpoint, Snapshot, UpstreamFacts
from gateway.stored_responses import Kept, StoredResponses

ASKED = {"type": "message", "role": "user", "content": "When is high water?"}
SAID = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "At six."}]}
RESPONSE = {"id": "resp_1", "status": "completed", "output": [SAID]}
NEXT = {"type": "message", "role": "user", "content": "And low water?"}


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[StoredResponses]:
    """A store in which key 1 has a response that is kept here and one that upstream 7 keeps."""
    database = Database(tmp_path / "gatehouse.db")
    await database.open()
    await database.migrate()
    responses = StoredResponses(database, Vault(bytes(32)))
    body = json.dumps(RESPONSE).encode()
    responses.keep(Kept(1, "resp_1", 1, None, json.dumps([ASKED]).encode(), body, ("msg_1",)))
    responses.keep(Kept(1, "resp_far", 1, 7, item_ids=("msg_far",)))
    yield responses
    await database.close()


def asking(members: dict[str, object], path: str = "responses") -> Call:
    return Call("POST", path, {}, {}, json.dumps({"model": "m", **members}).encode())


def call(**members: object) -> Call:
    return asking(members)


def sent(going_on: Continuation) -> Any:
    return json.loads(going_on.call.body)


async def test_a_request_that_names_nothing_stays_as_it_is(stored: StoredResponses) -> None:
    asked = call(input="hi", previous_response_id=None)
    assert await take_up(stored, 1, asked) == Continuation(asked, stores=True)


@pytest.mark.parametrize("given", ["And low water?", [{k: NEXT[k] for k in ("type", "role", "content")}]])
async def test_the_conversation_so_far_takes_the_place_of_its_name(stored: StoredResponses, given: object) -> None:
    going_on = await take_up(stored, 1, call(input=given, previous_response_id="resp_1", tools=[]))
    assert sent(going_on) == {"model": "m", "input": [ASKED, SAID, NEXT], "tools": []}
    assert (going_on.previous_id, going_on.upstream_id, going_on.needs) == ("resp_1", None, "")


async def test_all_else_in_the_body_stays_byte_for_byte(stored: StoredResponses) -> None:
    body = b'{ "model":"m", "temperature": 1.0e0,"previous_response_id":"resp_1", "input":[], "x": "\\u00e9" }'
    going_on = await take_up(stored, 1, Call("POST", "responses", {}, {}, body))
    assert going_on.call.body.startswith(b'{ "model":"m", "temperature": 1.0e0, "input":[')
    assert going_on.call.body.endswith(b'], "x": "\\u00e9" }')


async def test_a_long_conversation_is_gone_on_from_step_by_step(stored: StoredResponses) -> None:
    for number in range(2, 5):
        going_on = await take_up(stored, 1, call(input=f"{number}?", previous_response_id=f"resp_{number - 1}"))
        response = {**RESPONSE, "id": f"resp_{number}", "output": [{**SAID, "id": f"msg_{number}"}]}
        keep(stored, going_on, 1, None, json.dumps(response).encode())
    last = await stored.find(1, "resp_4")
    assert last is not None
    said = [item.get("id") or item["content"] for item in json.loads(last.items)]
    assert said == [ASKED["content"], "msg_1", "2?", "msg_2", "3?", "msg_3", "4?"]


async def test_an_item_that_is_only_named_is_put_in_its_place(stored: StoredResponses) -> None:
    for reference in ({"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"}, {"i.d": "msg_1"}):
        asked = call(input=[ASKED, reference, NEXT])
        going_on = await take_up(stored, 1, replace(asked, body=asked.body.replace(b"i.d", b"i\\u0064")))
        assert sent(going_on)["input"] == [ASKED, SAID, NEXT]


@pytest.mark.parametrize(
    "members",
    [
        {"input": "hi", "previous_response_id": "resp_far"},
        {"input": [{"type": "item_reference", "id": "msg_far"}]},
    ],
)
async def test_what_an_upstream_keeps_leads_there_and_changes_nothing(
    stored: StoredResponses, members: dict[str, object]
) -> None:
    asked = asking(members)
    going_on = await take_up(stored, 1, asked)
    assert (going_on.call, going_on.upstream_id) == (asked, 7)


@pytest.mark.parametrize(
    ("members", "code", "param"),
    [
        ({"previous_response_id": "resp_none"}, "previous_response_not_found", "previous_response_id"),
        ({"previous_response_id": 7}, "invalid_request", "previous_response_id"),
        ({"input": [{"type": "item_reference", "id": "msg_9"}]}, "item_not_found", "input"),
        ({"input": {"role": "user"}, "previous_response_id": "resp_1"}, "invalid_type", "input"),
        ({"previous_response_id": "resp_1", "conversation": "conv_1"}, "mutually_exclusive_parameters", None),
    ],
)
async def test_what_cannot_be_gone_on_from_is_refused_in_words(
    stored: StoredResponses, members: dict[str, object], code: str, param: str | None
) -> None:
    with pytest.raises(BadRequest) as raised:
        await take_up(stored, 1, asking(members))
    assert raised.value.code == code
    assert param in (None, raised.value.param)


async def test_an_item_kept_here_is_told_in_full_to_the_account_that_keeps_the_rest(stored: StoredResponses) -> None:
    going_on = await take_up(stored, 1, call(input=[{"id": "msg_1"}, NEXT], previous_response_id="resp_far"))
    assert going_on.upstream_id == 7
    assert sent(going_on) == {"model": "m", "input": [SAID, NEXT], "previous_response_id": "resp_far"}


async def test_a_name_given_twice_is_refused_since_readers_may_disagree(stored: StoredResponses) -> None:
    body = b'{"model":"m","previous_response_id":"resp_theirs","previous\\u005fresponse_id":"resp_1","input":"hi"}'
    with pytest.raises(BadRequest, match="more than once"):
        await take_up(stored, 1, Call("POST", "responses", {}, {}, body))


@pytest.mark.parametrize("name", ["resp_1", "resp_far", "resp_none"])
async def test_other_keys_hear_the_same_of_every_response(stored: StoredResponses, name: str) -> None:
    with pytest.raises(BadRequest) as raised:
        await take_up(stored, 2, call(input="hi", previous_response_id=name))
    assert raised.value.message == f"Previous response with id '{name}' not found."


async def test_a_conversation_belongs_to_the_key_that_used_it_first(stored: StoredResponses) -> None:
    asked = call(input="hi", conversation={"id": "conv_1"})
    first = await take_up(stored, 1, asked)
    assert (first.upstream_id, first.needs) == (None, "conversation")
    keep(stored, first, 1, 7, b'{"id":"resp_5","status":"completed"}')
    assert (await take_up(stored, 1, asked)).upstream_id == 7
    with pytest.raises(NotFound):
        await take_up(stored, 2, asked)


@pytest.mark.parametrize(
    ("path", "members", "stores"),
    [("responses", {}, True), ("responses", {"store": False}, False), ("responses/input_tokens", {}, False)],
)
async def test_answers_are_kept_unless_the_client_says_otherwise(
    stored: StoredResponses, path: str, members: dict[str, object], stores: bool
) -> None:
    assert (await take_up(stored, 1, asking({"input": "hi", **members}, path))).stores is stores


# --- planning -------------------------------------------------------------------------------------------------------


def target(number: int, protocol: Protocol = "openai_responses") -> Target:
    endpoint = Endpoint(protocol, "https://up.example", "bearer")
    facts = UpstreamFacts(
        number, f"up{number}", "p", "P", {protocol: endpoint}, "", "standard", None, False, 1, True, frozenset()
    )
    return Target(facts, endpoint, "m", "listed")


def snapshot(*targets: Target) -> Snapshot:
    return Snapshot(upstreams={target.upstream.id: target.upstream for target in targets})


NEAR, FAR, CHAT = target(1), target(7), target(3, "openai_chat")
EVERYWHERE = Plan("r", "why", (CHAT, NEAR, FAR), ())


def test_a_plan_keeps_the_one_account_that_can_go_on() -> None:
    plan = narrowed(EVERYWHERE, Continuation(call(), 7, "previous_response_id"), snapshot(NEAR, FAR, CHAT))
    assert plan.targets == (FAR,)
    assert [skipped.upstream for skipped in plan.skipped] == ["up3", "up1"]


def test_what_only_one_protocol_knows_is_not_sent_to_others() -> None:
    plan = narrowed(EVERYWHERE, Continuation(call(), needs="background"), snapshot(NEAR, FAR, CHAT))
    assert plan.targets == (NEAR, FAR)


def test_a_plan_for_a_request_of_its_own_stays_whole() -> None:
    assert narrowed(EVERYWHERE, Continuation(call()), snapshot(NEAR, FAR, CHAT)) is EVERYWHERE


@pytest.mark.parametrize("needs", ["background", "prompt", "conversation"])
def test_what_no_target_can_take_is_refused_by_its_name(needs: str) -> None:
    with pytest.raises(BadRequest) as raised:
        narrowed(Plan("r", "why", (CHAT,), ()), Continuation(call(), needs=needs), snapshot(CHAT))
    assert (raised.value.code, raised.value.param) == ("unsupported_parameter", needs)


def test_an_account_that_is_down_is_not_taken_for_one_that_does_not_serve_the_model() -> None:
    plan = Plan("r", "why", (NEAR,), (Skipped("up7", "m", "down"),))
    with pytest.raises(Unavailable):
        narrowed(plan, Continuation(call(), 7, "previous_response_id"), snapshot(NEAR, FAR))


# --- translation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "keeps", "changed"),
    [
        ({}, True, {"include": ["reasoning.encrypted_content"]}),
        ({"store": True, "include": ["x"]}, True, {"include": ["x", "reasoning.encrypted_content"]}),
        ({"store": True, "include": None}, False, {"include": None, "store": False}),
        ({"store": False}, True, {"store": False}),
    ],
)
async def test_an_answer_to_be_kept_is_asked_for_with_its_thoughts_and_stored_nowhere_else(
    stored: StoredResponses, members: dict[str, object], keeps: bool, changed: dict[str, object]
) -> None:
    going_on = await take_up(stored, 1, asking({"input": "hi", **members}))
    translated = json.loads(continuation.to_translate(going_on, keeps=keeps).body)
    assert translated == {"model": "m", "input": "hi", **changed}


# --- the answer -----------------------------------------------------------------------------------------------------


def frame(kind: str, **members: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def test_the_last_response_that_frames_tell_of_is_found() -> None:
    delta = frame("response.output_text.delta", delta='{"response": {"id": "no"}}')
    frames = frame("response.created", response={"id": "a"}) + delta + frame("response.completed", response={"id": "b"})
    assert json.loads(response_in(frames)) == {"id": "b"}
    assert response_in(delta) == b""


@pytest.mark.parametrize(("status", "found"), [("completed", True), ("incomplete", True), ("failed", False)])
async def test_only_an_answer_with_an_end_is_kept_here(stored: StoredResponses, status: str, found: bool) -> None:
    going_on = await take_up(stored, 1, call(input="hi"))
    keep(stored, going_on, 1, None, frame(f"response.{status}", response={**RESPONSE, "id": "r", "status": status}))
    assert (await stored.find(1, "r") is not None) is found


@pytest.mark.parametrize("answer", [b"", b"{}", b"nonsense", b'{"id":5}', b'{"id":"../x","status":"completed"}'])
async def test_an_answer_that_is_no_response_is_passed_over(stored: StoredResponses, answer: bytes) -> None:
    going_on = await take_up(stored, 1, call(input="hi"))
    for upstream_id in (None, 7):
        keep(stored, going_on, 1, upstream_id, answer)


def test_a_translated_answer_names_the_response_that_its_client_went_on_from() -> None:
    answer = b'{"previous_response_id":null,"text":"\\"previous_response_id\\":null"}'
    named = with_previous(answer, Continuation(call(), previous_id="resp_1"))
    assert json.loads(named) == {"previous_response_id": "resp_1", "text": '"previous_response_id":null'}
    assert with_previous(answer, Continuation(call())) == answer
