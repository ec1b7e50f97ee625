"""Text with meaning instead of colour: lines of spans, each span in a tone that a theme gives its colours."""

from typing import Literal, get_args

from rich.cells import cell_len, set_cell_size

from console.scrub import scrub

Tone = Literal[
    "plain",
    "strong",
    "muted",
    "accent",
    "good",
    "warning",
    "bad",
    "key",
    "rule",
    "heading",
    "alarm",
    "chosen",
    "cursor",
    "resting",
]
"""`cursor` and `resting` are the selected row with and without focus, `chosen` the open tab, `alarm` reverse."""

TONES: tuple[Tone, ...] = get_args(Tone)
FILLING: frozenset[Tone] = frozenset({"cursor", "resting", "alarm"})
"""Tones that go on to the end of the line."""

Span = tuple[str, Tone]
Line = tuple[Span, ...]


def width_of(text: str) -> int:
    """How many cells of the terminal a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def line_width(line: Line) -> int:
    """How many cells a line takes."""
    return sum(width_of(text) for text, _ in line)


def fit(text: str, width: int, right: bool = False) -> str:
    """The text in exactly so many cells: padded, or shortened with an ellipsis."""
    clean = scrub(text)
    spare = width - width_of(clean)
    if spare < 0:
        return set_cell_size(clean, width - 1) + "…" if width > 0 else ""
    return " " * spare + clean if right else clean + " " * spare


def clip(line: Line, width: int) -> Line:
    """The line in at most so many cells."""
    kept: list[Span] = []
    left = width
    for text, tone in line:
        clean = scrub(text)
        size = width_of(clean)
        if size > left:
            kept.append((fit(clean, left), tone))
            break
        kept.append((clean, tone))
        left -= size
    return tuple(kept)


def justify(left: Line, right: Line, width: int) -> Line:
    """One line with a part at each end; the left one gives way."""
    room = width - line_width(right)
    kept = clip(left, max(0, room - 1))
    return (*kept, (" " * max(0, room - line_width(kept)), "plain"), *right)


def wrap(text: str, width: int) -> list[str]:
    """A text in lines of at most so many cells, broken at spaces where there are any."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.extend(_wrap_paragraph(paragraph, max(1, width)))
    return lines


def _wrap_paragraph(text: str, width: int) -> list[str]:
    lines: list[str] = []
    rest = text
    while width_of(rest) > width:
        head = rest[:width]
        while width_of(head) > width:
            head = head[:-1]
        space = head.rfind(" ")
        at = space + 1 if space > width // 3 else max(1, len(head))
        lines.append(rest[:at].rstrip(" "))
        rest = rest[at:]
    return [*lines, rest]


def plain(line: Line) -> str:
    """The line's text alone."""
    return "".join(text for text, _ in line)
