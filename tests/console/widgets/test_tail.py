"""Running text as it arrives."""

from hypothesis import given
from hypothesis import strategies as st

from console.ink import line_width, plain
from console.widgets.tail import TailText
from gateway.canonical import Piece


def laid_out(pieces: list[Piece], width: int) -> str:
    text = TailText()
    for piece in pieces:
        text.append(piece)
        text.lay_out(width)
    return "\n".join(plain(line).strip() for line in text.lay_out(width))


def test_pieces_of_a_word_are_joined_and_lines_are_kept() -> None:
    assert laid_out([Piece("text", "Hel"), Piece("text", "lo\nwor"), Piece("text", "ld")], 40) == "Hello\nworld"


def test_another_kind_of_text_begins_on_a_line_of_its_own_under_its_name() -> None:
    shown = laid_out([Piece("reasoning", "hm"), Piece("text", "so"), Piece("tool", "f()")], 40)
    assert shown == "thinking\nhm\n\nso\n\ncall\nf()"


def test_text_in_steps_is_laid_out_as_if_it_had_come_at_once() -> None:
    words = "the quick brown fox jumps over the lazy dog " * 20
    assert laid_out([Piece("text", letter) for letter in words], 31) == laid_out([Piece("text", words)], 31)


@given(st.lists(st.text(max_size=40), max_size=30), st.integers(8, 60))
def test_no_line_is_ever_wider_than_its_room(parts: list[str], width: int) -> None:
    text = TailText()
    for part in parts:
        text.append(Piece("text", part))
    assert all(line_width(line) <= width for line in text.lay_out(width))
