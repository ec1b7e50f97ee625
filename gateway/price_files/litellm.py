"""LiteLLM's list of model prices: a JSON object of models, each with costs in dollars for a single token or second."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TypeGuard

import msgspec

from data.supplement import PriceRow, PriceTier, PriceVariant
from gateway.meters import UNITS
from gateway.price_files.dollars import as_text

PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "deepseek": "deepseek",
    "dashscope": "dashscope-intl",
    "volcengine": "volcengine",
    "xiaomi_mimo": "mimo",
    "openrouter": "openrouter",
    "mistral": "mistral",
    "groq": "groq",
    "xai": "xai",
    "moonshot": "moonshot",
    "zai": "zai",
}
METERS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_audio_token": "output_audio",
    "cache_read_input_audio_token_cost": "cache_read_audio",
    "input_cost_per_image_token": "input_image",
    "output_cost_per_image_token": "output_image",
    "input_cost_per_character": "characters",
    "input_cost_per_second": "audio_seconds",
    "output_cost_per_second": "video_seconds",
    "output_cost_per_video_per_second": "video_seconds",
}
"""Fields that say a price for one of what a meter counts."""
MODES = {"audio_seconds": "audio_transcription", "video_seconds": "video_generation"}
"""Seconds are of one thing or another, by what a model does."""
TERMS = {
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "batches": {"processing": "batch"},
    **{size: {"resolution": size} for size in ("480p", "720p", "1080p", "4k")},
}
"""Endings of fields whose price holds on terms."""
_ABOVE = re.compile(r"_above_(\d+)k_tokens")
_ENDING = re.compile(rf"_({'|'.join(TERMS)})$")

Fields = dict[str, object]
Tables = dict[tuple[int, str], dict[str, str]]
"""Prices by the input above which they hold, and by the terms on which they do."""


def read(content: bytes, today: date) -> tuple[list[PriceRow], int]:
    """The rows of providers that we know, and how many others there are."""
    models = msgspec.json.decode(content, type=dict[str, object])
    rows = [row for name, fields in models.items() if (row := _row(name, fields, today))]
    return rows, len(models) - len(rows)


def _row(name: str, fields: object, today: date) -> PriceRow | None:
    """None for a model of another provider, and for one without prices: where all are 0 nobody has looked."""
    if not isinstance(fields, dict):
        raise msgspec.ValidationError(f"the model {name!r} is no object")
    provider = PROVIDERS.get(str(fields.get("litellm_provider")))
    if provider is None:
        return None
    tables = _tables(fields)
    base = tables.pop((0, ""), {})
    if not any(Decimal(price) for price in base.values()):
        return None
    return PriceRow(
        providers=[provider],
        models=[name.removeprefix(f"{fields['litellm_provider']}/").lower()],
        since=today,
        seen=today,
        source=str(fields.get("source", "")),
        prices=base,
        tiers=_tiers_on(tables, "", base),
        variants=[
            PriceVariant(TERMS[terms], prices, _tiers_on(tables, terms, prices))
            for (above, terms), prices in tables.items()
            if terms and not above
        ],
    )


def _tiers_on(tables: Tables, terms: str, base: dict[str, str]) -> list[PriceTier]:
    """The tiers of the usual price, or of that on some terms."""
    return [PriceTier(above, base | prices) for (above, on), prices in sorted(tables.items()) if above and on == terms]


def _tables(fields: Fields) -> Tables:
    tables: Tables = {}
    for name, value in fields.items():
        if is_number(value) and (found := _price(name, value)):
            above, terms, meter, price = found
            if MODES.get(meter, fields.get("mode")) != fields.get("mode"):
                continue
            tables.setdefault((above, terms), {})[meter] = price
    search = fields.get("search_context_cost_per_query")
    if isinstance(search, dict) and is_number(cost := search.get("search_context_size_medium")):
        tables.setdefault((0, ""), {})["web_searches"] = _dollars("web_searches", cost)
    for above, prices in _ranges(fields):
        tables.setdefault((above, ""), {}).update(prices)
    return tables


def _price(name: str, value: float) -> tuple[int, str, str, str] | None:
    """Above how much input, on what terms, of what, and for how much."""
    above, ending = _ABOVE.search(name), _ENDING.search(name)
    plain = _ENDING.sub("", _ABOVE.sub("", name))
    meter = METERS.get(plain)
    if meter is None:
        return None
    return int(above[1]) * 1000 if above else 0, ending[1] if ending else "", meter, _dollars(meter, value)


def _ranges(fields: Fields) -> Iterator[tuple[int, dict[str, str]]]:
    """Another way to say tiers: a list of ranges of the input."""
    told = fields.get("tiered_pricing")
    for tier in told if isinstance(told, list) else ():
        span = tier.get("range") if isinstance(tier, dict) else None
        if isinstance(span, list) and span and is_number(span[0]):
            costs = [(METERS[name], cost) for name, cost in tier.items() if name in METERS]
            yield int(span[0]), {meter: _dollars(meter, cost) for meter, cost in costs if is_number(cost)}


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is one; to Python, true and false are, too."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _dollars(meter: str, cost: float) -> str:
    """The cost of one as that of a meter's unit. Numbers are taken as they are written, not as floats have them."""
    return as_text(Decimal(str(cost)) * UNITS[meter].per)
