"""The snippets: run as they would be pasted, against a real server."""

import asyncio
import os
import re
import shutil
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from demo_server import demo_server
from google import genai

from gateway.snippets import KEY_PLACEHOLDER, MODEL_PLACEHOLDER, snippets

FAST = "demo-1-mini"
IDS = [snippet.id for snippet in snippets("http://127.0.0.1:8400")]
PYTHON = [name for name in IDS if name.startswith("python-")]
STRANGE = 'it\'s "$(odd)" \\ `key`'


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with demo_server() as address:
        yield address


def text_of(name: str, base_url: str = "http://127.0.0.1:8400", secret: str = "", model: str = "") -> str:
    return next(each.text for each in snippets(base_url, secret, model) if each.id == name)


async def output_of(*command: str, **environment: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, env=dict(os.environ) | environment
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.parametrize("name", PYTHON)
async def test_python_snippets_print_the_streamed_answer(
    name: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pasted = compile(text_of(name, url, "sk-any", FAST), name, "exec")
    await asyncio.to_thread(exec, pasted, {})
    assert "Hello from demo-1-mini!" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_curl_snippet_streams_to_its_end(url: str) -> None:
    streamed = await output_of("sh", "-c", text_of("curl", url, "sk-any", FAST))
    assert streamed.endswith("data: [DONE]\n\n")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
async def test_the_javascript_snippet_prints_the_streamed_answer(url: str, tmp_path: Path) -> None:
    await output_of("npm", "install", "--silent", "--prefix", str(tmp_path), "openai")
    (tmp_path / "snippet.mjs").write_text(text_of("javascript", url, "sk-any", FAST))
    assert "Hello from demo-1-mini!" in await output_of("node", str(tmp_path / "snippet.mjs"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
async def test_the_go_snippet_prints_the_streamed_answer(url: str, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(text_of("go", url, "sk-any", FAST))
    (tmp_path / "go.mod").write_text("module snippet\n")
    await output_of("go", "-C", str(tmp_path), "mod", "tidy")
    assert "Hello from demo-1-mini!" in await output_of("go", "-C", str(tmp_path), "run", ".")


async def test_the_variables_are_what_the_sdks_themselves_look_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (await output_of("sh", "-c", f"env -i sh -c '{text_of('env', url, 'sk-any')}\nenv'")).splitlines():
        monkeypatch.setenv(*variable.split("=", 1))
    said: Any = [{"role": "user", "content": "[demo speed 9000] hi"}]
    async with openai.AsyncOpenAI() as client, anthropic.AsyncAnthropic() as claude, genai.Client().aio as google:
        chat = await client.chat.completions.create(model="demo-1", messages=said)
        message = await claude.messages.create(model="demo-1", max_tokens=99, messages=said)
        assert google._api_client._http_options.base_url == url
    assert chat.choices[0].message.content == message.content[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("claude-code", ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC")),
        ("gemini-cli", ("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", "GEMINI_CLI_TRUST_WORKSPACE")),
    ],
)
async def test_agents_get_their_variables_whatever_the_key_looks_like(name: str, variables: tuple[str, ...]) -> None:
    *exports, _ = text_of(name, secret=STRANGE).splitlines()
    shown = "; ".join(f'printf "%s\\n" "${variable}"' for variable in variables)
    printed = (await output_of("sh", "-c", "\n".join([*exports, shown]))).splitlines()
    assert printed == ["http://127.0.0.1:8400", STRANGE, "1" if name == "claude-code" else "true"]


def test_the_codex_settings_are_toml_that_names_the_responses_api() -> None:
    settings = tomllib.loads(text_of("codex", model='a "quoted" model'))
    assert settings["model"] == 'a "quoted" model'
    assert settings["model_providers"][settings["model_provider"]] == {
        "name": "Gatehouse",
        "base_url": "http://127.0.0.1:8400/v1",
        "env_key": "GATEHOUSE_KEY",
        "wire_api": "responses",
    }


@pytest.mark.parametrize("name", PYTHON)
def test_python_snippets_stay_python_whatever_is_put_in(name: str) -> None:
    compile(text_of(name, secret=STRANGE, model=STRANGE), name, "exec")


@pytest.mark.parametrize("name", IDS)
def test_without_a_key_or_a_model_stand_ins_are_shown(name: str) -> None:
    text = text_of(name)
    assert KEY_PLACEHOLDER in text
    assert MODEL_PLACEHOLDER in text or name == "env"


@pytest.mark.parametrize("name", IDS)
def test_every_snippet_holds_the_real_address_once_and_whole(name: str) -> None:
    text = text_of(name, "https://gate.example.com:9000/")
    assert set(re.findall(r"https://gate\.example\.com:9000[^\s\"',)]*", text)) <= {
        "https://gate.example.com:9000",
        "https://gate.example.com:9000/v1",
        "https://gate.example.com:9000/v1/chat/completions",
    }
    assert "https://gate.example.com:9000" in text


def test_ids_and_titles_are_told_apart() -> None:
    assert len(set(IDS)) == len(IDS)
    assert len({snippet.title for snippet in snippets("http://x")}) == len(IDS)
