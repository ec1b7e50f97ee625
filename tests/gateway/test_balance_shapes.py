"""What clients read out of the balance endpoints that they poll: the same money in every shape."""

from typing import Any

import pytest
from msgspec.structs import replace

from data.limits import FREE, Limits
from gateway.accounting import Holding, WindowView
from gateway.balance_shapes import SHAPES, Figures, Spent
from gateway.endpoints import USAGE
from gateway.snapshot import KeyFacts

KEY = KeyFacts(3, "public3", b"", "ana", "", True, 1_900_000_000_000_000, False, Limits(models=("gpt-*",)))
HOLDING = Holding("key:3", "ana", Limits(prepaid=True), 7_500_000, 500_000, 2_000_000, [], 0, 0)
PREPAID = Figures(KEY, HOLDING, Spent(100_000, 200_000, 300_000))
FREELY = replace(PREPAID, holding=replace(HOLDING, limits=FREE))
MONTH = WindowView("month", "UTC", limit_micros=3_000_000, used_micros=1_000_000, resets_at=1)

# How clients work out what is left, in dollars, from what each endpoint says.
LEFT = {
    "dashboard/billing/credit_grants": lambda said: said["total_available"],
    "user/balance": lambda said: float(said["balance_infos"][0]["total_balance"]),
    "users/me/balance": lambda said: said["data"]["available_balance"],
    "user/info": lambda said: float(said["data"]["totalBalance"]),
    "credits": lambda said: said["data"]["total_credits"] - said["data"]["total_usage"],
    "key": lambda said: said["data"]["limit_remaining"],
    "auth/key": lambda said: said["data"]["limit_remaining"],
    "api/usage/token": lambda said: said["data"]["total_available"] / 500_000,
}


def told(path: str, figures: Figures) -> Any:
    return SHAPES[path](figures)


@pytest.mark.parametrize("path", LEFT)
def test_every_shape_tells_the_same_balance(path: str) -> None:
    assert LEFT[path](told(path, PREPAID)) == 7.5


@pytest.mark.parametrize("path", LEFT)
def test_a_budget_that_ends_before_the_balance_is_what_is_left(path: str) -> None:
    figures = replace(PREPAID, holding=replace(HOLDING, windows=[MONTH]))
    assert LEFT[path](told(path, figures)) == 2
    assert told("key", figures)["data"]["limit_reset"] == "monthly"


def test_the_old_billing_pages_agree_with_each_other() -> None:
    limit = told("dashboard/billing/subscription", PREPAID)["hard_limit_usd"]
    used = told("dashboard/billing/usage", PREPAID)["total_usage"] / 100
    grants = told("dashboard/billing/credit_grants", PREPAID)
    assert (limit, used, limit - used) == (10, 2.5, 7.5)
    assert (grants["total_granted"], grants["total_used"]) == (limit, used)


def test_what_has_no_limit_is_said_so_where_the_shape_can() -> None:
    assert told("key", FREELY)["data"]["limit"] is None
    assert told("user/balance", FREELY) == {"is_available": True, "balance_infos": []}
    assert told("api/usage/token", FREELY)["data"]["unlimited_quota"] is True
    assert told("dashboard/billing/subscription", FREELY)["hard_limit_usd"] > 99_999_999


def test_an_overdrawn_balance_is_no_money_and_not_a_debt() -> None:
    figures = replace(PREPAID, holding=replace(HOLDING, balance_micros=-1))
    assert told("user/balance", figures)["is_available"] is False
    assert told("credits", figures)["data"]["total_credits"] == told("credits", figures)["data"]["total_usage"]


def test_cents_are_cut_and_never_rounded_up() -> None:
    figures = replace(PREPAID, holding=replace(HOLDING, balance_micros=1_999_999))
    assert told("user/balance", figures)["balance_infos"][0]["total_balance"] == "1.99"


def test_a_key_may_learn_when_it_ends_and_what_it_may_ask_for() -> None:
    said = told("api/usage/token", PREPAID)["data"]
    assert (said["expires_at"], said["model_limits"], said["name"]) == (1_900_000_000, {"gpt-*": True}, "ana")


def test_every_shape_has_its_endpoint() -> None:
    assert {"usage", *SHAPES} == USAGE
