"""The demo's videos: nothing is remembered, for all that matters of a task is in its id.

A video is ready a few seconds after it was asked for, and holds nothing but a file's first bytes.
"""

import re
import time
from hashlib import sha256

import msgspec
from msgspec import Struct

from gateway.demo_answers import Json
from gateway.forms import is_form, read_form
from gateway.protocols.codec import Call

LENGTH = 8
"""Seconds of a video where nobody says."""
MAKING = 6.0
"""Seconds that one takes to make; `[demo slow SECONDS]` and `[demo fail]` in the prompt change that."""
TOKENS_PER_SECOND = 1000
ITEM = re.compile(r"/(?P<shape>videos|contents/generations/tasks)/(?P<id>[^/]+)(?P<content>/content)?$")
COLLECTION = re.compile(r"/(videos|contents/generations/tasks)$")
_ID = re.compile(r"demo-(?P<begun>\d{13})-(?P<making>\d{1,6})-(?P<length>\d{1,3})-(?P<end>ok|fail)")
_SLOW = re.compile(r"\[demo\s+slow\s+(\d{1,4})\]", re.IGNORECASE)
_FAIL = re.compile(r"\[demo\s+fail", re.IGNORECASE)


class Reply(Struct, frozen=True):
    """What the demo answers about videos."""

    status: int
    body: Json | bytes
    """JSON, or the file itself."""


class _Part(Struct):
    text: str | None = None


class _Request(Struct):
    prompt: str = ""
    content: list[_Part] = []
    seconds: int | str = LENGTH
    duration: int = LENGTH


class _Task(Struct, frozen=True):
    id: str
    begun: float
    making: float
    length: int
    fails: bool

    @property
    def share(self) -> float:
        """How much of it is made, 0 to 1."""
        return min(max((time.time() - self.begun) / self.making, 0.0), 1.0) if self.making else 1.0


def serves(path: str) -> bool:
    """Whether a path is about videos."""
    return bool(COLLECTION.search(path) or ITEM.search(path))


def reply_to(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
    """The demo's answer. Raises what reading a request may raise."""
    if item := ITEM.search(path):
        task = _read_id(item["id"])
        if task is None:
            return Reply(404, _error("There is no such task."))
        return _about(task, method, item["shape"] == "videos", item["content"] is not None)
    if method != "POST":
        return Reply(404, _error("The demo lists no tasks."))
    return Reply(200, _begin(path.endswith("/videos"), Call(method, path, {}, headers, body)))


def _begin(openai: bool, call: Call) -> Json:
    if is_form(call):
        texts = {name: part.content.decode() for name, part in read_form(call).items() if part.filename is None}
        asked = msgspec.convert(texts, _Request, strict=False)
    else:
        asked = msgspec.json.decode(call.body, type=_Request)
    prompt = asked.prompt or " ".join(part.text or "" for part in asked.content)
    slow = _SLOW.search(prompt)
    making = float(slow[1]) if slow else MAKING
    seconds = str(asked.seconds if openai else asked.duration)
    length = min(int(seconds), 60) if seconds.isdigit() else LENGTH
    end = "fail" if _FAIL.search(prompt) else "ok"
    made = f"demo-{int(time.time() * 1000):013}-{int(making * 10)}-{length}-{end}"
    return _openai(_Task(made, time.time(), making, length, end == "fail")) if openai else {"id": made}


def _about(task: _Task, method: str, openai: bool, content: bool) -> Reply:
    if method == "DELETE":
        return Reply(200, {"id": task.id, "object": "video.deleted", "deleted": True} if openai else {})
    if content:
        ready = task.share == 1.0 and not task.fails
        return Reply(200, film(task.id)) if ready else Reply(404, _error("There is no video yet."))
    return Reply(200, _openai(task) if openai else _ark(task))


def _read_id(text: str) -> _Task | None:
    match = _ID.fullmatch(text)
    if not match:
        return None
    begun, making = int(match["begun"]) / 1000, int(match["making"]) / 10
    return _Task(text, begun, making, int(match["length"]), match["end"] == "fail")


def _openai(task: _Task) -> Json:
    ended = task.share == 1.0
    status = "queued" if task.share < 0.1 else "in_progress"
    if ended:
        status = "failed" if task.fails else "completed"
    return {
        "id": task.id,
        "object": "video",
        "model": "demo-video",
        "status": status,
        "progress": int(task.share * 100),
        "created_at": int(task.begun),
        "completed_at": int(task.begun + task.making) if ended and not task.fails else None,
        "error": _told_to_fail() if ended and task.fails else None,
        "seconds": str(task.length),
        "size": "1280x720",
    }


def _ark(task: _Task) -> Json:
    ended = task.share == 1.0
    status = "queued" if task.share < 0.1 else "running"
    if ended:
        status = "failed" if task.fails else "succeeded"
    tokens = task.length * TOKENS_PER_SECOND
    said: Json = {
        "id": task.id,
        "model": "demo-video",
        "status": status,
        "created_at": int(task.begun),
        "updated_at": int(min(time.time(), task.begun + task.making)),
        "resolution": "720p",
        "ratio": "16:9",
        "duration": task.length,
    }
    if status == "succeeded":
        said["content"] = {"video_url": f"demo://gatehouse/v1/videos/{task.id}/content"}
        said["usage"] = {"completion_tokens": tokens, "total_tokens": tokens}
    if status == "failed":
        said["error"] = _told_to_fail()
    return said


def film(seed: str) -> bytes:
    """What begins like an MP4 file: a file type box, and one with bytes that depend on the seed alone."""
    noise = b"".join(sha256(f"{block} {seed}".encode()).digest() for block in range(32))
    return _box(b"ftyp", b"isom" + (512).to_bytes(4, "big") + b"isommp41") + _box(b"mdat", noise)


def _box(kind: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def _told_to_fail() -> Json:
    return {"code": "demo_failed", "message": "The demo was told to fail."}


def _error(message: str) -> Json:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None, "param": None}}
