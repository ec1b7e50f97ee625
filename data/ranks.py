"""Tokenizer ranks that ship with the project, packed by `data/reference/pack_ranks.py`."""

import lzma
from importlib.resources import files


def load_ranks(name: str) -> dict[bytes, int]:
    """Every token's rank. Takes a tenth of a second: not for the loop."""
    packed = lzma.decompress(files("data.reference").joinpath(f"{name}.xz").read_bytes())
    ranks: dict[bytes, int] = {}
    start = 0
    while start < len(packed):
        end = start + 1 + packed[start]
        ranks[packed[start + 1 : end]] = len(ranks)
        start = end
    return ranks
