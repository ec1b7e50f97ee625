"""Editing one member of a JSON text must leave every other byte alone."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.splice import Repeats, find_member, outside_strings, top_level, with_member, without_member

LAW = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
JSON = dict[str, object]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["model", '"model"', "\\", '{"', "\u20ac\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "n", 'a"', "\\"]), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["model", "stream", "n", 'model"', "x\\", "é"]), VALUES)
LAYOUTS = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@LAW
@given(OBJECTS, LAYOUTS)
def test_every_member_is_found_where_its_value_lies(value: JSON, layout: JSON) -> None:
    body = json.dumps(value, **layout).encode()
    assert {member.name: json.loads(body[member.start : member.end]) for member in top_level(body)} == value


@LAW
@given(OBJECTS, LAYOUTS)
def test_a_replaced_member_changes_only_the_bytes_of_its_value(value: JSON, layout: JSON) -> None:
    body = json.dumps(value, **layout).encode()
    changed = with_member(body, "model", b'"other"')
    assert json.loads(changed) == {**value, "model": "other"}
    if member := find_member(body, "model"):
        assert changed[: member.start] == body[: member.start]
        assert changed.endswith(body[member.end :])


@LAW
@given(OBJECTS, LAYOUTS)
def test_a_member_that_is_taken_out_leaves_the_others_readable(value: JSON, layout: JSON) -> None:
    body = json.dumps(value, **layout).encode()
    assert json.loads(without_member(body, "model")) == {name: item for name, item in value.items() if name != "model"}


@LAW
@given(VALUES)
def test_what_is_outside_of_strings_has_the_same_brackets(value: object) -> None:
    rest = outside_strings(json.dumps(value).encode())
    assert rest.count(b"{") == rest.count(b"}")
    assert b'"' not in rest
    assert b"\\" not in rest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{ "a" : 1.50 ,\n "model" : "x" , "a" : 1e2 }', b'{ "a" : 1.50 ,\n "model" : "new" , "a" : 1e2 }'),
        (b'{"tools":[{"model":"t"}],"model":"x"}', b'{"tools":[{"model":"t"}],"model":"new"}'),
        (b'{"role":"model","model":"x"}', b'{"role":"model","model":"new"}'),
        (b'{"mod\\u0065l":"x","a":{"model":1}}', b'{"mod\\u0065l":"new","a":{"model":1}}'),
        (b'{"a":{"model":1}}', b'{"model":"new","a":{"model":1}}'),
        (b"{ }", b'{"model":"new" }'),
    ],
)
def test_the_model_is_replaced_wherever_it_stands(before: bytes, after: bytes) -> None:
    assert with_member(before, "model", b'"new"') == after


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"model":"a","model":"b"}', "model"),
        (b'{"model":null,"x":{},"mod\\u0065l":"b"}', "model"),
        (b'{"stream":true,"model":"a","stream":false}', "stream"),
        (b'{"model":"a","x":1,"x":2,"y":{"model":1,"stream":2}}', None),
        (b"{}", None),
    ],
)
def test_a_name_given_twice_at_the_top_is_found(body: bytes, name: str | None) -> None:
    assert Repeats("model", "stream").first(body) == name
