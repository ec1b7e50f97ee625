"""What the past would cost at other prices."""

from collections.abc import Iterable

import msgspec
import pytest
from msgspec.structs import replace

from data.records import DONE, FAILED, RUNNING, ExchangeRecord
from gateway.canonical import Details, Usage
from gateway.pricing import PriceBook
from gateway.rates import charge_for
from gateway.repricing import PriceChange, Total, Totals, lines_of, reprice, usage_of
from gateway.snapshot import PriceOverrideFacts, UpstreamFacts

THEN, NOW = 1_790_000_000_000_000, 1_795_000_000_000_000
OLD = PriceOverrideFacts(1, "openai", "gpt-5", {"input": 1_000_000, "output": 4_000_000}, 0, THEN + 1)
NEW = PriceOverrideFacts(2, "openai", "gpt-5", {"input": 3_000_000, "output": 4_000_000}, THEN + 1)
BOOK = PriceBook((OLD, NEW))
USED = Usage(input=1000, output=100)
UPSTREAM = UpstreamFacts(
    id=4,
    name="main",
    provider_id="openai",
    provider_title="OpenAI",
    endpoints={},
    credential="",
    dialect="standard",
    price_id="openai",
    local=False,
    weight=1,
    enabled=True,
    models=frozenset(),
)


def paid(number: int = 1, model: str = "gpt-5", usage: Usage = USED) -> ExchangeRecord:
    charge = charge_for(BOOK.rate("openai", "openai", model, THEN), usage, model)
    return ExchangeRecord(
        id=number,
        request_id=f"req_{number}",
        started_at=THEN,
        state=DONE,
        protocol="openai_chat",
        operation="chat",
        path="/v1/chat/completions",
        key_id=9,
        model_served=model,
        upstream_id=4,
        upstream="main",
        input_tokens=usage.input,
        output_tokens=usage.output,
        usage_details=msgspec.json.encode(usage.details).decode() if usage.details != Details() else "",
        cost_micros=charge.total_micros if charge else None,
        price_lines=msgspec.json.encode(charge.lines).decode() if charge else "",
    )


def changes(*records: ExchangeRecord, at: int | None = NOW, book: PriceBook = BOOK) -> list[PriceChange]:
    return list(reprice(records, book, {4: UPSTREAM}, at))


def test_a_request_that_would_cost_something_else_is_told_with_its_lines_before_and_after() -> None:
    (change,) = changes(paid())
    assert (change.before_micros, change.after_micros, change.difference) == (1400, 3400, 2000)
    assert (change.exchange_id, change.key_id, change.upstream, change.model) == (1, 9, "main", "gpt-5")
    assert '"#1"' in change.before_lines
    assert '"#2"' in change.after_lines


def test_at_the_prices_of_their_own_time_nothing_changes_unless_a_price_was_set_after_the_fact() -> None:
    assert changes(paid(), at=None) == []
    late = PriceOverrideFacts(3, "openai", "gpt-5", {"input": 2_000_000, "output": 4_000_000}, THEN)
    (change,) = changes(paid(), at=None, book=PriceBook((OLD, late)))
    assert change.difference == 1000


def test_what_had_no_price_may_get_one_and_the_other_way_round() -> None:
    unknown = paid(model="gpt-mystery")
    named = PriceOverrideFacts(4, "openai", "gpt-mystery", {"input": 1_000_000, "output": 1_000_000}, 0)
    (found,) = changes(unknown, book=PriceBook((named,)))
    assert (found.before_micros, found.after_micros) == (None, 1100)
    (lost,) = changes(replace(unknown, cost_micros=7), book=PriceBook())
    assert (lost.before_micros, lost.after_micros, lost.after_lines) == (7, None, "")


@pytest.mark.parametrize(
    "untouched",
    [
        replace(paid(), state=RUNNING),
        replace(paid(), upstream_id=5),
        replace(paid(), upstream_id=None),
        replace(paid(), state=FAILED, input_tokens=0, output_tokens=0, cost_micros=0),
    ],
    ids=["running", "upstream removed", "never sent", "nothing used"],
)
def test_what_cannot_cost_otherwise_is_left_alone(untouched: ExchangeRecord) -> None:
    assert changes(untouched) == []


def test_details_of_usage_are_priced_again_as_they_were() -> None:
    usage = Usage(input=1000, output=100, details=Details(web_searches=2, terms={"service_tier": "flex"}))
    record = paid(usage=usage)
    assert usage_of(record) == usage
    (change,) = changes(record, book=PriceBook())
    assert change.after_micros == 625 + 500 + 20_000


def test_a_request_goes_by_the_name_it_was_priced_as_and_old_records_by_the_names_they_have() -> None:
    renamed = replace(paid(), model_served="deployment-7")
    assert [change.model for change in changes(renamed)] == ["gpt-5"]
    lines = '[{"meter":"input","tokens":9,"per_million":"1","amount":"1","source":"genai-prices"}]'
    old = replace(paid(), model_served="deployment-7", model_asked="gpt-5", price_lines=lines)
    assert [change.model for change in changes(old)] == ["gpt-5"]
    assert (lines_of(old)[0].count, lines_of(old)[0].version) == (9, "")


def test_totals_add_up_whatever_the_slices() -> None:
    records = [paid(number, usage=Usage(input=number)) for number in range(1, 8)]
    unpriced = paid(8, model="gpt-mystery")

    def totals(*slices: Iterable[ExchangeRecord]) -> Totals:
        summed = Totals()
        for each in slices:
            summed.add(reprice(each, BOOK, {4: UPSTREAM}, NOW))
        return summed

    whole, parts = totals([*records, unpriced]), totals(records[:3], records[3:], [unpriced])
    assert whole.by_model == parts.by_model == {("main", "gpt-5"): Total(7, 28, 84)}
    assert whole.difference == 56
