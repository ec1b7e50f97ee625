"""The filter language of the lists: a line of text becomes a function that says whether a row passes. Pure.

any of { term+ } separated by |      space = and    -term = not    "..." = literal
field:value    begins so; * and ? as wildcards, comma = any of model:gpt,claude   model:*mini   code:4xx
field:"value"  exactly so
field~regex    field>2s  >= < <= =                             ttft>2s  cost>0.01  in>6k
word           somewhere in what the list says is searchable
"""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import translate
from typing import Generic

from msgspec import Struct

from console.widgets.rows import Row

Value = str | float | None
Passes = Callable[[Row], bool]

ALTERNATIVES = re.compile(r'((?:[^|"]|"[^"]*"?)+)')
TERMS = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
TERM = re.compile(r"(?P<no>-)?(?:(?P<field>[a-z]+)(?P<sign>:|~|>=|<=|>|<|=))?(?P<value>.*)", re.DOTALL)
QUANTITY = re.compile(r"\$?(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<unit>ms|[smhdkMG%]?)")
UNITS = {"": 1.0, "ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "k": 1e3, "M": 1e6, "G": 1e9, "%": 0.01}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    "=": lambda left, right: left == right,
}


class FilterError(Exception):
    """The text is not a filter (yet); says what is wrong and what may have been meant."""


class Vocabulary(Struct, Generic[Row], frozen=True):
    """What can be said about the rows of one list."""

    fields: Mapping[str, Callable[[Row], Value]]
    """Times in seconds, money in dollars."""
    words: Callable[[Row], Iterable[str]]
    """Where a bare word is looked for."""
    named: Mapping[str, str] = {}
    """`@name` stands for this filter."""


def compile_filter(text: str, vocabulary: Vocabulary[Row]) -> Passes[Row] | None:
    """The filter as a function; None when it lets everything pass. Raises `FilterError`."""
    groups = [_compile_all(group, vocabulary) for group in ALTERNATIVES.findall(text) if group.strip()]
    if not groups or any(not terms for terms in groups):
        return None
    if len(groups) == 1 and len(groups[0]) == 1:
        return groups[0][0]
    return lambda row: any(all(term(row) for term in terms) for terms in groups)


def _compile_all(text: str, vocabulary: Vocabulary[Row]) -> list[Passes[Row]]:
    compiled = (_compile_term(term, vocabulary) for term in TERMS.findall(text))
    return [passes for passes in compiled if passes]


def _compile_term(term: str, vocabulary: Vocabulary[Row]) -> Passes[Row] | None:
    found = TERM.fullmatch(term)
    if not found:
        raise FilterError(f"cannot read {term!r}")
    value = found["value"]
    if not value.strip('"'):
        return None
    passes = _positive(found["field"], found["sign"], value, vocabulary)
    if passes and found["no"]:
        wanted = passes
        return lambda row: not wanted(row)
    return passes


def _positive(field: str | None, sign: str | None, value: str, vocabulary: Vocabulary[Row]) -> Passes[Row] | None:
    if field is None or sign is None:
        return _named(value, vocabulary) if value.startswith("@") else _word(value.replace('"', ""), vocabulary)
    read = vocabulary.fields.get(field)
    if read is None:
        raise FilterError(_unknown("field", field, vocabulary.fields))
    if sign == ":":
        return _any_of(read, value)
    bare = value.replace('"', "")
    return _matching(read, bare) if sign == "~" else _comparing(read, sign, bare)


def _named(value: str, vocabulary: Vocabulary[Row]) -> Passes[Row] | None:
    name = value[1:]
    if name not in vocabulary.named:
        raise FilterError(_unknown("filter", name, vocabulary.named))
    return compile_filter(vocabulary.named[name], vocabulary)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), 1)
    return f'unknown {what} "{name}"' + (f"  did you mean {close[0]}?" if close else "")


def _word(value: str, vocabulary: Vocabulary[Row]) -> Passes[Row]:
    sought = value.casefold()
    return lambda row: any(sought in text.casefold() for text in vocabulary.words(row))


def _any_of(read: Callable[[Row], Value], value: str) -> Passes[Row]:
    parts = [part.casefold() for part in value.split(",") if part]
    patterns = [re.compile(_glob(part)).match for part in parts]
    digits = [re.compile(part.replace("x", r"\d")).fullmatch for part in parts if re.fullmatch(r"[\dx.]+", part)]

    def passes(row: Row) -> bool:
        seen = read(row)
        if isinstance(seen, str):
            return any(match(seen.casefold()) for match in patterns)
        return seen is not None and any(match(f"{seen:g}") for match in digits)

    return passes


def _glob(part: str) -> str:
    return translate(part.strip('"') if '"' in part else part + "*")


def _matching(read: Callable[[Row], Value], value: str) -> Passes[Row]:
    try:
        search = re.compile(value, re.IGNORECASE).search
    except re.error as error:
        raise FilterError(f"{value!r} is not a regular expression: {error}") from error
    return lambda row: search(str(read(row) or "")) is not None


def _comparing(read: Callable[[Row], Value], sign: str, value: str) -> Passes[Row]:
    found = QUANTITY.fullmatch(value)
    if not found:
        raise FilterError(f"{value!r} is not a quantity such as 2s, 6k or 0.01")
    limit = float(found["number"]) * UNITS[found["unit"]]
    compare = COMPARISONS[sign]

    def passes(row: Row) -> bool:
        seen = read(row)
        return isinstance(seen, int | float) and compare(seen, limit)

    return passes
