"""Providers that make videos, scripted: one speaks as Ark does, the other as OpenAI does."""

import asyncio
from typing import Any

from scripted_provider import Received, Reply, answer

from gateway.poller import Pace

QUICK = Pace(first=0.01, most=0.02, failing=0.02, patience=0.3, misses=3)
FILM = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 300
PLACES = {"openai": "/videos", "volcengine": "/contents/generations/tasks"}
UNAVAILABLE = answer({"error": {"code": "InternalServiceError", "message": "Not now."}}, 500)


class Studio:
    """Takes tasks on; how they stand is what the test says."""

    def __init__(self, provider_id: str) -> None:
        self.provider_id = provider_id
        self.place = PLACES[provider_id]
        self.status = "queued"
        self.said: dict[str, Any] = {}
        """What it says of a task beside its status."""
        self.trouble: Reply | None = None
        """What it answers to questions about a task, where it does not just tell."""
        self.refusal: Reply | None = None
        """What it answers instead of taking a task on."""
        self.begun: list[str] = []
        self.asked = 0
        self.deleted: list[str] = []
        self.url = ""

    def __call__(self, request: Received) -> Reply:
        path = request.path.partition("?")[0]
        head, _, rest = path.partition(self.place)
        if path.endswith("/film.mp4"):
            return Reply(
                [FILM], content_type="video/mp4", headers={"x-had-key": request.headers.get("authorization", "")}
            )
        if not head or self.place not in path:
            return answer({"data": [{"id": "m-film"}]})
        if request.method == "POST":
            return self._begin()
        return self._about(request.method, rest.strip("/"))

    def _begin(self) -> Reply:
        if self.refusal:
            return self.refusal
        self.begun.append(f"theirs-{len(self.begun) + 1}")
        return answer({"id": self.begun[-1]} if self.place != "/videos" else self._task(self.begun[-1]))

    def _about(self, method: str, rest: str) -> Reply:
        name, _, content = rest.partition("/")
        if content:
            return Reply([FILM[:100], FILM[100:]], content_type="video/mp4")
        if method == "DELETE":
            self.deleted.append(name)
            return answer({"id": name, "object": "video.deleted", "deleted": True})
        self.asked += 1
        if name not in self.begun:
            return answer({"error": {"code": "NotFound", "message": f"Task {name} is not there."}}, 404)
        return self.trouble or answer(self._task(name))

    def _task(self, name: str) -> dict[str, Any]:
        task = {"id": name, "model": "m-film", "created_at": 1, "status": self.status, **self.said}
        return task | {"object": "video", "progress": 0, **self.said} if self.place == "/videos" else task

    def finish(self, **more: Any) -> None:
        """Have all of its videos made."""
        if self.place == "/videos":
            self.status, self.said = "completed", {"progress": 100, "seconds": "8", "size": "1280x720", **more}
            return
        content = {"video_url": f"{self.url}/film.mp4?signed=1"}
        usage = {"completion_tokens": 9000, "total_tokens": 9000}
        self.status = "succeeded"
        self.said = {"content": content, "usage": usage, "duration": 8, "resolution": "720p", "ratio": "16:9", **more}

    async def asked_again(self, times: int = 2) -> None:
        """Wait until it was asked a few times more."""
        enough = self.asked + times
        async with asyncio.timeout(10):
            while self.asked < enough:  # noqa: ASYNC110  # simpler than telling, in a test
                await asyncio.sleep(0.005)
