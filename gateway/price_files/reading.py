"""Which kind of file it is, and whether each row can be. What cannot is refused with its place and the reason."""

import json
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation

import msgspec
from msgspec import Struct

from data.presets import load_presets
from data.supplement import PriceRow
from gateway.errors import BadRequest
from gateway.meters import UNITS
from gateway.price_files import genai, litellm, own

LARGEST = Decimal(1_000_000)
"""Dollars for a unit, which nothing costs."""
_LIST = re.compile(rb"\s*\[\s*[{\]\d]")
"""A JSON list; what TOML begins with is another bracket or a name."""
_BYTE = re.compile(r"\(byte (\d+)\)")
_PLACE = re.compile(r"\$\.price\[(\d+)\]")


class ReadFile(Struct, frozen=True):
    """What a file holds."""

    kind: str
    rows: list[PriceRow]
    passed_over: int
    """Rows of providers that we do not know, or of things that we do not count."""


def read_file(content: bytes, today: date) -> ReadFile:
    """The rows of a price file. Raises `BadRequest` with line or row and the reason."""
    try:
        found = _read(content, today)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise refuse(_told(error, content)) from None
    _check(found.rows)
    return found


def refuse(why: str) -> BadRequest:
    """The refusal of a file."""
    return BadRequest(f"The file cannot be taken: {why}.", param="content", code="bad_price_file")


def _read(content: bytes, today: date) -> ReadFile:
    if _LIST.match(content):
        return ReadFile("genai-prices", *genai.read(content, today))
    if content.lstrip().startswith(b"{"):
        return ReadFile("LiteLLM", *litellm.read(content, today))
    return ReadFile("rows", own.read(content), 0)


def _told(error: Exception, content: bytes) -> str:
    """What is wrong and where, as a person finds it."""
    told = str(error)
    if at := _BYTE.search(told):
        line = content.count(b"\n", 0, int(at[1])) + 1
        told = f"line {line}: {_BYTE.sub('', told).strip()}"
    return _PLACE.sub(lambda match: f"row {int(match[1]) + 1}", told).rstrip(".")


def _check(rows: Iterable[PriceRow]) -> None:
    known = {preset.id for preset in load_presets()}
    for number, row in enumerate(rows, 1):
        where = f"row {number} ({', '.join(row.models[:1])})"
        if not row.providers or not row.models:
            raise refuse(f"{where} names no provider or no model")
        if unknown := [provider for provider in row.providers if provider not in known]:
            raise refuse(f"{where}: there is no provider {json.dumps(unknown[0])}")
        for prices in (row.prices, *(each.prices for each in row.tiers), *(each.prices for each in row.variants)):
            _check_prices(where, prices)


def _check_prices(where: str, prices: dict[str, str]) -> None:
    for meter, said in prices.items():
        if meter not in UNITS:
            raise refuse(f"{where}: nothing is counted in {json.dumps(meter)}; there are {', '.join(UNITS)}")
        try:
            price = Decimal(said)
        except InvalidOperation:
            price = Decimal("NaN")
        if not price.is_finite() or not 0 <= price < LARGEST:
            raise refuse(f"{where}: {meter} is {json.dumps(said)}, and must be dollars from 0 to below a million")
