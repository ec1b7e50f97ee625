"""What to paste into clients so that they talk to this gateway: code, settings and variables, with its real address."""

import json
from shlex import quote

from gateway.operations import Snippet

KEY_PLACEHOLDER = "YOUR_GATEHOUSE_KEY"
MODEL_PLACEHOLDER = "demo-1"
_PROMPT = "Say hello in one sentence."


def snippets(base_url: str, secret: str = "", model: str = "") -> list[Snippet]:
    """All snippets. `base_url` is the gateway's bare address; without a key or a model stand-ins are put in."""
    values = _values(base_url.rstrip("/"), secret or KEY_PLACEHOLDER, model or MODEL_PLACEHOLDER)
    return [
        Snippet(id=name, title=title, language=language, text=template.lstrip("\n") % values)
        for name, title, language, template in _TEMPLATES
    ]


def _values(host: str, key: str, model: str) -> dict[str, str]:
    """The values as shell words (sh_) and as string literals, which JSON, TOML, Python, JavaScript and Go share."""
    body = {"model": model, "messages": [{"role": "user", "content": _PROMPT}], "stream": True}
    return {
        "host": _literal(host),
        "v1": _literal(f"{host}/v1"),
        "key": _literal(key),
        "model": _literal(model),
        "prompt": _literal(_PROMPT),
        "sh_host": quote(host),
        "sh_v1": quote(f"{host}/v1"),
        "sh_chat": quote(f"{host}/v1/chat/completions"),
        "sh_key": quote(key),
        "sh_bearer": quote(f"Authorization: Bearer {key}"),
        "sh_model": quote(model),
        "sh_body": quote(_literal(body)),
    }


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_CURL = """
curl -N %(sh_chat)s \\
  -H %(sh_bearer)s \\
  -H 'Content-Type: application/json' \\
  -d %(sh_body)s
"""

_PYTHON_OPENAI = """
from openai import OpenAI

client = OpenAI(base_url=%(v1)s, api_key=%(key)s)
stream = client.chat.completions.create(
    model=%(model)s,
    messages=[{"role": "user", "content": %(prompt)s}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
"""

_PYTHON_RESPONSES = """
from openai import OpenAI

client = OpenAI(base_url=%(v1)s, api_key=%(key)s)
with client.responses.stream(model=%(model)s, input=%(prompt)s) as stream:
    for event in stream:
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
"""

_PYTHON_ANTHROPIC = """
from anthropic import Anthropic

client = Anthropic(base_url=%(host)s, api_key=%(key)s)
with client.messages.stream(
    model=%(model)s,
    max_tokens=1024,
    messages=[{"role": "user", "content": %(prompt)s}],
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
"""

_PYTHON_GOOGLE = """
from google import genai

client = genai.Client(api_key=%(key)s, http_options={"base_url": %(host)s})
for chunk in client.models.generate_content_stream(
    model=%(model)s,
    contents=%(prompt)s,
):
    print(chunk.text or "", end="", flush=True)
"""

_JAVASCRIPT = """
import OpenAI from "openai";

const client = new OpenAI({ baseURL: %(v1)s, apiKey: %(key)s });
const stream = await client.chat.completions.create({
  model: %(model)s,
  messages: [{ role: "user", content: %(prompt)s }],
  stream: true,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}
"""

_GO = """
package main

import (
\t"context"
\t"fmt"

\t"github.com/openai/openai-go/v3"
\t"github.com/openai/openai-go/v3/option"
)

func main() {
\tclient := openai.NewClient(option.WithBaseURL(%(v1)s), option.WithAPIKey(%(key)s))
\tstream := client.Chat.Completions.NewStreaming(context.Background(), openai.ChatCompletionNewParams{
\t\tModel:    %(model)s,
\t\tMessages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(%(prompt)s)},
\t})
\tfor stream.Next() {
\t\tfor _, choice := range stream.Current().Choices {
\t\t\tfmt.Print(choice.Delta.Content)
\t\t}
\t}
\tif err := stream.Err(); err != nil {
\t\tpanic(err)
\t}
}
"""

_CLAUDE_CODE = """
export ANTHROPIC_BASE_URL=%(sh_host)s
export ANTHROPIC_AUTH_TOKEN=%(sh_key)s
export ANTHROPIC_MODEL=%(sh_model)s
export ANTHROPIC_DEFAULT_HAIKU_MODEL=%(sh_model)s
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
claude
"""

_CODEX = """
# ~/.codex/config.toml; the key goes into the environment: export GATEHOUSE_KEY=%(sh_key)s
model = %(model)s
model_provider = "gatehouse"
web_search = "disabled"  # leave this out with OpenAI itself, and on a route with web search switched on

[model_providers.gatehouse]
name = "Gatehouse"
base_url = %(v1)s
env_key = "GATEHOUSE_KEY"
wire_api = "responses"
"""

_GEMINI_CLI = """
export GOOGLE_GEMINI_BASE_URL=%(sh_host)s
export GEMINI_API_KEY=%(sh_key)s
export GEMINI_CLI_TRUST_WORKSPACE=true
# once: in ~/.gemini/settings.json {"security": {"auth": {"selectedType": "gemini-api-key"}}}
gemini -m %(sh_model)s
"""

_ENV = """
export OPENAI_BASE_URL=%(sh_v1)s
export OPENAI_API_KEY=%(sh_key)s
export ANTHROPIC_BASE_URL=%(sh_host)s
export ANTHROPIC_API_KEY=%(sh_key)s
export GOOGLE_GEMINI_BASE_URL=%(sh_host)s
export GEMINI_API_KEY=%(sh_key)s
"""

_TEMPLATES = (
    ("curl", "curl", "shell", _CURL),
    ("python-openai", "Python: OpenAI", "python", _PYTHON_OPENAI),
    ("python-openai-responses", "Python: OpenAI Responses", "python", _PYTHON_RESPONSES),
    ("python-anthropic", "Python: Anthropic", "python", _PYTHON_ANTHROPIC),
    ("python-google", "Python: Google", "python", _PYTHON_GOOGLE),
    ("javascript", "JavaScript", "javascript", _JAVASCRIPT),
    ("go", "Go", "go", _GO),
    ("claude-code", "Claude Code", "shell", _CLAUDE_CODE),
    ("codex", "Codex", "toml", _CODEX),
    ("gemini-cli", "Gemini CLI", "shell", _GEMINI_CLI),
    ("env", "environment", "shell", _ENV),
)
