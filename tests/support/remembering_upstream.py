"""An upstream that speaks Responses and remembers those it made, as one account at the real one does."""

import json
from typing import Any

from openai_upstream import OPENAI, error
from scripted_provider import Received, Reply, answer


class RememberingUpstream:
    """A script for a `ScriptedProvider`: each response has an id of its own, which this account alone knows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: dict[str, dict[str, Any]] = {}
        """The requests that made the responses it remembers."""
        self.received: list[Received] = []
        self.made = 0

    def __call__(self, request: Received) -> Reply:
        path, _, _ = request.path.partition("?")
        if "/responses" not in path or path.endswith("/input_tokens"):
            return OPENAI(request)
        self.received.append(request)
        _, _, rest = path.partition("/responses/")
        return self.create(request) if not rest else self.about(request, *rest.split("/"))

    def create(self, request: Received) -> Reply:
        asked = request.json
        previous = asked.get("previous_response_id")
        if previous and previous not in self.asked:
            return answer(error(400, f"Previous response with id '{previous}' not found."), 400)
        self.made += 1
        name = f"resp_{self.name}{self.made}"
        if asked.get("store") is not False:
            self.asked[name] = asked
        reply = OPENAI(request)
        ids = {b"resp_tide": name.encode(), b"msg_tide": f"msg_{self.name}{self.made}".encode()}
        for old, new in ids.items():
            reply.chunks = [chunk.replace(old, new) if isinstance(chunk, bytes) else chunk for chunk in reply.chunks]
        return reply

    def about(self, request: Received, name: str, part: str = "") -> Reply:
        if name not in self.asked:
            return answer(error(404, f"Response with id '{name}' not found."), 404)
        if part == "input_items":
            item = {"id": "msg_in", "type": "message", "role": "user", "content": []}
            return answer(
                {"object": "list", "data": [item], "first_id": "msg_in", "last_id": "msg_in", "has_more": False}
            )
        if request.method == "DELETE":
            del self.asked[name]
            return answer({"id": name, "object": "response", "deleted": True})
        status = "cancelled" if part == "cancel" else "completed"
        made = json.loads(b"".join(c for c in self.whole(name).chunks if isinstance(c, bytes)))
        return answer({**made, "id": name, "status": status})

    def whole(self, name: str) -> Reply:
        body = json.dumps({**self.asked[name], "stream": False}).encode()
        headers = self.received[-1].headers
        return OPENAI(Received("POST", "/v1/responses", headers, body))
