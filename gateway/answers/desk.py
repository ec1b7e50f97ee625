"""What answering needs: the data, the running gateway, and the way every change takes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from data import acts
from data.acts import Undo
from data.changes import RowChange, difference, take_picture
from data.database import Database, Session
from data.secrets import Vault
from data.tables import Act
from gateway.answers.asked import asked
from gateway.answers.final import is_final
from gateway.errors import Cut, Unavailable
from gateway.events import ConfigurationChanged, Noted
from gateway.loading import load_snapshot
from gateway.operations import Operation
from gateway.pricing import PriceBook
from gateway.runtime import Runtime
from gateway.snapshot import Snapshot

Subject = Literal["keys", "upstreams", "models", "routes", "aliases", "prices", "settings"]

SUBJECTS: dict[str, Subject] = {
    "upstreams": "upstreams",
    "models": "models",
    "aliases": "aliases",
    "routes": "routes",
    "route_targets": "routes",
    "owners": "keys",
    "settings": "settings",
    "keys": "keys",
}
"""What a table is about."""


class ServingFacts(Struct, frozen=True):
    """What the service knows of itself."""

    version: str
    base_url: str
    """Empty when it does not serve."""
    data_directory: str
    pid: int
    started_at: int
    """UTC microseconds."""


class Change:
    """A change while it is made: where it is stored, what it is told as, and what takes it back besides its rows."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.code = ""
        self.text = ""
        self.undone_by: Operation[Any] | None = None

    def told(self, code: str, text: str, undone_by: Operation[Any] | None = None) -> None:
        """Say what was done, for the record and the event list."""
        self.code, self.text, self.undone_by = code, text, undone_by


class Desk:
    """Belongs to the gateway's loop, like the runtime whose snapshot it replaces."""

    def __init__(
        self,
        database: Database,
        runtime: Runtime,
        vault: Vault,
        flush: Callable[[], Awaitable[None]],
        facts: Callable[[], ServingFacts],
        stop: Callable[[bool], None],
        serving: bool,
    ) -> None:
        self.database = database
        self.runtime = runtime
        self.vault = vault
        self.flush = flush
        """Brings into the database what has ended, so that lists and totals include it."""
        self.facts = facts
        self.stop = stop
        """Ends the gateway; true for at once."""
        self.serving = serving
        self.carry_out: Callable[[Operation[Any]], Awaitable[Any]] = _unknown
        """Has another operation done as part of the one that is being answered."""
        self._stored = Snapshot()
        self._shut: Counter[int] = Counter()
        self._loading = asyncio.Lock()
        self.undoing = asyncio.Lock()

    async def reload(self) -> None:
        """Put in force what the database says."""
        # One at a time, so that what was read earlier never replaces what was read later.
        async with self._loading:
            self._stored = await load_snapshot(self.database, self.vault, 0)
            self.runtime.prices = PriceBook(self._stored.prices, self._stored.price_lists)
            self._put_in_force()

    @asynccontextmanager
    async def change(self, *what: Subject) -> AsyncIterator[Change]:
        """The way of every change: stored with who made it and how it is taken back, put in force, and told.

        `what` is changed besides the rows of the configuration. What leaves everything as it was is no act.
        """
        async with self.database.write() as session:
            before = await take_picture(session)
            change = Change(session)
            yield change
            await session.flush()
            rows = difference(before, await take_picture(session))
            if rows or what or change.undone_by or is_final(asked().kinds):
                await self._put_on_record(change, rows)
        await self.reload()
        for subject in dict.fromkeys((*what, *(SUBJECTS[row.table] for row in reversed(rows)))):
            self.runtime.bus.publish(ConfigurationChanged(subject))
        self.note("info", change.code, change.text)

    async def record(self, code: str, text: str) -> None:
        """Put on record what was done to something else than the configuration, and tell it."""
        async with self.database.write() as session:
            change = Change(session)
            change.told(code, text)
            await self._put_on_record(change, ())
        self.note("info", code, text)

    async def _put_on_record(self, change: Change, rows: Iterable[RowChange]) -> None:
        """One act for all that one operation does: what comes later in it is undone first."""
        doing = asked()
        undo = Undo(rows=tuple(rows), of=doing.undoes)
        if (operation := change.undone_by) is not None:
            undo = replace(undo, operation=type(operation).__name__, fields=msgspec.to_builtins(operation))
        act = await acts.get_act(change.session, doing.act) if doing.act else None
        if act is None:
            code, text = doing.known_as or (change.code, change.text)
            new = Act(at=self.runtime.now(), actor=doing.actor, code=code, text=text)
            act = await acts.add_act(change.session, new)
            doing.act = act.id
        act.undo = "" if is_final(doing.kinds) else acts.with_undo(act, undo)

    def note(self, level: Literal["info", "warning", "error"], code: str, text: str) -> None:
        """Add a line to the event list."""
        self.runtime.bus.publish(Noted(self.runtime.now(), level, code, text))

    @asynccontextmanager
    async def shut(self, key_id: int, reason: Cut) -> AsyncIterator[int]:
        """Refuse a key from this moment on and cut its answers, of which it tells the number.

        What is done inside must make that lasting: afterwards the database's word holds again, as it does on failure.
        """
        self._shut[key_id] += 1
        self._put_in_force()
        theirs = [running for running in self.runtime.running.values() if running.key_id == key_id]
        for running in theirs:
            running.cut(reason)
        try:
            yield len(theirs)
        finally:
            self._shut[key_id] -= 1
            self._put_in_force()

    def _put_in_force(self) -> None:
        keys = {
            public_id: replace(key, enabled=False) if self._shut[key.id] > 0 else key
            for public_id, key in self._stored.keys.items()
        }
        self.runtime.put_in_force(replace(self._stored, version=self.runtime.snapshot.version + 1, keys=keys))

    def check_serving(self) -> None:
        """Raises `Unavailable` for what needs a gateway that serves."""
        if not self.serving:
            raise Unavailable(
                "No gateway is running on this data directory; start one with `console` or `console serve`.",
                code="not_running",
            )

    def today(self) -> int:
        """When today began here, in UTC microseconds."""
        now = datetime.fromtimestamp(self.runtime.now() / 1_000_000)
        return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000_000


async def _unknown(operation: Operation[Any]) -> Any:
    raise NotImplementedError(type(operation).__name__)
