"""What the demo model says, decided by the prompt alone."""

import pytest

from gateway.canonical import Usage
from gateway.demo_script import (
    MOST_WORDS,
    SPEED,
    Manner,
    Prompt,
    Tool,
    answer_to,
    count,
    manner_of,
    pieces_of,
    sample,
)


def prompt(user: str, model: str = "demo-1", tools: tuple[Tool, ...] = (), tool_result: str | None = None) -> Prompt:
    return Prompt(model=model, user=user, everything=user, tools=tools, tool_result=tool_result)


def say(user: str) -> str:
    asked = prompt(user)
    return answer_to(asked, manner_of(asked), b"").text


@pytest.mark.parametrize(
    ("directive", "manner"),
    [
        ("", Manner()),
        ("[demo slow]", Manner(delay=5)),
        ("[demo slow 0.5]", Manner(delay=0.5)),
        ("[DEMO Speed 300]", Manner(speed=300)),
        ("[demo words 12]", Manner(words=12)),
        ("[demo think]", Manner(thinks=True)),
        ("[demo tool]", Manner(calls=True)),
        ("[demo fail]", Manner(status=500)),
        ("[demo fail 503]", Manner(status=503)),
        ("[demo 429]", Manner(status=429)),
        ("[demo fail mid-stream]", Manner(breaks_off=True)),
        ("[demo slow 1] and [demo words 5]", Manner(delay=1, words=5)),
        ("[demo dance] [demo speed 0] [demo words] [demo fail 200]", Manner(status=500)),
        ("[demo slow 999999]", Manner(delay=600)),
        ("[demo words 999999]", Manner(words=MOST_WORDS)),
        ("slow fail tool", Manner()),
    ],
)
def test_directives_set_the_manner_and_what_is_not_understood_is_passed_over(directive: str, manner: Manner) -> None:
    assert manner_of(prompt(f"Hello {directive} there")) == manner


def test_models_differ_in_pace_and_in_thinking() -> None:
    assert manner_of(prompt("hi", model="demo-1-mini")).speed == 2 * SPEED
    assert manner_of(prompt("hi", model="demo-think")).thinks


@pytest.mark.parametrize("number", [1, 50, 3000])
def test_as_many_words_come_as_were_asked_for(number: int) -> None:
    assert count(say(f"[demo words {number}]")) == number


def test_the_echo_leaves_directives_out_and_long_prompts_short() -> None:
    text = say("[demo think] " + "word " * 500)
    assert "[demo think] word" not in text
    assert text.count("word ") < 30


def test_without_an_offered_tool_it_says_so_instead_of_calling_one() -> None:
    assert "none was offered" in say("[demo tool]")


def test_no_tool_is_called_twice_in_a_row() -> None:
    asked = prompt("[demo tool]", tools=(Tool("weather"),), tool_result="9 degrees")
    answer = answer_to(asked, manner_of(asked), b"")
    assert answer.call is None
    assert answer.finish == "end"


def test_usage_is_the_words_that_went_in_and_came_out() -> None:
    asked = prompt("one two [demo think]", tools=(Tool("weather"),))
    answer = answer_to(asked, manner_of(asked), b"")
    assert answer.usage == Usage(input=4, output=count(answer.text), reasoning=count(answer.reasoning))


def test_pieces_put_together_are_the_text() -> None:
    text = say("Hello there")
    assert "".join(pieces_of(text)) == text


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "example"),
        ({"type": "STRING"}, "example"),
        ({"type": ["null", "integer"], "minimum": 7}, 7),
        ({"type": "number"}, 1),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"enum": ["c", "f"]}, "c"),
        ({"const": 5}, 5),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array"}, []),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"properties": {"city": {}, "n": {"type": "integer"}}}, {"city": "Oslo", "n": 1}),
        ({"properties": {"a": {"type": "boolean"}, "b": {}}, "required": ["a"]}, {"a": True}),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, 1),
        ({"$ref": "#/nowhere"}, "example"),
    ],
)
def test_a_sample_fits_its_schema(schema: dict[str, object], value: object) -> None:
    assert sample(schema) == value


def test_schemas_that_refer_to_themselves_come_to_an_end() -> None:
    assert sample({"$ref": "#"}) == "example"
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    assert isinstance(sample(tree), dict)
