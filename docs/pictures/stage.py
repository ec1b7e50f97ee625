"""A gateway that never was: the traffic of an afternoon, the same each time, for the pictures of the console."""

from collections.abc import Callable, Sequence
from random import Random
from typing import cast

from msgspec.structs import replace

from data.limits import RELEASED, Brake, Budget, Limits, Per
from data.records import CUT, DONE, FAILED, RUNNING, AttemptRecord, ExchangeRecord
from gateway.accounting import GetHolding, Holding, ListHoldings, WindowView
from gateway.canonical import Piece
from gateway.errors import NotFound
from gateway.events import ExchangeEnded, ExchangeProgressed, ExchangeStarted, News
from gateway.operations import (
    Answer,
    CloseTap,
    Done,
    ExchangeDetail,
    GetExchange,
    GetSnippets,
    GetStatus,
    GetUsage,
    KeyView,
    ListAliases,
    ListEvents,
    ListExchanges,
    ListKeys,
    ListRoutes,
    ListUpstreams,
    NotedEvent,
    OpenTap,
    Operation,
    RouteView,
    Status,
    Tap,
    TargetView,
    UpstreamView,
    UsageRow,
)
from gateway.price_operations import ListPrices

NOW = 1_795_190_400
"""A Friday afternoon."""
SECOND = 1_000_000
DAY = 86_400
RESETS: dict[Per, int | None] = {
    "day": (NOW + 3 * 3_600) * SECOND,
    "week": (NOW + 2 * DAY) * SECOND,
    "month": (NOW + 10 * DAY) * SECOND,
    "total": None,
}

KEYS = ("web-prod", "batch", "ops", "ci", "alice", "mobile", "notebooks", "contractor")
OWNERS = {
    "batch": "data",
    "notebooks": "data",
    "mobile": "apps",
    "web-prod": "apps",
    "contractor": "",
    "alice": "alice",
}
UPSTREAMS = {"openai": "OpenAI", "anthropic-eu": "Anthropic", "anthropic-us": "Anthropic", "google": "Google AI Studio"}
MODELS = (
    ("claude-opus-4-5", "anthropic-eu", "long-ctx", 15.0),
    ("gpt-5.1", "openai", "default", 6.0),
    ("gpt-5.1-mini", "openai", "default", 1.2),
    ("gemini-3-pro", "google", "batch", 5.0),
    ("claude-haiku-4-5", "anthropic-us", "default", 2.0),
)
STORY = (
    "The incident began when the token bucket of the shared tenant ran dry:\n\n"
    "1. 09:14  the batch key doubled its rate\n"
    "2. 09:15  the upstream answered 429\n"
    "3. 09:15  every retry landed on the same endpoint, because the rule for long context has no second target.\n\n"
)


def exchange(number: int, chance: Random, ago: float) -> ExchangeRecord:
    """One request of that afternoon."""
    key = chance.choices(range(len(KEYS)), (30, 14, 10, 9, 6, 4, 3, 0))[0]
    model, upstream, route, dear = chance.choices(MODELS, (5, 6, 8, 4, 3))[0]
    tokens_in, tokens_out = int(chance.lognormvariate(6.3, 1.1)), int(chance.lognormvariate(5.4, 0.8))
    first = int(chance.lognormvariate(-0.6, 0.5) * SECOND)
    record = ExchangeRecord(
        id=number,
        request_id=f"req_{chance.getrandbits(48):012x}",
        started_at=int((NOW - ago) * SECOND),
        state=DONE,
        protocol="anthropic_messages" if "claude" in model else "openai_chat",
        operation="chat",
        path="/v1/messages" if "claude" in model else "/v1/chat/completions",
        stream=True,
        key_id=key + 1,
        model_asked=model,
        model_served=model,
        route=route,
        upstream_id=1,
        upstream=upstream,
        http_status=200,
        finish="end",
        usage_source="provider",
        input_tokens=tokens_in,
        cache_read_tokens=tokens_in * 3 if chance.random() < 0.3 else 0,
        output_tokens=tokens_out,
        cost_micros=int((tokens_in + tokens_out * 5) * dear / 4),
        first_token_us=first,
        duration_us=first + tokens_out * chance.randint(9_000, 22_000),
        attempts=1,
        client="10.0.4.17",
        agent="anthropic-sdk-python/0.71" if "claude" in model else "openai-python/2.8",
        request_headers='{"content-type":"application/json","user-agent":"anthropic-sdk-python/0.71"}',
    )
    return _mishap(record, chance)


def _mishap(record: ExchangeRecord, chance: Random) -> ExchangeRecord:
    kind = chance.random()
    if kind < 0.04:
        return replace(
            record,
            state=FAILED,
            http_status=429,
            error_code="rate_limit_exceeded",
            cost_micros=0,
            error_message="rate limited, no target left",
            first_token_us=None,
        )
    if kind < 0.07:
        return replace(record, state=CUT, error_message="by the operator")
    return replace(record, attempts=2) if kind < 0.12 else record


def traffic() -> list[ExchangeRecord]:
    """Four hundred requests, oldest first; the newest are running."""
    chance = Random(11)  # noqa: S311 - nothing secret hangs on it
    ago, records = 0.4, []
    for number in range(48_213, 47_813, -1):
        record = exchange(number, chance, ago)
        if number > 48_207:
            record = _running(record, ago)
        records.append(record)
        ago += chance.expovariate(0.8) + 0.05
    return records[::-1]


def _running(record: ExchangeRecord, ago: float) -> ExchangeRecord:
    waiting = ago < 1.2
    return replace(
        record,
        state=RUNNING,
        duration_us=None,
        cost_micros=None,
        attempts=1,
        error_message="",
        http_status=0,
        first_token_us=None if waiting else 610_000,
        output_tokens=0 if waiting else int((ago - 0.61) * 61),
        upstream="" if waiting else record.upstream,
    )


def keys() -> list[KeyView]:
    """The client keys, each with a day of its own."""
    running = (2, 1, 1, 1, 1, 0, 0, 0)
    return [_key(number, name, running[number - 1]) for number, name in enumerate(KEYS, 1)]


def _key(number: int, name: str, running: int) -> KeyView:
    chance = Random(name)  # noqa: S311 - nothing secret hangs on it
    over = name == "contractor"
    busy = [0.15 + max(0.0, 1 - abs(hour - 13 - number % 3) / 7) for hour in range(24)]
    hours = [0 if over else int(chance.uniform(0.6, 1) * part * 420 / number) for part in busy]
    return KeyView(
        id=number,
        public_id=f"k{number}",
        tail=f"{chance.getrandbits(16):04x}",
        name=name,
        owner=OWNERS.get(name, "platform"),
        note="",
        models=["gemini-*"] if name == "batch" else [],
        state="expired" if over else "on",
        created_at=int((NOW - 90 * DAY) * SECOND),
        expires_at=(NOW - 9 * DAY) * SECOND if over else None,
        last_used_at=int((NOW - (9 * DAY if over else number**3)) * SECOND),
        running=running,
        requests_today=sum(hours),
        tokens_today=sum(hours) * 1_900,
        cost_today_micros=sum(hours) * 1_100,
        requests_by_hour=hours,
        tags=["nightly"] if name == "batch" else [],
        brake=Brake(hold=True) if name == "notebooks" else RELEASED,
        old_valid_until=(NOW + DAY // 2) * SECOND if name == "ci" else None,
        old_last_used_at=(NOW - 240) * SECOND,
    )


BUDGETS: dict[str, Sequence[tuple[Per, int, float]]] = {
    "web-prod": (("month", 600, 0.68), ("day", 40, 0.52)),
    "batch": (("month", 400, 0.93), ("day", 20, 0.41)),
    "ops": (("month", 100, 0.31),),
    "alice": (("week", 10, 0.12),),
    "contractor": (("total", 50, 1.0),),
}
"""Dollars by window, and the share that is used."""


def limits_of(name: str) -> Limits:
    """What a key may use."""
    budgets = tuple(Budget(per, dollars * SECOND) for per, dollars, _ in BUDGETS.get(name, ()))
    if name == "batch":
        return Limits(budgets=budgets, requests_per_minute=60, tokens_per_minute=200_000, concurrent=8, wait_seconds=30)
    return Limits(prepaid=name in ("mobile", "notebooks"), budgets=budgets)


def holding(number: int, name: str) -> Holding:
    """What a key may use and has used."""
    windows = [
        WindowView(per, "UTC", dollars * SECOND, int(dollars * share * SECOND), RESETS[per])
        for per, dollars, share in BUDGETS.get(name, ())
    ]
    balance = {"mobile": 12_400_000, "notebooks": 180_000}.get(name, 0)
    waiting = 2 if name == "batch" else 0
    return Holding(f"key:{number}", name, limits_of(name), balance, 310_000, 8_440_000, windows, 1, waiting)


def holdings() -> list[Holding]:
    """Everyone's and each key's."""
    everyone = Holding("everyone", "everyone", Limits(), 0, 0, 0, [], 6, 2)
    data = Limits(budgets=(Budget("month", 900 * SECOND),))
    window = WindowView("month", "UTC", 900 * SECOND, 468 * SECOND, RESETS["month"])
    team = Holding("owner:data", "data", data, 0, 310_000, 468_000_000, [window], 2, 2)
    others = [Holding(f"owner:{name}", name, Limits(), 0, 0, 0, [], 1, 0) for name in ("apps", "platform", "alice")]
    return [everyone, team, *others, *(holding(number, name) for number, name in enumerate(KEYS, 1))]


def upstreams() -> list[UpstreamView]:
    """The accounts."""
    return [
        UpstreamView(
            number,
            name,
            name.split("-")[0],
            title,
            ["openai_chat"],
            f"https://api.{name.split('-')[0]}.com",
            f"{number}fQ2",
            1,
            True,
            [model for model, at, *_ in MODELS if at == name],
            (NOW - 7_200) * SECOND,
            "shaky" if name == "anthropic-us" else "up",
            "529 overloaded, tried again in 12 s" if name == "anthropic-us" else "",
            5 - number,
            9_000 // number,
            40 if name == "anthropic-us" else 3,
        )
        for number, (name, title) in enumerate(UPSTREAMS.items(), 1)
    ]


def usage(asked: GetUsage) -> list[UsageRow]:
    """Usage of any range, by any group: weekends are quiet."""
    groups = {
        "key": list(KEYS),
        "model": [model for model, *_ in MODELS],
        "upstream": list(UPSTREAMS),
        "owner": ["apps", "data", "platform", "alice"],
        "none": [""],
    }[asked.by]
    span = asked.until - asked.since
    step = {"hour": 3_600 * SECOND, "day": DAY * SECOND, "all": span}[asked.every]
    starts = range(asked.since, asked.until, max(1, step))
    return [_used(label, place, start, step) for start in starts for place, label in enumerate(groups)]


def _used(label: str, place: int, start: int, step: int) -> UsageRow:
    chance = Random(f"{label}{start // (DAY * SECOND)}")  # noqa: S311 - nothing secret hangs on it
    days = step / (DAY * SECOND)
    quiet = 0.25 if (start // (DAY * SECOND) + 4) % 7 >= 5 and days < 2 else 1.0
    requests = int(9_000 * days * quiet * chance.uniform(0.6, 1.1) / (place + 1) ** 1.3)
    return UsageRow(
        label,
        start,
        requests,
        requests // 90,
        requests * 620,
        requests * 400,
        requests * 30,
        requests * 210,
        requests * 25,
        requests * 2_600 // (place + 1),
        0,
    )


class StagedLink:
    """A console's link to it."""

    def __init__(self) -> None:
        self.records = traffic()
        self.news: list[News] = []
        self._answers: dict[type, Callable[..., object]] = {
            GetStatus: lambda asked: self.status(),
            ListExchanges: lambda asked: self.records[: -1 - asked.limit : -1],
            GetExchange: self.detail,
            ListKeys: lambda asked: keys(),
            ListHoldings: lambda asked: holdings(),
            GetHolding: lambda asked: next(each for each in holdings() if each.holder == asked.holder),
            ListUpstreams: lambda asked: upstreams(),
            ListRoutes: lambda asked: routes(),
            ListAliases: lambda asked: [],
            ListPrices: lambda asked: [],
            ListEvents: lambda asked: EVENTS,
            GetUsage: usage,
            GetSnippets: lambda asked: [],
            OpenTap: lambda asked: Tap(
                [
                    Piece("reasoning", "Look at the limits first.\n"),
                    Piece("text", STORY),
                    Piece("tool", 'search_logs({"query": "batch 429"})'),
                    Piece("text", "So the first thing to change is the order of rules 3 and 4: "),
                ],
                True,
            ),
            CloseTap: lambda asked: Done("closed"),
        }

    def status(self) -> Status:
        """The whole of it."""
        running = sum(record.state == RUNNING for record in self.records)
        return Status(
            "0.1.0",
            "http://127.0.0.1:8400",
            "~/.local/share/gatehouse",
            4_812,
            (NOW - 3 * DAY) * SECOND,
            running,
            len(KEYS),
            4,
            3,
            48_213,
            14_203_100,
            False,
        )

    def detail(self, asked: GetExchange) -> ExchangeDetail:
        """One request and how it went."""
        record = next(each for each in self.records if each.id == asked.id)
        missed = AttemptRecord(
            record.id, 1, 3, "anthropic-us", record.model_served, 2_000, 180_000, 529, "overloaded", "next target"
        )
        answered = AttemptRecord(
            record.id,
            record.attempts,
            2,
            record.upstream,
            record.model_served,
            190_000,
            record.duration_us or 0,
            200,
            "",
            "answered",
        )
        attempts = [missed, answered] if record.attempts > 1 else [answered]
        return ExchangeDetail(record, attempts, KEYS[(record.key_id or 1) - 1])

    def happen(self, second: int) -> None:
        """A second of traffic."""
        chance = Random(second)  # noqa: S311 - nothing secret hangs on it
        older = [record for record in self.records if record.state == DONE]
        for record in chance.sample(older, chance.randint(1, 6)):
            self.news += [ExchangeEnded(record)]
        self.news += [ExchangeStarted(record) for record in chance.sample(self.records[-6:], chance.randint(1, 6))]
        self.news += [
            ExchangeProgressed(
                record.id,
                record.upstream,
                record.model_served,
                record.route,
                record.first_token_us,
                max(0, record.output_tokens - (59 - second) * 60),
                None,
            )
            for record in self.records[-6:]
        ]

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """The staged answer."""
        answer = self._answers.get(type(operation))
        if answer is None:
            raise NotFound(f"{type(operation).__name__} is not staged")
        return cast("Answer", answer(operation))

    def drain(self) -> list[News]:
        """The staged news, once."""
        news, self.news = self.news, []
        return news


EVENTS = [
    NotedEvent((NOW - 300) * SECOND, "warning", "upstream_shaky", "anthropic-us answered 529 five times, set aside"),
    NotedEvent((NOW - 900) * SECOND, "info", "key_created", "key alice was created"),
    NotedEvent((NOW - 3 * DAY) * SECOND, "info", "serving", "serving http://127.0.0.1:8400"),
]


def routes() -> list[RouteView]:
    """Three rules."""
    both = [TargetView("anthropic-eu"), TargetView("anthropic-us", priority=2)]
    return [
        RouteView(1, 1, "batch", "gemini-*", True, [TargetView("google")], 4_100),
        RouteView(2, 2, "long-ctx", "claude-opus-*", True, both, 9_100),
        RouteView(3, 3, "default", "*", True, [TargetView("openai", weight=9), both[0]], 70_400),
    ]
