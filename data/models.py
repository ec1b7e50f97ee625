"""Our own list of what differs between models, as far as requests depend on it: rows by name, each with its source.

What a row means for a request is decided elsewhere.
"""

from datetime import date
from importlib.resources import files
from typing import Literal

import msgspec


class ModelRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `data/reference/models.toml`, which says what each member means."""

    models: list[str]
    source: str
    seen: date
    providers: list[str] = []
    """The upstreams it holds for; empty for all."""
    family: Literal["", "anthropic", "openai", "google"] = ""
    max_output: int | None = None
    efforts: list[Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]] = []
    thinking_style: Literal["", "adaptive", "budget", "level"] = ""
    samples: bool = True
    largest_budget: int | None = None


class _Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: list[ModelRow]


def load_model_rows() -> list[ModelRow]:
    """All rows, in the order of the file."""
    text = files("data.reference").joinpath("models.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Rows).model
