"""Values on the command line, read as the console reads what is typed into its forms."""

from collections.abc import Callable
from typing import TypeVar

import typer

Value = TypeVar("Value")


def read(reader: Callable[[str], Value], text: str) -> Value:
    """What a text means; what is wrong with one that means nothing is told by Typer."""
    try:
        return reader(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}") from None
