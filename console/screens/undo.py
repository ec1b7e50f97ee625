"""Taking back what an operator did: the last thing that can be, or a chosen one."""

from collections.abc import Sequence

from console.screens.frame import FrameScreen
from console.units import MICROS, age
from gateway.accounting import ActView, ListActs, UndoAct

TAKING_BACK = ("act_undone", "act_redone")
"""Codes of acts that only took another one back, or did it again: asking twice goes further back, not to and fro."""


def last_undoable(acts: Sequence[ActView]) -> ActView | None:
    """The newest that can be taken back and was not; acts come newest first."""
    able = (act for act in acts if act.undoable and act.undone_at is None and act.code not in TAKING_BACK)
    return next(able, None)


async def ask_about_last(screen: FrameScreen) -> None:
    """Say what would be taken back, and take it back once that is wanted."""
    acts = await screen.ask(ListActs())
    if acts is None:
        return
    act = last_undoable(acts)
    if act is None:
        screen.tell("There is nothing that could be taken back.")
    else:
        ask_to_undo(screen, act)


def ask_to_undo(screen: FrameScreen, act: ActView) -> None:
    """Name the act, who did it and when; then undo it."""
    ago = age((screen.session.now_micros() - act.at) / MICROS)
    change = UndoAct(act.id)
    question = f"Undo: {act.text}?  ({act.actor}, {ago} ago)"
    screen.confirm(question, "undo it", "leave it so", lambda: screen.do(_undo(screen, change)), change)


async def _undo(screen: FrameScreen, change: UndoAct) -> None:
    done = await screen.ask(change)
    if done is not None:
        screen.tell(done.text, "success")
        screen.enter()
