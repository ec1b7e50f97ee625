"""Nothing from outside can speak to the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.scrub import ASCII_FORMS, scrub, scrub_lines

ATTACKS = [
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\u202egpj.exe",
    "a\rb",
    "\x7f",
    "\ud800",
    "zero\u200bwidth",
]


def dangerous(text: str) -> list[str]:
    return [sign for sign in text if ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or sign in "\u202e\u200b"]


@pytest.mark.parametrize("text", ATTACKS)
def test_no_known_attack_survives_as_a_control_character(text: str) -> None:
    assert dangerous(scrub(text)) == []


@given(st.text())
def test_no_text_at_all_keeps_a_control_character(text: str) -> None:
    assert dangerous(scrub(text)) == []
    assert dangerous(scrub_lines(text).replace("\n", "")) == []


def test_an_escape_is_shown_as_a_sign_and_its_text_stays_readable() -> None:
    assert scrub("\x1b[31mred") == "␛[31mred"


def test_ordinary_text_in_any_script_is_left_as_it_is() -> None:
    assert scrub("héllo 世界 ✓ 🎉") == "héllo 世界 ✓ 🎉"


def test_lines_and_tabs_stay_lines_and_spaces() -> None:
    assert scrub_lines("a\r\n\tb\x1b") == "a\n    b␛"


def test_every_glyph_has_a_plain_form_of_the_same_width() -> None:
    assert "✓↻ ▶ ◌ ■ ✗ ●◐○ ▁▇ …".translate(ASCII_FORMS).isascii()
