"""Amounts of dollars as rows have them: text, so that they stay exact."""

from decimal import Decimal

EXTREME = 30
"""Digits before or after the point that no price has."""


def as_text(dollars: Decimal) -> str:
    """Without an exponent, but for what is no price and will be refused: that could be very long."""
    sensible = dollars.is_finite() and abs(dollars.adjusted()) < EXTREME
    return f"{dollars.normalize():f}" if sensible else str(dollars)
