"""Free-text tools as functions and back."""

from gateway.canonical import CustomTool
from gateway.protocols.custom_tools import as_function, unwrap, wrap


def test_free_text_survives_its_way_through_a_function() -> None:
    assert unwrap(wrap('say "hé"\n')) == 'say "hé"\n'


def test_a_model_that_forgot_the_wrapping_is_taken_at_its_word() -> None:
    assert unwrap("*** Begin Patch") == "*** Begin Patch"
    assert unwrap('{"patch": 1}') == '{"patch": 1}'


def test_a_grammar_is_told_in_the_functions_description() -> None:
    tool = as_function(CustomTool("patch", "Edits.", {"type": "grammar", "syntax": "lark", "definition": "start: X"}))
    assert tool.description == "Edits.\n\nThe input must follow this grammar:\nstart: X"
    assert tool.schema
    assert tool.schema["required"] == ["input"]
