"""How commands hand records to other programs: in which form, and into which file."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer
from msgspec import Struct

from console.cli.show import to_json
from console.exports import write_csv
from console.files import open_private
from gateway.errors import BadRequest

Form = Literal["csv", "json", "jsonl"]
Format = Annotated[Form, typer.Option("--format", help="For spreadsheets, one list, or a line for each.")]
To = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A new file for you alone; standard output otherwise.", dir_okay=False),
]


def export(kind: type[Struct], records: Iterable[Struct], form: Form, to: Path | None) -> None:
    """Write records as they come."""
    with writing(to) as file:
        if form == "csv":
            write_csv(file, kind, records)
        elif form == "jsonl":
            file.writelines(f"{to_json(record)}\n" for record in records)
        else:
            write_list(file, records)


def write_list(file: TextIO, records: Iterable[Struct]) -> None:
    """One list of JSON, written as its members come."""
    before = "[\n"
    for record in records:
        file.write(f"{before}{to_json(record)}")
        before = ",\n"
    file.write("[]\n" if before == "[\n" else "\n]\n")


@contextmanager
def writing(path: Path | None) -> Iterator[TextIO]:
    """A new file, or standard output. A file that could not be finished is taken away again."""
    if path is None:
        yield sys.stdout
        return
    try:
        file = open_private(path)
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
