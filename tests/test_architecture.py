"""What the import graph cannot show: what is loaded at run time, and that the project's papers say what is so."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from console.main import app

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = ("httpx", "litestar", "sqlalchemy", "sqlmodel", "textual", "uvicorn")
PROTOCOLS = sorted(path.stem for path in (ROOT / "gateway/protocols").glob("[a-z]*"))
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")


def loaded_by(program: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded once it has run the program."""
    told = 'import sys; print("loaded:", *{name.partition(".")[0] for name in sys.modules})'
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{told}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_can_be_used_without_any_framework(name: str) -> None:
    assert loaded_by(f"import gateway.protocols.{name}").isdisjoint({*FRAMEWORKS, "asyncio"})


def test_telling_the_version_loads_neither_console_nor_gateway() -> None:
    asked = "import sys; sys.argv[1:] = ['--version']\nfrom console.main import main\n"
    caught = "try: main()\nexcept SystemExit as left: assert not left.code, left.code"
    assert loaded_by(asked + caught).isdisjoint({*FRAMEWORKS} - {"httpx"})


def test_a_gateway_without_a_console_loads_no_textual() -> None:
    assert loaded_by("import gateway.service").isdisjoint({"textual"})


def test_what_screens_show_is_worked_out_without_textual() -> None:
    assert loaded_by("import console.state").isdisjoint({"textual"})


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_pinned_requirements_name_no_place_to_fetch_them_from(name: str) -> None:
    assert re.findall(r"^-.*|.*(?:://|find-links|trusted-host).*", (ROOT / name).read_text(), re.MULTILINE) == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_pinned_requirement_has_a_hash(name: str) -> None:
    pins = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.MULTILINE)[1:]
    assert len(pins) > 40
    assert [pin.partition(" ")[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("paper", ["README.md", "CONTRIBUTING.md"])
def test_make_commands_that_the_papers_name_exist(paper: str) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / paper).read_text(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named
    assert named <= targets


def commands_of(typed: typer.Typer) -> Iterator[str]:
    """All commands in full, such as `key create`."""
    for command in typed.registered_commands:
        yield command.name or (command.callback.__name__ if command.callback else "")
    for group in typed.registered_groups:
        if group.typer_instance is not None:
            yield from (f"{group.name} {name}" for name in commands_of(group.typer_instance))


def test_every_console_command_that_the_readme_names_exists() -> None:
    named = re.findall(r"(?:^|`)console ([a-z][a-z ]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    known = set(commands_of(app))
    assert len(named) > 5
    assert [words for words in named if not any(f"{words} ".startswith(f"{name} ") for name in known)] == []


@pytest.mark.parametrize("paper", ["README.md", "CONTRIBUTING.md", "docs/decisions/README.md"])
def test_links_in_the_papers_lead_somewhere(paper: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", (ROOT / paper).read_text())
    assert [link for link in links if not ((ROOT / paper).parent / link).exists()] == []


@pytest.mark.parametrize("record", DECISIONS, ids=lambda path: path.stem[:4])
def test_every_decision_says_what_became_of_it(record: Path) -> None:
    assert re.search(r"^Status: (accepted|replaced by \d{4}), \d{4}-\d{2}$", record.read_text(), re.MULTILINE)


def test_the_list_of_decisions_is_complete() -> None:
    listed = re.findall(r"\]\((0[^)]+)\)", (ROOT / "docs/decisions/README.md").read_text())
    assert listed == [path.name for path in DECISIONS]
