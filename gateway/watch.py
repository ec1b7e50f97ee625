"""Looks every few seconds whether operators should be told of something, and tells it once: in the event list and to
webhooks. What was told is on record before it is told, so that a restart tells nothing again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

from data import alerts as record
from data.database import Database, Session
from data.limits import EVERYONE, key_holder
from gateway import alerts
from gateway.alerts import Alert, Spell, Whose
from gateway.events import Noted
from gateway.holdings import holders
from gateway.runtime import Runtime
from gateway.webhooks import Webhooks

log = logging.getLogger("gatehouse.watch")

LOOK_SECONDS = 15.0
LONG_DOWN = 600
"""Seconds for which an upstream may fail before that is told."""
KEPT = 400 * 86_400_000_000
"""How long it is known what was told, in microseconds."""


class Watch:
    """Belongs to the gateway's loop."""

    def __init__(self, runtime: Runtime, database: Database, webhooks: Webhooks) -> None:
        self._runtime = runtime
        self._database = database
        self._webhooks = webhooks
        self._told: set[str] = set()
        self._down: dict[int, tuple[int, float]] = {}
        """When each upstream that fails was first seen to be set aside: as time and by the clock."""
        self._top_ups: dict[str, tuple[int, tuple[int, int] | None]] = {}
        """By holder: the last payment, and what all had come to when it was looked for."""

    async def open(self) -> None:
        """Learn what was told before."""
        async with self._database.write() as session:
            await record.forget_alerts(session, self._runtime.now() - KEPT)
            self._told = await record.told_alerts(session)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:
                log.exception("it could not be seen whether there is something to tell")

    async def look(self) -> None:
        """Tell what has come to be worth it since the last time."""
        async with self._database.read() as session:
            found = [alert async for alert in self._found(session)]
        fresh = {alert.name: alert for alert in found if alert.name not in self._told}
        if not fresh:
            return
        names = {name for alert in fresh.values() for name in (alert.name, *alert.covers)}
        async with self._database.write() as session:
            await record.tell_alerts(session, sorted(names), self._runtime.now())
        self._told |= names
        for alert in fresh.values():
            self._runtime.bus.publish(Noted(self._runtime.now(), alert.level, alert.code, alert.text))
        await self._webhooks.tell(list(fresh.values()))

    async def _found(self, session: Session) -> AsyncIterator[Alert]:
        for alert in (*self._upstreams(), *self._budgets()):
            yield alert
        async for alert in self._balances(session):
            yield alert
        async for alert in self._burning(session):
            yield alert

    def _upstreams(self) -> Iterator[Alert]:
        runtime, health = self._runtime, self._runtime.health
        now, clock = runtime.now(), runtime.clock()
        for upstream in runtime.snapshot.upstreams.values():
            state = health.state(upstream.id, clock)
            if health.code(upstream.id) == "upstream_auth":
                yield alerts.credential_refused(upstream.id, upstream.name, now)
            if state == "up":
                self._down.pop(upstream.id, None)
            elif state == "down":
                self._down.setdefault(upstream.id, (now, clock))
            since, began = self._down.get(upstream.id, (now, clock))
            if clock - began >= LONG_DOWN:
                yield alerts.long_down(upstream.id, upstream.name, since, LONG_DOWN // 60)

    def _budgets(self) -> Iterator[Alert]:
        now = self._runtime.now()
        for whose in self._holders():
            for span in self._runtime.budgets.account(whose.holder).windows(now):
                budget = span.budget
                if alert := alerts.budget_used(whose, budget.per, span.start, budget.micros, span.spent):
                    yield alert

    async def _balances(self, session: Session) -> AsyncIterator[Alert]:
        settings = self._runtime.snapshot.settings
        percent, dollars = settings.alert_balance_percent, settings.alert_balance_dollars
        for whose in self._holders() if percent or dollars else ():
            account = self._runtime.budgets.account(whose.holder)
            if not account.limits.prepaid:
                continue
            unspent = account.balance + account.reserved
            paid = await self._last_top_up(session, whose.holder, unspent + account.cost)
            if paid and (alert := alerts.balance_low(whose, unspent, paid[1], paid[0], percent, dollars)):
                yield alert

    async def _last_top_up(self, session: Session, holder: str, funded: int) -> tuple[int, int] | None:
        known = self._top_ups.get(holder)
        if known is None or known[0] != funded:
            known = self._top_ups[holder] = (funded, await record.last_top_up(session, holder))
        return known[1]

    async def _burning(self, session: Session) -> AsyncIterator[Alert]:
        settings, now = self._runtime.snapshot.settings, self._runtime.now()
        factor, dollars = settings.alert_burn_factor, settings.alert_burn_dollars
        known = {whose.holder: whose for whose in self._holders()}
        for key_id, micros in (await record.lately_spent(session, now)).items():
            whose = known.get(EVERYONE if key_id is None else key_holder(key_id))
            if whose is None or not factor or micros <= dollars * 1_000_000:
                continue
            usual = await record.usually_spent(session, now, key_id)
            if alert := alerts.burning(whose, Spell(micros, usual), now, factor, dollars):
                yield alert

    def _holders(self) -> Iterator[Whose]:
        for holder, name in holders(self._runtime.snapshot):
            kind = holder.partition(":")[0]
            yield Whose(holder, "This gateway" if holder == EVERYONE else f"{kind.capitalize()} {name}")
