"""Limits as operators type them: what is taken, and what is refused with the reason."""

import pytest

from console.screens.forms.limits import limit_fields, new_limits
from data.limits import Budget, Limits

EMPTY = {field.id: field.value for field in limit_fields(Limits())}


def complaint(field_id: str, text: str) -> str:
    """What the form says of a value as it is typed."""
    return next(field for field in limit_fields(Limits()) if field.id == field_id).check(text)


def test_limits_come_back_from_the_form_as_they_went_in() -> None:
    limits = Limits(
        prepaid=True,
        budgets=(Budget("total", 5_000_000),),
        requests_per_minute=60,
        tokens_per_minute=200_000,
        tokens_per_day=5_000_000,
        concurrent=8,
        wait_seconds=30,
        max_output_tokens=4_096,
        models=("gpt-*",),
        protocols=("gemini",),
        endpoints=("generate", "embed"),
        networks=("10.0.0.0/8", "2001:db8::/32"),
    )
    assert new_limits({field.id: field.value for field in limit_fields(limits)}) == limits
    assert new_limits(EMPTY) == Limits()


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("budgets", "-5 day", "must not be negative"),
        ("budgets", "NaN day", "is no sum of money"),
        ("budgets", "inf day", "is no sum of money"),
        ("budgets", "1e18 day", "is too much: at most $1,000,000,000"),
        ("budgets", "0.0000001 day", "finer than a millionth"),
        ("budgets", "20 dya", "after the sum comes minute, hour, day, week, month or total"),
        ("budgets", "20", "after the sum comes"),
        ("budgets", "20 day Europe/Berln", "did you mean Europe/Berlin?"),
        ("budgets", "20 day ../etc/passwd", "is no time zone"),
        ("budgets", "20 day UTC 24:00", "from 00:00 to 23:00"),
        ("requests_per_minute", "-1", "is no whole number"),
        ("requests_per_minute", "0", "must be 1 or more"),
        ("tokens_per_day", "1.5", "is no whole number"),
        ("concurrent", "9" * 18, "is too much"),
        ("wait_seconds", "soon", "is no whole number"),
        ("networks", "10.0.0.1/8", "did you mean 10.0.0.0/8?"),
        ("networks", "10.0.0.0/33", "is no block of addresses"),
        ("protocols", "openai", "There is no protocol"),
    ],
)
def test_what_is_no_limit_is_refused_at_its_field_with_the_reason(field: str, text: str, reason: str) -> None:
    assert reason in complaint(field, text)
    with pytest.raises(ValueError, match=r"“|There"):
        new_limits({**EMPTY, field: text})


def test_large_numbers_may_be_written_short() -> None:
    limits = new_limits({**EMPTY, "tokens_per_minute": "200k", "tokens_per_day": "5M"})
    assert (limits.tokens_per_minute, limits.tokens_per_day) == (200_000, 5_000_000)
