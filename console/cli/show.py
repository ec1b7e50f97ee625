"""What commands print: aligned tables for people, JSON for programs. Text from outside is made inert in both."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
import typer
from rich.cells import cell_len

from console.scrub import scrub, scrub_lines

GAP = "  "
CONTROL = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What JSON lets through that a terminal may act on."""

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether that is meant.")]


def show(answer: object, as_json: bool, text: str) -> None:
    """Print an answer: as JSON, or as this text."""
    if as_json:
        typer.echo(to_json(answer, indent=2))
    elif text:
        typer.echo(text)


def to_json(answer: object, indent: int = 0) -> str:
    """JSON that is safe to look at."""
    text = msgspec.json.encode(answer).decode()
    pretty = msgspec.json.format(text, indent=indent) if indent else text
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", pretty)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], none: str = "Nothing there yet.") -> str:
    """Aligned columns; those whose heading starts with `>` to the right. `none` stands for no rows."""
    cells = [[scrub(cell) for cell in row] for row in rows]
    if not cells:
        return none
    heads = [heading.lstrip(">") for heading in headings]
    widths = [max(map(cell_len, column)) for column in zip(heads, *cells, strict=True)]
    right = [heading.startswith(">") for heading in headings]
    return "\n".join(_line(row, widths, right) for row in (heads, *cells))


def fields(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values below each other; those without a value are left out."""
    said = [(name, scrub(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in said), default=0)
    return "\n".join(f"{name:<{width}}{GAP}{value}" for name, value in said)


def lines(text: str) -> str:
    """Text of several lines, made inert."""
    return scrub_lines(text)


def complain(text: str) -> None:
    """One line for a person, on stderr."""
    typer.echo(f"console: {scrub(text)}", err=True)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        " " * (width - cell_len(cell)) + cell if to_right else cell + " " * (width - cell_len(cell))
        for cell, width, to_right in zip(row, widths, right, strict=True)
    )
    return GAP.join(padded).rstrip()
