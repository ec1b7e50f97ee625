"""The ledger from a shell: whether it adds up, what was booked, and why a request cost what it did."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from shell import Shell

from console.cli.ledger import _checked
from gateway.accounting import LedgerChecked, LedgerFinding


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


def test_a_ledger_that_adds_up_is_told_so_and_one_that_does_not_ends_with_1(shell: Shell) -> None:
    assert "Everything adds up" in shell.run("ledger", "check").stdout
    with closing(sqlite3.connect(shell.directory / "gatehouse.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO accounts VALUES ('key:7', 1, -1, 0, 0)")
    (finding,) = json.loads(shell.run("ledger", "check", "--json", status=1).stdout)["findings"]
    assert finding["holder"] == "key:7"


def test_there_is_nothing_to_tell_of_a_request_that_never_was(shell: Shell) -> None:
    assert "no request 4" in shell.run("charge", "4", status=1).stderr


def test_findings_stand_above_what_was_looked_at() -> None:
    told = _checked(LedgerChecked(2, 5, 1, [LedgerFinding("key:1", "does not\x1b[31m add up")]))
    assert told.splitlines()[0].split() == ["HOLDER", "WHAT"]
    assert "\x1b" not in told
    assert told.endswith("5 entries of 2 holders, 1 reservations open")
