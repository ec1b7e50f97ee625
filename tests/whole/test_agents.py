"""Coding agents work on any provider: each reads a file by a tool, and tells what the model made of it."""

import json
import shlex
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import agent_programs
import pytest
from described import describe_provider
from house import House, open_house
from scripted_model import MODELS, Call, ScriptedModel
from scripted_provider import ScriptedProvider

from gateway import intake
from gateway.canonical import PROTOCOLS, Protocol
from gateway.errors import UpgradeRequired
from gateway.operations import GetSnippets, SaveRoute, TargetView

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
WRITTEN = "high water at six"
PROMPT = "What does tide.txt say?"
GEMINI_SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
}
QUIET = {"DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1", "GEMINI_TELEMETRY_ENABLED": "false"}


@dataclass(frozen=True)
class Agent:
    """How one is started, and which tools of its own it reads files with."""

    speaks: Protocol
    command: Callable[[str], tuple[str, ...]]
    calls: Callable[[Path], tuple[Call, ...]]


AGENTS = {
    "claude-code": Agent(
        "anthropic_messages",
        lambda model: ("claude", "-p", PROMPT, "--model", model, "--allowedTools", "Read"),
        lambda file: (("Read", {"file_path": str(file)}),),
    ),
    "codex": Agent(
        "openai_responses",
        lambda model: (
            *("codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
            *("-m", model, PROMPT),
        ),
        lambda file: (
            ("exec_command", {"cmd": f"cat {file}"}),
            ("shell_command", {"command": f"cat {file}"}),
            ("shell", {"command": ["cat", str(file)]}),
            ("functions__exec", {"input": f'text(await tools.exec_command({{cmd: "cat {file}"}}))'}),
        ),
    ),
    "gemini-cli": Agent(
        "gemini",
        lambda model: ("gemini", "-p", PROMPT, "-m", model),
        lambda file: (("read_file", {"file_path": str(file)}),),
    ),
}


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    agent_programs.install()


@pytest.fixture
async def alone(tmp_path: Path, upstream: Protocol, provider: ScriptedProvider) -> AsyncIterator[House]:
    """A gateway whose only upstream speaks one protocol."""
    async with open_house(tmp_path / "data") as house:
        describe_provider(tmp_path / "data", upstream)
        provider.script = ScriptedModel(upstream, (), "", strict=False)
        await house.add(upstream, provider.url, models=(MODELS[upstream],))
        yield house


@pytest.fixture
async def home(tmp_path: Path, alone: House, upstream: Protocol) -> Path:
    """A fresh home, set up as the gateway tells it: what it says to write into files is written there."""
    home = tmp_path / "home"
    texts = await snippets_for(alone, upstream)
    files = {
        ".codex/config.toml": texts["codex"],
        ".gemini/settings.json": json.dumps(GEMINI_SETTINGS),
        "work/tide.txt": WRITTEN,
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


async def snippets_for(house: House, upstream: Protocol) -> dict[str, str]:
    given = await house.service.ask(GetSnippets(secret=house.secret, model=MODELS[upstream]))
    return {snippet.id: snippet.text for snippet in given}


async def environment(house: House, upstream: Protocol, agent: str) -> dict[str, str]:
    """The variables that the gateway says to export, and those that keep the agents from calling home."""
    text = (await snippets_for(house, upstream))[agent]
    words = [word for line in text.splitlines() if line.startswith("export ") for word in shlex.split(line)[1:]]
    exported = dict(word.split("=", 1) for word in words)
    return {**QUIET, "GATEHOUSE_KEY": house.secret, **exported}


def behind(agent: Agent, upstream: Protocol, home: Path) -> ScriptedModel:
    calls = agent.calls(home / "work/tide.txt")
    return ScriptedModel(upstream, calls, WRITTEN, strict=agent.speaks != upstream)


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("name", AGENTS)
async def test_an_agent_reads_a_file_and_tells_what_the_model_made_of_it(
    alone: House, provider: ScriptedProvider, home: Path, name: str, upstream: Protocol
) -> None:
    agent = AGENTS[name]
    provider.script = model = behind(agent, upstream, home)
    try:
        printed = await agent_programs.run(
            agent.command(MODELS[upstream]), home, await environment(alone, upstream, name)
        )
    finally:
        print("\n".join(model.refused))  # noqa: T201  # what the upstream said no to is shown when a test fails
    assert f"It says: {WRITTEN}." in printed
    assert (model.read, model.refused) == (1, [])


@pytest.mark.parametrize("upstream", [protocol for protocol in PROTOCOLS if protocol != "openai_responses"])
async def test_codex_finds_its_tools_where_it_knows_the_model_and_brings_them_in_an_item(
    alone: House, provider: ScriptedProvider, home: Path, upstream: Protocol
) -> None:
    known = "gpt-5.6-sol"
    await alone.service.ask(SaveRoute(known, known, [TargetView("up", MODELS[upstream])]))
    agent = AGENTS["codex"]
    provider.script = model = behind(agent, upstream, home)
    try:
        printed = await agent_programs.run(agent.command(known), home, await environment(alone, upstream, "codex"))
    finally:
        print("\n".join(model.refused))  # noqa: T201  # what the upstream said no to is shown when a test fails
    assert f"It says: {WRITTEN}." in printed
    assert (model.read, model.refused) == (1, [])


@pytest.mark.parametrize("upstream", ["anthropic_messages", "gemini"])
async def test_codex_may_offer_a_search_where_a_route_lets_the_models_provider_run_it(
    alone: House, provider: ScriptedProvider, home: Path, upstream: Protocol
) -> None:
    config = home / ".codex/config.toml"
    config.write_text(config.read_text().replace('web_search = "disabled"', ""))
    targets = [TargetView("up", MODELS[upstream])]
    await alone.service.ask(SaveRoute("searched", MODELS[upstream], targets, web_search=True))
    agent = AGENTS["codex"]
    provider.script = model = behind(agent, upstream, home)
    printed = await agent_programs.run(
        agent.command(MODELS[upstream]), home, await environment(alone, upstream, "codex")
    )
    assert f"It says: {WRITTEN}." in printed
    assert (model.read, model.refused) == (1, [])
    assert {"anthropic_messages": b"web_search_20250305", "gemini": b"googleSearch"}[upstream] in provider.last.body


@pytest.mark.parametrize("upstream", ["openai_responses"])
async def test_codex_goes_on_over_http_where_it_asked_for_a_websocket(
    alone: House, provider: ScriptedProvider, home: Path, upstream: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[UpgradeRequired] = []

    def refuse(words: str) -> UpgradeRequired:
        refusals.append(UpgradeRequired(words))
        return refusals[-1]

    monkeypatch.setattr(intake, "UpgradeRequired", refuse)
    agent = AGENTS["codex"]
    provider.script = model = behind(agent, upstream, home)
    with (home / ".codex/config.toml").open("a") as config:
        config.write("supports_websockets = true\n")
    printed = await agent_programs.run(
        agent.command(MODELS[upstream]), home, await environment(alone, upstream, "codex")
    )
    assert f"It says: {WRITTEN}." in printed
    assert (model.read, model.refused) == (1, [])
    assert len(refusals) == 1
