"""What operators did: listing it, and taking it back."""

from data import acts, changes, routes
from data.acts import REDONE, UNDONE
from data.changes import ChangedSince
from data.database import Session
from data.tables import Act
from gateway.accounting import ActView, ListActs, UndoAct
from gateway.answers import values
from gateway.answers.asked import asked
from gateway.answers.desk import Desk
from gateway.answers.reading import read_operation
from gateway.errors import BadRequest
from gateway.operations import Done

LONGEST_PAGE = 1000


async def list_acts(desk: Desk, operation: ListActs) -> list[ActView]:
    """A page of the record."""
    limit = values.between(operation.limit, 1, LONGEST_PAGE, "limit")
    async with desk.database.read() as session:
        return [view(act) for act in await acts.list_acts(session, operation.before, limit)]


def view(act: Act) -> ActView:
    """An act as the operator sees it."""
    undoable = bool(act.undo) and act.undone_at is None
    return ActView(act.id or 0, act.at, act.actor, act.code, act.text, undoable, act.undone_at)


async def undo_act(desk: Desk, operation: UndoAct) -> Done:
    """Take an act back, once: its rows are put back first, then the operation that is its opposite is carried out."""
    async with desk.undoing:
        return await take_back(desk, operation.id)


async def take_back(desk: Desk, act_id: int | None) -> Done:
    """One undoing at a time: what two ask for at once is done once."""
    async with desk.database.read() as session:
        act = await find(session, act_id)
        undo, original = acts.undo_of(act), await taken_back_by(session, act)
    code, told = (REDONE, f"did again: {original.text}") if original else (UNDONE, f"took back: {act.text}")
    doing = asked()
    doing.undoes, doing.known_as = act.id, (code, told)
    if undo.rows:
        await put_back(desk, act, code, told)
    if undo.operation:
        await desk.carry_out(read_operation(undo.operation, undo.fields))
    async with desk.database.write() as session:
        await mark(session, act, desk.runtime.now())
    return Done(told)


async def find(session: Session, act_id: int | None) -> Act:
    """The act that is to be taken back. Raises `NotFound`, or `BadRequest` for one that cannot be."""
    if act_id is None:
        act = await acts.last_undoable(session)
        if act is None:
            raise BadRequest("There is nothing to undo.", code="not_undoable")
        return act
    act = await acts.get_act(session, act_id)
    if act is None:
        raise values.missing("act", act_id)
    if act.undone_at is not None:
        raise BadRequest(f"Act {act_id} is undone already.", code="not_undoable")
    if not act.undo:
        raise BadRequest(f"Act {act_id} cannot be undone: {act.text}.", code="not_undoable")
    return act


async def taken_back_by(session: Session, act: Act) -> Act | None:
    """The act that this one took back, if it did."""
    of = acts.undo_of(act).of
    return None if of is None else await acts.get_act(session, of)


async def put_back(desk: Desk, act: Act, code: str, told: str) -> None:
    """Restore the rows that an act changed. Raises `BadRequest` when they have changed since."""
    async with desk.change() as change:
        try:
            await changes.restore(change.session, acts.undo_of(act).rows)
        except ChangedSince as since:
            raise await in_the_way(change.session, act, since) from None
        await routes.number_routes(change.session)
        for row in acts.undo_of(act).rows:
            if row.table == "upstreams" and isinstance(row.key, int):
                desk.runtime.health.forget(row.key)
        change.told(code, told)


async def in_the_way(session: Session, act: Act, since: ChangedSince) -> BadRequest:
    """Why an act cannot be taken back now, and what to undo first if that helps."""
    for later in await acts.later_acts(session, act.id or 0):
        if any(row.place == since.place for row in acts.undo_of(later).rows):
            return BadRequest(
                f"Act {act.id} cannot be undone by itself: act {later.id} ({later.text}) built on it. Undo that first.",
                code="changed_since",
            )
    table, key = since.place
    return BadRequest(
        f"Act {act.id} cannot be undone: what it changed ({table} {key}) is not what it was any more.",
        code="changed_since",
    )


async def mark(session: Session, act: Act, undone_at: int | None) -> None:
    """Note that an act is undone, or in force again; the one that it had undone is then the other way round."""
    row = await acts.get_act(session, act.id or 0)
    if row is None:
        return
    row.undone_at = undone_at
    if (original := await taken_back_by(session, row)) is not None:
        await mark(session, original, row.at if undone_at is None else None)
