"""The gateway as a whole: what it says of itself, how it is stopped, and its event list."""

from typing import Any

import pytest

from gateway.answers.desk import Desk, ServingFacts
from gateway.errors import BadRequest, Unavailable
from gateway.events import Noted
from gateway.journal import Journal
from gateway.operations import CreateKey, GetSnippets, GetStatus, ListEvents, Operation, RevokeKey, Shutdown, TryRequest
from gateway.operator import Operator
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import RunningExchange, begun


async def test_the_status_counts_what_there_is_without_revoked_keys(
    operator: Operator, runtime: Runtime, journal: Journal
) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    await operator.ask(CreateKey("laptop"))
    await operator.ask(RevokeKey(key.id))
    journal.start(begun(1))
    await journal.flush()
    runtime.running[1] = RunningExchange(1)
    status = await operator.ask(GetStatus())
    assert (status.keys, status.upstreams, status.exchanges, status.running) == (1, 0, 1, 1)
    assert (status.version, status.base_url, status.pid) == ("1.2.3", "http://127.0.0.1:4711", 4711)


async def test_the_gateway_is_asked_to_stop_as_the_operator_wants_it(
    operator: Operator, runtime: Runtime, stops: list[bool]
) -> None:
    runtime.running[1] = RunningExchange(1)
    assert (await operator.ask(Shutdown())).text == "stopping when 1 running request has ended"
    assert (await operator.ask(Shutdown(now=True))).text == "stopping now"
    assert stops == [False, True]


async def test_what_needs_a_gateway_that_serves_is_refused_without_one(
    operator: Operator, desk: Desk, stops: list[bool]
) -> None:
    desk.serving = False
    attempts: list[Operation[Any]] = [Shutdown(), TryRequest("sk-gh-key", "small")]
    for attempt in attempts:
        with pytest.raises(Unavailable, match="start one with `console`"):
            await operator.ask(attempt)
    assert stops == []


async def test_the_event_list_holds_what_anybody_noted_newest_first(operator: Operator, runtime: Runtime) -> None:
    runtime.bus.publish(Noted(5, "warning", "disk_full", "the disk is full"))
    await operator.ask(CreateKey("mobile"))
    newest, older = await operator.ask(ListEvents())
    assert (newest.code, newest.text) == ("key_created", "created key mobile")
    assert (older.at, older.level, older.code) == (5, "warning", "disk_full")
    assert await operator.ask(ListEvents(limit=1)) == [newest]


async def test_the_event_list_keeps_the_newest_five_hundred(operator: Operator, runtime: Runtime) -> None:
    for number in range(600):
        runtime.bus.publish(Noted(number, "info", "counted", str(number)))
    events = await operator.ask(ListEvents())
    assert (len(events), events[0].at, events[-1].at) == (500, 599, 100)
    with pytest.raises(BadRequest, match="limit must be"):
        await operator.ask(ListEvents(limit=501))


async def test_snippets_hold_the_address_that_clients_reach_or_the_usual_one_while_none_serves(
    operator: Operator, desk: Desk
) -> None:
    [curl] = [s for s in await operator.ask(GetSnippets("sk-gh-key", "small")) if s.id == "curl"]
    assert all(part in curl.text for part in ("http://127.0.0.1:4711/v1", "sk-gh-key", "small"))
    desk.facts = lambda: ServingFacts("1.2.3", "", "/data", 4711, 1)
    assert "http://127.0.0.1:8400/v1" in (await operator.ask(GetSnippets()))[0].text
