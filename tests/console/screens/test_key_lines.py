"""How a key stands, in one word and in a sentence."""

import pytest
from msgspec.structs import replace

from console.captures import captures
from console.screens.key_lines import STATES, WORDS, besides, key_columns, standing
from data.limits import Brake
from tests.console.money import DOLLAR, HOUR
from tests.console.scripted import NOW, key

NOW_MICROS = int(NOW * DOLLAR)
ON = key(1, "web-prod")
CAPTURED = replace(ON, capture_until=NOW_MICROS + HOUR, capture_left=12)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "on"),
        ({"state": "revoked", "brake": Brake(frozen=True)}, "revoked"),
        ({"state": "off"}, "off"),
        ({"brake": Brake(frozen=True, hold=True)}, "frozen"),
        ({"brake": Brake(hold=True)}, "held"),
        ({"brake": Brake(tokens_per_second=20)}, "slowed"),
        ({"brake": Brake(approve_above_micros=0)}, "asks"),
        ({"old_valid_until": NOW_MICROS + HOUR}, "rotating"),
        ({"old_valid_until": NOW_MICROS - 1}, "on"),
        ({"capture_until": NOW_MICROS + HOUR, "capture_left": 12}, "capture"),
        ({"capture_until": NOW_MICROS + HOUR, "capture_left": 0}, "on"),
    ],
)
def test_the_gravest_thing_is_said_of_a_key(fields: dict[str, object], word: str) -> None:
    assert standing(replace(ON, **fields), NOW_MICROS) == word


def test_every_state_has_a_glyph_a_word_and_a_sentence() -> None:
    assert all(word in text and not text.startswith(word) for word, (text, _) in STATES.items())
    assert WORDS.keys() == STATES.keys()


def test_a_capture_shows_in_the_list_whatever_else_is_the_matter() -> None:
    frozen = replace(CAPTURED, brake=Brake(frozen=True))
    columns = key_columns(lambda: NOW_MICROS, lambda key: None, budgets=False, prepaid=False)
    name = next(column for column in columns if column.id == "name")
    assert captures(frozen, NOW_MICROS)
    assert name.cell(frozen) == ("◉ web-prod", "plain")


def test_what_is_out_of_the_ordinary_is_told_before_rules_and_notes() -> None:
    rotated = replace(ON, note="for the app", old_valid_until=NOW_MICROS + 3 * HOUR, old_last_used_at=NOW_MICROS - HOUR)
    assert besides(CAPTURED, None, NOW_MICROS)[0].startswith(" what its next 12 requests and their answers say is kept")
    assert "3h from now; last used 1h ago" in besides(rotated, None, NOW_MICROS)[0]
    assert besides(replace(ON, note="for the app"), None, NOW_MICROS) == (" for the app", "muted")
