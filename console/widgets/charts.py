"""Charts as text: sparkline, bars, columns and waterfall. Pure functions that give strings and lines."""

from collections.abc import Sequence

from msgspec import Struct

from console.ink import Line, Span, Tone, fit

EIGHTHS = " ▁▂▃▄▅▆▇█"
LEFT_EIGHTHS = " ▏▎▍▌▋▊▉█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The newest values as one character each, the highest at full height; nothing at all is a low line."""
    groups = _grouped(values, width)
    top = max(groups, default=0)
    if not top:
        return "▁" * len(groups)
    return "".join(EIGHTHS[max(1, round(value / top * 8))] for value in groups)


def _grouped(values: Sequence[float], width: int) -> list[float]:
    size = max(1, len(values) // max(1, width))
    usable = values[len(values) - size * min(width, len(values) // size) :]
    return [sum(usable[at : at + size]) for at in range(0, len(usable), size)]


def bar(share: float, width: int) -> str:
    """A horizontal bar for a share of one, to an eighth of a cell, padded to its width."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (LEFT_EIGHTHS[part] if part else "")).ljust(width)


def column_chart(values: Sequence[float], height: int, step: int = 3, tone: Tone = "accent") -> list[Line]:
    """Vertical columns, `step` cells apart, from the top line down."""
    top = max(values, default=0) or 1
    lines: list[Line] = []
    for level in range(height - 1, -1, -1):
        text = "".join(_column_cell(value / top * height - level).ljust(step) for value in values)
        lines.append(((text, tone),))
    return lines


def _column_cell(filled: float) -> str:
    return EIGHTHS[max(0, min(8, round(filled * 8)))] * 2


class Phase(Struct, frozen=True):
    """A stretch of time on a waterfall."""

    name: str
    start_us: int
    end_us: int
    note: str = ""
    tone: Tone = "accent"


def waterfall(phases: Sequence[Phase], width: int, name_width: int = 14, note_width: int = 24) -> list[Line]:
    """One line for each phase, all on one scale."""
    total = max((phase.end_us for phase in phases), default=0) or 1
    room = max(8, width - name_width - note_width - 4)
    return [_phase_line(phase, total, room, name_width, note_width) for phase in phases]


def _phase_line(phase: Phase, total: int, room: int, name_width: int, note_width: int) -> Line:
    start = min(room - 1, phase.start_us * room // total)
    length = max(0.125, (phase.end_us - phase.start_us) * room / total)
    drawn = bar(min(1.0, length / (room - start)), room - start)
    spans: list[Span] = [
        (f" {fit(phase.name, name_width)} ", "plain"),
        (" " * start + drawn, phase.tone),
        (f" {fit(phase.note, note_width)}", "muted"),
    ]
    return tuple(spans)
