"""`console price refresh`, from a file to the prices that hold."""

from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from console.cli.price_lists import LARGEST_FILE, read_file
from console.main import app

ROW = """
[[price]]
providers = ["openai"]
models = ["gpt-5"]
since = 2026-01-01
seen = 2026-11-01
source = "a letter"
prices = { input = "1.10", output = "10" }
"""


def run(data: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--data", str(data), "price", *arguments])
    return result.exit_code, result.output


def test_a_file_is_shown_and_only_taken_on_when_that_is_said(tmp_path: Path) -> None:
    file, data = tmp_path / "letter.toml", tmp_path / "data"
    file.write_text(ROW)
    code, shown = run(data, "refresh", "--from", str(file))
    assert code == 0
    assert "1 differ from what holds, 0 of them are new" in " ".join(shown.split())
    assert "No prices were taken on" in run(data, "lists")[1]
    code, shown = run(data, "refresh", "--from", str(file), "--yes", "--json")
    answer = msgspec.json.decode(shown)
    assert (code, answer["accepted"]["rows"]) == (0, 1)
    assert answer["compared"]["differences"][0]["after"]["input"] == 1_100_000
    assert "letter.toml (rows)" in run(data, "lists")[1]
    assert "withdrew the prices" in run(data, "withdraw", "1")[1]


def test_a_file_that_is_not_there_or_too_large_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="No such file"):
        read_file(tmp_path / "none.toml")
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (LARGEST_FILE + 1))
    with pytest.raises(typer.BadParameter, match="too large"):
        read_file(large)
