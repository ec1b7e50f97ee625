"""Rates and places on a given clock: never too much, hardly too little, and in turn."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.limits import FREE, Limits
from gateway import limits as module
from gateway.errors import RateLimited
from gateway.limits import DAY, MINUTE, Limiter, Share, Sliding
from gateway.snapshot import KeyFacts

KEY = KeyFacts(1, "public1", b"", "mobile", "ann", True, None, False)


def passing(limit: int, arrivals: list[float], amount: int = 1) -> list[float]:
    """When those came that a sliding minute let through."""
    window, passed = Sliding(MINUTE), []
    for now in arrivals:
        if not window.seconds_until(amount, limit, now):
            window.add(amount, now)
            passed.append(now)
    return passed


@given(st.lists(st.floats(0, 20), max_size=120), st.integers(1, 12))
def test_no_minute_ever_sees_more_than_the_limit(gaps: list[float], limit: int) -> None:
    arrivals = [sum(gaps[:number]) for number in range(1, len(gaps) + 1)]
    passed = passing(limit, arrivals)
    assert all(sum(end - MINUTE < at <= end for at in passed) <= limit for end in passed)


@pytest.mark.parametrize("amount", [1, 250])
def test_who_comes_as_often_as_is_allowed_loses_at_most_a_hundredth_of_any_ten_seconds(amount: int) -> None:
    arrivals = [number / 100 for number in range(18_000)]
    passed = passing(6000 * amount, arrivals, amount)
    for begin in range(60, 170):
        assert 990 <= sum(begin <= at < begin + 10 for at in passed) <= 1000


def test_who_comes_too_often_still_gets_nearly_all_that_is_allowed() -> None:
    passed = passing(600, [number / 50 for number in range(50 * 600)])
    assert 0.99 * 6000 <= len(passed) <= 6000


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30), st.integers(1, 10), st.integers(1, 10))
def test_who_waits_as_long_as_told_gets_through(gaps: list[float], room: int, limit: int) -> None:
    window, now = Sliding(MINUTE), 0.0
    for gap in gaps:
        window.add(1, now := now + gap)
    room = min(room, limit)
    later = now + window.seconds_until(room, limit, now)
    assert window.seconds_until(room, limit, later + 1e-6) == 0
    assert window.used(later + 1e-6) + room <= limit


def test_what_is_larger_than_the_limit_passes_when_nothing_else_does() -> None:
    share = limited(tokens_per_minute=100)
    share.check_rates(5000, 0)
    share.take(5000, 0)
    with pytest.raises(RateLimited):
        share.check_rates(1, 59)
    share.check_rates(5000, 61)


def limited(**limits: Any) -> Share:
    share = Share("key:1")
    share.limits = Limits(**limits)
    return share


def test_tokens_that_were_not_used_are_free_for_others() -> None:
    share = limited(tokens_per_minute=100, tokens_per_day=100)
    share.take(100, 10)
    share.spare(70, 10)
    share.check_rates(70, 20)
    with pytest.raises(RateLimited):
        share.check_rates(71, 20)


def test_what_counts_no_more_is_not_given_back_to_later_minutes() -> None:
    share = limited(tokens_per_minute=100)
    share.take(100, 0)
    share.take(100, 90)
    share.spare(95, 0)
    with pytest.raises(RateLimited):
        share.check_rates(1, 95)


def test_a_day_is_told_how_long_it_takes() -> None:
    share = limited(tokens_per_day=10)
    share.take(10, 0)
    with pytest.raises(RateLimited, match="This key may use 10 tokens a day") as told:
        share.check_rates(1, MINUTE)
    assert DAY - MINUTE <= (told.value.retry_after or 0) <= DAY * 1.01  # a part of the window lasts 144 seconds


@pytest.fixture
def limiter() -> Limiter:
    return Limiter()


def put_under(limiter: Limiter, key: Limits = FREE, owner: Limits = FREE, all_: Limits = FREE) -> None:
    limiter.put_under([(KEY.id, key)], [(KEY.owner, owner)], all_)


@pytest.mark.parametrize("whose", ["owner", "all_"])
@pytest.mark.parametrize("limits", [Limits(concurrent=1), Limits(requests_per_minute=1), Limits(tokens_per_minute=15)])
async def test_what_one_limit_refuses_takes_nothing_of_the_others(limiter: Limiter, whose: str, limits: Limits) -> None:
    put_under(limiter, Limits(requests_per_minute=9, tokens_per_minute=999, concurrent=9), **{whose: limits})
    await limiter.admit(KEY, 10)
    own = limiter.share("key:1")
    before = (own.running, own.requests.total, own.tokens.total)
    for _ in range(5):
        with pytest.raises(RateLimited):
            await limiter.admit(KEY, 10)
    assert (own.running, own.requests.total, own.tokens.total) == before == (1, 1, 10)


async def test_one_that_was_not_let_in_after_all_has_taken_nothing(limiter: Limiter) -> None:
    put_under(limiter, Limits(requests_per_minute=1, tokens_per_minute=10, tokens_per_day=10, concurrent=1))
    for _ in range(3):
        (await limiter.admit(KEY, 10)).undo()
    own = limiter.share("key:1")
    assert (own.running, own.requests.total, own.tokens.total, own.tokens_of_day.total) == (0, 0, 0, 0)


async def test_places_are_handed_on_in_turn_and_to_nobody_who_gave_up(limiter: Limiter) -> None:
    put_under(limiter, Limits(concurrent=1, wait_seconds=60))
    first, served = await limiter.admit(KEY, 0), []

    async def wait(name: str) -> None:
        admission = await limiter.admit(KEY, 0)
        served.append(name)
        admission.leave()

    waiting = [asyncio.create_task(wait(name)) for name in "abcd"]
    await asyncio.sleep(0)
    waiting[1].cancel()
    first.leave()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served == ["a", "c", "d"]
    own = limiter.share("key:1")
    assert (own.running, own.promised, len(own.waiters)) == (0, 0, 0)


async def test_a_limit_that_is_lifted_lets_those_in_who_wait(limiter: Limiter) -> None:
    put_under(limiter, Limits(concurrent=1, wait_seconds=60))
    await limiter.admit(KEY, 0)
    waiting = asyncio.create_task(limiter.admit(KEY, 0))
    await asyncio.sleep(0)
    put_under(limiter)
    await waiting
    assert limiter.share("key:1").running == 2


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("", False), ("::1", False)],
)
def test_an_address_lies_in_a_block_also_when_it_is_mapped(address: str, inside: bool) -> None:
    assert module.contains("10.0.0.0/8", address) is inside
