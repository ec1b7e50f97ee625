"""One failure is not an outage; several in a row set an upstream aside, for a while that grows."""

from gateway.errors import BadRequest, RateLimited, UpstreamFailed
from gateway.health import FAILURES_TO_SET_ASIDE, FIRST_PAUSE, Health

BROKEN = UpstreamFailed("it broke")


def failed(health: Health, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        health.failed(1, BROKEN, now)


def test_a_single_failure_makes_an_upstream_shaky_but_keeps_it() -> None:
    health = Health()
    assert health.failed(1, BROKEN, 0.0)
    assert (health.state(1, 0.0), health.why(1, 0.0)) == ("shaky", "")


def test_failures_in_a_row_set_it_aside_and_say_for_how_long() -> None:
    health = Health()
    failed(health, FAILURES_TO_SET_ASIDE)
    assert health.state(1, 1.0) == "down"
    assert "tried again in 9 s" in health.why(1, 1.0)
    assert health.state(1, FIRST_PAUSE) == "shaky"


def test_each_further_failure_doubles_the_pause() -> None:
    health = Health()
    failed(health, FAILURES_TO_SET_ASIDE)
    failed(health, 1, now=FIRST_PAUSE)
    assert health.state(1, FIRST_PAUSE + 2 * FIRST_PAUSE - 0.1) == "down"
    assert health.state(1, FIRST_PAUSE + 2 * FIRST_PAUSE) == "shaky"


def test_one_success_wipes_the_slate() -> None:
    health = Health()
    failed(health, FAILURES_TO_SET_ASIDE)
    assert health.succeeded(1)
    assert health.state(1, 0.0) == "up"
    assert not health.succeeded(1)


def test_a_rate_limit_is_honoured_as_long_as_the_provider_says() -> None:
    health = Health()
    health.failed(1, RateLimited("slow down", retry_after=30), 0.0)
    assert (health.state(1, 29.0), health.state(1, 30.0)) == ("down", "shaky")


def test_the_clients_own_mistakes_do_not_count() -> None:
    health = Health()
    assert not health.failed(1, BadRequest("bad"), 0.0)
    assert health.state(1, 0.0) == "up"
