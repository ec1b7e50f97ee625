"""How likely the tokens of an answer were: the chosen ones in a list, those in the running in another."""

from gateway.canonical import JSON, TokenLogprob
from gateway.protocols.reading import dicts


def read_logprobs(result: object) -> tuple[TokenLogprob, ...]:
    told = result if isinstance(result, dict) else {}
    chosen, running = dicts(told.get("chosenCandidates")), dicts(told.get("topCandidates"))
    return tuple(
        _read_token(one, running[at].get("candidates") if at < len(running) else None) for at, one in enumerate(chosen)
    )


def _read_token(one: JSON, others: object) -> TokenLogprob:
    token, logprob = one.get("token"), one.get("logProbability")
    return TokenLogprob(
        token if isinstance(token, str) else "",
        float(logprob) if isinstance(logprob, int | float) else 0.0,
        alternatives=tuple(_read_token(other, None) for other in dicts(others)),
    )


class Logprobs:
    """Gathers them as an answer is written."""

    def __init__(self, *, asked: bool) -> None:
        self._asked = asked
        self._now: list[TokenLogprob] = []
        self._sum = 0.0
        self._count = 0

    def add(self, logprobs: tuple[TokenLogprob, ...]) -> None:
        """Those of text that is written next."""
        self._now += logprobs if self._asked else ()

    def take(self) -> JSON:
        """The members of a candidate for what was added since the last one."""
        now, self._now = self._now, []
        if not now:
            return {}
        self._sum += sum(one.logprob for one in now)
        self._count += len(now)
        chosen = [_write_token(one) for one in now]
        running: list[JSON] = [{"candidates": [_write_token(other) for other in one.alternatives]} for one in now]
        shown: JSON = {"topCandidates": running} if any(one.alternatives for one in now) else {}
        return {"logprobsResult": shown | {"chosenCandidates": chosen}}

    def average(self) -> JSON:
        """The member of the last candidate that sums them up."""
        return {"avgLogprobs": self._sum / self._count} if self._count else {}


def _write_token(one: TokenLogprob) -> JSON:
    return {"token": one.token, "logProbability": one.logprob}
