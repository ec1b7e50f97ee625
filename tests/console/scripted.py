"""A scripted link as the console's boundary, values for it to answer with, and a look at the screen."""

from collections.abc import Callable
from typing import cast

from console.app import ConsoleApp
from data.limits import FREE
from data.records import DONE, ExchangeRecord
from gateway.accounting import GetHolding, Holding, ListHoldings
from gateway.errors import NotFound
from gateway.events import News
from gateway.operations import (
    Answer,
    GetStatus,
    KeyView,
    ListEvents,
    ListExchanges,
    ListKeys,
    NotedEvent,
    Operation,
    Status,
    UpstreamView,
)
from gateway.setting_operations import GetSettings

NOW = 1_780_000_000.0


def status(**fields: object) -> Status:
    """A gateway that serves; give the fields that matter."""
    values: dict[str, object] = {
        "version": "0.1.0",
        "base_url": "http://127.0.0.1:8400",
        "data_directory": "/home/me/gatehouse",
        "pid": 1,
        "started_at": int((NOW - 3_600) * 1_000_000),
        "running": 0,
        "keys": 1,
        "upstreams": 1,
        "routes": 0,
        "exchanges": 3,
        "today_cost_micros": 14_200_000,
        "draining": False,
    }
    return Status(**{**values, **fields})  # type: ignore[arg-type]


def key(id_: int, name: str) -> KeyView:
    """A client key that is on."""
    return KeyView(id_, f"pub{id_}", "3KdJ", name, "", "", [], "on", 0, None, None, 0, 0, 0, 0, [0] * 24)


def upstream(name: str, models: list[str]) -> UpstreamView:
    """An upstream that is up."""
    return UpstreamView(
        1, name, name, name, ["openai_chat"], "https://example.org", "9fQ2", 1, True, models, 0, "up", "", 0, 0, 0
    )


def exchange(id_: int, **fields: object) -> ExchangeRecord:
    """An exchange that went well; give the fields that matter."""
    values: dict[str, object] = {
        "id": id_,
        "request_id": f"req_{id_}",
        "started_at": int(NOW * 1_000_000) + id_ * 1_000_000,
        "state": DONE,
        "protocol": "openai_chat",
        "operation": "chat",
        "path": "/v1/chat/completions",
        "key_id": 1,
        "model_asked": "gpt-5.1",
        "model_served": "gpt-5.1",
        "upstream": "openai",
        "http_status": 200,
        "input_tokens": 154,
        "output_tokens": 310,
        "cost_micros": 3_100,
        "first_token_us": 402_000,
        "duration_us": 2_100_000,
        "attempts": 1,
    }
    return ExchangeRecord(**{**values, **fields})  # type: ignore[arg-type]


class ScriptedLink:
    """Answers each kind of operation by a function; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Operation[object]] = []
        self.news: list[News] = []
        self.answers: dict[type, Callable[..., object]] = {}
        self.exchanges: list[ExchangeRecord] = []
        self.keys = [key(1, "web-prod"), key(2, "batch")]
        self.events: list[NotedEvent] = []
        self.holdings: list[Holding] = []
        self.answers[GetStatus] = lambda op: status(exchanges=len(self.exchanges))
        self.answers[ListExchanges] = lambda op: self.exchanges[::-1]
        self.answers[ListKeys] = lambda op: self.keys
        self.answers[GetSettings] = lambda op: []
        self.answers[ListEvents] = lambda op: self.events
        self.answers[ListHoldings] = lambda op: self.holdings
        self.answers[GetHolding] = self._holding

    def _holding(self, operation: GetHolding) -> Holding:
        """The one listed, or one without limits."""
        found = [holding for holding in self.holdings if holding.holder == operation.holder]
        return found[0] if found else Holding(operation.holder, operation.holder, FREE, 0, 0, 0, [], 0, 0)

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """The scripted answer, or a refusal where the script has none."""
        self.asked.append(cast("Operation[object]", operation))
        answer = self.answers.get(type(operation))
        if answer is None:
            raise NotFound(f"no script for {type(operation).__name__}")
        return cast("Answer", answer(operation))

    def drain(self) -> list[News]:
        """The scripted news, once."""
        news, self.news = self.news, []
        return news

    def asked_for(self, kind: type) -> list[Operation[object]]:
        """All operations of one kind that were asked."""
        return [operation for operation in self.asked if type(operation) is kind]


class Clock:
    """A clock that goes when told to."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def shown(app: ConsoleApp) -> str:
    """What is on screen, as text."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines)
