"""Records for other programs."""

import csv
import io
import json

from console.exports import as_csv, as_json
from console.units import exact
from data.records import ExchangeRecord
from gateway.operations import UsageRow


def row(label: str, cost_micros: int = 0) -> UsageRow:
    return UsageRow(label, 86_400_000_000, 3, 0, 0, 0, 0, 0, 0, cost_micros, 0)


def test_a_spreadsheet_gets_times_in_utc_and_money_to_the_last_digit() -> None:
    (read,) = csv.DictReader(io.StringIO(as_csv(UsageRow, [row("ana", 12_000_001)])))
    assert (read["label"], read["start"], read["cost_usd"]) == ("ana", "1970-01-02T00:00:00Z", "12.000001")


def test_a_request_without_a_price_has_an_empty_cell_and_not_a_nought() -> None:
    record = ExchangeRecord(1, "req_1", 0, "done", "openai_chat", "generate", "/v1/chat/completions")
    (read,) = csv.DictReader(io.StringIO(as_csv(ExchangeRecord, [record])))
    assert (read["cost_usd"], read["reserved_usd"]) == ("", "0.000000")


def test_a_model_s_name_never_becomes_a_formula_or_a_control_sequence() -> None:
    said = as_csv(UsageRow, [row('=HYPERLINK("http://evil")'), row("\x1b[2J"), row("\t=1")])
    assert "'=HYPERLINK" in said
    assert not {"\x1b", "\t"} & set(said)


def test_json_holds_the_rows_as_they_came() -> None:
    assert json.loads(as_json([row("a")]))[0]["requests"] == 3


def test_money_is_told_exactly_however_much_it_is() -> None:
    assert [exact(micros) for micros in (0, 1, -1, 10**18 + 1)] == [
        "0.000000",
        "0.000001",
        "-0.000001",
        "1000000000000.000001",
    ]
