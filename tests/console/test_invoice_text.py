"""An invoice as it is read."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from console.calendars import days, month_of, zone_of
from console.ink import width_of
from console.invoice_text import cents, invoice_text
from data.records import Billed
from gateway.report_operations import Invoice, Payment

BERLIN = ZoneInfo("Europe/Berlin")
SINCE, UNTIL = month_of("2026-10", BERLIN)
HOUR = 3_600_000_000
LINES = [
    Billed(1, "ana", "claude-sonnet-4-5-20250929", 1_200, 5_120_000, 300, 0, 900, 120, 12_345_674, 0),
    Billed(1, "ana", "豆包" * 40, 1, 10**12, 10**12, 10**12, 10**12, 10**12, 5_000, 1),
    Billed(2, "b\x1b[2Job", "gpt-5", 1, 1, 0, 0, 0, 0, 1, 0),
]
INVOICE = Invoice("owner:ops", "ops", SINCE, UNTIL, UNTIL, LINES, 12_350_675, 12_350_675, -7, [], 0, None)


def read(invoice: Invoice) -> str:
    return invoice_text(invoice, BERLIN, "Europe/Berlin")


def test_no_line_is_wider_than_eighty_columns_whatever_names_and_numbers_it_holds() -> None:
    assert max(map(width_of, read(replace(INVOICE, name="n" * 200)).splitlines())) <= 80


def test_every_key_has_its_sum_and_every_model_its_own() -> None:
    lines = [line.split() for line in read(INVOICE).splitlines()]
    assert ["ana", "(key", "1)", "12.350674"] in lines
    assert ["claude-sonnet-4-5-20250929", "1,200", "requests", "12.345674"] in lines
    assert ["5,120,000", "in,", "300", "from", "cache,", "900", "out,", "120", "of", "it", "reasoning"] in lines
    assert ["TOTAL", "USD", "12.350675"] in lines
    assert ["of", "it", "later", "corrections", "-0.000007"] in lines
    assert ["in", "cents", "USD", "12.35"] in lines


def test_it_says_for_which_time_on_whose_clocks() -> None:
    text = read(INVOICE)
    assert "2026-10-01 00:00" in text
    assert "2026-11-01 00:00  Europe/Berlin" in text


def test_payments_balance_and_what_is_left_out_are_told() -> None:
    text = read(replace(INVOICE, payments=[Payment(SINCE, 50_000_000, "wire")], running=2, balance_micros=-1))
    lines = [line.split() for line in text.splitlines()]
    assert ["2026-10-01", "00:00", "wire", "50.000000"] in lines
    assert ["BALANCE", "when", "this", "was", "made", "-0.000001"] in lines
    assert "not in it: 2." in text
    assert "no price, for which nothing is charged: 1." in text


def test_a_ledger_that_says_otherwise_is_not_passed_over() -> None:
    assert "THE LEDGER SAYS 0.000001" in read(replace(INVOICE, booked_micros=1))


def test_control_characters_of_names_stay_out() -> None:
    assert "\x1b" not in read(INVOICE)


def test_half_a_cent_is_rounded_up() -> None:
    assert [cents(micros) for micros in (4_999, 5_000, 0, -4_999, -5_000, 10**15)] == [
        "0.00",
        "0.01",
        "0.00",
        "0.00",
        "-0.01",
        "1000000000.00",
    ]


def test_a_month_with_a_change_of_clocks_is_an_hour_longer_or_shorter() -> None:
    assert (UNTIL - SINCE) // HOUR == 31 * 24 + 1
    since, until = month_of("2026-03", BERLIN)
    assert (until - since) // HOUR == 31 * 24 - 1
    assert month_of("2026-12", zone_of("UTC"))[1] == 1_798_761_600_000_000


def test_the_day_on_which_clocks_change_has_25_hours() -> None:
    cut = list(days(date(2026, 10, 24), date(2026, 10, 26), BERLIN))
    assert [(day.day, (end - start) // HOUR) for day, start, end in cut] == [(24, 24), (25, 25)]


@pytest.mark.parametrize("text", ["2026", "2026-13", "November", "", "2026-11-01"])
def test_what_is_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2026-11"):
        month_of(text, None)


@pytest.mark.parametrize("name", ["Europe/Berln", "../etc/passwd", "CESTX"])
def test_what_is_no_zone_is_refused_with_examples(name: str) -> None:
    with pytest.raises(ValueError, match="Asia/Shanghai"):
        zone_of(name)
