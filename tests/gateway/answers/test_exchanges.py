"""Exchanges as operators see them: on record, and while they run."""

from typing import Any

import pytest
from msgspec.structs import replace

from data.records import DONE, RUNNING, AttemptRecord
from gateway.answers.desk import Desk
from gateway.canonical import Piece
from gateway.errors import BadRequest, GatewayError, NotFound
from gateway.journal import Journal
from gateway.operations import (
    CloseTap,
    CreateKey,
    CutExchange,
    ExchangeFilter,
    GetExchange,
    ListExchanges,
    ListKeys,
    OpenTap,
    Operation,
    Tap,
)
from gateway.operator import Operator
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import RunningExchange, begun


async def test_what_has_just_begun_or_ended_is_in_the_list_newest_first(operator: Operator, journal: Journal) -> None:
    for number in (1, 2):
        journal.start(begun(number))
    journal.end(replace(begun(1), state=DONE))
    listed = await operator.ask(ListExchanges())
    assert [(record.id, record.state) for record in listed] == [(2, RUNNING), (1, DONE)]


async def test_pages_follow_each_other_and_filters_narrow_them(operator: Operator, journal: Journal) -> None:
    for number in range(1, 6):
        journal.start(begun(number, model="odd" if number % 2 else "even"))
    assert [record.id for record in await operator.ask(ListExchanges(before=4, limit=2))] == [3, 2]
    narrowed = await operator.ask(ListExchanges(ExchangeFilter(model="odd")))
    assert [record.id for record in narrowed] == [5, 3, 1]
    with pytest.raises(BadRequest, match="limit must be"):
        await operator.ask(ListExchanges(limit=0))


async def test_an_exchange_is_shown_with_its_attempts_and_its_keys_name(operator: Operator, journal: Journal) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    journal.start(begun(1, key_id=key.id))
    attempt = AttemptRecord(1, 1, 7, "one", "small", 0, 5, 200, "", "answered")
    journal.end(replace(begun(1, key_id=key.id), state=DONE), [attempt])
    detail = await operator.ask(GetExchange(1))
    assert (detail.record.state, detail.attempts, detail.key_name) == (DONE, [attempt], "mobile")
    with pytest.raises(NotFound, match="There is no request 2"):
        await operator.ask(GetExchange(2))


async def test_a_key_is_listed_with_what_it_did_today_and_what_it_has_running(
    operator: Operator, journal: Journal, runtime: Runtime
) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    record = begun(1, at=runtime.now(), key_id=key.id)
    journal.start(record)
    journal.end(replace(record, state=DONE, input_tokens=10, output_tokens=5, cost_micros=42))
    runtime.running[2] = RunningExchange(2, key.id)
    [listed] = await operator.ask(ListKeys())
    assert (listed.requests_today, listed.tokens_today, listed.cost_today_micros) == (1, 15, 42)
    assert (listed.running, sum(listed.requests_by_hour)) == (1, 1)


async def test_a_tap_gives_the_text_so_far_and_is_counted_until_it_is_closed(
    operator: Operator, runtime: Runtime
) -> None:
    running = runtime.running[1] = RunningExchange(1)
    assert await operator.ask(OpenTap(1)) == Tap([Piece("text", "Once upon a time")], True)
    assert running.taps == 1
    for _ in range(2):
        await operator.ask(CloseTap(1))
    assert running.taps == 0


async def test_a_tap_on_what_is_over_tells_so_and_on_what_never_was_is_refused(
    operator: Operator, journal: Journal
) -> None:
    journal.start(begun(1))
    journal.end(replace(begun(1), state=DONE))
    assert await operator.ask(OpenTap(1)) == Tap([], False)
    with pytest.raises(NotFound):
        await operator.ask(OpenTap(2))


async def test_cutting_ends_the_one_that_is_named_and_no_other(operator: Operator, runtime: Runtime) -> None:
    named, other = RunningExchange(1), RunningExchange(2)
    runtime.running |= {1: named, 2: other}
    await operator.ask(CutExchange(1))
    assert named.ended_by is not None
    assert named.ended_by.code == "cut"
    assert other.ended_by is None
    with pytest.raises(NotFound, match="Request 3 is not running"):
        await operator.ask(CutExchange(3))


async def test_without_a_gateway_that_serves_there_is_nothing_to_watch_or_cut(operator: Operator, desk: Desk) -> None:
    desk.serving = False
    attempts: list[Operation[Any]] = [OpenTap(1), CloseTap(1), CutExchange(1)]
    for attempt in attempts:
        with pytest.raises(GatewayError, match="No gateway is running") as refused:
            await operator.ask(attempt)
        assert refused.value.code == "not_running"
