"""Keys of the screens that open above the main ones."""

from collections import Counter

import pytest

from console.commands import ANYWHERE, LISTS, Command
from console.screens.key_detail import KeyScreen
from console.screens.logs import EventScreen
from console.screens.models import ModelsScreen
from console.screens.prices import PricesScreen
from console.screens.requests import RequestsScreen
from console.screens.snippets import CreatedScreen, SnippetsScreen

FRAMES = [KeyScreen, EventScreen, ModelsScreen, PricesScreen, RequestsScreen]
BOXES = [CreatedScreen, SnippetsScreen]


def keys_of(commands: tuple[Command, ...]) -> list[str]:
    """Every key that is bound."""
    return [key for command in commands for key in command.keys.split(",")]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_no_key_means_two_things_there(frame: type[KeyScreen]) -> None:
    counted = Counter(keys_of((*frame.KEYS, *LISTS, *ANYWHERE)))
    assert [key for key, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("screen", [*FRAMES, *BOXES], ids=lambda screen: screen.__name__)
def test_every_command_there_has_words_and_an_action(screen: type[KeyScreen]) -> None:
    for command in screen.KEYS:
        assert command.label
        assert command.help.endswith(".")
        assert "." in command.action or hasattr(screen, f"action_{command.action.split('(')[0]}")
