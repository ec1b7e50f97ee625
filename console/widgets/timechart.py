"""Columns over time with an axis at the left and the periods below. Pure."""

from collections.abc import Callable, Sequence

from console.ink import Line, fit
from console.widgets.charts import EIGHTHS

AXIS = 9
WIDEST_COLUMN = 6


def time_chart(
    values: Sequence[float], labels: Sequence[str], width: int, height: int, name: Callable[[float], str]
) -> list[Line]:
    """The values as columns, the highest reaching the top line, and a line of labels."""
    if not values:
        return [() for _ in range(height + 1)]
    step = max(1, min(WIDEST_COLUMN, (width - AXIS - 2) // len(values)))
    thick = max(1, step - 1)
    top = max(values)
    lines: list[Line] = []
    for level in range(height - 1, -1, -1):
        mark = _mark(level, height, top, name)
        cells = "".join(_cell(value, top, level, height, thick).ljust(step) for value in values)
        lines.append(((f"{fit(mark, AXIS - 2, right=True)} {'┤' if mark else '│'} ", "muted"), (cells, "accent")))
    return [*lines, _label_line(labels, step)]


def _mark(level: int, height: int, top: float, name: Callable[[float], str]) -> str:
    """The axis is marked at the top, and in the middle where that is a line of its own."""
    if level == height - 1:
        return name(top)
    return name(top / 2) if height % 2 == 0 and level == height // 2 - 1 and height >= 4 and top else ""


def _cell(value: float, top: float, level: int, height: int, thick: int) -> str:
    filled = value / top * height - level if top else 0.0
    shown = max(0, min(8, round(filled * 8)))
    if not shown and level == 0 and value:
        shown = 1
    return EIGHTHS[shown] * thick


def _label_line(labels: Sequence[str], step: int) -> Line:
    """Every label where it has room, otherwise as many as have."""
    each = 1
    while each * step < 3:
        each += 1
    shown = "".join(fit(label, each * step) for label in labels[::each])
    return ((f"{'0':>{AXIS - 2}} ┼ ", "muted"), (shown, "muted"))
