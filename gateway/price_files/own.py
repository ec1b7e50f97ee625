"""Rows as in our own list, `data/reference/prices.toml`."""

import msgspec

from data.supplement import PriceRow, PriceRows


def read(content: bytes) -> list[PriceRow]:
    """All of them."""
    return msgspec.toml.decode(content, type=PriceRows).price
