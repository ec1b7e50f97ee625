"""What the gateway gives out to be pasted works as pasted: run against the gateway that gave it out."""

import asyncio
import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
from house import House

from gateway.operations import AddUpstream, GetSnippets
from gateway.snippets import snippets

MODEL = "demo-1-mini"
GREETING = "Hello from demo-1-mini!"
PYTHON = [each.id for each in snippets("http://x") if each.language == "python"]
SAID = [{"role": "user", "content": "[demo speed 9000] hi"}]


@pytest.fixture
async def texts(house: House) -> dict[str, str]:
    """The snippets by id, filled in for a gateway with the demo behind it."""
    await house.service.ask(AddUpstream(provider_id="demo"))
    given = await house.service.ask(GetSnippets(secret=house.secret, model=MODEL))
    return {snippet.id: snippet.text for snippet in given}


async def run(*command: str, **environment: str) -> str:
    """What a program prints; it must end well."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=kept | environment)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def exported(text: str) -> dict[str, str]:
    """The variables that a shell has after the exports of a snippet."""
    exports = "\n".join(line for line in text.splitlines() if line.startswith("export "))
    printed = await run("env", "-i", "sh", "-c", f"{exports}\n{shutil.which('env')}")
    return dict(line.split("=", 1) for line in printed.splitlines())


async def check_claude(variables: dict[str, str], key: str) -> None:
    """What Claude Code does first: look whether somebody is there, then send a message with its key."""
    async with httpx.AsyncClient(base_url=variables["ANTHROPIC_BASE_URL"]) as client:
        assert (await client.head("/api/hello")).status_code == 200
        body = {"model": MODEL, "max_tokens": 99, "messages": SAID}
        response = await client.post("/v1/messages?beta=true", json=body, headers={"authorization": f"Bearer {key}"})
    assert response.json()["content"][0]["text"].startswith(GREETING)


async def check_openai(base_url: str, key: str) -> None:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}) as client:
        response = await client.post(f"{base_url}/responses", json={"model": MODEL, "input": SAID})
    assert response.json()["output"][-1]["content"][0]["text"].startswith(GREETING)


async def check_gemini(variables: dict[str, str]) -> None:
    """What Gemini CLI sends."""
    contents: Any = [{"role": "user", "parts": [{"text": SAID[0]["content"]}]}]
    path = f"{variables['GOOGLE_GEMINI_BASE_URL']}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    async with httpx.AsyncClient(headers={"x-goog-api-key": variables["GEMINI_API_KEY"]}) as client:
        response = await client.post(path, json={"contents": contents})
    assert "Hello" in response.text


async def test_snippets_hold_the_address_the_gateway_really_has(house: House, texts: dict[str, str]) -> None:
    assert len(texts) >= 10
    for name, text in texts.items():
        assert house.url in text, name
        assert house.secret in text, name


@pytest.mark.parametrize("name", PYTHON)
async def test_pasted_python_prints_the_streamed_answer(house: House, texts: dict[str, str], name: str) -> None:
    assert GREETING in await run(sys.executable, "-c", texts[name])
    record = await house.settled()
    assert (record.state, record.stream, record.key_id) == ("done", True, house.key.key.id)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_pasted_curl_streams_to_the_last_event(house: House, texts: dict[str, str]) -> None:
    streamed = await run("bash", "-c", texts["curl"])
    assert streamed.endswith("data: [DONE]\n\n")
    assert (await house.settled()).state == "done"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
async def test_pasted_javascript_prints_the_streamed_answer(texts: dict[str, str], tmp_path: Path) -> None:
    await run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "openai")
    (tmp_path / "pasted.mjs").write_text(texts["javascript"])
    assert GREETING in await run("node", str(tmp_path / "pasted.mjs"))


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="there is no Go toolchain on this machine")
async def test_pasted_go_is_go_as_gofmt_would_write_it(texts: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(texts["go"])
    assert await run("gofmt", "-l", str(tmp_path / "main.go")) == ""


async def test_the_variables_for_claude_code_lead_to_an_answer(texts: dict[str, str]) -> None:
    variables = await exported(texts["claude-code"])
    assert variables["ANTHROPIC_MODEL"] == MODEL
    await check_claude(variables, variables["ANTHROPIC_AUTH_TOKEN"])


async def test_the_settings_for_codex_lead_to_an_answer(house: House, texts: dict[str, str]) -> None:
    settings = tomllib.loads(texts["codex"])
    provider = settings["model_providers"][settings["model_provider"]]
    assert (settings["model"], provider["wire_api"]) == (MODEL, "responses")
    await check_openai(provider["base_url"], house.secret)


async def test_the_variables_for_gemini_cli_lead_to_an_answer(texts: dict[str, str]) -> None:
    await check_gemini(await exported(texts["gemini-cli"]))


async def test_the_plain_variables_lead_every_sdk_to_an_answer(texts: dict[str, str]) -> None:
    variables = await exported(texts["env"])
    await check_openai(variables["OPENAI_BASE_URL"], variables["OPENAI_API_KEY"])
    await check_claude(variables, variables["ANTHROPIC_API_KEY"])
    await check_gemini(variables)
