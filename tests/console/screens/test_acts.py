"""What operators did, and taking it back: the last act from anywhere, a chosen one from the list."""

import pytest

from console.app import ConsoleApp
from console.screens.undo import last_undoable
from console.widgets.confirm import GRACE
from gateway.accounting import GetBlastRadius, ListActs, UndoAct
from gateway.operations import Done
from tests.console.direct import seen
from tests.console.money import act, radius
from tests.console.scripted import ScriptedLink

ACTS = [
    act(10, "took back: changed key alice", code="act_undone"),
    act(9, "revoked key old-laptop", undoable=False),
    act(8, "set the limits of batch: $300 a month before, $400 a month now"),
    act(7, "changed key alice", undone_at=1),
    act(6, "set the brake of ci", actor="sam"),
]


@pytest.fixture
def link() -> ScriptedLink:
    """Acts of every kind."""
    link = ScriptedLink()
    link.answers[ListActs] = lambda op: ACTS
    link.answers[UndoAct] = lambda op: Done("took it back")
    link.answers[GetBlastRadius] = lambda op: radius(running=0, keys=0, micros_per_hour=0)
    return link


def test_the_last_that_can_be_taken_back_is_neither_for_good_nor_undone_nor_took_back_another() -> None:
    assert last_undoable(ACTS) == ACTS[2]
    assert last_undoable([ACTS[0], ACTS[1], ACTS[3]]) is None


async def test_undo_names_the_act_before_it_is_taken_back(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "z")
        picture = await seen(pilot, "Undo: set the limits of batch: $300 a month before, $400 a month now?")
        assert "(kim," in picture
        assert link.asked_for(UndoAct) == []
        await pilot.pause(GRACE + 0.05)
        await pilot.press("enter", "y")
        await seen(pilot, "took it back")
        assert link.asked_for(UndoAct) == [UndoAct(8)]


async def test_a_chosen_act_is_undone_from_the_list_and_one_for_good_says_so(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6", "o")
        picture = await seen(pilot, "■ for good")
        assert "✓ undone" in picture
        await pilot.press("j", "u")
        await seen(pilot, "That cannot be taken back.")
        await pilot.press("G", "u")
        await seen(pilot, "Undo: set the brake of ci?  (sam")
        await pilot.pause(GRACE + 0.05)
        await pilot.press("y")
        await seen(pilot, "took it back")
        assert link.asked_for(UndoAct) == [UndoAct(6)]
