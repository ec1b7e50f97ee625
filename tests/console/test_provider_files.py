"""Exports of providers, each in the columns it has."""

import json
from datetime import UTC, date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from console.provider_files import FileError, Stated, read_statement

DAY = date(2026, 11, 2)
NOON = 1_793_620_800
OPENAI_USAGE = (
    "start_time,end_time,start_time_iso,num_model_requests,input_tokens,output_tokens,input_cached_tokens,model\n"
    "1793577600,1793664000,2026-11-02T00:00:00+00:00,5,1000,500,800,gpt-5-2025-08-07\n"
)
OPENAI_COSTS = """start_time,start_time_iso,amount_value,amount_currency,line_item,project_id
1793577600,2026-11-02T00:00:00+00:00,0.0600001,usd,"gpt-5-2025-08-07, input",proj_1
"""
ANTHROPIC_USAGE = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count\n"
    "2026-11-02,claude-sonnet-4-5-20250929,k,Default,standard,≤ 200k,200,20,30,800,500,0\n"
)
ANTHROPIC_COSTS = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type\n"
    "2026-11-02,Claude Sonnet 4.5,Default,k,message,≤ 200k,input_no_cache,0.06,0.06,token\n"
)


def buckets(at: object, **result: object) -> str:
    start = {"starting_at": at} if isinstance(at, str) else {"object": "bucket", "start_time": at}
    return json.dumps({"data": [{**start, "results": [result]}], "has_more": False})


USED = {"input": 200, "cache_read": 800, "output": 500}
CASES = [
    (OPENAI_USAGE, "gpt-5-2025-08-07", USED),
    (OPENAI_COSTS, "gpt-5-2025-08-07", {"cost": Decimal("0.0600001")}),
    (ANTHROPIC_USAGE, "claude-sonnet-4-5-20250929", USED | {"cache_write": 50}),
    (ANTHROPIC_COSTS, "Claude Sonnet 4.5", {"cost": Decimal("0.06")}),
    (
        buckets(NOON, input_tokens=1000, output_tokens=500, input_cached_tokens=800, num_model_requests=5, model=None),
        "",
        USED,
    ),
    (
        buckets(NOON, amount={"value": 0.06, "currency": "usd"}, line_item="gpt-5, output"),
        "gpt-5",
        {"cost": Decimal("0.06")},
    ),
    (
        buckets(
            "2026-11-02T00:00:00Z",
            uncached_input_tokens=200,
            cache_creation={"ephemeral_1h_input_tokens": 30, "ephemeral_5m_input_tokens": 20},
            cache_read_input_tokens=800,
            output_tokens=500,
            model="claude-opus-5-5",
        ),
        "claude-opus-5-5",
        USED | {"cache_write": 50},
    ),
    (
        buckets("2026-11-02T00:00:00Z", amount="123.45", currency="USD", model="claude-opus-5-5"),
        "claude-opus-5-5",
        {"cost": Decimal("1.2345")},
    ),
]


@pytest.mark.parametrize(("text", "model", "figures"), CASES)
def test_every_export_comes_to_the_same_kind_of_row(text: str, model: str, figures: dict[str, Decimal]) -> None:
    statement = read_statement(text)
    assert statement.rows == [Stated(DAY, model, figures)]
    assert set(statement.measures) == set(figures)


def test_a_file_of_another_kind_is_read_by_the_columns_that_are_named() -> None:
    text = "Datum;Modell;Betrag\n2026-11-02;qwen-max;$1,234.50\n"
    statement = read_statement(text, columns={"day": "Datum", "model": "Modell", "cost": "Betrag"})
    assert statement.rows == [Stated(DAY, "qwen-max", {"cost": Decimal("1234.50")})]


def test_moments_belong_to_the_day_of_the_zone() -> None:
    text = OPENAI_COSTS.replace("T00:00:00+00:00", "T20:00:00+00:00")
    assert [read_statement(text, zone).rows[0].day.day for zone in (UTC, ZoneInfo("Asia/Shanghai"))] == [2, 3]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no rows"),
        ("a,b\n1,2\n", "known"),
        ("{", "JSON"),
        ("[1]", "row 1"),
        (OPENAI_USAGE.replace("1000", "many"), "line 2: input_tokens is 'many'"),
        (OPENAI_USAGE.replace("1000", "NaN"), "line 2: input_tokens"),
        (OPENAI_USAGE.replace("1000", "-1"), "line 2: input_tokens"),
        (OPENAI_USAGE.replace("1000", "1e40"), "line 2: input_tokens"),
        (OPENAI_COSTS.replace(",usd,", ",eur,"), "line 2 is in eur"),
        (ANTHROPIC_COSTS.replace("2026-11-02", "2.11.26"), "line 2: usage_date_utc is '2.11.26'"),
        (ANTHROPIC_COSTS + "2026-11-03,Claude\n", "line 3 has not as many cells"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_the_reason(text: str, why: str) -> None:
    with pytest.raises(FileError) as refused:
        read_statement(text)
    assert why in str(refused.value)


@pytest.mark.parametrize("columns", [{"day": "d"}, {"cost": "c"}, {"day": "d", "cost": "c", "price": "p"}])
def test_named_columns_need_a_day_and_a_measure(columns: dict[str, str]) -> None:
    with pytest.raises(FileError, match="day=NAME"):
        read_statement("d,c,p\n1,2,3\n", columns=columns)


def test_a_named_column_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(FileError, match=r"no column Day; it has: d, c"):
        read_statement("d,c\n1,2\n", columns={"day": "Day", "cost": "c"})
