"""Records for other programs: CSV for spreadsheets, JSON for the rest. No Textual: commands use it."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TextIO

import msgspec
from msgspec import Struct

from console.scrub import scrub
from console.units import MICROS, exact

FORMULA = ("=", "+", "-", "@")
"""With what spreadsheets begin a formula: names from outside must not become one."""
MONEY = "_micros"
MOMENTS = frozenset(("start", "started_at"))


def write_csv(file: TextIO, kind: type[Struct], records: Iterable[Struct]) -> None:
    """Records below a line of their fields' names: times in UTC, money in dollars to the last digit."""
    writer = csv.writer(file)
    fields = kind.__struct_fields__
    writer.writerow(f"{field.removesuffix(MONEY)}_usd" if field.endswith(MONEY) else field for field in fields)
    for record in records:
        writer.writerow(_cell(field, getattr(record, field)) for field in fields)


def as_csv(kind: type[Struct], records: Sequence[Struct]) -> str:
    """The same as a text."""
    file = io.StringIO()
    write_csv(file, kind, records)
    return file.getvalue()


def as_json(records: Sequence[Struct]) -> str:
    """Records as they came, as one list."""
    return msgspec.json.format(msgspec.json.encode(records), indent=2).decode() + "\n"


def _cell(field: str, value: object) -> str:
    if value is None:
        return ""
    if field.endswith(MONEY) and isinstance(value, int):
        return exact(value)
    if field in MOMENTS and isinstance(value, int):
        return f"{datetime.fromtimestamp(value / MICROS, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, str):
        text = scrub(value)
        return f"'{text}" if text.startswith(FORMULA) else text
    return str(value)
