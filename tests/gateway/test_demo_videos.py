"""The demo's videos: a task is told by its id alone, and ready when its time has come."""

import time
from typing import Any

import msgspec
import pytest

from gateway.demo_videos import film, reply_to, serves

ARK = "/api/v3/contents/generations/tasks"


def begun(prompt: str, **more: Any) -> str:
    body = msgspec.json.encode({"model": "demo-1", "content": [{"type": "text", "text": prompt}], **more})
    reply = reply_to("POST", ARK, {}, body)
    assert isinstance(reply.body, dict)
    return str(reply.body["id"])


def aged(name: str, seconds: float) -> dict[str, Any]:
    """The task as it stands so many seconds after it was begun."""
    then = int((time.time() - seconds) * 1000)
    reply = reply_to("GET", f"{ARK}/{'-'.join((name.split('-')[0], str(then), *name.split('-')[2:]))}", {}, b"")
    assert isinstance(reply.body, dict)
    return reply.body


def test_a_task_waits_is_made_and_is_ready_as_its_time_passes() -> None:
    name = begun("a tide [demo slow 100]", duration=5)
    assert [aged(name, seconds)["status"] for seconds in (1, 50, 101)] == ["queued", "running", "succeeded"]
    assert aged(name, 101)["usage"]["completion_tokens"] == 5000


def test_a_task_that_was_told_to_fail_fails_only_when_it_would_be_ready() -> None:
    name = begun("[demo slow 100] [demo fail]")
    assert aged(name, 50)["status"] == "running"
    assert aged(name, 101)["error"]["code"] == "demo_failed"


def test_the_same_task_has_the_same_film() -> None:
    assert film("a") == film("a") != film("b")
    assert film("a")[4:8] == b"ftyp"


@pytest.mark.parametrize("path", [f"{ARK}/demo-1", "/v1/videos/nothing", "/v1/videos/nothing/content"])
def test_an_id_that_the_demo_never_gave_is_unknown(path: str) -> None:
    assert serves(path)
    assert reply_to("GET", path, {}, b"").status == 404
