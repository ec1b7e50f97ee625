"""What commands print: aligned for people, valid for programs, harmless for terminals."""

import msgspec
import pytest

from console.cli.show import fields, show, table, to_json
from gateway.operations import AliasView

EVIL = "\x1b]52;c;bm8=\x07 \x9b2J \u202edrowssap\u2028 next"


def test_columns_line_up_whatever_the_width_of_their_letters() -> None:
    text = table(("NAME", ">COST"), [("模型", "$1.00"), ("gpt", "$12.00")])
    assert text.splitlines() == ["NAME    COST", "模型   $1.00", "gpt   $12.00"]


def test_a_table_without_rows_says_what_to_do_instead() -> None:
    assert table(("NAME",), [], "Make one.") == "Make one."


def test_no_control_character_of_outside_text_reaches_the_terminal() -> None:
    printed = table((">A", "B"), [(EVIL, EVIL)]) + fields([("a", EVIL)])
    assert all(character.isprintable() or character == "\n" for character in printed)


def test_json_says_the_same_without_any_character_a_terminal_acts_on() -> None:
    text = to_json(AliasView(EVIL, "m"))
    assert text.isprintable()
    assert msgspec.json.decode(text, type=AliasView) == AliasView(EVIL, "m")


def test_fields_without_a_value_are_left_out() -> None:
    assert fields([("state", "on"), ("error", "")]) == "state  on"


def test_an_answer_is_printed_either_way(capsys: pytest.CaptureFixture[str]) -> None:
    show(AliasView("a", "b"), False, "a means b")
    show(AliasView("a", "b"), True, "a means b")
    assert capsys.readouterr().out == 'a means b\n{\n  "name": "a",\n  "model": "b"\n}\n'
