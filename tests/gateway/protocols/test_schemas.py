"""JSON Schema for targets that take a part of it: what stays, what is written otherwise, what is told as lost."""

import pytest

from gateway.canonical import JSON
from gateway.errors import BadRequest
from gateway.protocols.schemas import (
    ANTHROPIC,
    GEMINI,
    OPENAPI,
    SIZE_LIMIT,
    Fitted,
    Subset,
    fit,
    for_tool,
    refuse_endless,
    strict_problem,
)

SUBSETS = pytest.mark.parametrize("subset", [GEMINI, OPENAPI, ANTHROPIC])
PET: JSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def of(name: str, schema: JSON, *required: str) -> JSON:
    return {"type": "object", "properties": {name: schema}, "required": list(required)}


def test_keywords_that_a_target_refuses_are_taken_out_and_told_where_they_constrained() -> None:
    age: JSON = {"type": "integer", "multipleOf": 5, "uniqueItems": False, "examples": [1], "x-order": 2}
    fitted = fit({"$schema": "draft", **of("age", age)}, GEMINI)
    assert fitted == Fitted(of("age", {"type": "integer"}), ("properties.age.multipleOf",))


def test_properties_may_be_named_like_keywords() -> None:
    schema = of("pattern", of("$ref", {"type": "string", "pattern": "a+"}), "pattern")
    fitted = fit(schema, GEMINI)
    assert fitted.schema == of("pattern", of("$ref", {"type": "string"}), "pattern")
    assert fitted.removed == ("properties.pattern.properties.$ref.pattern",)


def test_a_constant_is_an_enumeration_of_one() -> None:
    assert fit({"const": "cat"}, GEMINI) == Fitted({"enum": ["cat"]})


def test_an_exclusive_bound_becomes_the_next_integer_and_is_told_for_numbers() -> None:
    assert fit({"type": "integer", "exclusiveMinimum": 0}, GEMINI) == Fitted({"type": "integer", "minimum": 1})
    assert fit({"type": "number", "exclusiveMaximum": 1}, GEMINI) == Fitted(
        {"type": "number", "maximum": 1}, ("exclusiveMaximum",)
    )


def test_all_that_must_hold_together_is_merged() -> None:
    schema: JSON = {"allOf": [of("a", {"type": "string"}, "a"), of("b", {"type": "null"}, "b")]}
    fitted = fit(schema, GEMINI).schema
    assert fitted["properties"] == {"a": {"type": "string"}, "b": {"type": "null"}}
    assert fitted["required"] == ["a", "b"]


def test_plain_references_stay_where_the_target_follows_them() -> None:
    schema: JSON = {**of("pet", {"$ref": "#/$defs/Pet"}), "$defs": {"Pet": PET}}
    assert fit(schema, GEMINI) == Fitted(schema)
    assert fit(schema, OPENAPI) == Fitted(of("pet", PET))


def test_a_reference_with_words_beside_it_is_written_out() -> None:
    schema: JSON = {**of("pet", {"$ref": "#/definitions/Pet", "description": "Mine."}), "definitions": {"Pet": PET}}
    assert fit(schema, GEMINI) == Fitted(of("pet", {**PET, "description": "Mine."}))


def test_a_schema_may_refer_to_itself_by_an_optional_property() -> None:
    schema: JSON = {"$ref": "#/$defs/Node", "$defs": {"Node": of("next", {"$ref": "#/$defs/Node"})}}
    assert fit(schema, GEMINI) == Fitted(schema)


@SUBSETS
def test_a_schema_that_needs_itself_is_cut_and_that_is_told(subset: Subset) -> None:
    schema: JSON = {"$ref": "#/$defs/Node", "$defs": {"Node": of("next", {"$ref": "#/$defs/Node"}, "next")}}
    fitted = fit(schema, subset)
    assert fitted.schema["properties"] == {"next": {}}
    assert fitted.removed == ("properties.next.$ref",)


@SUBSETS
@pytest.mark.parametrize("keyword", ["anyOf", "allOf"])
def test_references_that_multiply_are_bounded(subset: Subset, keyword: str) -> None:
    names = [f"N{at}" for at in range(60)]
    defs = {
        name: {keyword: [{"$ref": f"#/$defs/{after}", "title": str(at)} for at in range(3)]}
        for name, after in zip(names, [*names[1:], "N59"], strict=True)
    }
    fitted = fit({"$ref": "#/$defs/N0", "$defs": defs}, subset)
    assert 0 < len(fitted.removed) <= 2 * SIZE_LIMIT


@SUBSETS
def test_a_deep_schema_is_cut_without_failing(subset: Subset) -> None:
    schema: JSON = {"type": "string"}
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    assert len(fit(schema, subset).removed) == 1


@SUBSETS
@pytest.mark.parametrize(
    "odd",
    [
        {"properties": []},
        {"required": "a"},
        {"anyOf": {}},
        {"enum": "a"},
        {"$ref": 5},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.com/pet"},
        {"allOf": 1},
        {"items": None},
        {"properties": {"a": 1, "b": False, "c": True}},
        {"type": 5, "exclusiveMinimum": True},
    ],
)
def test_nonsense_gives_a_schema_and_no_failure(subset: Subset, odd: JSON) -> None:
    assert isinstance(fit(odd, subset).schema, dict)
    assert for_tool(odd).schema["type"] == "object"
    assert strict_problem({**odd, "type": "object"})


def test_a_structured_output_of_anthropic_is_closed_and_its_bounds_are_words() -> None:
    fitted = fit(of("age", {"type": "integer", "minimum": 1, "maximum": 9, "description": "Years."}), ANTHROPIC)
    age: JSON = {"type": "integer", "description": "Years.\n\n{minimum: 1, maximum: 9}"}
    assert fitted.schema == {**of("age", age), "additionalProperties": False}
    assert fitted.removed == ("properties.age.minimum", "properties.age.maximum")


@SUBSETS
def test_what_fits_stays_as_it_is(subset: Subset) -> None:
    once = fit(of("a", {"anyOf": [PET, {"type": "string", "format": "date", "maxLength": 3}]}), subset).schema
    assert fit(once, subset) == Fitted(once)


def test_a_tool_without_arguments_takes_an_empty_object() -> None:
    assert for_tool(None) == Fitted({"type": "object", "properties": {}})


def test_a_tool_whose_arguments_are_alternatives_takes_the_properties_of_all() -> None:
    schema: JSON = {"anyOf": [of("a", {"type": "string"}, "a"), {"$ref": "#/$defs/Pet"}], "$defs": {"Pet": PET}}
    fitted = for_tool(schema)
    assert set(fitted.schema) == {"type", "properties", "$defs"}
    assert fitted.schema["properties"] == {"name": {"type": "string"}, "a": {"type": "string"}}
    assert fitted.removed == ("anyOf",)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({**PET, "additionalProperties": False}, ""),
        (PET, "its root takes further properties"),
        ({**PET, "required": [], "additionalProperties": False}, "its root has optional properties"),
        ({"anyOf": [PET], "type": "object"}, "its root is not a plain object"),
        (
            {**of("a", {"type": "string", "default": 1}, "a"), "additionalProperties": False},
            "properties.a has 'default'",
        ),
    ],
)
def test_a_strict_schema_is_told_from_one_that_openai_refuses(schema: JSON, problem: str) -> None:
    assert strict_problem(schema) == problem


def test_a_reference_that_leads_back_to_itself_is_refused_and_one_that_recurs_by_a_property_is_not() -> None:
    tree = {"$ref": "#/$defs/node", "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}}
    refuse_endless(tree, "tools[0].parameters")
    round_and_round = {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}
    with pytest.raises(BadRequest) as refused:
        refuse_endless(round_and_round, "tools[0].parameters")
    assert refused.value.param == "tools[0].parameters"


def test_a_reference_to_an_endless_number_leads_nowhere() -> None:
    schema: dict[str, object] = {"$ref": f"#/anyOf/{'9' * 5000}", "anyOf": [{"type": "object"}]}
    assert "$ref" in for_tool(schema).removed
