"""Columns of a grid: which fit, how wide they are, and a row laid out in them. Pure."""

from collections.abc import Callable, Sequence
from typing import Generic

from msgspec import Struct

from console.ink import FILLING, Line, Span, Tone, fit
from console.widgets.rows import Row

Cell = str | Span
"""A cell's text, with a tone where it is not plain."""


class Column(Struct, Generic[Row], frozen=True):
    """One column: what it shows of a row, and how much room it takes."""

    id: str
    title: str
    width: int
    cell: Callable[[Row], Cell]
    right: bool = False
    """Numbers end at the right."""
    grows: int = 0
    """Its share of the room that is left over."""
    most: int = 40
    """Never wider than this."""
    from_width: int = 0
    """Only shown when the grid is at least so wide."""


class Spanning(Struct, frozen=True):
    """From this column on, a row shows one text instead of its cells."""

    column: str
    cell: Cell


Fitted = list[tuple[Column[Row], int]]
"""Columns that are shown, with their widths."""

GAP = 1


def fit_columns(columns: Sequence[Column[Row]], available: int) -> Fitted[Row]:
    """The columns for so many cells, the spare ones dealt to those that grow."""
    shown = [column for column in columns if column.from_width <= available]
    spare = available - sum(column.width + GAP for column in shown)
    widths = {column.id: column.width for column in shown}
    while spare > 0:
        growing = [c for c in shown if c.grows and widths[c.id] < c.most]
        if not growing:
            break
        for column in growing:
            step = min(column.grows, spare, column.most - widths[column.id])
            widths[column.id] += step
            spare -= step
    return [(column, widths[column.id]) for column in shown]


def heading(fitted: Fitted[Row]) -> Line:
    """The line of titles."""
    return tuple((" " + fit(column.title, width, column.right), "heading") for column, width in fitted)


def lay_out(row: Row, fitted: Fitted[Row], spanning: Spanning | None, chosen: Tone | None = None) -> Line:
    """A row as a line; the selected one is all in one tone."""
    line: list[Span] = []
    for place, (column, width) in enumerate(fitted):
        if spanning and column.id == spanning.column:
            rest = sum(w + GAP for _, w in fitted[place:]) - GAP
            line.append(_span(spanning.cell, rest, False))
            break
        line.append(_span(column.cell(row), width, column.right))
    return tuple((text, chosen) for text, _ in line) if chosen in FILLING else tuple(line)


def _span(cell: Cell, width: int, right: bool) -> Span:
    if isinstance(cell, str):
        return (" " + fit(cell, width, right), "plain")
    return (" " + fit(cell[0], width, right), cell[1])
