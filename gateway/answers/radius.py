"""Whom a change would touch: asked before it is made."""

from typing import Any

from data import acts, traffic
from data.database import Session
from data.traffic import Scope
from gateway.accounting import BlastRadius, GetBlastRadius, UndoAct
from gateway.answers.acts import find
from gateway.answers.desk import Desk
from gateway.answers.final import FINAL
from gateway.answers.reading import read_operation
from gateway.answers.touched import Touched
from gateway.answers.touched_keys import OF_KEYS
from gateway.answers.touched_routes import OF_ROUTES
from gateway.errors import BadRequest
from gateway.operations import CutExchange, Operation
from gateway.runtime import Runtime

CHANGES = {**OF_KEYS, **OF_ROUTES}
"""What says of each operation that changes something whom it touches."""


async def get_blast_radius(desk: Desk, operation: GetBlastRadius) -> BlastRadius:
    """Of an operation that is not carried out. Reads sums and what runs, never the record."""
    meant = read_operation(operation.name, operation.fields)
    async with desk.database.read() as session:
        touched, final = await judge(desk, session, meant)
        lately = await traffic.last_hour(session, touched.scope, desk.runtime.now())
        running = await count_running(desk.runtime, session, touched.scope, meant)
    cut = f"{running} running {'answer is' if running == 1 else 'answers are'} cut."
    return BlastRadius(
        running=running,
        keys=lately.keys,
        micros_per_hour=lately.micros_per_hour,
        undoable=final is None,
        sentences=[
            *([cut] if touched.cuts and running else []),
            *touched.sentences,
            *([FINAL[final]] if final else []),
        ],
    )


async def judge(desk: Desk, session: Session, operation: Operation[Any]) -> tuple[Touched, type[Operation[Any]] | None]:
    """Whom an operation touches, and what of it cannot be taken back."""
    kind = type(operation)
    if isinstance(operation, UndoAct):
        act = await find(session, operation.id)
        opposite = acts.undo_of(act).operation
        return Touched(sentences=(f"Takes back: {act.text}.",)), next(
            (k for k in FINAL if k.__name__ == opposite), None
        )
    if kind not in CHANGES:
        raise BadRequest(f"{kind.__name__} changes nothing.", param="name")
    return CHANGES[kind](desk.runtime.snapshot, operation), kind if kind in FINAL else None


async def count_running(runtime: Runtime, session: Session, scope: Scope, operation: Operation[Any]) -> int:
    """The answers that run now on what is changed."""
    if isinstance(operation, CutExchange):
        return int(operation.id in runtime.running)
    if scope.route or scope.model:
        return len(await traffic.running_ids(session, scope) & runtime.running.keys())
    return sum(
        scope.everyone
        or exchange.key_id == scope.key_id is not None
        or (exchange.upstream_id is not None and exchange.upstream_id in (scope.upstream_ids or ()))
        or (bool(scope.owner) and exchange.key is not None and exchange.key.owner == scope.owner)
        for exchange in runtime.running.values()
    )
