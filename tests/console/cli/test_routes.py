"""Routes as they are written on a command line."""

import pytest
import typer

from console.cli.routes import read_target
from gateway.operations import TargetView


def test_a_target_is_an_upstream_with_what_is_said_about_it() -> None:
    assert read_target("openai") == TargetView("openai")
    assert read_target("ollama,model=llama3:8b,priority=2,weight=3") == TargetView("ollama", "llama3:8b", 2, 3)


@pytest.mark.parametrize("text", ["openai,modle=x", "openai,priority=first"])
def test_a_target_with_a_slip_is_refused_and_not_guessed_at(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        read_target(text)
