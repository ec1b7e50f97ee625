"""How a command finds what it is about."""

import pytest

from console.cli.asking import pick
from gateway.errors import BadRequest, NotFound
from gateway.operations import AliasView

ALIASES = [AliasView("fast", "a"), AliasView("cheap", "b"), AliasView("small", "b")]


def names(alias: AliasView) -> tuple[str, str]:
    return alias.name, alias.model


def test_a_thing_goes_by_any_of_its_names() -> None:
    assert pick(ALIASES, "a", names, "alias") is pick(ALIASES, "fast", names, "alias")


def test_a_name_that_nothing_has_is_refused_with_a_way_to_find_it() -> None:
    with pytest.raises(NotFound, match="console alias list"):
        pick(ALIASES, "slow", names, "alias")


def test_a_name_that_several_have_is_refused_with_their_numbers() -> None:
    with pytest.raises(BadRequest, match=r"cheap, small"):
        pick(ALIASES, "b", names, "alias")
