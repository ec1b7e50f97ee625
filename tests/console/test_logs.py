"""The log: one line for each entry, no secrets, nothing a terminal would act on."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.logs import describe, keep_log, redact


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    path = tmp_path / "gatehouse.log"
    keep_log(path, on_stderr=False)
    yield path
    logging.captureWarnings(False)
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_entry_is_one_inert_line_in_the_file_and_nowhere_else(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("gatehouse.x").info("model %s answered", "\x1b]0;owned\x07\nFAKE ENTRY")
    (line,) = log.read_text().splitlines()
    assert "FAKE ENTRY" in line
    assert line.isprintable()
    assert capfd.readouterr() == ("", "")


def test_libraries_are_heard_only_when_they_warn(log: Path) -> None:
    logging.getLogger("httpx").info("GET https://example.org?key=secret")
    logging.getLogger("httpx").warning("odd")
    assert len(log.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "secret",
    [
        "sk-gh-9sLq2Vd0Xf_KmR7zT4yPbWc81HnJe3Lr2X9QmZ7wPz3KdJ",
        "sk-ant-api03-abcdefghijkl",
        "AIzaSyA1234567890abcdefghi",
        "Bearer abcdef",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_what_looks_like_a_credential_is_hidden(secret: str) -> None:
    assert redact(f"sent {secret} away") == "sent [hidden] away"


def test_a_traceback_shows_where_but_neither_values_nor_credentials() -> None:
    credential = "sk-live-1234567890abcdef"
    try:
        raise ValueError(f"cannot use {credential}")
    except ValueError as error:
        told = describe(error)
    assert "test_logs.py" in told
    assert credential not in told
