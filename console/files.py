"""Files that commands and screens write: new ones, for their owner alone. No Textual: commands use it."""

import os
from pathlib import Path
from typing import TextIO


def open_private(path: Path) -> TextIO:
    """A new file that only its owner may read; never one that is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """A new file with this in it."""
    with open_private(path) as file:
        file.write(text)
