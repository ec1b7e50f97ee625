"""Nothing that the SDKs or the canonical model know is left undecided."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typing_extensions as te
from anthropic.types import message_create_params
from anthropic.types.beta import message_create_params as beta_message_create_params

from gateway.canonical import (
    Part,
    Request,
    WebSearch,
)
from gateway.protocols.anthropic_messages.fields import FATES, FIELDS


def bare(hint: Any) -> Any:
    while te.get_origin(hint) in (te.Required, te.NotRequired, te.Annotated):
        hint = te.get_args(hint)[0]
    return hint


def typed_dicts(hint: Any) -> Iterator[Any]:
    hint = bare(hint)
    if te.is_typeddict(hint):
        yield hint
        return
    for inner in te.get_args(hint):
        yield from typed_dicts(inner)


def literals(hint: Any) -> list[str]:
    hint = bare(hint)
    if te.get_origin(hint) is te.Literal:
        return [value for value in te.get_args(hint) if isinstance(value, str)]
    return [value for inner in te.get_args(hint) for value in literals(inner)]


def parameters(kind: Any, prefix: str, seen: set[tuple[Any, str]]) -> Iterator[str]:
    """Every parameter of a TypedDict and of those within that are not decided as a whole."""
    if (kind, prefix) in seen:
        return
    seen.add((kind, prefix))
    for name, hint in te.get_type_hints(kind, include_extras=True).items():
        if prefix and name in ("type", "role"):
            continue
        key = f"{prefix}.{name}" if prefix else name
        yield key
        if FIELDS.get(key) in ("extension", "ignored", "Native.item"):
            continue
        for inner in typed_dicts(hint):
            hints = te.get_type_hints(inner, include_extras=True)
            tags = literals(hints.get("type")) or literals(hints.get("role"))
            if not any(tag in FIELDS for tag in tags):
                yield from parameters(inner, tags[0] if tags else key, seen)


@pytest.mark.parametrize(
    "kind",
    [message_create_params.MessageCreateParamsStreaming, beta_message_create_params.MessageCreateParamsStreaming],
)
def test_every_parameter_of_the_newest_sdk_has_a_meaning(kind: Any) -> None:
    assert {name for name in parameters(kind, "", set()) if name not in FIELDS} == set()


def test_every_canonical_field_has_a_fate() -> None:
    kinds = [re.sub(r"(?<=[a-z])([A-Z])", r"_\1", kind.__name__).lower() for kind in te.get_args(Part)]
    others = ("tool.function", "tool.custom", "tool.server", "source.inline", "source.remote", "source.stored")
    searches = ["tool.web_search", *(f"search.{option}" for option in WebSearch.__struct_fields__)]
    choices = [f"choice.{mode}" for mode in ("auto", "none", "required", "one", "subset")]
    assert {*Request.__struct_fields__, *(f"part.{kind}" for kind in kinds), *others, *choices, *searches} <= set(FATES)
