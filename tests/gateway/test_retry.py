"""A failure of the upstream leads to the next target, a fault of the request does not."""

import pytest

from gateway.errors import BadRequest, GatewayError, NotFound, RateLimited, UpstreamFailed, UpstreamTimeout
from gateway.retry import decide


@pytest.mark.parametrize("error", [UpstreamFailed("x"), UpstreamTimeout("x"), RateLimited("x"), NotFound("x")])
def test_what_says_something_of_the_upstream_is_tried_elsewhere(error: GatewayError) -> None:
    decision = decide(error, targets_left=1)
    assert decision.next_target
    assert error.code in decision.reason


def test_a_request_at_fault_is_not_tried_again() -> None:
    assert not decide(BadRequest("x"), targets_left=3).next_target


def test_with_no_target_left_it_is_given_up() -> None:
    decision = decide(UpstreamFailed("x"), targets_left=0)
    assert not decision.next_target
    assert "no target left" in decision.reason
