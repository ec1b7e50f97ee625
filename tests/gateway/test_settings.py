"""What can be set is a table, and a value is taken as people write it or refused saying what is allowed."""

from typing import Any

import pytest

from gateway.errors import BadRequest, NotFound
from gateway.settings import TABLE, Settings, checked, shown


def test_every_setting_is_described_and_its_usual_value_is_one_it_takes() -> None:
    assert list(TABLE) == list(Settings.__struct_fields__)
    for name, setting in TABLE.items():
        assert setting.title
        assert setting.about.endswith(".")
        assert checked(name, shown(setting.usual)) == setting.usual


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("fetch_media", "on", True),
        ("fetch_media", "off", False),
        ("fetch_media", True, True),
        ("response_retention_days", "7", 7),
        ("response_retention_days", 0, 0),
    ],
)
def test_a_value_is_taken_as_it_is_typed_or_as_it_is_stored(name: str, given: Any, value: Any) -> None:
    assert checked(name, given) is value or checked(name, given) == value


@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("fetch_media", "perhaps", "on or off"),
        ("fetch_media", None, "on or off"),
        ("fetch_media", ["on"], "on or off"),
        ("response_retention_days", "-1", "a whole number from 0 to 3650"),
        ("response_retention_days", "many", "a whole number from 0 to 3650"),
        ("response_retention_days", True, "a whole number from 0 to 3650"),
    ],
)
def test_any_other_value_is_refused_saying_what_is_allowed(name: str, given: Any, allowed: str) -> None:
    with pytest.raises(BadRequest, match=f"{name} must be {allowed}") as refused:
        checked(name, given)
    assert refused.value.param == name


def test_a_setting_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="fetch_media"):
        checked("fetch_medea", "on")
