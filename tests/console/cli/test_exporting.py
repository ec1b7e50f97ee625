"""Usage and requests leave for other programs."""

import csv
import json
from pathlib import Path

import pytest
from commands import Commands, ask

from gateway.errors import GatewayError


@pytest.fixture
def used(do: Commands) -> Commands:
    """A gateway that two keys have used, of which one is revoked."""
    for name, count in (("ana", 1), ("bob", 2)):
        secret = do.json(f"key create {name}")["secret"]
        for _ in range(count):
            assert ask(do.url, secret, "[demo words 5]").status_code == 200
    do("key revoke bob --yes")
    return do


def test_usage_is_exported_with_revoked_keys_in_every_form(used: Commands, tmp_path: Path) -> None:
    rows = list(csv.DictReader(used("usage export --by key --every all").splitlines()))
    assert {row["label"]: row["requests"] for row in rows} == {"ana": "1", "bob": "2"}
    assert len(json.loads(used("usage export --format json"))) == 2
    (row,) = used.json("usage --by model --key bob --upstream demo")
    assert (row["label"], row["requests"]) == ("demo-1", 2)
    used(f"usage export --format jsonl --to {tmp_path / 'usage'}")
    written = tmp_path / "usage"
    assert [json.loads(line)["label"] for line in written.read_text().splitlines()] == ["ana", "bob"]
    assert written.stat().st_mode & 0o777 == 0o600


def test_requests_are_exported_page_by_page(used: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.cli.exchanges.PAGE", 2)
    ids = [record["id"] for record in json.loads(used("exchange export --format json"))]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3
    assert used("exchange export --key ana --format jsonl").count("\n") == 1
    assert used("exchange export --until 2020-01-01 --format json") == "[]\n"


def test_a_file_that_is_there_is_never_written_over(used: Commands, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("mine")
    _, complaint = used.run(f"usage export --to {mine}", status=1)
    assert "File exists" in complaint
    assert mine.read_text() == "mine"


def test_a_file_that_could_not_be_finished_is_taken_away(
    used: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise GatewayError("It went away.")

    monkeypatch.setattr("console.cli.exporting.write_csv", fail)
    used.run(f"exchange export --to {tmp_path / 'half.csv'}", status=1)
    assert not (tmp_path / "half.csv").exists()
