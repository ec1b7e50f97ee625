"""Short forms about holders: paying in, rotation, the brake."""

from msgspec.structs import replace

from console.ink import plain
from console.screens.forms.holders import brake_fields, braked, rotation, top_up, top_up_fields, top_up_preview
from data.limits import Brake, Limits
from gateway.accounting import RotateKey, SetBrake, TopUp
from tests.console.money import holding
from tests.console.scripted import key


def test_a_payment_is_told_with_the_balance_before_and_after() -> None:
    prepaid = holding("key:1", limits=Limits(prepaid=True), balance_micros=2_500_000)
    values = {"micros": "$20", "note": "invoice 7"}
    assert top_up("key:1", "w1", values) == TopUp("key:1", 20_000_000, "invoice 7", "w1")
    assert [plain(line) for line in top_up_preview(prepaid, values)] == [" balance $2.50  → $22.50"]


def test_who_begins_to_prepay_is_told_what_that_means() -> None:
    spent = holding("key:1", balance_micros=-3_200_000)
    lines = [plain(line) for line in top_up_preview(spent, {"micros": "5"})]
    assert lines == [" balance $0.00  → $5.00", " From then on only what was paid in may be spent."]


def test_taking_out_is_a_negative_payment_and_none_at_all_is_refused() -> None:
    check = top_up_fields()[0].check
    assert check("-5") == ""
    assert check("0") == "Nothing would be paid in."
    assert "is no sum of money" in check("five")
    assert "takes out too much" in check("-1e18")


def test_an_overlap_is_a_span_of_time() -> None:
    spans = [rotation(key(3, "ci"), {"overlap_seconds": text}) for text in ("0", "30m", "7d")]
    assert spans == [RotateKey(3, 0), RotateKey(3, 1_800), RotateKey(3, 604_800)]


def test_a_brake_comes_back_from_the_form_as_it_went_in() -> None:
    brake = Brake(tokens_per_second=20, hold=True, approve_above_micros=1_500_000, frozen=True)
    values = {field.id: field.value for field in brake_fields(brake)}
    assert braked(replace(key(3, "ci"), brake=brake), values) == SetBrake(3, brake)
