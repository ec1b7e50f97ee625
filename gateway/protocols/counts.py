"""Counts out of a provider's usage object. They are not trusted: what is no plain count is not read."""

import msgspec
from msgspec.structs import replace

from gateway.canonical import Details, Usage
from gateway.meters import OTHERS, PARTS

LIMIT = 1_000_000_000

Paths = tuple[tuple[str, tuple[str, ...]], ...]
"""Which of our names is read from where in the object; a later line wins over an earlier one of the same name."""


def note_counts(counts: dict[str, int], usage: object, paths: Paths) -> None:
    """Take over what this usage object says; what it leaves out stays as it was."""
    if not isinstance(usage, dict):
        return
    for name, path in paths:
        if path[0] not in usage:
            continue
        value: object = usage
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        # type() because a bool is an int to isinstance
        if type(value) is int and 0 <= value < LIMIT:
            counts[name] = value


USUAL: dict[str, str] = {}
"""The terms of most requests."""
TERMS = {tier: {"service_tier": tier} for tier in ("flex", "priority", "fast")} | {"batch": {"processing": "batch"}}
"""How a request was served, where that has a price of its own."""
_DETAILED = frozenset((*PARTS, *OTHERS))


def terms_of(tier: object) -> dict[str, str]:
    """What a provider calls a request's service tier, if it is not the usual one."""
    return TERMS.get(tier, USUAL) if isinstance(tier, str) else USUAL


def with_details(usage: Usage | None, counts: dict[str, int], terms: dict[str, str]) -> Usage | None:
    """The same usage with what of it has a price of its own. No part is more than what is left of its bucket."""
    if usage is None or (not terms and _DETAILED.isdisjoint(counts)):
        return usage
    left = {bucket: getattr(usage, bucket) for bucket in set(PARTS.values())}
    told = {meter: counts[meter] for meter in OTHERS if counts.get(meter)}
    for meter, bucket in PARTS.items():
        # Those of the input are told with what of them came from the cache.
        cached = counts.get(meter.replace("input", "cache_read"), 0) if bucket == "input" else 0
        if count := min(max(counts.get(meter, 0) - cached, 0), left[bucket]):
            told[meter] = count
            left[bucket] -= count
    return replace(usage, details=msgspec.convert({**told, "terms": terms}, Details)) if told or terms else usage
