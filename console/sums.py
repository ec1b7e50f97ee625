"""Sums of money and whole numbers as people type them, and what is wrong with those that are none. Pure."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from console.units import MICROS

HIGHEST = Decimal(1_000_000_000)
"""Dollars; more is a slip of the hand."""
MOST_DIGITS = 12
UNITS = {"k": 1_000, "M": 1_000_000}


def read_sum(text: str, lowest: Decimal = Decimal(0)) -> int:
    """Dollars as micro-units. Raises `ValueError` with words for a person."""
    try:
        value = Decimal(text.replace("$", "", 1).strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ValueError(f"“{text}” is no sum of money: write dollars, such as 20 or 0.50")
    if value < lowest:
        raise ValueError(f"“{text}” must not be negative" if lowest == 0 else f"“{text}” takes out too much")
    if value > HIGHEST:
        raise ValueError(f"“{text}” is too much: at most ${HIGHEST:,}")
    if value * MICROS % 1:
        raise ValueError(f"“{text}” is finer than a millionth of a dollar")
    return int(value * MICROS)


def written_sum(micros: int | None) -> str:
    """Micro-units as dollars as they would be typed."""
    if micros is None:
        return ""
    text = f"{Decimal(micros) / MICROS:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_number(text: str, lowest: int = 1) -> int:
    """A whole number, `200k` and `2M` among them. Raises `ValueError` with words for a person."""
    digits, unit = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"“{text}” is no whole number")
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"“{text}” is too much")
    if int(digits) * unit < lowest:
        raise ValueError(f"“{text}” must be {lowest} or more")
    return int(digits) * unit


def optional(read: Callable[[str], object]) -> Callable[[str], str]:
    """What is wrong with a value that may be left out."""

    def check(text: str) -> str:
        return needed_as(read)(text) if text else ""

    return check


def needed_as(read: Callable[[str], object]) -> Callable[[str], str]:
    """What is wrong with a value that must be given."""

    def check(text: str) -> str:
        try:
            read(text)
        except ValueError as error:
            return f"{error}."
        return ""

    return check
