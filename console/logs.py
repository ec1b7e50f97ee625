"""Where the process writes down what it does: a file in the data directory, never the screen a console is drawn on."""

import faulthandler
import logging
import re
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from console.scrub import scrub

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LARGEST = 5 * 1024 * 1024
KEPT = 3

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

SECRET = re.compile(
    r"(?i)(bearer|basic)\s+\S+"
    r"|\b(sk|pk|rk|gsk|xai|key|ghp|hf|ya29|AIza)[-_.A-Za-z0-9]{12,}"
    r"|(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9]{24,}"
)
"""What may be a credential. Better to hide too much of a traceback than too little."""


class InertFormatter(logging.Formatter):
    """One line for each entry but for tracebacks; no control characters, no locals, nothing like a credential."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the base class's name)
        return redact(scrub(super().formatMessage(record)))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        return describe(ei[1])


def keep_log(path: Path, *, on_stderr: bool) -> None:
    """Log to a rotating file, and warnings to stderr as well if nothing is drawn there."""
    handlers: list[logging.Handler] = [RotatingFileHandler(path, maxBytes=LARGEST, backupCount=KEPT, delay=True)]
    if on_stderr:
        warnings = logging.StreamHandler()
        warnings.setLevel(logging.WARNING)
        handlers.append(warnings)
    for handler in handlers:
        handler.setFormatter(InertFormatter(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    logging.getLogger("gatehouse").setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a full disk or a closed terminal must not end anything


def watch_for_faults(path: Path) -> None:
    """Have the interpreter write its own crashes to a file."""
    faulthandler.enable(path.open("a", buffering=1))  # stays open as long as the process lives


def describe(error: BaseException | None) -> str:
    """A traceback without the values of variables, and without anything like a credential."""
    return redact("".join(traceback.format_exception(error))).rstrip() if error else ""


def redact(text: str) -> str:
    """The text with everything that may be a credential taken out."""
    return SECRET.sub("[hidden]", text)
