"""The registry of keys: one meaning for each, and words for all of them."""

from collections import Counter

import pytest

from console.app import SCREENS
from console.commands import ANYWHERE, LISTS, PAGES, Command, key_name
from console.screens.acts import ActsScreen
from console.screens.detail import DetailScreen
from console.screens.first_run import FirstRunGuide
from console.screens.frame import FrameScreen
from console.screens.key_detail import KeyScreen
from console.screens.owners import OwnersScreen
from console.screens.prices import PricesScreen
from console.screens.repricing import AdjustmentsScreen, RepricingScreen
from console.screens.tap import TapScreen

FRAMES: list[type[FrameScreen]] = [
    *dict.fromkeys(each for each in SCREENS.values() if isinstance(each, type) and issubclass(each, FrameScreen)),
    ActsScreen,
    AdjustmentsScreen,
    DetailScreen,
    KeyScreen,
    OwnersScreen,
    PricesScreen,
    RepricingScreen,
    TapScreen,
]
DESTROYS = ("revoke", "remove", "cut", "delete", "stop")


def every_command() -> list[Command]:
    own = [command for frame in FRAMES for command in frame.KEYS]
    return [*ANYWHERE, *LISTS, *PAGES, *FirstRunGuide.KEYS, *own]


def keys_of(commands: tuple[Command, ...]) -> list[str]:
    return [key for command in commands for key in command.keys.split(",")]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_no_key_of_a_screen_means_two_things(frame: type[FrameScreen]) -> None:
    counted = Counter(keys_of((*frame.KEYS, *ANYWHERE)))
    assert [key for key, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("moving", [LISTS, PAGES], ids=["lists", "pages"])
def test_keys_for_moving_are_not_taken_by_keys_that_work_anywhere(moving: tuple[Command, ...]) -> None:
    assert set(keys_of(moving)) & set(keys_of(ANYWHERE)) == set()


@pytest.mark.parametrize("command", every_command(), ids=lambda command: command.id)
def test_every_command_has_a_label_and_a_sentence_of_help(command: Command) -> None:
    assert command.label
    assert command.help.endswith(".")
    assert command.action


@pytest.mark.parametrize("command", every_command(), ids=lambda command: command.id)
def test_enter_is_never_bound_to_an_act_that_destroys(command: Command) -> None:
    if any(word in command.id for word in DESTROYS):
        assert "enter" not in command.keys.split(",")


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_every_action_of_a_screen_exists(frame: type[FrameScreen]) -> None:
    names = [command.action.split("(")[0] for command in frame.KEYS]
    assert [name for name in names if "." not in name and not hasattr(frame, f"action_{name}")] == []


def test_keys_are_named_as_people_write_them() -> None:
    assert [key_name(key) for key in ("ctrl+d", "escape", "minus", "j,down", "left_square_bracket")] == [
        "^D",
        "Esc",
        "-",
        "j",
        "[",
    ]
