"""Videos for OpenAI's SDK and for Ark's own requests, in front of either kind of upstream, and of the demo."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from house import House, open_house
from scripted_provider import Received, Reply, ScriptedProvider
from studio import FILM, QUICK, Studio

from gateway.operations import RevokeKey, SaveRoute, TargetView

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

ARK = "/api/v3/contents/generations/tasks"
PICTURE = b"\x89PNG\r\n\r\n--" + bytes(range(256))
EITHER = pytest.mark.parametrize("studio", ["openai", "volcengine"], indirect=True)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data", QUICK) as running:
        yield running


@pytest.fixture
async def studio(house: House, provider: ScriptedProvider, request: pytest.FixtureRequest) -> Studio:
    """An upstream that has each video ready at the third look."""
    made = Studio(request.param)
    made.url = provider.url

    def script(received: Received) -> Reply:
        if made.asked == 2:
            made.finish()
        return made(received)

    provider.script = script
    await house.add(request.param, provider.url)
    return made


@pytest.fixture
async def client(house: House) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret, max_retries=0) as sdk:
        yield sdk


async def made_with_ark(house: House, **more: Any) -> dict[str, Any]:
    """Begin a task as Ark's clients do, and ask until it has ended."""
    wish = {"model": "m-film", "content": [{"type": "text", "text": "a tide"}], "resolution": "720p", "ratio": "9:16"}
    begun = await house.client.post(ARK, json={**wish, "duration": 8, **more})
    assert list(begun.json()) == ["id"], begun.text
    async with asyncio.timeout(10):
        while True:
            task: dict[str, Any] = (await house.client.get(f"{ARK}/{begun.json()['id']}")).json()
            if task["status"] not in ("queued", "running"):
                return task
            await asyncio.sleep(0.01)


@EITHER
async def test_openais_sdk_creates_polls_and_downloads_a_video(client: openai.AsyncOpenAI, studio: Studio) -> None:
    video = await client.videos.create_and_poll(
        model="m-film", prompt="a tide", seconds="8", size="1280x720", poll_interval_ms=20
    )
    assert (video.status, video.progress, video.seconds, video.size) == ("completed", 100, "8", "1280x720")
    assert video.id.startswith("video_")
    content = await client.videos.download_content(video.id)
    assert content.content == FILM
    assert studio.begun == ["theirs-1"]


@EITHER
async def test_openais_sdk_lists_turns_pages_and_deletes(client: openai.AsyncOpenAI, studio: Studio) -> None:
    begun = [(await client.videos.create(model="m-film", prompt=f"tide {number}")).id for number in range(3)]
    assert [video.id async for video in client.videos.list(limit=2)] == begun[::-1]
    assert [video.id async for video in client.videos.list(limit=1, order="asc")] == begun
    deleted = await client.videos.delete(begun[0])
    assert (deleted.id, deleted.deleted, studio.deleted) == (begun[0], True, ["theirs-1"])
    with pytest.raises(openai.NotFoundError):
        await client.videos.retrieve(begun[0])


@EITHER
async def test_a_picture_that_openais_sdk_uploads_reaches_either_upstream_whole(
    client: openai.AsyncOpenAI, studio: Studio, provider: ScriptedProvider
) -> None:
    reference = ("first.png", PICTURE, "image/png")
    await client.videos.create(model="up:m-film", prompt="a tide", size="1024x1792", input_reference=reference)
    sent = provider.last
    if studio.provider_id == "openai":
        assert PICTURE in sent.body
        assert b"\r\n\r\nm-film\r\n" in sent.body
        return
    assert sent.json["model"] == "m-film"
    text, picture = sent.json["content"]
    assert (text, picture["role"]) == ({"type": "text", "text": "a tide"}, "first_frame")
    assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KDQotLQAB")
    assert (sent.json["resolution"], sent.json["ratio"]) == ("1080p", "9:16")


@pytest.mark.parametrize("studio", ["volcengine"], indirect=True)
async def test_what_had_to_change_on_the_way_is_told_to_client_and_operator(
    client: openai.AsyncOpenAI, house: House, studio: Studio
) -> None:
    extra: Any = {"size": "1024x1792", "style": "noir", "odd\nname": 1}
    raw = await client.videos.with_raw_response.create(model="m-film", prompt="a tide", extra_body=extra)
    assert raw.headers["x-gateway-warnings"] == "style,a member with an odd name,size"
    losses = json.loads((await house.settled()).warnings)
    assert losses[-1] == {"field": "size", "why": "It became 1080p at 9:16."}


@pytest.mark.parametrize("studio", ["volcengine"], indirect=True)
async def test_a_strict_route_refuses_what_would_be_lost(
    client: openai.AsyncOpenAI, house: House, studio: Studio
) -> None:
    await house.service.ask(SaveRoute("films", "film*", [TargetView("up", "m-film")], strict=True))
    with pytest.raises(openai.BadRequestError, match="style would be lost"):
        await client.videos.create(model="film-1", prompt="a tide", extra_body={"style": "noir"})
    assert studio.begun == []
    assert (await client.videos.create(model="film-1", prompt="a tide")).model == "film-1"


@EITHER
async def test_arks_clients_get_a_video_from_either_upstream(house: House, studio: Studio) -> None:
    task = await made_with_ark(house)
    assert (task["status"], task["duration"], task["model"]) == ("succeeded", 8, "m-film")
    async with httpx.AsyncClient() as anybody:
        fetched = await anybody.get(task["content"]["video_url"])
    assert fetched.content == FILM


@pytest.mark.parametrize("studio", ["openai"], indirect=True)
async def test_what_openai_cannot_make_is_refused_to_arks_clients_before_anything_is_sent(
    house: House, studio: Studio
) -> None:
    last = {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}, "role": "last_frame"}
    wish = {"model": "m-film", "content": [{"type": "text", "text": "a tide"}, last]}
    response = await house.client.post(ARK, json=wish)
    assert response.status_code == 400
    assert "image_url as last_frame" in response.json()["error"]["message"]
    assert studio.begun == []


@pytest.mark.parametrize("studio", ["openai"], indirect=True)
async def test_a_signed_address_holds_for_its_video_and_no_longer_than_its_key(house: House, studio: Studio) -> None:
    url = (await made_with_ark(house))["content"]["video_url"]
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(url)).status_code == 200
        for forged in (
            url[:-1] + ("0" if url[-1] != "0" else "1"),
            url.replace("expires=", "expires=9"),
            url.split("&")[0],
        ):
            assert (await anybody.get(forged)).status_code in (401, 404)
        await house.service.ask(RevokeKey(house.key.key.id))
        assert (await anybody.get(url)).status_code == 404


@EITHER
async def test_a_failed_video_is_an_answer_and_not_an_error_in_openais_sdk(
    client: openai.AsyncOpenAI, house: House, studio: Studio, provider: ScriptedProvider
) -> None:
    provider.script = studio
    studio.status, studio.said = "failed", {"error": {"code": "moderation_blocked", "message": "Not this."}}
    video = await client.videos.create_and_poll(model="m-film", prompt="a tide", poll_interval_ms=20)
    assert video.status == "failed"
    assert video.error is not None
    assert (video.error.code, video.error.message) == ("moderation_blocked", "Not this.")
    assert (await house.settled()).cost_micros == 0


@EITHER
async def test_openais_sdk_raises_its_own_errors(client: openai.AsyncOpenAI, house: House, studio: Studio) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.videos.retrieve("video_nothing")
    assert unknown.value.request_id
    with pytest.raises(openai.BadRequestError, match="'prompt' is missing"):
        await client.videos.create(model="m-film", prompt="")
    await house.service.ask(RevokeKey(house.key.key.id))
    with pytest.raises(openai.AuthenticationError):
        await client.videos.create(model="m-film", prompt="a tide")


async def test_the_demo_makes_a_video_for_openais_sdk(client: openai.AsyncOpenAI, house: House) -> None:
    await house.add("demo", "")
    video = await client.videos.create_and_poll(model="demo-1", prompt="a tide [demo slow 0]", poll_interval_ms=20)
    assert video.status == "completed"
    assert (await client.videos.download_content(video.id)).content[4:12] == b"ftypisom"
    record = await house.settled()
    assert (record.state, record.cost_micros, record.upstream) == ("done", 0, "up")


async def test_the_demo_makes_a_video_for_arks_clients_and_fails_when_told(house: House) -> None:
    await house.add("demo", "")
    task = await made_with_ark(house, model="demo-1", content=[{"type": "text", "text": "[demo slow 0]"}])
    assert task["usage"] == {"completion_tokens": 8000, "total_tokens": 8000}
    assert (await house.client.get(task["content"]["video_url"])).content[4:12] == b"ftypisom"
    told = [{"type": "text", "text": "[demo slow 0] [demo fail]"}]
    assert (await made_with_ark(house, model="demo-1", content=told))["error"]["code"] == "demo_failed"
