"""What the scripted upstreams talk about, in every protocol: the tides of a few harbours, and how they refuse."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from scripted_provider import Received, Reply, answer

CREDENTIAL = "sk-upstream-secret"
"""What the gateway must show to an upstream."""
MODEL = "m-large"
HARBOURS = ("Bergen", "Bodø", "Tromsø")
SAID = "High water in Bodø at six, low water at noon."
THOUGHT = "The table for Bodø is needed."
FOUND: dict[str, Any] = {"harbour": "Bodø", "metres": 3}
SCHEMA = {
    "type": "object",
    "properties": {"harbour": {"type": "string"}, "metres": {"type": "integer"}},
    "required": ["harbour", "metres"],
    "additionalProperties": False,
}
TIDE = {"type": "object", "properties": {"harbour": {"type": "string"}}, "required": ["harbour"]}
PICTURE = bytes(range(256))
"""Stands for an image: in base64 it needs every letter of the alphabet."""


class Refusal(Exception):
    """The upstream does not take a request as it stands."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def require(true: object, message: str, status: int = 400) -> None:
    """Refuse the request unless this holds."""
    if not true:
        raise Refusal(status, message)


def harbours_in(text: str) -> list[str]:
    """The harbours that a text names, in its order: one tool call for each."""
    return sorted((name for name in HARBOURS if name in text), key=text.index)


def words(text: str) -> list[str]:
    """The text in the pieces in which it is streamed."""
    return re.findall(r"\s*\S+", text)


def events(values: Iterable[dict[str, Any]], *, named: bool = False, end: str = "\n\n") -> list[bytes]:
    """Server-sent events, with the type as the event's name where the protocol wants that."""

    def event(value: dict[str, Any]) -> bytes:
        name = f"event: {value['type']}\n" if named else ""
        return f"{name}data: {json.dumps(value, ensure_ascii=False)}{end}".encode()

    return [event(value) for value in values]


Handler = Callable[[Received, dict[str, Any]], Reply]
ErrorBody = Callable[[int, str], object]


def upstream(routes: dict[str, Handler], authorized: Callable[[Received], bool], error: ErrorBody) -> Any:
    """A script that looks a path up, and refuses in the protocol's own words what a provider would refuse."""

    def script(request: Received) -> Reply:
        path = request.path.partition("?")[0]
        try:
            require(authorized(request), f"The key in {request.headers} is not known.", 401)
            route = next((handler for ending, handler in routes.items() if path.endswith(ending)), None)
            if route is None:
                raise Refusal(404, f"There is no {path}.")
            return route(request, json.loads(request.body) if request.body[:1] == b"{" else {})
        except Refusal as refusal:
            return answer(error(refusal.status, refusal.message), refusal.status)

    return script
