"""The guide to a first request, as text."""

from console.first_steps import FirstSteps, model_to_try, step_lines
from console.ink import plain
from gateway import operations
from gateway.operations import Candidate, KeyCreated, UpstreamAdded
from tests.console.scripted import key, upstream

DEMO = Candidate("demo", "Demo", "built in: no account, no network")
OPENAI = Candidate("openai", "OpenAI", "OPENAI_API_KEY is set", env="OPENAI_API_KEY")


def text(steps: FirstSteps) -> str:
    return "\n".join(plain(line) for line in step_lines(steps, 80))


def test_the_demo_is_only_marked_when_nothing_else_was_found() -> None:
    steps = FirstSteps()
    steps.take_candidates([DEMO])
    assert steps.choice == DEMO
    steps.take_candidates([DEMO, OPENAI])
    assert steps.choice == OPENAI
    assert "> OPENAI_API_KEY is set" in text(steps)


def test_a_step_that_is_done_is_ticked_in_its_place() -> None:
    steps = FirstSteps()
    steps.take_upstream(UpstreamAdded(upstream("demo", ["demo-chat"]), [operations.TestStep("models", True, "1", 10)]))
    steps.key = KeyCreated(key(1, "first-key"), "gh-secret")
    assert "✓  Upstream demo - 1 model" in text(steps)
    assert "gh-secret" in text(steps)


def test_a_failed_test_of_the_upstream_says_what_to_do() -> None:
    steps = FirstSteps()
    bad = operations.TestStep("auth", False, "401: the key is for another project", 10)
    steps.take_upstream(UpstreamAdded(upstream("openai", []), [operations.TestStep("dns", True, "", 1), bad]))
    assert "! auth: 401: the key is for another project" in text(steps)


def test_a_light_chat_model_is_tried_first() -> None:
    assert model_to_try(["text-embedding-3", "gpt-5.1", "gpt-5.1-mini"]) == "gpt-5.1-mini"
    assert model_to_try(["text-embedding-3", "gpt-5.1"]) == "gpt-5.1"
    assert model_to_try(["tts-1"]) == "tts-1"
    assert model_to_try([]) == ""
