"""What is known of a model, by its name and the upstream it is at. It decides nothing; encoding asks it."""

from fnmatch import fnmatchcase
from functools import cache, lru_cache

from data.models import ModelRow, load_model_rows
from gateway.protocols.translation import ModelFacts

KEPT_MODELS = 4096


@lru_cache(KEPT_MODELS)
def facts_for(model: str, provider_id: str) -> ModelFacts:
    """The facts of the first row that fits; of a model that nobody knows, only defaults."""
    name = model.lower().rpartition("/")[2]
    return next((_facts(row) for row in _rows() if _fits(row, name, provider_id)), ModelFacts())


def warm() -> None:
    """Read the table: some milliseconds, so call it in a thread after start."""
    _rows()


def _fits(row: ModelRow, name: str, provider_id: str) -> bool:
    if row.providers and provider_id not in row.providers:
        return False
    return any(fnmatchcase(name, pattern) for pattern in row.models)


def _facts(row: ModelRow) -> ModelFacts:
    return ModelFacts(
        family=row.family,
        max_output=row.max_output,
        efforts=tuple(row.efforts),
        thinking_style=row.thinking_style,
        samples=row.samples,
        largest_budget=row.largest_budget,
    )


@cache
def _rows() -> list[ModelRow]:
    return load_model_rows()
