"""The money of keys, of their owners and of everyone together, as it stands this moment. In memory; the ledger is the
record. Told of the time; knows no database.

What a request may cost is put aside before it is sent, in one step that nothing can come between, and given back but
for what it did cost when it ends.
"""

from collections.abc import Callable

from data.limits import FREE, Budget, Limits
from data.records import ExchangeRecord
from gateway.errors import InsufficientQuota
from gateway.holders import Holders, whose
from gateway.windows import window

QUARTER = 900_000_000
MINUTE = 60_000_000
DAY = 86_400_000_000
KEPT = 33 * DAY
"""Microseconds; costs are known by quarter hours for as long as the longest window that can be cut from them."""
PLENTY = 20
"""An estimate will do for what is left if it is that many times as much; otherwise the most it can be is put aside."""


class Costs:
    """What was spent, by when: in steps of a length, of which the latest are known."""

    def __init__(self, step: int, reach: int) -> None:
        self._step = step
        self._most = reach // step
        self._by_step: dict[int, int] = {}

    def add(self, at: int, cost: int) -> None:
        """So much was spent at a moment, which need not be later than the last one."""
        step = at - at % self._step
        self._by_step[step] = self._by_step.get(step, 0) + cost
        # By their number, not their age: a clock that is wrong for a while must not make us forget.
        if len(self._by_step) > 2 * self._most:
            self._by_step = dict(sorted(self._by_step.items())[-self._most :])

    def since(self, start: int) -> int:
        """All that was spent from the beginning of a step on."""
        return sum(cost for step, cost in self._by_step.items() if step >= start)


class Span:
    """A budget's running window and what was spent in it."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.start = 0
        self.end: int | None = 0
        self.spent = 0


class Account:
    """One holder's money."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.limits: Limits = FREE
        self.balance = 0
        self.reserved = 0
        self.cost = 0
        self.spans: list[Span] = []
        self._by_quarter = Costs(QUARTER, KEPT)
        self._by_minute = Costs(MINUTE, DAY)

    def put_under(self, limits: Limits) -> None:
        """What holds from now on."""
        if limits is not self.limits and limits != self.limits:
            self.limits = limits
            self.spans = [Span(budget) for budget in limits.budgets]

    def left(self, now: int) -> tuple[int, Span | None] | None:
        """What may still be put aside, and the budget that says so (none: the balance); None when nothing limits."""
        least: tuple[int, Span | None] | None = (self.balance, None) if self.limits.prepaid else None
        for span in self.spans:
            self._bring_to(span, now)
            left = span.budget.micros - span.spent - self.reserved
            if least is None or left < least[0]:
                least = (left, span)
        return least

    def put_aside(self, micros: int) -> None:
        """Hold it back."""
        self.reserved += micros
        self.balance -= micros

    def settle(self, reserved: int, cost: int, at: int) -> None:
        """Give back what was held, take what it did cost; it counts for the windows that `at` is in."""
        self.reserved -= reserved
        self.balance += reserved - cost
        self.spend(cost, at)
        self.cost += cost

    def spend(self, cost: int, at: int) -> None:
        """Count a cost, which a correction may make negative, in the windows of that moment."""
        if not cost:
            return
        self._by_quarter.add(at, cost)
        self._by_minute.add(at, cost)
        for span in self.spans:
            if span.start <= at and (span.end is None or at < span.end):
                span.spent += cost

    def spent_since(self, start: int) -> int:
        """What was spent since the beginning of a window."""
        if start == 0:
            return self.cost
        return (self._by_minute if start % QUARTER else self._by_quarter).since(start)

    def windows(self, now: int) -> list[Span]:
        """Every budget's window as it stands now."""
        for span in self.spans:
            self._bring_to(span, now)
        return self.spans

    def _bring_to(self, span: Span, now: int) -> None:
        # A clock that is set back may leave the window at its other end; what was spent after that still counts then.
        if now < span.start or (span.end is not None and now >= span.end):
            span.start, span.end = window(span.budget, now)
            span.spent = self.spent_since(span.start)


class Budgets:
    """All accounts. Belongs to the gateway's loop."""

    def __init__(self) -> None:
        self._accounts = Holders(Account)
        self.account = self._accounts.get
        self.of = self._accounts.of
        self.put_under = self._accounts.put_under

    def seed(self, holder: str, balance: int, reserved: int, cost: int) -> None:
        """What the ledger says of a holder."""
        account = self.account(holder)
        account.balance, account.reserved, account.cost = balance, reserved, cost

    def remember(self, key_id: int | None, owner: str, at: int, cost: int) -> None:
        """What was spent before we started."""
        for account in self.of(key_id, owner):
            account.spend(cost, at)

    def reserve(self, key_id: int, owner: str, estimate: int, most: Callable[[], int], now: int) -> int:
        """Put aside what a request may cost, in micro-units, and say how much that is.

        `most` works out the most that it can be, which is only asked where money is short. Raises `InsufficientQuota`,
        and then nothing was put aside anywhere. What costs nothing is never refused.
        """
        accounts = self.of(key_id, owner)
        micros = estimate
        for account in accounts:
            left = account.left(now)
            if left is not None and left[0] <= PLENTY * estimate:
                micros = max(micros, most())
                if micros > max(left[0], 0):
                    raise used_up(account, *left, micros)
        for account in accounts:
            account.put_aside(micros)
        return micros

    def release(self, key_id: int, owner: str, micros: int) -> None:
        """Take back a reservation that came to nothing."""
        for account in self.of(key_id, owner):
            account.put_aside(-micros)

    def settle(self, record: ExchangeRecord) -> None:
        """An exchange is over."""
        if record.reserved_micros or record.cost_micros:
            for account in self.of(record.key_id, record.owner):
                account.settle(record.reserved_micros, record.cost_micros or 0, record.started_at)

    def adjusted(self, key_id: int | None, owner: str, micros: int, at: int) -> None:
        """What an exchange cost was corrected by so much."""
        for account in self.of(key_id, owner):
            account.settle(0, micros, at)

    def paid_in(self, holder: str, micros: int) -> None:
        """A holder's balance rose by so much."""
        self.account(holder).balance += micros


def used_up(account: Account, left: int, span: Span | None, needed: int) -> InsufficientQuota:
    """What to tell a client for whom there is not enough money left."""
    what = "balance" if span is None else f"budget per {span.budget.per}" if span.budget.per != "total" else "budget"
    has = f"{whose(account.holder)} has {dollars(max(left, 0))} left of its {what}"
    told = f"{has}, and the request may cost {dollars(needed)}."
    if left > 0:
        told += " Asking for fewer output tokens may help."
    return InsufficientQuota(told)


def dollars(micros: int) -> str:
    """An amount for a person, exact."""
    return f"${micros / 1_000_000:.6f}".rstrip("0").rstrip(".")
