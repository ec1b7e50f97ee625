"""How a task stands, from either shape into either."""

from typing import Any

import msgspec
import pytest

from gateway.canonical import VideoShape
from gateway.errors import UpstreamFailed
from gateway.standings import Shown, Standing, first_standing, read_made, read_standing, show, terms_of, told
from gateway.videos import VideoRequest

MADE = {"video_url": "https://x.io/film.mp4", "last_frame_url": "https://x.io/last.png"}


def standing(**said: Any) -> Standing:
    return read_standing(msgspec.json.encode({"id": "theirs", **said}), Standing(), "theirs")


def seen(shape: VideoShape, task: Standing, upstream: VideoShape = "ark_video") -> dict[str, Any]:
    return show(shape, Shown("t1", "m", 5, upstream, task, "https://us/content"))


@pytest.mark.parametrize(
    ("ark", "openai"),
    [
        ("queued", "queued"),
        ("running", "in_progress"),
        ("succeeded", "completed"),
        ("failed", "failed"),
        ("expired", "failed"),
        ("cancelled", "failed"),
    ],
)
def test_arks_states_are_those_of_openai(ark: str, openai: str) -> None:
    assert seen("openai_video", standing(status=ark))["status"] == openai
    assert seen("ark_video", standing(status=ark))["status"] == ark


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
def test_a_task_without_a_video_always_says_why(status: str) -> None:
    shown = seen("openai_video", standing(status=status))
    assert shown["error"]["code"] == ("video_failed" if status == "failed" else status)
    assert shown["error"]["message"]


def test_progress_never_goes_missing_once_it_was_said() -> None:
    before = standing(status="in_progress", progress=40, seconds="8", size="720x1280")
    after = read_standing(b'{"status":"in_progress","progress":null}', before, "theirs")
    assert (after.percent, after.seconds, after.size) == (40, "8", "720x1280")
    assert seen("openai_video", standing(status="completed"))["progress"] == 100


def test_a_video_of_ark_has_addresses_and_usage_in_its_own_shape() -> None:
    usage = {"completion_tokens": 5, "total_tokens": 7}
    shown = seen("ark_video", standing(status="succeeded", content=MADE, usage=usage, duration=5, seed=3))
    assert (shown["content"], shown["usage"], shown["duration"], shown["seed"]) == (MADE, usage, 5, 3)
    assert "seed" not in seen("openai_video", standing(status="succeeded", content=MADE, seed=3))


def test_a_video_without_an_address_of_its_own_is_fetched_from_us() -> None:
    shown = seen("ark_video", standing(status="completed"), "openai_video")
    assert shown["content"] == {"video_url": "https://us/content"}


def test_only_what_is_the_clients_own_is_shown() -> None:
    hidden = {"prompt": "p", "remixed_from_video_id": "v", "revised_prompt": "r", "note": "of theirs", "list": [1]}
    shown = seen("openai_video", standing(status="completed", quality="high", **hidden), "openai_video")
    assert shown["quality"] == "high"
    assert shown["remixed_from_video_id"] is None
    assert {"prompt", "revised_prompt", "note", "list"}.isdisjoint(shown)
    assert shown["id"] == "video_t1"


def test_a_fault_holds_no_key_and_no_id_of_the_upstream() -> None:
    error = {"code": "Bad Code!", "message": "Task theirs of sk-abcdef123456 failed."}
    fault = standing(status="failed", error=error).fault
    assert fault is not None
    assert (fault.code, fault.message) == ("video_failed", "Task this task of [removed] failed.")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"status":1}', b'{"status":"melting"}', b"\xff", b"[" * 5000])
def test_an_answer_that_says_nothing_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        read_standing(body, Standing(), "theirs")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id":7}', b'{"id":""}', b'{"id":"../keys"}', b'{"id":"a/b?c"}'])
def test_an_id_that_cannot_be_asked_for_is_no_id(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        read_made(body)


@pytest.mark.parametrize("odd", [[], "x", 7, {"completion_tokens": -1}, {"completion_tokens": "9"}])
def test_odd_members_say_nothing_and_break_nothing(odd: object) -> None:
    task = standing(status="succeeded", usage=odd, content=odd, error=odd, progress=odd, duration=odd, size=odd)
    assert task.output_tokens is None
    assert task.urls == {}


def test_an_operator_reads_how_far_it_is() -> None:
    assert told(standing(status="queued")) == "waiting in line"
    assert told(standing(status="in_progress", progress=40)) == "making the video, 40 %"
    assert told(standing(status="completed", seconds="8", size="1280x720")) == "8 s at 1280x720"
    assert told(standing(status="expired")) == "no video: expired"


@pytest.mark.parametrize(
    ("said", "terms"),
    [
        ({"resolution": "1080p", "ratio": "16:9"}, {"resolution": "1080p"}),
        ({"size": "1024x1792"}, {"resolution": "1024p"}),
        ({"resolution": "720p", "generate_audio": False}, {"resolution": "720p", "sound": "none"}),
        ({"service_tier": "flex", "generate_audio": True}, {"service_tier": "flex"}),
        ({}, {}),
    ],
)
def test_the_price_of_a_video_hangs_on_what_sort_it_is(said: dict[str, Any], terms: dict[str, str]) -> None:
    assert terms_of(standing(status="succeeded", **said)) == terms


def test_a_video_made_from_a_video_stays_one_until_it_is_paid() -> None:
    begun = first_standing(VideoRequest("m", unsayable=("content of type video_url as reference_video",)))
    assert terms_of(read_standing(b'{"status":"succeeded"}', begun, "theirs")) == {"source": "video"}
