"""What a transaction changes in the configuration, row by row, and how to put that back as it was.

What is only ever added to (prices, the ledger, what is on record) is no part of this.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct
from sqlalchemy import LargeBinary
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import SQLModel

import data.tables  # noqa: F401  # so that they are known

TABLES = ("upstreams", "models", "aliases", "routes", "route_targets", "owners", "settings", "keys")
"""Each refers only to those before it."""
KEPT = "keys"
"""What came into this table stays: what it did is on record under its number."""
NAMED_TWICE = (
    "SELECT name FROM keys WHERE revoked_at IS NULL GROUP BY name HAVING count(*) > 1 "
    "UNION ALL SELECT name FROM routes GROUP BY name HAVING count(*) > 1"
)

COLUMNS = {name: SQLModel.metadata.tables[name].c.keys() for name in TABLES}
KEYS = {name: SQLModel.metadata.tables[name].primary_key.c.keys()[0] for name in TABLES}
BYTES = {name: {c.name for c in SQLModel.metadata.tables[name].c if isinstance(c.type, LargeBinary)} for name in TABLES}

Place: TypeAlias = tuple[str, int | str]
"""A table, and which of its rows."""
Value: TypeAlias = str | int | float | None
Picture: TypeAlias = dict[Place, tuple[object, ...]]
"""All rows of the configuration, as they lie in the file."""


class RowChange(Struct, frozen=True, omit_defaults=True):
    """A row before and after: the columns that differ; all of them where it was not there, or is not any more."""

    table: str
    key: int | str
    before: dict[str, Value] | None = None
    after: dict[str, Value] | None = None

    @property
    def place(self) -> Place:
        return self.table, self.key


class ChangedSince(Exception):
    """A row is not as the change left it, or something has come to depend on it."""

    def __init__(self, place: Place) -> None:
        super().__init__(*place)
        self.place = place


async def take_picture(session: AsyncSession) -> Picture:
    """The configuration as this transaction sees it."""
    connection = await session.connection()
    picture: Picture = {}
    for table in TABLES:
        query = f"SELECT {KEYS[table]}, {', '.join(COLUMNS[table])} FROM {table}"  # noqa: S608
        for row in await connection.exec_driver_sql(query):
            picture[table, row[0]] = tuple(row[1:])
    return picture


def difference(before: Picture, after: Picture) -> list[RowChange]:
    """What became of the rows, in the order in which it can be put back."""
    places = {place for place, _ in before.items() ^ after.items()}
    kept = {place for place in places if place[0] == KEPT and place not in before}
    changes = [_change(place, before.get(place), after.get(place)) for place in places - kept]
    return sorted(changes, key=_turn)


def _change(place: Place, before: tuple[object, ...] | None, after: tuple[object, ...] | None) -> RowChange:
    table, key = place
    same = {
        column for column, was, is_now in zip(COLUMNS[table], before or (), after or (), strict=False) if was == is_now
    }
    return RowChange(table, key, _fields(table, before, same), _fields(table, after, same))


def _fields(table: str, row: tuple[object, ...] | None, same: set[str]) -> dict[str, Value] | None:
    if row is None:
        return None
    return {column: _plain(value) for column, value in zip(COLUMNS[table], row, strict=True) if column not in same}


def _plain(value: object) -> Value:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value  # type: ignore[return-value]


def _turn(change: RowChange) -> tuple[int, int, str]:
    """What came is taken away first, children before parents; what went comes back parents first."""
    order = TABLES.index(change.table)
    if change.before is None:
        return 0, -order, str(change.key)
    return (1 if change.after is None else 2), order, str(change.key)


async def restore(session: AsyncSession, changes: Sequence[RowChange]) -> None:
    """Put rows back as they were before these changes, and touch no other. Raises `ChangedSince`."""
    connection = await session.connection()
    before = await take_picture(session)
    for change in changes:
        await _check(connection, change)
        try:
            await _put_back(connection, change)
        except IntegrityError:
            raise ChangedSince(change.place) from None
    meant = {change.place for change in changes}
    for touched in difference(before, await take_picture(session)):
        if touched.place not in meant:
            raise ChangedSince(touched.place)
    if (await connection.exec_driver_sql(NAMED_TWICE)).first():
        raise ChangedSince(changes[0].place)


async def _check(connection: AsyncConnection, change: RowChange) -> None:
    """Raises `ChangedSince` if the row is not as the change left it."""
    columns = list(change.after or COLUMNS[change.table])
    if not set(columns) <= set(COLUMNS[change.table]):
        raise ChangedSince(change.place)
    query = f"SELECT {', '.join(columns)} FROM {change.table} WHERE {KEYS[change.table]} = ?"  # noqa: S608
    row = (await connection.exec_driver_sql(query, (change.key,))).first()
    found = None if row is None else {column: _plain(value) for column, value in zip(columns, row, strict=True)}
    if found != change.after:
        raise ChangedSince(change.place)


async def _put_back(connection: AsyncConnection, change: RowChange) -> None:
    table, key = change.table, KEYS[change.table]
    if change.before is None:
        await connection.exec_driver_sql(f"DELETE FROM {table} WHERE {key} = ?", (change.key,))  # noqa: S608
        return
    columns, values = list(change.before), tuple(_stored(table, change.before))
    if change.after is None:
        places = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608
        await connection.exec_driver_sql(statement, values)
    else:
        settings = ", ".join(f"{column} = ?" for column in columns)
        statement = f"UPDATE {table} SET {settings} WHERE {key} = ?"  # noqa: S608
        await connection.exec_driver_sql(statement, (*values, change.key))


def _stored(table: str, fields: dict[str, Value]) -> Iterable[object]:
    for column, value in fields.items():
        yield base64.b64decode(value) if column in BYTES[table] and isinstance(value, str) else value
