"""Limits and payments from a shell."""

import pytest
import typer
from commands import Commands

from console.cli.limits import lifted
from data.limits import FREE, Limits


def test_limits_are_set_one_by_one_shown_and_lifted(do: Commands) -> None:
    do("key create mobile")
    do("limit set mobile --budget '20 day Europe/Berlin' --budget '100 total' --tokens-per-minute 200k --model 'd*'")
    holding = do.json("limit set mobile --concurrent 2 --prepaid")
    assert holding["limits"] == {
        "prepaid": True,
        "budgets": [
            {"per": "day", "micros": 20_000_000, "zone": "Europe/Berlin"},
            {"per": "total", "micros": 100_000_000},
        ],
        "tokens_per_minute": 200_000,
        "concurrent": 2,
        "models": ["d*"],
    }
    assert "$0.00 of $20.00 per day (Europe/Berlin)" in do("limit show mobile")
    assert do.json("limit set mobile --lift all")["limits"] == {}


def test_owners_and_everyone_have_limits_like_keys(do: Commands) -> None:
    do("key create mobile --owner ann")
    do("limit set owner:ann --requests-per-minute 60")
    do("limit set everyone --budget '400 month'")
    listed = do.json("limit list")
    assert [holding["holder"] for holding in listed] == ["everyone", "owner:ann", "key:1"]
    assert "/$400.00 month" in do("limit list")


def test_money_is_paid_in_and_taken_out_once(do: Commands) -> None:
    do("key create mobile")
    for _ in range(2):
        assert do.json("top-up mobile 12.50 --once invoice-7")["balance_micros"] == 12_500_000
    assert "has $10.00 now" in do("top-up mobile 2.50 --out")
    do("undo")
    assert do.json("limit show mobile")["balance_micros"] == 12_500_000


def test_a_value_that_cannot_be_is_refused_with_the_reason(do: Commands) -> None:
    do("key create mobile")
    refused = {
        "limit set mobile --budget '20 dya'": "after the sum comes",
        "limit set mobile --budget '20 day Europe/Berln'": "did you mean Europe/Berlin?",
        "limit set mobile --budget '1e18 day'": "is too much",
        "limit set mobile --concurrent -1": "is no whole number",
        "limit set mobile --lift speed": "there is no limit speed",
        "top-up mobile NaN": "is no sum of money",
    }
    for line, reason in refused.items():
        assert reason in " ".join(do.run(line, status=2)[1].replace("│", "").split())
    refused_by_the_gateway = {
        "limit set mobile --network 10.0.0.1/8": "networks must be CIDR blocks",
        "limit set mobile --protocol smtp": "protocols must be out of",
        "top-up mobile 0": "micros must be",
        "limit show nobody": "There is no key 'nobody'",
    }
    for line, reason in refused_by_the_gateway.items():
        assert reason in do.run(line, status=1)[1]


def test_one_limit_is_lifted_without_the_others() -> None:
    limits = Limits(concurrent=2, prepaid=True)
    assert lifted(limits, ["concurrent"]) == Limits(prepaid=True)
    assert lifted(limits, ["all"]) == FREE
    with pytest.raises(typer.BadParameter):
        lifted(limits, ["speed"])
