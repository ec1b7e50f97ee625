"""Prices from files: looked at, taken on, and taken back."""

import pytest

from gateway.accounting import ListActs, UndoAct
from gateway.errors import BadRequest, NotFound
from gateway.operations import AddUpstream
from gateway.operator import Operator
from gateway.price_operations import (
    AcceptPrices,
    ComparePrices,
    ListPriceLists,
    PriceListView,
    RestorePrices,
    SetPrice,
    WithdrawPrices,
)
from gateway.runtime import Runtime

DAY = 86_400_000_000


def rows(**models: str) -> bytes:
    """A file with an input price for each model of OpenAI's; the output costs 10."""
    return "\n".join(
        f'[[price]]\nproviders = ["openai"]\nmodels = ["{model.replace("_", "-")}"]\nsince = 2020-01-01\n'
        f'seen = 2026-11-01\nsource = "a letter"\nprices = {{ input = "{price}", output = "10" }}'
        for model, price in models.items()
    ).encode()


async def accept(operator: Operator, content: bytes) -> PriceListView:
    compared = await operator.ask(ComparePrices("prices.toml", content))
    return await operator.ask(AcceptPrices("prices.toml", content, compared.version))


def price(runtime: Runtime, model: str = "gpt-5", at: int | None = None) -> int:
    return runtime.prices.view("openai", "openai", model, runtime.now() if at is None else at).prices["input"]


async def test_what_would_change_is_shown_with_what_holds_and_nothing_changes(
    operator: Operator, runtime: Runtime
) -> None:
    compared = await operator.ask(ComparePrices("prices.toml", rows(gpt_5="2", gpt_new="3")))
    known, new = compared.differences
    assert (known.model, known.before["input"], known.after["input"]) == ("gpt-5", 1_250_000, 2_000_000)
    assert known.source_before.startswith("genai-prices")
    assert (new.model, new.before, new.after["input"]) == ("gpt-new", {}, 3_000_000)
    assert (compared.source, compared.rows, len(compared.version)) == ("prices.toml (rows)", 2, 12)
    assert price(runtime) == 1_250_000


async def test_models_that_upstreams_list_come_first_also_where_a_pattern_means_them(operator: Operator) -> None:
    await operator.ask(AddUpstream("demo"))
    content = rows(**{"a": "1", "demo-t*": "2"}).replace(b"openai", b"demo")
    compared = await operator.ask(ComparePrices("prices.toml", content))
    assert [(each.model, each.listed) for each in compared.differences] == [
        ("demo-think", True),
        ("a", False),
        ("demo-t*", False),
    ]


async def test_what_was_taken_on_holds_from_then_on_and_names_its_file(operator: Operator, runtime: Runtime) -> None:
    taken = await accept(operator, rows(gpt_5="2"))
    assert price(runtime) == 2_000_000
    assert price(runtime, at=taken.accepted_at - 1) == 1_250_000
    view = runtime.prices.view("openai", "openai", "gpt-5", runtime.now())
    assert view.source.startswith(f"prices.toml (rows) {taken.version}, openai/gpt-5")


async def test_the_operators_own_price_goes_before_a_lists_and_a_later_list_before_an_earlier(
    operator: Operator, runtime: Runtime
) -> None:
    await accept(operator, rows(gpt_5="2"))
    await accept(operator, rows(gpt_5="3"))
    assert price(runtime) == 3_000_000
    await operator.ask(SetPrice("openai", "gpt-5", {"input": 7}))
    assert price(runtime) == 7


async def test_a_list_that_is_withdrawn_still_explains_what_it_priced(operator: Operator, runtime: Runtime) -> None:
    taken = await accept(operator, rows(gpt_5="2"))
    await operator.ask(WithdrawPrices(taken.id))
    (listed,) = await operator.ask(ListPriceLists())
    assert listed.withdrawn_at is not None
    assert (price(runtime), price(runtime, at=listed.withdrawn_at - 1)) == (1_250_000, 2_000_000)
    with pytest.raises(NotFound, match="no list of prices in force"):
        await operator.ask(WithdrawPrices(taken.id))


async def test_taking_on_and_withdrawing_can_both_be_undone(operator: Operator, runtime: Runtime) -> None:
    taken = await accept(operator, rows(gpt_5="2"))
    await operator.ask(WithdrawPrices(taken.id))
    for held in (2_000_000, 1_250_000):
        newest = next(act for act in await operator.ask(ListActs()) if act.undoable and act.undone_at is None)
        await operator.ask(UndoAct(newest.id))
        assert price(runtime) == held
    with pytest.raises(NotFound):
        await operator.ask(RestorePrices(99))


async def test_only_the_file_that_was_looked_at_is_taken_on_and_only_if_it_changes_something(
    operator: Operator,
) -> None:
    compared = await operator.ask(ComparePrices("prices.toml", rows(gpt_5="2")))
    with pytest.raises(BadRequest, match="another than the one you looked at"):
        await operator.ask(AcceptPrices("prices.toml", rows(gpt_5="4"), compared.version))
    await accept(operator, rows(gpt_5="2"))
    with pytest.raises(BadRequest, match="Nothing to take on"):
        await accept(operator, rows(gpt_5="2"))


async def test_a_file_that_is_too_large_or_bad_is_refused(operator: Operator) -> None:
    with pytest.raises(BadRequest, match="at most 7,000,000 bytes"):
        await operator.ask(ComparePrices("prices.toml", b"#" * 7_000_001))
    with pytest.raises(BadRequest, match=r"row 1 \(gpt-5\): input is"):
        await operator.ask(ComparePrices("prices.toml", rows(gpt_5="-2")))
