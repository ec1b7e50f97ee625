"""What screens show, folded from news and answers. No Textual in it; never asks or waits for anything."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from data.records import FAILED, INTERRUPTED, RUNNING, ExchangeRecord
from gateway.canonical import Piece
from gateway.events import (
    ConfigurationChanged,
    ExchangeEnded,
    ExchangeProgressed,
    ExchangeStarted,
    News,
    Noted,
    TextPassed,
    UpstreamHealthChanged,
)
from gateway.operations import KeyView, NotedEvent, Status

CAPACITY = 16_384
"""Exchanges kept at hand; older ones are asked for."""
TRIMMED_AT_ONCE = 1_024
EVENTS_KEPT = 2_000
PIECES_KEPT = 20_000
SECONDS_KEPT = 60
ALERTS = frozenset(
    ("budget_50", "budget_80", "budget_100", "balance_low", "burn_rate", "upstream_auth", "upstream_down")
)
"""Codes of what operators asked to be told about money and accounts."""


class Changes:
    """What one look at the news changed."""

    def __init__(self) -> None:
        self.exchanges: set[int] = set()
        self.configuration: set[str] = set()
        self.events = False
        self.passed: set[int] = set()
        """Tapped exchanges of which text came."""

    def __bool__(self) -> bool:
        return bool(self.exchanges or self.configuration or self.events or self.passed)


class Second:
    """What happened in one second."""

    __slots__ = ("at", "ended", "failed", "started", "tokens")

    def __init__(self, at: int) -> None:
        self.at = at
        self.started = 0
        self.ended = 0
        self.failed = 0
        self.tokens = 0


class Rates(Struct, frozen=True):
    """The last seconds in figures."""

    requests_per_second: float
    tokens_per_second: float
    error_share: float
    """Of the requests that ended, 0 to 1."""
    requests: tuple[int, ...]
    """Started in each of the last 60 seconds, oldest first."""


class ConsoleState:
    """Everything the console knows of its gateway."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.rows: dict[int, ExchangeRecord] = {}
        self.order: list[int] = []
        """Ids of the rows, ascending: the order in which they began."""
        self.running: set[int] = set()
        self.keys: dict[int, str] = {}
        """Names by id."""
        self.events: deque[NotedEvent] = deque(maxlen=EVENTS_KEPT)
        """Newest first."""
        self.unseen_problems = 0
        self.unseen_alerts = 0
        self.tapped: dict[int, list[deque[Piece]]] = {}
        """Text of the exchanges that are tapped, for each who taps, until they take it."""
        self.status: Status | None = None
        self.trouble = ""
        """Why the gateway cannot be asked; empty while it can."""
        self._spent_since_status = 0
        self._seconds: deque[Second] = deque(maxlen=SECONDS_KEPT)

    def tap(self, id_: int) -> deque[Piece]:
        """Collect the passing text of an exchange from now on, until `untap`."""
        pieces: deque[Piece] = deque(maxlen=PIECES_KEPT)
        self.tapped.setdefault(id_, []).append(pieces)
        return pieces

    def untap(self, id_: int, pieces: deque[Piece]) -> None:
        """Stop collecting."""
        left = [other for other in self.tapped.pop(id_, []) if other is not pieces]
        if left:
            self.tapped[id_] = left

    # --- answers

    def take_status(self, status: Status) -> None:
        """The gateway's own figures."""
        self.status = status
        self.trouble = ""
        self._spent_since_status = 0

    def take_keys(self, keys: list[KeyView]) -> None:
        """The keys as they are now."""
        self.keys = {key.id: key.name for key in keys}

    def take_exchanges(self, records: list[ExchangeRecord]) -> Changes:
        """Exchanges from the record, for those that news did not bring; news is newer."""
        changes = Changes()
        for record in records:
            if record.id not in self.rows:
                self._put(record, changes)
        return changes

    def take_events(self, events: list[NotedEvent]) -> None:
        """The event list from the record, newest first."""
        self.events = deque(events, maxlen=EVENTS_KEPT)

    # --- news

    def fold(self, news: Iterable[News]) -> Changes:
        """Take in what happened."""
        changes = Changes()
        for item in news:
            self._fold_one(item, changes)
        if len(self.order) > CAPACITY + TRIMMED_AT_ONCE:
            self._trim()
        return changes

    def _fold_one(self, item: News, changes: Changes) -> None:
        match item:
            case ExchangeProgressed():
                self._progress(item, changes)
            case ExchangeStarted(record):
                self._this_second().started += 1
                self._put(record, changes)
            case ExchangeEnded(record):
                self._end(record, changes)
            case TextPassed():
                self._pass(item, changes)
            case ConfigurationChanged(what):
                changes.configuration.add(what)
            case UpstreamHealthChanged():
                changes.configuration.add("upstreams")
            case Noted(at, level, code, text):
                self.events.appendleft(NotedEvent(at, level, code, text))
                self.unseen_alerts += code in ALERTS
                self.unseen_problems += level != "info" and code not in ALERTS
                changes.events = True

    def _pass(self, news: TextPassed, changes: Changes) -> None:
        for pieces in self.tapped.get(news.id, ()):
            pieces.append(Piece(news.kind, news.text))
            changes.passed.add(news.id)

    def _progress(self, news: ExchangeProgressed, changes: Changes) -> None:
        row = self.rows.get(news.id)
        if row is None or row.state != RUNNING:
            return
        self._this_second().tokens += max(0, news.output_tokens - row.output_tokens)
        self.rows[news.id] = replace(
            row,
            upstream=news.upstream,
            model_served=news.model_served,
            route=news.route,
            first_token_us=news.first_token_us,
            output_tokens=news.output_tokens,
            cost_micros=news.cost_micros,
            progress=news.progress,
        )
        changes.exchanges.add(news.id)

    def _end(self, record: ExchangeRecord, changes: Changes) -> None:
        second = self._this_second()
        second.ended += 1
        second.failed += record.state in (FAILED, INTERRUPTED)
        before = self.rows.get(record.id)
        tokens = record.output_tokens + record.reasoning_tokens
        second.tokens += max(0, tokens - (before.output_tokens if before else 0))
        self._spent_since_status += record.cost_micros or 0
        self._put(record, changes)

    def _put(self, record: ExchangeRecord, changes: Changes) -> None:
        if record.id not in self.rows:
            if self.order and record.id < self.order[-1]:
                insort(self.order, record.id)
            else:
                self.order.append(record.id)
        self.rows[record.id] = record
        (self.running.add if record.state == RUNNING else self.running.discard)(record.id)
        changes.exchanges.add(record.id)

    def _trim(self) -> None:
        surplus = self.order[: len(self.order) - CAPACITY]
        del self.order[: len(surplus)]
        for id_ in surplus:
            del self.rows[id_]
            self.running.discard(id_)

    # --- figures

    @property
    def today_micros(self) -> int:
        """Spent today, as far as it is settled."""
        return (self.status.today_cost_micros if self.status else 0) + self._spent_since_status

    @property
    def ever_used(self) -> bool:
        """Whether any request is on record."""
        return bool(self.order) or bool(self.status and self.status.exchanges)

    def key_name(self, record: ExchangeRecord) -> str:
        """The name of the key that made a request."""
        if record.key_id is None:
            return "-"
        return self.keys.get(record.key_id, f"key {record.key_id}")

    def rates(self, over: int = 5) -> Rates:
        """Rates over the last full seconds; errors over the last minute."""
        now = int(self._clock())
        recent = [second for second in self._seconds if now - over <= second.at < now]
        by_second = {second.at: second.started for second in self._seconds}
        minute = [second for second in self._seconds if second.at > now - SECONDS_KEPT]
        ended = sum(second.ended for second in minute)
        return Rates(
            requests_per_second=sum(second.started for second in recent) / over,
            tokens_per_second=sum(second.tokens for second in recent) / over,
            error_share=sum(second.failed for second in minute) / ended if ended else 0.0,
            requests=tuple(by_second.get(at, 0) for at in range(now - SECONDS_KEPT, now)),
        )

    def _this_second(self) -> Second:
        now = int(self._clock())
        if not self._seconds or self._seconds[-1].at != now:
            self._seconds.append(Second(now))
        return self._seconds[-1]


class ExchangeIndex:
    """The exchanges that pass a filter, newest first, kept up by looking only at those that changed.

    It is a grid's `Rows`. While held, no exchange that began later gets in; those that are in still change.
    """

    def __init__(self, state: ConsoleState) -> None:
        self._state = state
        self._passes: Callable[[ExchangeRecord], bool] | None = None
        self._ids: list[int] = []
        self._held_at: int | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def at(self, index: int) -> ExchangeRecord:
        """The exchange at a place from the newest."""
        return self._state.rows[self._ids[-1 - index]]

    def key(self, index: int) -> int:
        """Its id."""
        return self._ids[-1 - index]

    def find(self, key: object) -> int | None:
        """The place of an id."""
        if not isinstance(key, int):
            return None
        place = bisect_left(self._ids, key)
        found = place < len(self._ids) and self._ids[place] == key
        return len(self._ids) - 1 - place if found else None

    @property
    def newest(self) -> int:
        """The newest id; 0 when there is none."""
        return self._ids[-1] if self._ids else 0

    def newer_than(self, id_: int) -> int:
        """How many exchanges on record began after this one, held back or not."""
        return len(self._state.order) - bisect_left(self._state.order, id_ + 1)

    @property
    def held(self) -> bool:
        """Whether newcomers are kept out."""
        return self._held_at is not None

    def hold(self, held: bool) -> None:
        """Keep newcomers out from now on, or let them in."""
        self._held_at = (self._state.order[-1] if self._state.order else 0) if held else None
        if not held:
            self.rebuild()

    def narrow(self, passes: Callable[[ExchangeRecord], bool] | None) -> None:
        """Show only those that pass; all of them without a filter."""
        self._passes = passes
        self.rebuild()

    def rebuild(self) -> None:
        """Look at all exchanges anew."""
        self._ids = [id_ for id_ in self._state.order if self._wanted(id_)]

    def update(self, changed: Iterable[int]) -> None:
        """Look at those that changed, and forget those that are no longer at hand."""
        for id_ in sorted(changed):
            self._place(id_)
        oldest = self._state.order[0] if self._state.order else 0
        del self._ids[: bisect_left(self._ids, oldest)]

    def _place(self, id_: int) -> None:
        place = bisect_left(self._ids, id_)
        present = place < len(self._ids) and self._ids[place] == id_
        wanted = self._wanted(id_)
        if wanted and not present:
            self._ids.insert(place, id_)
        elif present and not wanted:
            del self._ids[place]

    def _wanted(self, id_: int) -> bool:
        row = self._state.rows.get(id_)
        if row is None or (self._held_at is not None and id_ > self._held_at):
            return False
        return self._passes is None or self._passes(row)
