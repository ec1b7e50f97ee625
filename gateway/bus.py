"""Hands news from the gateway to whoever watches, without ever waiting for them."""

from collections import deque
from collections.abc import Callable

from gateway.events import News, Noted

CAPACITY = 20_000
"""News kept for a subscriber that does not look; older ones are lost to it."""
KEPT_NOTES = 500
"""Lines of the event list that are kept for those who come later."""


class Subscription:
    """One watcher's queue. `drain` may be called from another thread."""

    def __init__(self, leave: "Callable[[Subscription], None]") -> None:
        self.news: deque[News] = deque(maxlen=CAPACITY)
        self._leave = leave

    def drain(self) -> list[News]:
        """All news since the last call, oldest first."""
        drained: list[News] = []
        while self.news:
            drained.append(self.news.popleft())
        return drained

    def close(self) -> None:
        """Stop watching."""
        self._leave(self)


class Bus:
    """Publishing appends to each subscriber's deque: 0.2 us, no lock, no wake-up of another thread."""

    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()
        self.notes: deque[Noted] = deque(maxlen=KEPT_NOTES)
        """The newest lines of the event list, oldest first."""

    @property
    def watched(self) -> bool:
        """Whether anybody looks: progress need not be worked out for nobody."""
        return bool(self._subscriptions)

    def subscribe(self) -> Subscription:
        """Watch from now on."""
        subscription = Subscription(self._remove)
        self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def publish(self, news: News) -> None:
        """Tell every watcher."""
        if type(news) is Noted:
            self.notes.append(news)
        for subscription in self._subscriptions:
            subscription.news.append(news)

    def _remove(self, subscription: Subscription) -> None:
        self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
