"""The record of what operators did."""

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.changes import RowChange
from data.tables import Act

UNDONE = "act_undone"
REDONE = "act_redone"
UNDOABLE_FOR = 30 * 86_400_000_000
"""After so many microseconds an act is final, and what taking it back would need is forgotten."""


class Undo(Struct, frozen=True, omit_defaults=True):
    """How to take an act back: rows to put back, then an operation to carry out."""

    rows: tuple[RowChange, ...] = ()
    operation: str = ""
    """Its name; empty for none."""
    fields: dict[str, Any] = {}
    of: int | None = None
    """The act that this one took back."""


def undo_of(act: Act) -> Undo:
    """How an act is taken back; of one that cannot be, nothing."""
    return msgspec.json.decode(act.undo, type=Undo) if act.undo else Undo()


def with_undo(act: Act, later: Undo) -> str:
    """How an act is taken back that goes on with something more; empty when nothing of it can be."""
    earlier = undo_of(act)
    rows = (*later.rows, *earlier.rows)
    if not rows and not (later.operation or earlier.operation):
        return ""
    last = later if later.operation else earlier
    whole = Undo(rows, last.operation, last.fields, later.of)
    return msgspec.json.encode(whole).decode()


async def add_act(session: AsyncSession, act: Act) -> Act:
    """Put an act on record; gives it its id. Acts of long ago become final."""
    old = (col(Act.at) < act.at - UNDOABLE_FOR, col(Act.undo) != "")
    await session.execute(update(Act).where(*old).values(undo=""))
    session.add(act)
    await session.flush()
    return act


async def get_act(session: AsyncSession, act_id: int) -> Act | None:
    return await session.get(Act, act_id)


async def list_acts(session: AsyncSession, before: int | None = None, limit: int = 200) -> list[Act]:
    """The newest, newest first; `before` is the last id of the page before."""
    query = select(Act).order_by(col(Act.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(Act.id) < before)
    return list(await session.scalars(query))


async def last_undoable(session: AsyncSession) -> Act | None:
    """The newest act that can be taken back and did not itself take one back."""
    able = (col(Act.undo) != "", col(Act.undone_at).is_(None), col(Act.code).not_in((UNDONE, REDONE)))
    return await session.scalar(select(Act).where(*able).order_by(col(Act.id).desc()).limit(1))


async def later_acts(session: AsyncSession, act_id: int) -> list[Act]:
    """The acts after one that are in force and can be taken back, oldest first."""
    able = (col(Act.id) > act_id, col(Act.undo) != "", col(Act.undone_at).is_(None))
    return list(await session.scalars(select(Act).where(*able).order_by(col(Act.id))))
