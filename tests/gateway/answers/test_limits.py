"""Which limits an operator may set: what cannot be is refused by its field, with the reason."""

import pytest

from data.limits import Budget, Limits
from gateway.answers.limits import checked
from gateway.answers.reading import read_operation
from gateway.errors import BadRequest

DAY = Budget("day", 100)


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        (Limits(budgets=(Budget("day", -1),)), "budgets"),
        (Limits(budgets=(Budget("day", 10**18),)), "budgets"),
        (Limits(budgets=(Budget("day", 1, "Europe/Berln"),)), "budgets"),
        (Limits(budgets=(Budget("day", 1, ""),)), "budgets"),
        (Limits(budgets=(Budget("day", 1, "../../etc/passwd"),)), "budgets"),
        (Limits(budgets=(Budget("day", 1, hour=24),)), "budgets"),
        (Limits(budgets=(Budget("day", 1, hour=-1),)), "budgets"),
        (Limits(budgets=(Budget("week", 1, weekday=7),)), "budgets"),
        (Limits(budgets=(DAY, Budget("day", 200))), "budgets"),
        (Limits(requests_per_minute=0), "requests_per_minute"),
        (Limits(requests_per_minute=-5), "requests_per_minute"),
        (Limits(tokens_per_minute=10**18), "tokens_per_minute"),
        (Limits(tokens_per_day=10**18), "tokens_per_day"),
        (Limits(concurrent=0), "concurrent"),
        (Limits(concurrent=1, wait_seconds=601), "wait_seconds"),
        (Limits(wait_seconds=5), "wait_seconds"),
        (Limits(max_output_tokens=0), "max_output_tokens"),
        (Limits(models=("gpt 4",)), "models"),
        (Limits(protocols=("openai",)), "protocols"),
        (Limits(endpoints=("chat",)), "endpoints"),
        (Limits(endpoints=("models",)), "endpoints"),
        (Limits(networks=("10.0.0.1/8",)), "networks"),
        (Limits(networks=("10.0.0.0/33",)), "networks"),
        (Limits(networks=("10.0.0",)), "networks"),
        (Limits(networks=tuple(f"10.0.{number}.0/24" for number in range(51))), "networks"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_by_its_field(limits: Limits, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked(limits)
    assert (refused.value.param or "").partition(".")[0] == field
    assert refused.value.message.startswith(field)


def test_what_is_said_twice_is_kept_once() -> None:
    said = Limits(models=("a", "a "), protocols=("gemini", "gemini"), networks=("10.0.0.0/8", " 10.0.0.0/255.0.0.0"))
    assert checked(said) == Limits(models=("a",), protocols=("gemini",), networks=("10.0.0.0/8",))


def test_budgets_of_one_length_may_differ_in_where_they_begin() -> None:
    several = Limits(budgets=(DAY, Budget("day", 100, "Europe/Berlin"), Budget("day", 100, hour=6)))
    assert checked(several) == several


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ('{"holder":"key:1","limits":{"budgets":[{"per":"day","micros":NaN}]}}', "malformed"),
        ('{"holder":"key:1","limits":{"budgets":[{"per":"day","micros":1e400}]}}', "micros|out of range"),
        ('{"holder":"key:1","limits":{"budgets":[{"per":"day","micros":0.5}]}}', r"limits.budgets\[0\].micros"),
        ('{"holder":"key:1","limits":{"budgets":[{"per":"day","micros":"1"}]}}', r"limits.budgets\[0\].micros"),
        ('{"holder":"key:1","limits":{"budgets":[{"per":"year","micros":1}]}}', r"limits.budgets\[0\].per"),
        ('{"holder":"key:1","limits":{"concurrent":true}}', "limits.concurrent"),
        ('{"holder":"key:1","limits":{"speed":1}}', "speed"),
    ],
)
def test_what_is_no_number_or_no_field_is_refused_at_the_socket(fields: str, where: str) -> None:
    with pytest.raises(BadRequest, match=where):
        read_operation("SetLimits", fields)
