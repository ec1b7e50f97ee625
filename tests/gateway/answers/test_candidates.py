"""What is found on this machine that could be added."""

import os

import pytest

from data.presets import load_presets
from data.records import ProviderPreset
from gateway.answers.candidates import find_local
from gateway.operations import AddUpstream, Candidate, FindCandidates
from gateway.operator import Operator
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import ProviderServer


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of whoever runs the tests."""
    for variable in {name for preset in load_presets() for name in preset.key_env} & set(os.environ):
        monkeypatch.delenv(variable)


def local(base_url: str) -> ProviderPreset:
    return ProviderPreset(id="mine", title="Mine", endpoints={"openai_chat": base_url}, local=True)


async def test_a_variable_that_is_set_is_found_without_its_value(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", " ")
    first, *rest = await operator.ask(FindCandidates())
    assert first == Candidate("openai", "OpenAI", "OPENAI_API_KEY is set", env="OPENAI_API_KEY")
    assert "sk-secret" not in repr((first, rest))
    assert "anthropic" not in {candidate.provider_id for candidate in rest}


async def test_the_demo_is_offered_last_until_it_is_added(operator: Operator) -> None:
    assert (await operator.ask(FindCandidates()))[-1].provider_id == "demo"
    await operator.ask(AddUpstream("demo"))
    assert "demo" not in {candidate.provider_id for candidate in await operator.ask(FindCandidates())}


async def test_a_local_server_that_lists_models_is_found(runtime: Runtime, provider: ProviderServer) -> None:
    provider.key = ""
    found = await find_local(runtime, local(provider.base_url))
    assert found is not None
    assert found.base_url == provider.base_url
    assert found.found.endswith("with 2 models")


async def test_a_local_server_that_wants_a_key_or_is_not_there_is_no_candidate(
    runtime: Runtime, provider: ProviderServer
) -> None:
    assert await find_local(runtime, local(provider.base_url)) is None
    assert await find_local(runtime, local("http://127.0.0.1:1/v1")) is None


async def test_nothing_outside_this_machine_is_contacted(runtime: Runtime, provider: ProviderServer) -> None:
    elsewhere = ProviderPreset(id="far", title="Far", endpoints={"openai_chat": provider.base_url})
    assert await find_local(runtime, elsewhere) is None
    assert await find_local(runtime, local("https://api.example.com/v1")) is None
    assert provider.heads == []
