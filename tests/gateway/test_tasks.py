"""Video tasks: whose they are, how they end, and that each is paid for once or not at all."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from house import House, open_house
from scripted_provider import Reply, ScriptedProvider, answer
from studio import FILM, QUICK, UNAVAILABLE, Studio

from data.limits import Brake
from gateway.accounting import GetHolding, SetBrake
from gateway.events import ExchangeEnded, ExchangeProgressed
from gateway.operations import CreateKey, CutExchange, GetExchange, RemoveUpstream, RevokeKey
from gateway.price_operations import SetPrice

ARK = "/api/v3/contents/generations/tasks"
WISH = {"model": "m-film", "content": [{"type": "text", "text": "a tide coming in"}], "duration": 8}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", QUICK) as running:
        yield running


@pytest.fixture
async def studio(house: House, provider: ScriptedProvider) -> Studio:
    made = provider.script = Studio("volcengine")
    made.url = provider.url
    await house.add("volcengine", provider.url)
    await house.service.ask(SetPrice("volcengine", "m-film", {"output": 2_000_000}))
    return made


async def begin(house: House, **more: Any) -> str:
    response = await house.client.post(ARK, json={**WISH, **more})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def task_of(house: House, name: str) -> dict[str, Any]:
    response = await house.client.get(f"{ARK}/{name}")
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


async def ended(house: House, name: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while (task := await task_of(house, name))["status"] in ("queued", "running"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return task


def column(house: House, statement: str) -> list[Any]:
    with closing(sqlite3.connect(house.service.directory.database)) as connection:
        return [row[0] for row in connection.execute(statement)]


def charges(house: House) -> list[int]:
    return column(house, "SELECT cost_micros FROM ledger_entries WHERE cost_micros != 0")


async def refused(house: House, path: str, **options: Any) -> tuple[int, str]:
    response = await house.client.get(path, **options)
    assert response.json()["request_id"] == response.headers["x-request-id"]
    return response.status_code, response.json()["error"]["code"]


# --- how it ends ----------------------------------------------------------------------------------------------------


async def test_a_video_that_was_made_is_charged_by_the_tokens_it_took(house: House, studio: Studio) -> None:
    name = await begin(house)
    studio.finish()
    task = await ended(house, name)
    assert task["usage"] == {"completion_tokens": 9000, "total_tokens": 9000}
    record = await house.settled()
    assert (record.state, record.output_tokens, record.cost_micros) == ("done", 9000, 18_000)
    assert (record.operation, record.protocol, record.progress) == ("video", "ark_video", "8 s at 1280x720")
    assert charges(house) == [18_000]


async def test_a_video_that_is_cut_while_it_waits_for_leave_is_never_begun(house: House, studio: Studio) -> None:
    await house.service.ask(SetBrake(house.key.key.id, Brake(hold=True)))
    response = asyncio.create_task(house.client.post(ARK, json=WISH))
    async with asyncio.timeout(10):
        while not (found := await house.exchanges()) or not found[0].progress:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await house.service.ask(CutExchange(found[0].id))
    assert (await response).status_code == 503
    record = await house.settled()
    assert (record.state, record.error_code, record.cost_micros) == ("failed", "cut", 0)
    assert (await house.service.ask(GetHolding("everyone"))).reserved_micros == 0
    assert charges(house) == []


async def test_a_video_that_failed_costs_nothing_and_says_why(house: House, studio: Studio) -> None:
    name = await begin(house)
    studio.status, studio.said = "failed", {"error": {"code": "Sensitive", "message": "Task theirs-1 shows too much."}}
    task = await ended(house, name)
    assert task["error"] == {"code": "Sensitive", "message": "Task this task shows too much."}
    record = await house.settled()
    assert (record.state, record.error_code, record.cost_micros) == ("failed", "Sensitive", 0)
    assert charges(house) == []


@pytest.mark.parametrize(
    "trouble",
    [
        UNAVAILABLE,
        answer({"error": {"message": "slow down"}}, 429),
        answer({"status": "melting"}),
        Reply([b"{", asyncio.Event()]),
        Reply([b'{"id"'], broken_off=True),
    ],
    ids=["error", "limit", "nonsense", "silence", "reset"],
)
async def test_an_upstream_that_cannot_be_asked_is_not_a_task_that_failed(
    house: House, studio: Studio, trouble: Reply
) -> None:
    name = await begin(house)
    studio.status, studio.trouble = "running", trouble
    await studio.asked_again()
    assert (await task_of(house, name))["status"] == "queued"
    assert (await house.exchanges())[0].state == "running"
    studio.trouble = None
    studio.finish()
    assert (await ended(house, name))["status"] == "succeeded"
    assert charges(house) == [18_000]


async def test_a_task_that_the_upstream_has_lost_is_given_up_at_no_cost(house: House, studio: Studio) -> None:
    name = await begin(house)
    studio.trouble = answer({"error": {"code": "NotFound", "message": "There is no such task."}}, 404)
    assert (await ended(house, name))["error"]["code"] == "task_lost"
    assert charges(house) == []


async def test_looking_at_an_ended_task_twice_settles_it_once(house: House, studio: Studio) -> None:
    subscription = house.service.bus.subscribe()
    name = await begin(house)
    studio.finish()
    await asyncio.gather(*(ended(house, name) for _ in range(5)))
    assert charges(house) == [18_000]
    assert len([news for news in subscription.drain() if isinstance(news, ExchangeEnded)]) == 1


async def test_a_video_without_tokens_is_marked_as_having_no_price(house: House, studio: Studio) -> None:
    name = await begin(house)
    studio.finish(usage=None)
    await ended(house, name)
    record = await house.settled()
    assert (record.cost_micros, record.usage_source) == (None, "")
    assert record.progress == "8 s at 1280x720, no price known"


async def test_a_task_outlives_the_gateway_that_began_it(tmp_path: Path, provider: ScriptedProvider) -> None:
    studio = provider.script = Studio("volcengine")
    studio.url = provider.url
    async with open_house(tmp_path / "data", QUICK) as before:
        await before.add("volcengine", provider.url)
        await before.service.ask(SetPrice("volcengine", "m-film", {"output": 2_000_000}))
        name = await begin(before)
        studio.status = "running"
        await studio.asked_again()
    studio.finish()
    async with open_house(tmp_path / "data", QUICK, before.key) as after:
        assert (await ended(after, name))["status"] == "succeeded"
        record = await after.settled()
        assert (record.state, record.cost_micros, record.upstream) == ("done", 18_000, "up")
        assert charges(after) == [18_000]


async def test_the_console_is_told_how_far_a_task_has_come(house: House, studio: Studio) -> None:
    subscription = house.service.bus.subscribe()
    await begin(house)
    studio.status = "running"
    await studio.asked_again()
    told = [news.progress for news in subscription.drain() if isinstance(news, ExchangeProgressed)]
    assert list(dict.fromkeys(told)) == ["waiting in line", "making the video"]
    assert (await house.exchanges())[0].progress == "making the video"


# --- whose it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_another_keys_task_is_refused_like_one_that_never_was(house: House, studio: Studio, method: str) -> None:
    name = await begin(house)
    other = (await house.service.ask(CreateKey(name="other"))).secret
    headers = {"authorization": f"Bearer {other}"}
    foreign = await house.client.request(method, f"{ARK}/{name}", headers=headers)
    unknown = await house.client.request(method, f"{ARK}/task-{'0' * 32}", headers=headers)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["error"]["code"] == unknown.json()["error"]["code"] == "task_not_found"
    assert foreign.json()["error"]["message"].replace(name, "X") == "There is no task 'X'."
    assert (await house.client.get(ARK, headers=headers)).json() == {"items": [], "total": 0}
    assert studio.deleted == []


async def test_a_revoked_keys_task_is_served_no_more_but_still_settled(house: House, studio: Studio) -> None:
    name = await begin(house)
    await house.service.ask(RevokeKey(house.key.key.id))
    assert await refused(house, f"{ARK}/{name}") == (401, "invalid_api_key")
    studio.finish()
    assert (await house.settled()).state == "done"
    assert charges(house) == [18_000]


async def test_a_task_is_asked_for_where_it_was_begun_and_nowhere_else(house: House, studio: Studio) -> None:
    async with ScriptedProvider().serve() as another:
        elsewhere = another.script = Studio("volcengine")
        await house.add("volcengine", another.url, name="other")
        name = await begin(house)
        first = studio if studio.begun else elsewhere
        first.url = first.url or another.url
        first.finish()
        await ended(house, name)
        assert {studio.asked > 0, elsewhere.asked > 0} == {True, False}


async def test_ids_of_the_upstream_never_reach_a_client(house: House, studio: Studio) -> None:
    name = await begin(house)
    studio.finish(draft_task_id="theirs-1", seed=7, note="made as theirs-1", safety_identifier="u-1")
    task = await ended(house, name)
    listed = await house.client.get(ARK)
    assert "theirs" not in f"{task}{listed.text}"
    assert task["id"] == name
    assert task["seed"] == 7
    assert "safety_identifier" not in task


async def test_a_task_of_a_removed_upstream_ends_without_cost(house: House, studio: Studio) -> None:
    name = await begin(house)
    await house.service.ask(RemoveUpstream(1))
    assert (await ended(house, name))["error"]["code"] == "upstream_removed"
    assert charges(house) == []


# --- beginning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [UNAVAILABLE, Reply([], broken_off=True), answer({"no": "id"})])
async def test_a_task_that_may_have_begun_is_not_begun_again(
    house: House, studio: Studio, provider: ScriptedProvider, refusal: Reply
) -> None:
    await house.add("volcengine", provider.url, name="second")
    studio.refusal = refusal
    before = len(provider.received)
    response = await house.client.post(ARK, json={**WISH, "model": "volcengine:m-film"})
    assert response.status_code == 502
    assert [r.method for r in provider.received[before:]] == ["POST"]
    record = await house.settled()
    assert (record.state, record.attempts, record.cost_micros) == ("failed", 1, 0)
    assert column(house, "SELECT token FROM tasks") == []


async def test_an_upstream_that_clearly_refuses_is_followed_by_the_next(house: House, studio: Studio) -> None:
    async with ScriptedProvider().serve() as another:
        elsewhere = another.script = Studio("volcengine")
        elsewhere.refusal = studio.refusal = answer({"error": {"message": "slow down"}}, 429)
        await house.add("volcengine", another.url, name="other")
        response = await house.client.post(ARK, json={**WISH, "model": "volcengine:m-film"})
        assert response.status_code == 429
        detail = await house.service.ask(GetExchange((await house.settled()).id))
        assert {attempt.upstream for attempt in detail.attempts} == {"up", "other"}


async def test_the_native_request_goes_out_as_it_came_but_for_the_model(
    house: House, studio: Studio, provider: ScriptedProvider
) -> None:
    body = b'{"model":"up:m-film", "content":[{"type":"text","text":"x"}], "seed": 1.0, "new_switch":[ ]}'
    assert (await house.client.post(ARK, content=body)).status_code == 200
    assert provider.last.body == body.replace(b"up:m-film", b"m-film")
    assert provider.last.headers["authorization"] == "Bearer sk-upstream-secret"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"content": WISH["content"]}, "model"),
        ({"model": "m-film"}, "content"),
        ({**WISH, "callback_url": "https://example.com"}, "callback_url"),
        ({**WISH, "content": [{"type": "draft_task", "draft_task": {"id": "x"}}]}, "content"),
        ({**WISH, "content": "a tide"}, "content"),
        ({**WISH, "model": "nobody-has-it:x", "duration": True}, "duration"),
    ],
)
async def test_a_wrong_request_is_refused_naming_its_field(
    house: House, studio: Studio, body: dict[str, Any], param: str
) -> None:
    response = await house.client.post(ARK, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert studio.begun == []


async def test_upstreams_that_make_no_videos_are_named_as_the_reason(house: House, provider: ScriptedProvider) -> None:
    await house.add("anthropic", provider.url)
    response = await house.client.post(ARK, json=WISH)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "protocol_not_served")


# --- lists, deletion, content ---------------------------------------------------------------------------------------


async def test_tasks_are_listed_by_pages_and_filters(house: House, studio: Studio) -> None:
    names = [await begin(house) for _ in range(3)]
    page = (await house.client.get(f"{ARK}?page_num=2&page_size=2")).json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([names[0]], 3)
    some = f"{ARK}?filter.task_ids={names[0]}&filter.task_ids={names[2]}&filter.status=queued&filter.model=m-film"
    assert [item["id"] for item in (await house.client.get(some)).json()["items"]] == [names[2], names[0]]
    assert (await house.client.get(f"{ARK}?filter.status=succeeded")).json()["total"] == 0
    assert (await refused(house, f"{ARK}?page_size=0"))[0] == 400


async def test_a_deleted_task_is_gone_here_and_at_the_upstream(house: House, studio: Studio) -> None:
    name = await begin(house)
    response = await house.client.delete(f"{ARK}/{name}")
    assert (response.status_code, response.json(), studio.deleted) == (200, {}, ["theirs-1"])
    assert await refused(house, f"{ARK}/{name}") == (404, "task_not_found")
    record = await house.settled()
    assert (record.state, record.error_code, record.cost_micros) == ("client_left", "task_deleted", 0)


async def test_deleting_a_video_that_was_just_made_does_not_make_it_free(house: House, studio: Studio) -> None:
    name = await begin(house)
    studio.finish()
    await house.client.delete(f"{ARK}/{name}")
    assert (await house.settled()).state == "done"
    assert charges(house) == [18_000]


async def test_a_deletion_that_the_upstream_refuses_changes_nothing(
    house: House, studio: Studio, provider: ScriptedProvider
) -> None:
    name = await begin(house)
    refusing = answer({"error": {"code": "Conflict", "message": "Task theirs-1 is running."}}, 400)
    provider.script = lambda request: refusing if request.method == "DELETE" else studio(request)
    response = await house.client.delete(f"{ARK}/{name}")
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "Task this task is running."
    assert (await task_of(house, name))["status"] == "queued"


async def test_a_video_is_handed_over_without_our_credential_going_to_where_it_lies(
    house: House, studio: Studio, provider: ScriptedProvider
) -> None:
    name = await begin(house)
    studio.finish()
    await ended(house, name)
    response = await house.client.get(f"/v1/videos/{name}/content")
    assert (response.content, response.headers["content-type"]) == (FILM, "video/mp4")
    fetched = [r for r in provider.received if "film.mp4" in r.path]
    assert [("authorization" in r.headers, r.path) for r in fetched] == [(False, "/film.mp4?signed=1")]


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "http://localhost:1/"]
)
async def test_an_upstream_cannot_have_us_fetch_from_inside(house: House, studio: Studio, url: str) -> None:
    name = await begin(house)
    studio.finish(content={"video_url": url})
    await ended(house, name)
    assert await refused(house, f"/v1/videos/{name}/content") == (502, "upstream_protocol")


async def test_a_video_that_is_not_made_yet_cannot_be_fetched(house: House, studio: Studio) -> None:
    name = await begin(house)
    assert await refused(house, f"/v1/videos/{name}/content") == (404, "video_not_ready")


async def test_a_task_is_not_begun_again_over_a_connection_that_was_closed_meanwhile(house: House) -> None:
    """The usual care for idle connections, to send again what met one, would make two videos."""
    posted: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listed = b'{"data":[{"id":"m-film"}]}'
        while not (head := await reader.readuntil(b"\r\n\r\n")).startswith(b"POST"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(listed), listed))
        posted.append(head)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        await house.add("volcengine", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", models=("m-film",))
        assert (await house.client.post(ARK, json=WISH)).status_code == 502
    assert len(posted) == 1
