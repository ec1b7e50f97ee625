"""Reads what a provider says was used and what it billed: exports as CSV or JSON come to one kind of row. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Struct

MEASURES = ("input", "cache_read", "cache_write", "output", "cost")
"""What is compared: disjoint kinds of tokens, reasoning as output, and money in dollars."""
LARGEST = Decimal(10) ** 15

Cells = Mapping[str, Any]


class FileError(Exception):
    """A file that cannot be read as an export; says where and why."""


class Form(Struct, frozen=True):
    """One kind of export: the columns it is known by, and what they mean."""

    title: str
    known_by: frozenset[str]
    day: tuple[str, ...]
    """The first of these that a row has."""
    measures: dict[str, tuple[str, ...]]
    """Columns that add up to each."""
    model: str = "model"
    cached_in_input: bool = False
    cents: bool = False
    currency: str = ""


FORMS = (
    Form(
        "OpenAI usage",
        frozenset(("num_model_requests", "input_tokens", "output_tokens")),
        ("start_time_iso", "start_time"),
        {"input": ("input_tokens",), "cache_read": ("input_cached_tokens",), "output": ("output_tokens",)},
        cached_in_input=True,
    ),
    Form(
        "OpenAI costs",
        frozenset(("amount_value",)),
        ("start_time_iso", "start_time"),
        {"cost": ("amount_value",)},
        model="line_item",
        currency="amount_currency",
    ),
    Form(
        "Anthropic usage",
        frozenset(("usage_input_tokens_no_cache", "usage_output_tokens")),
        ("usage_date_utc",),
        {
            "input": ("usage_input_tokens_no_cache",),
            "cache_read": ("usage_input_tokens_cache_read",),
            "cache_write": (
                "usage_input_tokens_cache_write_5m",
                "usage_input_tokens_cache_write_1h",
                "usage_input_tokens_cache_write",
            ),
            "output": ("usage_output_tokens",),
        },
        model="model_version",
    ),
    Form("Anthropic costs", frozenset(("usage_date_utc", "cost_usd")), ("usage_date_utc",), {"cost": ("cost_usd",)}),
    Form(
        "Anthropic usage report",
        frozenset(("uncached_input_tokens", "output_tokens")),
        ("starting_at",),
        {
            "input": ("uncached_input_tokens",),
            "cache_read": ("cache_read_input_tokens",),
            "cache_write": (
                "cache_creation_ephemeral_5m_input_tokens",
                "cache_creation_ephemeral_1h_input_tokens",
            ),
            "output": ("output_tokens",),
        },
    ),
    Form(
        "Anthropic cost report",
        frozenset(("starting_at", "amount")),
        ("starting_at",),
        {"cost": ("amount",)},
        cents=True,
        currency="currency",
    ),
)


class Stated(Struct, frozen=True):
    """What a provider says of one model on one day."""

    day: date
    model: str
    """Empty where it does not say."""
    figures: dict[str, Decimal]


class Statement(Struct, frozen=True):
    """All that a file says."""

    title: str
    measures: tuple[str, ...]
    rows: list[Stated]


def read_statement(text: str, zone: tzinfo | None = UTC, columns: Mapping[str, str] | None = None) -> Statement:
    """A file's rows. `columns` names the columns of a form of one's own. Raises `FileError`."""
    rows = list(_json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text))
    if not rows:
        raise FileError("it holds no rows")
    form = own_form(columns) if columns else _form_of(rows[0][1])
    missing = form.known_by - rows[0][1].keys()
    if missing:
        raise FileError(f"it has no column {', '.join(sorted(missing))}; it has: {', '.join(rows[0][1])}")
    measures = tuple(m for m in MEASURES if set(form.measures.get(m, ())) & set().union(*(row for _, row in rows)))
    return Statement(form.title, measures, [_stated(form, place, row, zone) for place, row in rows])


def own_form(columns: Mapping[str, str]) -> Form:
    """A form whose columns the operator names. Raises `FileError` for what is no measure."""
    measures: dict[str, tuple[str, ...]] = {name: (column,) for name, column in columns.items() if name in MEASURES}
    strange = columns.keys() - {*MEASURES, "day", "model"}
    if strange or "day" not in columns or not measures:
        raise FileError(f"columns are given as day=NAME, model=NAME and one or more of {', '.join(MEASURES)}")
    return Form("columns as given", frozenset(columns.values()), (columns["day"],), measures, columns.get("model", ""))


def _form_of(row: Cells) -> Form:
    for form in FORMS:
        if form.known_by <= row.keys():
            return form
    known = ", ".join(form.title for form in FORMS)
    raise FileError(f"its columns are those of no export that is known ({known}); name them with --columns")


def _csv_rows(text: str) -> Iterator[tuple[str, Cells]]:
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    try:
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row or None in row.values():
                raise FileError(f"{place} has not as many cells as the first line")
            yield place, {name.strip(): cell for name, cell in row.items()}
    except csv.Error as error:
        raise FileError(f"line {reader.line_num} is no CSV: {error}") from None


def _json_rows(text: str) -> Iterator[tuple[str, Cells]]:
    try:
        read = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise FileError(f"it is no JSON: {error}") from None
    for number, row in enumerate(_results(read), 1):
        if not isinstance(row, dict):
            raise FileError(f"row {number} is no JSON object")
        yield f"row {number}", _flat(row)


def _results(read: Any) -> Iterable[Any]:
    """The rows of pages of buckets, or a plain list."""
    for each in read if isinstance(read, list) else [read]:
        if isinstance(each, dict) and isinstance(each.get("data"), list):
            yield from _results(each["data"])
        elif isinstance(each, dict) and isinstance(each.get("results"), list):
            bucket = {name: value for name, value in each.items() if name != "results"}
            yield from ({**bucket, **result} if isinstance(result, dict) else result for result in each["results"])
        else:
            yield each


def _flat(row: Cells) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat.update({f"{name}_{inner}": v for inner, v in value.items()} if isinstance(value, dict) else {name: value})
    return flat


def _stated(form: Form, place: str, row: Cells, zone: tzinfo | None) -> Stated:
    if form.currency and str(row.get(form.currency) or "usd").lower() != "usd":
        raise FileError(f"{place} is in {row[form.currency]}, and our records are in US dollars")
    figures = {
        measure: sum((_number(place, column, row.get(column), measure) for column in columns), Decimal())
        for measure, columns in form.measures.items()
    }
    if form.cents:
        figures["cost"] /= 100
    if form.cached_in_input:
        figures["input"] -= figures["cache_read"]
    model = str(row.get(form.model) or "").partition(",")[0].strip()
    return Stated(_day(place, form, row, zone), model, figures)


def _number(place: str, column: str, cell: object, measure: str) -> Decimal:
    if cell is None or cell == "":
        return Decimal()
    try:
        number = Decimal(str(cell).strip().removeprefix("$").replace(",", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    tokens = measure != "cost"
    if not number.is_finite() or abs(number) > LARGEST or (tokens and (number < 0 or number % 1)):
        raise FileError(f"{place}: {column} is {str(cell)[:40]!r}, which is no {'count' if tokens else 'amount'}")
    return number


def _day(place: str, form: Form, row: Cells, zone: tzinfo | None) -> date:
    cell = next((row[name] for name in form.day if row.get(name) not in (None, "")), "")
    said = str(cell).strip()
    try:
        if said.replace(".", "", 1).isdecimal():
            return datetime.fromtimestamp(float(said), zone).date()
        at = datetime.fromisoformat(said)
        return at.astimezone(zone).date() if at.tzinfo else at.date()
    except (ValueError, OverflowError, OSError):
        raise FileError(f"{place}: {form.day[0]} is {said[:40]!r}, which is no date such as 2026-11-01") from None
