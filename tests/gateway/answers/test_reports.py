"""Usage: totals that include what just ended."""

import pytest
from msgspec.structs import replace

from data.records import DONE
from gateway.errors import BadRequest
from gateway.journal import Journal
from gateway.operations import GetUsage
from gateway.operator import Operator
from tests.gateway.answers.scripted import begun

HOUR = 3_600_000_000


async def test_usage_is_summed_by_group_and_holds_what_has_just_ended(operator: Operator, journal: Journal) -> None:
    for number, model in enumerate(("small", "large", "small"), 1):
        record = begun(number, at=number, model=model)
        journal.start(record)
        journal.end(replace(record, state=DONE, input_tokens=10, output_tokens=1, cost_micros=number))
    rows = await operator.ask(GetUsage(0, HOUR, by="model"))
    assert [(row.label, row.requests, row.input_tokens, row.cost_micros) for row in rows] == [
        ("small", 2, 20, 4),
        ("large", 1, 10, 2),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (GetUsage(5, 5), "until"),
        (GetUsage(0, HOUR * 20_000, every="hour"), "every"),
        (GetUsage(0, HOUR, utc_offset=90_000), "utc_offset"),
    ],
)
async def test_a_time_that_cannot_be_summed_is_refused(operator: Operator, wrong: GetUsage, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await operator.ask(wrong)
    assert refused.value.param == field
